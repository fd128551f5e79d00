"""A denoiser of clips that follows what moves: neighbours are laid on a frame along the flow, averaged, and the mean is denoised."""

from collections.abc import Sequence
from typing import Any

import keras
from keras import layers, ops

from keras_imgen.layers import CropLike, Fold, MiddleFrames, PadToMultiple, PixelShuffle, PixelUnshuffle, RowsAsFrames
from keras_imgen.networks.motion import AlongMotion
from keras_imgen.networks.residual_unet import compact_widths, conv, residual_unet


def aligned_denoiser(
    channels: int = 3,
    width: int = 48,
    blocks: tuple[int, ...] = (2, 2, 1),
    radius: int = 2,
    flow: dict[str, int] | None = None,
    name: str = "aligned_denoiser",
) -> keras.Model:
    """Blind; called with a dict of `clip` (N, F, H, W, C) in [-1, 1] -> (N, F - 2 radius, H, W, C), float32, not clipped.

    Every frame is denoised by itself, and in the answers motion is found (as in DVDnet, Tassano et al. 2019). Each noisy neighbour is laid
    on the frame twice, along the flow and as it stands, and a small network weighs these, the frame itself among them, place by place. The
    mean has less noise than the frame; the same denoiser is given it, and how much of the noise is left at each place. Where nothing beside
    is of use, the answer is that of a denoiser of single frames.

    It is for trained weights to begin with, see `begin_with`; the flow does not learn.

    Args:
        channels: of the frames.
        width: of the denoiser, see `networks.compact_denoiser`.
        blocks: of the denoiser.
        radius: frames to each side that are made use of.
        flow: arguments of `networks.flow_interpolator`, which finds the motion; None are its defaults.
        name: of the model.

    Raises:
        ValueError: blocks for no resolution, or for more than four.
    """
    exact = {"dtype": "float32"}
    clip = keras.Input((None, None, None, channels), name="clip")
    denoiser, rows = _denoiser(channels, width, blocks), Fold(name="rows", **exact)(clip)
    clean = RowsAsFrames(name="clean", **exact)([denoiser([rows, ops.ones_like(rows[..., :1])]), clip])
    laid = AlongMotion(radius, {"channels": channels, **(flow or {})}, name="laid", **exact)
    values, seen = laid([clip, clean])
    logits = _weigher(seen.shape[-1])(seen)
    middle = Fold(name="middle_rows", **exact)(MiddleFrames(radius, name="middle", **exact)(clip))
    mean, left = WeightedMean(4 * radius, name="mean", **exact)([middle, values, logits])
    h = denoiser([mean, left])
    return keras.Model({"clip": clip}, RowsAsFrames(name="out", **exact)([h, clip]), name=name)


def _weigher(channels: int, width: int = 24) -> keras.Model:
    """(N, H, W, channels) -> logits (N, H, W, 1), at half the resolution; less than that of the frame itself, 0, at the start."""
    seen = keras.Input((None, None, channels), name="seen")
    h = PixelUnshuffle(2, name="unshuffle")(PadToMultiple(2, name="pad")(seen))
    for i in range(3):
        h = layers.ReLU(name=f"relu{i}")(conv(h, width, f"conv{i}"))
    begin = {"kernel_initializer": "zeros", "bias_initializer": keras.initializers.Constant(-2.0), "dtype": "float32"}
    h = layers.Conv2D(4, 3, padding="same", name="conv_out", **begin)(h)
    h = CropLike(name="crop", dtype="float32")([PixelShuffle(2, name="shuffle", dtype="float32")(h), seen])
    return keras.Model(seen, h, name="weigher")


def _denoiser(channels: int, width: int, blocks: tuple[int, ...]) -> keras.Model:
    """`compact_denoiser` that is told how much of the noise is left (N, H, W, 1), too: 1 is all of it."""
    image, left = keras.Input((None, None, channels), name="image"), keras.Input((None, None, 1), name="left")
    h = layers.Concatenate(name="both")([image, left])
    h = PixelUnshuffle(2, name="unshuffle")(PadToMultiple(2 ** len(blocks), name="pad")(h))
    h = residual_unet(h, 4 * channels, compact_widths(width, blocks), blocks, True, True, kernel_initializer="zeros")
    h = CropLike(dtype="float32", name="crop")([PixelShuffle(2, dtype="float32", name="shuffle")(h), image])
    return keras.Model([image, left], layers.Subtract(dtype="float32", name="out")([image, h]), name="denoiser")


@keras.saving.register_keras_serializable("keras_imgen")
class WeightedMean(layers.Layer):
    """Called with [frame, others, logits], (N, H, W, C), (N count, H, W, C) and (N count, H, W, 1): the mean by the softmax of the logits,
    the frame's own 0, and what is left of independent noise of one strength, the root of the sum of the squared weights, (N, H, W, 1).

    Args:
        count: of the others, for each frame.
    """

    def __init__(self, count: int, **kwargs: Any):
        super().__init__(**kwargs)
        self.count = count

    def call(self, inputs: list[Any]) -> list[Any]:
        frame, others, logits = inputs
        height, width = ops.shape(frame)[1:3]
        others = ops.reshape(others, (-1, self.count, height, width, frame.shape[-1]))
        logits = ops.reshape(logits, (-1, self.count, height, width, 1))
        logits = ops.concatenate([ops.zeros_like(logits[:, :1]), logits], axis=1)
        weights = ops.softmax(logits, axis=1)
        own, theirs = weights[:, 0], weights[:, 1:]
        mean = own * frame + ops.sum(theirs * others, axis=1)
        return [mean, ops.sqrt(ops.sum(ops.square(weights), axis=1))]

    def compute_output_shape(self, shapes: Sequence[tuple]) -> list[tuple]:
        return [shapes[0], (*shapes[0][:-1], 1)]

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "count": self.count}
