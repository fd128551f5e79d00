"""Networks that go on with a clip: (N, given, H, W, C) in [-1, 1] -> the next frames (N, frames, H, W, C), float32, not clipped."""

from typing import Any

import keras
from keras import layers, ops

from keras_imgen.layers import Fold, PixelShuffle, PixelUnshuffle, Unfold
from keras_imgen.networks.residual_unet import conv, residual_unet

PATCH = 4  # pixels of a side that are one place where time is worked on


def simvp(
    clip_shape: tuple[int, int, int, int],
    frames: int,
    width: int = 32,
    translator: tuple[int, ...] = (96, 112),
    blocks: tuple[int, ...] = (1, 2),
    name: str = "simvp",
) -> keras.Model:
    """Convolutions alone (Gao et al. 2022, "SimVP: Simpler yet Better Video Prediction"): every frame is encoded by itself, at a quarter of
    its size; a translator sees all of them as channels and makes those of the next ones; every one of these is decoded by itself.

    Ours is small: the translator is the residual U-Net of our denoisers, where the paper's has kernels of four sizes, and nothing goes from
    encoder to decoder past it.

    Args:
        clip_shape: (given frames, height, width, channels).
        frames: that it tells.
        width: channels of a frame at a quarter of its size.
        translator: channels of the translator's resolutions, from the highest to the lowest.
        blocks: its residual blocks at each resolution, on the way down and on the way up.
        name: of the model.

    Raises:
        ValueError: a height or width that the strides do not divide.
    """
    given, height, wide, channels = _divided(clip_shape, PATCH * 2 ** (len(translator) - 1))
    clip = keras.Input(tuple(clip_shape), name="image")
    h = PixelUnshuffle(2, name="unshuffle")(Fold(name="fold")(clip))
    h = conv(h, width, "encoder_conv0", activation="relu")
    h = layers.Conv2D(width, 3, 2, "same", activation="relu", kernel_initializer="he_normal", name="encoder_half")(h)
    h = conv(h, width, "encoder_conv1")
    h = layers.Permute((2, 3, 1, 4), name="last_is_time")(Unfold(given, name="unfold")(h))
    h = layers.Reshape((height // PATCH, wide // PATCH, given * width), name="stack")(h)
    h = layers.Conv2D(translator[0], 1, name="translator_in")(h)
    h = layers.ReLU(name="translator_relu")(residual_unet(h, translator[0], translator, blocks, True, True, 2))
    h = layers.Conv2D(frames * width, 1, name="translator_out")(h)
    h = layers.Reshape((height // PATCH, wide // PATCH, frames, width), name="unstack")(h)
    h = Fold(name="fold_next")(layers.Permute((3, 1, 2, 4), name="first_is_time")(h))
    h = conv(h, width, "decoder_conv0", activation="relu")
    h = PixelShuffle(2, name="decoder_double")(conv(h, 4 * width, "decoder_conv1", activation="relu"))
    h = conv(h, width, "decoder_conv2", activation="relu")
    h = conv(h, 4 * channels, "frame_out", "zeros", dtype="float32")
    h = Unfold(frames, dtype="float32", name="unfold_next")(PixelShuffle(2, dtype="float32", name="shuffle")(h))
    return keras.Model(clip, h, name=name)


def convlstm(
    clip_shape: tuple[int, int, int, int],
    frames: int,
    widths: tuple[int, ...] = (64, 64),
    kernel: int = 3,
    name: str = "convlstm",
) -> keras.Model:
    """A recurrent encoder and forecaster (Shi et al. 2015, "Convolutional LSTM Network: A Machine Learning Approach for Precipitation
    Nowcasting"): layers of ConvLSTM read the given frames as patches of 4 x 4; as many begin in the states of these and tell the next
    frames, of all their states together.

    Ours is given the last frame at every step of the forecast, where the paper's is given nothing.

    Args:
        clip_shape: (given frames, height, width, channels).
        frames: that it tells.
        widths: channels of the states of each layer; the paper's are 128, 64, 64 with kernels of 5.
        kernel: side of its kernels.
        name: of the model.

    Raises:
        ValueError: a height or width that is no multiple of 4.
    """
    given, _, _, channels = _divided(clip_shape, PATCH)
    clip = keras.Input(tuple(clip_shape), name="image")
    h = PixelUnshuffle(PATCH, name="unshuffle")(Fold(name="fold")(clip))
    h = Unfold(given, name="unfold")(h)
    ahead = RepeatLast(frames, name="repeat_last")(h)
    how = {"padding": "same", "return_sequences": True}
    states, told = [], []
    for k, width in enumerate(widths):
        h, *state = layers.ConvLSTM2D(width, kernel, return_state=True, name=f"encoder{k}", **how)(h)
        states.append(state)
    for k, (width, state) in enumerate(zip(widths, states)):
        ahead = layers.ConvLSTM2D(width, kernel, name=f"forecaster{k}", **how)(ahead, initial_state=state)
        told.append(ahead)
    h = layers.Concatenate(name="states")(told) if len(told) > 1 else ahead
    h = layers.Conv2D(PATCH**2 * channels, 1, dtype="float32", name="frame_out")(Fold(name="fold_next")(h))
    h = Unfold(frames, dtype="float32", name="unfold_next")(PixelShuffle(PATCH, dtype="float32", name="shuffle")(h))
    return keras.Model(clip, h, name=name)


@keras.saving.register_keras_serializable("keras_imgen")
class RepeatLast(layers.Layer):
    """The last frame of (N, F, ...) again and again: (N, frames, ...).

    Args:
        frames: how often.
    """

    def __init__(self, frames: int, **kwargs: Any):
        super().__init__(**kwargs)
        self.frames = frames

    def call(self, x: Any) -> Any:
        return ops.repeat(x[:, -1:], self.frames, axis=1)

    def compute_output_shape(self, shape: tuple) -> tuple:
        return (shape[0], self.frames, *shape[2:])

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "frames": self.frames}


def _divided(clip_shape, by):
    given, height, width, channels = clip_shape
    if height % by or width % by:
        raise ValueError(f"Expected a height and width divisible by {by}, got {height}x{width}.")
    return given, height, width, channels
