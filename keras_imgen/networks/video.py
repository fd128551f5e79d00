"""3-D convolutions: encoders and decoders of clips (N, F, H, W, C), mirror images of each other, as `networks.autoencoder` has them of
pictures; their latents (N, D) are of whole clips."""

from typing import Any

import keras
from keras import layers

from keras_imgen.layers import LabelPlanes
from keras_imgen.networks import adversarial as common


def clip_encoder(
    clip_shape: tuple[int, int, int, int],
    outputs: int,
    width: int = 16,
    num_classes: int | None = None,
    normalization: str | None = "batch",
    name: str = "clip_encoder",
) -> keras.Model:
    """3-D convolutions with stride 2 down to 4 to 15 pixels, in time as long as the frames are even in number, then a dense layer.

    Args:
        clip_shape: (frames, height, width, channels), 8 to 128 pixels a side.
        outputs: the number of latents, or twice that for mean and log-variance.
        width: channels of the first level; each further one has twice as many, at most 8 width.
        num_classes: adds the input `label`, as one-hot planes beside every frame.
        normalization: "batch" or None.
        name: of the model.

    Raises:
        ValueError: a size that cannot be halved down to 4..15.
    """
    common.check_normalization(normalization, ("batch", None))
    inputs, h = with_label_planes(clip_shape, num_classes)
    for i, (kernel, stride) in enumerate(reversed(levels(clip_shape)[1])):
        out = width * 2 ** min(i, 3)
        h = layers.Conv3D(out, kernel, stride, "same", kernel_initializer="he_normal", name=f"conv{i}")(h)
        h = common.normalization(normalization, f"norm{i}")(h)
        h = layers.Activation("silu", name=f"silu{i}")(h)
    h = layers.Flatten(name="flatten")(h)
    return keras.Model(common.plain(inputs), layers.Dense(outputs, dtype="float32", name="out")(h), name=name)


def clip_decoder(
    clip_shape: tuple[int, int, int, int],
    latent_dim: int,
    width: int = 16,
    factor: int = 1,
    num_classes: int | None = None,
    normalization: str | None = "batch",
    name: str = "clip_decoder",
) -> keras.Model:
    """The mirror image of `clip_encoder`: a dense layer, then transposed 3-D convolutions.

    Args:
        clip_shape: (frames, height, width, channels), 8 to 128 pixels a side.
        latent_dim: the number of latents.
        width: channels of the last level; each one before has twice as many, at most 8 width.
        factor: output channels for one of the clip, see `likelihoods`.
        num_classes: adds the input `label`, one-hot beside the latent.
        normalization: "batch" or None.
        name: of the model.

    Raises:
        ValueError: a size that cannot be halved down to 4..15.
    """
    common.check_normalization(normalization, ("batch", None))
    inputs = common.generator_inputs(latent_dim, num_classes)
    h = common.latent_and_label(inputs, num_classes)
    h = grown(h, clip_shape, width, factor * clip_shape[-1], normalization, "silu", "he_normal")
    return keras.Model(common.plain(inputs), h, name=name)


def levels(clip_shape: tuple[int, ...]) -> tuple[tuple[int, int, int], list[tuple]]:
    """How clips grow from few numbers: the smallest (frames, height, width), then (kernel, stride) of every level. Each doubles height and
    width, and the frames where that leads to those that are wanted.

    Args:
        clip_shape: (frames, height, width, channels).

    Raises:
        ValueError: a size that cannot be halved down to 4..15.
    """
    frames, found = clip_shape[0], []
    times, (height, width) = common.levels(clip_shape[1:])
    for _ in range(times):
        halved = frames % 2 == 0
        found.append(((4, 4, 4), (2, 2, 2)) if halved else ((3, 4, 4), (1, 2, 2)))
        frames = frames // 2 if halved else frames
    return (frames, height, width), found[::-1]


def grown(
    h: Any,
    clip_shape: tuple[int, ...],
    width: int,
    channels: int,
    normalization: str | None,
    activation: str,
    start: Any,
    name: str = "",
    **last: Any,
) -> Any:
    """A vector (N, D) as a clip (N, F, H, W, channels), float32: a dense layer, then transposed 3-D convolutions.

    Args:
        h: symbolic.
        clip_shape: (frames, height, width, channels).
        width: channels of the last level; each one before has twice as many, at most 8 width.
        channels: of the clip.
        normalization: "batch" or None, before each activation.
        activation: between the layers.
        start: initializer of the kernels.
        name: before the names of the layers.
        **last: arguments of the last convolution.
    """
    smallest, steps = levels(clip_shape)
    widths = [width * 2 ** min(i, 3) for i in reversed(range(len(steps)))]
    h = layers.Dense(
        smallest[0] * smallest[1] * smallest[2] * widths[0], kernel_initializer=start, name=f"{name}dense"
    )(h)
    h = layers.Reshape((*smallest, widths[0]), name=f"{name}reshape")(h)
    for i, (kernel, stride) in enumerate(steps):
        h = common.normalization(normalization, f"{name}norm{i}")(h)
        h = layers.Activation(activation, name=f"{name}{activation}{i}")(h)
        ends = i == len(steps) - 1
        how = {"kernel_initializer": start, **({"dtype": "float32", **last} if ends else {})}
        out = channels if ends else widths[i + 1]
        h = layers.Conv3DTranspose(out, kernel, stride, "same", name=f"{name}conv{i}", **how)(h)
    return h


def with_label_planes(clip_shape: tuple[int, ...], num_classes: int | None) -> tuple[dict, Any]:
    """(the symbolic inputs `image` and, with classes, `label`; the clip, with planes of the label beside every frame).

    Args:
        clip_shape: (frames, height, width, channels).
        num_classes: of the labels, or None.
    """
    frames, height, width, _ = clip_shape
    inputs = {"image": keras.Input(tuple(clip_shape), name="image")}
    if num_classes is None:
        return inputs, inputs["image"]
    inputs["label"] = keras.Input((), dtype="int32", name="label")
    planes = LabelPlanes(num_classes, frames * height, width, name="label_planes")(inputs["label"])
    planes = layers.Reshape((frames, height, width, num_classes), name="planes_of_frames")(planes)
    return inputs, layers.Concatenate(name="image_and_label")([inputs["image"], planes])
