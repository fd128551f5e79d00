"""Super-resolution of clips that follows what moves: enlarged neighbours are laid on a frame along the flow, and seen beside it."""

import keras
from keras import layers

from keras_imgen.layers import (
    CropLike,
    Fold,
    MiddleFrames,
    PadToMultiple,
    PixelShuffle,
    PixelUnshuffle,
    RowsAsFrames,
    Upscale,
)
from keras_imgen.layers.light import luma
from keras_imgen.networks.motion import AlongMotion, WeightedMean, weigher
from keras_imgen.networks.residual_unet import compact_widths, residual_unet
from keras_imgen.networks.super_resolution import compact_sr


def aligned_sr(
    scale: int = 2,
    channels: int = 3,
    width: int = 36,
    blocks: tuple[int, ...] = (2, 2, 1),
    radius: int = 2,
    single: dict[str, int] | None = None,
    flow: dict[str, int] | None = None,
    name: str = "aligned_sr",
) -> keras.Model:
    """Called with a dict of `clip` (N, F, H, W, C) in [-1, 1] -> (N, F - 2 radius, scale H, scale W, C), float32, not clipped.

    Every frame is enlarged by itself, its luma by a network, its colours by bicubic. Motion is found between the small frames; along it the
    enlarged neighbours are laid on the frame, and as they stand, and weighed place by place (see `motion.AlongMotion`). A U-Net sees their
    mean and the frame, and gives what is added to the frame as it was enlarged by itself (the order of VESPCN, Caballero et al. 2017, the
    other way round: it moves small frames, before they are enlarged). All is at the resolution of the given frames.

    It is for trained weights to begin with, see `begin_with`, and starts as they are, frame by frame; the flow does not learn.

    Args:
        scale: whole enlargement.
        channels: of the frames, 1 or 3.
        width: of the U-Net, see `networks.compact_denoiser`.
        blocks: of the U-Net.
        radius: frames to each side that are made use of.
        single: arguments of `networks.compact_sr`, which enlarges the luma; None are its defaults.
        flow: arguments of `networks.flow_interpolator`, which finds the motion; None are its defaults.
        name: of the model.

    Raises:
        ValueError: a scale below 2, a radius below 1, channels other than 1 and 3, blocks for no resolution, or for more than four.
    """
    if scale < 2:
        raise ValueError(f"Expected `scale` of 2 or more, got {scale!r}.")
    if channels not in (1, 3):
        raise ValueError(f"Expected 1 or 3 `channels`, got {channels!r}.")
    exact = {"dtype": "float32"}
    clip = keras.Input((None, None, None, channels), name="clip")
    rows = Fold(name="rows", **exact)(clip)
    bicubic, enlarger = Upscale(scale, name="upscale")(rows), compact_sr(scale, **(single or {}), name="enlarger")
    more = layers.Subtract(name="luma_more", **exact)([enlarger(Luma(**exact)(rows)), Luma(**exact)(bicubic)])
    large = layers.Add(name="large", **exact)([bicubic, more])
    large = RowsAsFrames(name="large_frames", **exact)([PixelUnshuffle(scale, name="unshuffle", **exact)(large), clip])

    laid = AlongMotion(radius, {**(flow or {}), "channels": channels}, name="laid", **exact)
    values, seen = laid([large, clip])
    own, given = (
        Fold(name=f"{n}_rows", **exact)(MiddleFrames(radius, name=f"{n}_middle", **exact)(x))
        for n, x in (("large", large), ("clip", clip))
    )
    mean, left = WeightedMean(4 * radius, name="mean", **exact)([own, values, weigher(seen.shape[-1])(seen)])
    h = layers.Concatenate(name="seen_by_all", **exact)([own, mean, given, left])
    h = PadToMultiple(2 ** (len(blocks) - 1), name="pad", **exact)(h)
    widths = compact_widths(width, blocks)
    h = residual_unet(h, own.shape[-1], widths, blocks, late_skips=True, kernel_initializer="zeros")
    h = layers.Add(name="added", **exact)([own, CropLike(name="crop", **exact)([h, own])])
    h = PixelShuffle(scale, name="shuffle", **exact)(h)
    return keras.Model({"clip": clip}, RowsAsFrames(name="out", **exact)([h, clip]), name=name)


@keras.saving.register_keras_serializable("keras_imgen")
class Luma(layers.Layer):
    """(..., 3) -> (..., 1), by BT.601; one channel stays as it is."""

    def call(self, x: keras.KerasTensor) -> keras.KerasTensor:
        return luma(x)
