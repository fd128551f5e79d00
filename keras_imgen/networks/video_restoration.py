"""Networks that restore clips without a flow: called with a dict of `clip` (N, F, H, W, C) in [-1, 1] -> (N, F - 2 radius, scale H,
scale W, C), float32, not clipped, for every H, W >= 1: each frame by those around it, the first and the last ones are not answered.

So a window of frames gives one, and a run of them many without doing twice what they share. They start as their middle frame.
"""

import math
from typing import Any

import keras
from keras import layers, ops

from keras_imgen.layers import (
    CropLike,
    Fold,
    MiddleFrames,
    NoiseLevel,
    PadToMultiple,
    PixelShuffle,
    PixelUnshuffle,
    PushPull,
    RowsAsFrames,
    Upscale,
    Windows,
)
from keras_imgen.networks.inpainting import OneMinus
from keras_imgen.networks.residual_unet import residual_unet


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
    rows = Fold(dtype="float32", name="rows")(clip)
    h = PadToMultiple(2 ** len(blocks), dtype="float32", name="pad")(rows)
    noisy = RowsAsFrames(dtype="float32", name="half")([PixelUnshuffle(2, dtype="float32", name="unshuffle")(h), clip])
    inputs, given = {"clip": clip}, noisy
    if noise_map:
        inputs["sigma"] = keras.Input((), name="sigma")
        given = NoiseLevel(dtype="float32", name="noise_level")([noisy, inputs["sigma"]])
    h = _two_stages(given, noisy, clip, width, blocks)
    h = PixelShuffle(2, dtype="float32", name="shuffle")(Fold(dtype="float32", name="out_rows")(h))
    h = CropLike(dtype="float32", name="crop")([h, rows])
    return keras.Model(inputs, RowsAsFrames(dtype="float32", name="out")([h, clip]), name=name)


