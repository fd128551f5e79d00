"""Generators and discriminators of clips: VGAN (Vondrick et al. 2016), MoCoGAN (Tulyakov et al. 2018). In and out as in `adversarial`, with
clips (N, F, H, W, C) in the place of pictures."""

from typing import Any

import keras
from keras import layers, ops

from keras_imgen.layers import Fold, Unfold
from keras_imgen.layers.initial import normal
from keras_imgen.networks import adversarial as common
from keras_imgen.networks.dcgan import dcgan_discriminator, dcgan_generator
from keras_imgen.networks.video import grown, levels, with_label_planes


def vgan_generator(
    clip_shape: tuple[int, int, int, int],
    latent_dim: int = 100,
    width: int = 32,
    num_classes: int | None = None,
    name: str = "vgan_generator",
) -> keras.Model:
    """Two streams (Vondrick et al. 2016, "Generating Videos with Scene Dynamics", eq. 3): a foreground that moves, by 3-D convolutions, is
    laid by its own mask on a background that stands still, by 2-D ones: m f + (1 - m) b. The paper's penalty on the mask is left out.

    Args:
        clip_shape: (frames, height, width, channels), 8 to 128 pixels a side.
        latent_dim: length of a latent.
        width: channels before the last layer; each level below has twice as many, at most 8 width.
        num_classes: adds the input `label`, one-hot beside the latent.
        name: of the model.

    Raises:
        ValueError: a size that cannot be halved down to 4..15.
    """
    inputs = common.generator_inputs(latent_dim, num_classes)
    told = common.latent_and_label(inputs, num_classes)
    channels, start = clip_shape[-1], normal(0.02)
    moving = grown(told, clip_shape, width, channels + 1, "batch", "relu", start, "foreground_")
    behind = dcgan_generator(clip_shape[1:], told.shape[-1], width, name="background")({"latent": told})
    return keras.Model(inputs, Laid(dtype="float32", name="laid")(moving, behind), name=name)


@keras.saving.register_keras_serializable("keras_imgen")
class Laid(layers.Layer):
    """A foreground (N, F, H, W, C + 1), before tanh, with the logit of its mask as its last channel, on a background (N, H, W, C) in
    [-1, 1]."""

    def call(self, foreground: Any, background: Any) -> Any:
        mask = ops.sigmoid(foreground[..., -1:])
        return mask * ops.tanh(foreground[..., :-1]) + (1.0 - mask) * background[:, None]

    def compute_output_shape(self, foreground_shape: tuple, background_shape: tuple) -> tuple:
        return (*foreground_shape[:-1], background_shape[-1])


def vgan_discriminator(
    clip_shape: tuple[int, int, int, int],
    width: int = 32,
    num_classes: int | None = None,
    name: str = "vgan_discriminator",
) -> keras.Model:
    """Clips to logits (N, 1), by 3-D convolutions with stride and leaky ReLU; without normalisation, for gradient penalties.

    Args:
        clip_shape: (frames, height, width, channels), 8 to 128 pixels a side.
        width: channels of the first level; each further one has twice as many, at most 8 width.
        num_classes: adds the input `label`, as planes beside every frame.
        name: of the model.

    Raises:
        ValueError: a size that cannot be halved down to 4..15.
    """
    inputs, h = with_label_planes(clip_shape, num_classes)
    for i, (kernel, stride) in enumerate(reversed(levels(clip_shape)[1])):
        out = width * 2 ** min(i, 3)
        h = layers.Conv3D(out, kernel, stride, "same", kernel_initializer="he_normal", name=f"conv{i}")(h)
        h = layers.LeakyReLU(0.2, name=f"leaky{i}")(h)
    h = layers.Dense(1, dtype="float32", name="logits")(layers.Flatten(name="flatten")(h))
    return keras.Model(inputs, h, name=name)


