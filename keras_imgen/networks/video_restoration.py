"""Networks that restore clips without a flow: called with a dict of `clip` (N, F, H, W, C) in [-1, 1] -> (N, F - 2 radius, scale H,
scale W, C), float32, not clipped, for every H, W >= 1: each frame by those around it, the first and the last ones are not answered.

So a window of frames gives one, and a run of them many without doing twice what they share. They start as their middle frame.
"""

from typing import Any

import keras
from keras import layers

from keras_imgen.layers import (
    CropLike,
    FramesAsRows,
    MiddleFrames,
    NoiseLevel,
    PadToMultiple,
    PixelShuffle,
    PixelUnshuffle,
    RowsAsFrames,
    Upscale,
    Windows,
)
from keras_imgen.networks.residual_unet import residual_unet

RADIUS = 2  # of two stages of three frames


def video_denoiser(
    channels: int = 3,
    width: int = 32,
    blocks: tuple[int, ...] = (2, 2, 2),
    noise_map: bool = False,
    name: str = "video_denoiser",
) -> keras.Model:
    """Five frames in two stages (Tassano et al. 2020, "FastDVDnet"), with the small U-Nets of `networks.compact_denoiser`.

    The first stage sees every three neighbours, the second every three answers of the first, and the noisy frame. All is at half the
    resolution.

    Args:
        channels: of the frames.
        width: features at half the resolution; 4/3 and 2 times as many at a quarter and an eighth.
        blocks: residual blocks at each of at most four resolutions, on the way down and on the way up.
        noise_map: called with `sigma` (N,) too, the noise's standard deviation in gray levels of 255; False: blind.
        name: of the model.

    Raises:
        ValueError: blocks for no resolution, or for more than four.
    """
    clip = keras.Input((None, None, None, channels), name="clip")
    rows = FramesAsRows(dtype="float32", name="rows")(clip)
    h = PadToMultiple(2 ** len(blocks), dtype="float32", name="pad")(rows)
    noisy = RowsAsFrames(dtype="float32", name="half")([PixelUnshuffle(2, dtype="float32", name="unshuffle")(h), clip])
    inputs, given = {"clip": clip}, noisy
    if noise_map:
        inputs["sigma"] = keras.Input((), name="sigma")
        given = NoiseLevel(dtype="float32", name="noise_level")([noisy, inputs["sigma"]])
    h = _two_stages(given, noisy, clip, width, blocks)
    h = PixelShuffle(2, dtype="float32", name="shuffle")(FramesAsRows(dtype="float32", name="out_rows")(h))
    h = CropLike(dtype="float32", name="crop")([h, rows])
    return keras.Model(inputs, RowsAsFrames(dtype="float32", name="out")([h, clip]), name=name)


def video_sr(
    scale: int = 2, channels: int = 3, width: int = 40, blocks: tuple[int, ...] = (3, 2, 2), name: str = "video_sr"
) -> keras.Model:
    """The same two stages for super-resolution, at the resolution of the given frames: what is added to their bicubic enlargement.

    Args:
        scale: whole enlargement.
        channels: of the frames.
        width: see `video_denoiser`.
        blocks: see `video_denoiser`.
        name: of the model.

    Raises:
        ValueError: a scale below 2, blocks for no resolution, or for more than four.
    """
    if scale < 2:
        raise ValueError(f"Expected `scale` of 2 or more, got {scale!r}.")
    clip = keras.Input((None, None, None, channels), name="clip")
    rows = FramesAsRows(dtype="float32", name="rows")(clip)
    h = PadToMultiple(2 ** (len(blocks) - 1), dtype="float32", name="pad")(rows)
    start = PixelUnshuffle(scale, dtype="float32", name="unshuffle")(Upscale(scale, name="upscale")(h))
    h = RowsAsFrames(dtype="float32", name="given")([h, clip])
    start = RowsAsFrames(dtype="float32", name="start")([start, clip])
    h = _two_stages(h, start, clip, width, blocks)
    h = PixelShuffle(scale, dtype="float32", name="shuffle")(FramesAsRows(dtype="float32", name="out_rows")(h))
    h = CropLike(scale, dtype="float32", name="crop")([h, rows])
    return keras.Model({"clip": clip}, RowsAsFrames(dtype="float32", name="out")([h, clip]), name=name)


def _two_stages(given: Any, start: Any, clip: Any, width: int, blocks: tuple[int, ...]) -> Any:
    """(N, F - 4, h, w, C), the start of the middle frames and what two networks add to it, of symbolic (N, F, h, w, ...)."""
    add = lambda a, b, name: layers.Add(dtype="float32", name=name)([a, b])  # noqa: E731
    middle = lambda x, radius, name, **how: MiddleFrames(radius, name=name, **how)(x)  # noqa: E731
    first = _stage("first", [Windows(3, name="first_windows")(given)], start.shape[-1], clip, width, blocks)
    first = add(middle(start, 1, "first_start", dtype="float32"), first, "first_add")
    both = [Windows(3, name="second_windows")(first), middle(given, 2, "second_given")]
    second = _stage("second", both, start.shape[-1], clip, width, blocks)
    return add(middle(first, 1, "second_start", dtype="float32"), second, "second_add")


def _stage(name: str, given: list[Any], channels: int, clip: Any, width: int, blocks: tuple[int, ...]) -> Any:
    """A U-Net of each frame of what is given, whose last weights are zero."""
    if not 1 <= len(blocks) <= 4:
        raise ValueError(f"Expected numbers of blocks for 1 to 4 resolutions, got {blocks!r}.")
    widths = (width, 4 * width // 3, 2 * width, 3 * width)[: len(blocks)]
    beside = layers.Concatenate(name=f"{name}_inputs")(given) if len(given) > 1 else given[0]
    x = keras.Input((None, None, beside.shape[-1]))
    out = residual_unet(x, channels, widths, blocks, late_skips=True, kernel_initializer="zeros")
    rows = keras.Model(x, out, name=name)(FramesAsRows(name=f"{name}_rows")(beside))
    return RowsAsFrames(dtype="float32", name=f"{name}_frames")([rows, clip])