def video_sr(
    scale: int = 2, channels: int = 3, width: int = 36, blocks: tuple[int, ...] = (3, 2, 1), name: str = "video_sr"
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
    rows = Fold(dtype="float32", name="rows")(clip)
    h = PadToMultiple(2 ** (len(blocks) - 1), dtype="float32", name="pad")(rows)
    start = PixelUnshuffle(scale, dtype="float32", name="unshuffle")(Upscale(scale, name="upscale")(h))
    h = RowsAsFrames(dtype="float32", name="given")([h, clip])
    start = RowsAsFrames(dtype="float32", name="start")([start, clip])
    h = _two_stages(h, start, clip, width, blocks)
    h = PixelShuffle(scale, dtype="float32", name="shuffle")(Fold(dtype="float32", name="out_rows")(h))
    h = CropLike(scale, dtype="float32", name="crop")([h, rows])
    return keras.Model({"clip": clip}, RowsAsFrames(dtype="float32", name="out")([h, clip]), name=name)


def _two_stages(given: Any, start: Any, clip: Any, width: int, blocks: tuple[int, ...]) -> Any:
    """(N, F - 4, h, w, C), the start of the middle frames and what two networks add to it, of symbolic (N, F, h, w, ...)."""
    add = lambda a, b, name: layers.Add(dtype="float32", name=name)([a, b])  # noqa: E731
    middle = lambda x, radius, name, **how: MiddleFrames(radius, name=name, **how)(x)  # noqa: E731
    first = _stage("first", Windows(3, name="first_windows")(given), start.shape[-1], clip, width, blocks)
    first = add(middle(start, 1, "first_start", dtype="float32"), first, "first_add")
    both = [Windows(3, name="second_windows")(first), middle(given, 2, "second_given")]
    both = layers.Concatenate(name="second_inputs")(both)
    second = _stage("second", both, start.shape[-1], clip, width, blocks)
    return add(middle(first, 1, "second_start", dtype="float32"), second, "second_add")


def _stage(name: str, h: Any, channels: int, clip: Any, width: int, blocks: tuple[int, ...]) -> Any:
    """A U-Net of each of the frames (N, F, h, w, C), whose last weights are zero."""
    if not 1 <= len(blocks) <= 4:
        raise ValueError(f"Expected numbers of blocks for 1 to 4 resolutions, got {blocks!r}.")
    widths = (width, 4 * width // 3, 2 * width, 3 * width)[: len(blocks)]
    x = keras.Input((None, None, h.shape[-1]))
    out = residual_unet(x, channels, widths, blocks, late_skips=True, kernel_initializer="zeros")
    rows = keras.Model(x, out, name=name)(Fold(name=f"{name}_rows")(h))
    return RowsAsFrames(dtype="float32", name=f"{name}_frames")([rows, clip])


# === Damage ===


def film_repairer(
    channels: int = 3, width: int = 32, blocks: tuple[int, ...] = (2, 2, 2), name: str = "film_repairer"
) -> keras.Model:
    """Finds scratches and dust, and paints them by the frames around: called with `clip` and `mask` (N, F, H, W, 1), 1 where to paint, 0
    where not, -1 where it shall find out; gives C + 5 channels, the last of them logits of damage: of the frame, and of the two before and
    the two after it, which it was painted by, in their order.

    One U-Net sees three neighbours and finds damage in the middle one. Holes are filled smoothly (`layers.PushPull`), and a second U-Net
    sees five filled frames and where they are known, and gives what is added in the holes of the middle one. What is known comes
    back as it was.

    Args:
        channels: of the frames.
        width: see `video_denoiser`.
        blocks: see `video_denoiser`; of each of the two.
        name: of the model.

    Raises:
        ValueError: blocks for no resolution, or for more than four.
    """
    clip, mask = keras.Input((None, None, None, channels), name="clip"), keras.Input((None,) * 3 + (1,), name="mask")
    exact, fill = {"dtype": "float32"}, PushPull(5, name="fill")
    pad = PadToMultiple(math.lcm(fill.multiple, 2 ** len(blocks)), name="pad", **exact)
    rows = Fold(name="rows", **exact)(clip)

    def frames(x, name):
        return RowsAsFrames(name=name, **exact)([x, clip])

    def middle(x, radius, name):
        return MiddleFrames(radius, name=name, **exact)(x)

    def as_rows(x, name):
        return Fold(name=name, **exact)(x)

    padded, given = pad(rows), pad(as_rows(mask, "mask_rows"))
    h = frames(PixelUnshuffle(2, name="unshuffle", **exact)(padded), "half")
    found = _stage("detector", Windows(3, name="detector_windows")(h), 4, clip, width, blocks)
    logits = PixelShuffle(2, name="logits", **exact)(as_rows(found, "found_rows"))
    inner = [
        as_rows(middle(frames(x, f"{n}_frames"), 1, f"{n}_inner"), f"{n}_inner_rows")
        for n, x in (("clip", padded), ("mask", given))
    ]
    holes = Holes(name="holes", **exact)([inner[1], logits])
    known = OneMinus(name="known", **exact)(holes)
    filled = fill([inner[0], known])
    h = layers.Concatenate(name="filled_and_known", **exact)([filled, known])
    h = frames(PixelUnshuffle(2, name="filled_unshuffle", **exact)(h), "filled_half")
    h = _stage("painter", Windows(5, name="painter_windows")(h), 4 * channels, clip, width, blocks)
    h = PixelShuffle(2, name="shuffle", **exact)(as_rows(h, "painted_rows"))
    start, holes = (
        as_rows(middle(frames(x, f"{n}_frames"), 2, f"{n}_middle"), f"{n}_middle_rows")
        for n, x in (("filled", filled), ("holes", holes))
    )
    logits = as_rows(Windows(5, name="logits_windows", **exact)(frames(logits, "logits_frames")), "logits_windows_rows")
    painted = layers.Add(name="painted", **exact)([start, h])
    whole = as_rows(middle(clip, 3, "clip_middle"), "clip_middle_rows")
    painted, holes, logits = (
        CropLike(name=f"{n}_crop", **exact)([x, rows])
        for n, x in (("painted", painted), ("holes", holes), ("logits", logits))
    )
    whole = PutBack(name="put_back", **exact)([painted, whole, holes])
    h = layers.Concatenate(name="frames_and_logits", **exact)([whole, logits])
    return keras.Model({"clip": clip, "mask": mask}, frames(h, "out"), name=name)


@keras.saving.register_keras_serializable("keras_imgen")
class Holes(layers.Layer):
    """Called with [mask, logits]: the mask, and where that is below 0, 1 for logits above 0, else 0."""

    def call(self, inputs: Any) -> Any:
        mask, logits = inputs
        return ops.where(mask < 0.0, ops.cast(logits > 0.0, mask.dtype), mask)

    def compute_output_shape(self, shapes: list[tuple]) -> tuple:
        return shapes[0]


@keras.saving.register_keras_serializable("keras_imgen")
class PutBack(layers.Layer):
    """Called with [painted, picture, mask]: painted where the mask is 1, the picture where it is 0."""

    def call(self, inputs: Any) -> Any:
        painted, picture, mask = inputs
        return mask * painted + (1.0 - mask) * picture

    def compute_output_shape(self, shapes: list[tuple]) -> tuple:
        return shapes[1]