def mocogan_generator(
    clip_shape: tuple[int, int, int, int],
    content_dim: int = 50,
    motion_dim: int = 10,
    width: int = 32,
    num_classes: int | None = None,
    name: str = "mocogan_generator",
) -> keras.Model:
    """Motion and content apart (Tulyakov et al. 2018, "MoCoGAN: Decomposing Motion and Content for Video Generation"): a GRU makes of its
    first state and of fresh noise for every frame a way through motions; each, beside the one content of the clip, becomes a frame by a
    `dcgan_generator`.

    Its latent (N, content_dim + (frames + 1) motion_dim) is the content, the first state, and the noise of each frame: exchange a part, and
    the rest stays.

    Args:
        clip_shape: (frames, height, width, channels), 8 to 128 pixels a side.
        content_dim: numbers that all frames of a clip share.
        motion_dim: numbers of a state.
        width: see `dcgan_generator`.
        num_classes: adds the input `label`, one-hot beside the content.
        name: of the model.

    Raises:
        ValueError: a size that cannot be halved down to 4..15.
    """
    frames = clip_shape[0]
    inputs = common.generator_inputs(content_dim + (frames + 1) * motion_dim, num_classes)
    content, first, noise = ContentAndMotion(frames, content_dim, motion_dim, name="apart")(inputs["latent"])
    if num_classes is not None:
        content = common.latent_and_label({**inputs, "latent": content}, num_classes)
    motion = layers.GRU(motion_dim, return_sequences=True, name="motion")(noise, initial_state=first)
    both = layers.Concatenate(name="content_and_motion")([layers.RepeatVector(frames, name="content")(content), motion])
    drawn = dcgan_generator(clip_shape[1:], both.shape[-1], width, name="frame")({"latent": Fold(name="fold")(both)})
    return keras.Model(inputs, Unfold(frames, dtype="float32", name="unfold")(drawn), name=name)


@keras.saving.register_keras_serializable("keras_imgen")
class ContentAndMotion(layers.Layer):
    """A latent (N, D) as content (N, content_dim), first state (N, motion_dim) and noise (N, frames, motion_dim).

    Args:
        frames: of a clip.
        content_dim: numbers of the content.
        motion_dim: numbers of a state.
    """

    def __init__(self, frames: int, content_dim: int, motion_dim: int, **kwargs: Any):
        super().__init__(**kwargs)
        self.frames, self.content_dim, self.motion_dim = frames, content_dim, motion_dim

    def call(self, latent: Any) -> Any:
        content, first, noise = ops.split(latent, [self.content_dim, self.content_dim + self.motion_dim], axis=-1)
        return content, first, ops.reshape(noise, (-1, self.frames, self.motion_dim))

    def compute_output_shape(self, shape: tuple) -> tuple:
        return (shape[0], self.content_dim), (shape[0], self.motion_dim), (shape[0], self.frames, self.motion_dim)

    def get_config(self) -> dict[str, Any]:
        own = {"frames": self.frames, "content_dim": self.content_dim, "motion_dim": self.motion_dim}
        return {**super().get_config(), **own}


def mocogan_discriminator(
    clip_shape: tuple[int, int, int, int],
    width: int = 32,
    num_classes: int | None = None,
    name: str = "mocogan_discriminator",
) -> keras.Model:
    """Two judges in one: of pictures, every frame by itself, and of clips, by 3-D convolutions whose stride is in space alone, so that
    there is a logit of what moves around each frame, too: (N, 2 frames), half of them of each.

    The paper shows the first judge one frame of a clip by chance; the mean over all of them is the same loss.

    Args:
        clip_shape: (frames, height, width, channels), 8 to 128 pixels a side.
        width: channels of the first level; each further one has twice as many, at most 8 width.
        num_classes: adds the input `label`, as planes beside every frame, which the judge of clips sees.
        name: of the model.

    Raises:
        ValueError: a size that cannot be halved down to 4..15.
    """
    frames = clip_shape[0]
    inputs, h = with_label_planes(clip_shape, num_classes)
    of_pictures = dcgan_discriminator(clip_shape[1:], width, name="of_pictures")
    pictures = of_pictures({"image": Fold(name="fold")(inputs["image"])})
    pictures = layers.Reshape((frames,), dtype="float32", name="logits_of_pictures")(
        Unfold(frames, dtype="float32", name="unfold")(pictures)
    )
    for i in range(len(levels(clip_shape)[1])):
        out = width * 2 ** min(i, 3)
        h = layers.Conv3D(out, (3, 4, 4), (1, 2, 2), "same", kernel_initializer="he_normal", name=f"conv{i}")(h)
        h = layers.LeakyReLU(0.2, name=f"leaky{i}")(h)
    h = layers.Dense(1, dtype="float32", name="dense")(layers.Reshape((frames, -1), name="features")(h))
    moving = layers.Reshape((frames,), dtype="float32", name="logits_of_clips")(h)
    return keras.Model(inputs, layers.Concatenate(dtype="float32", name="logits")([pictures, moving]), name=name)
