"""A denoiser of clips that follows what moves: neighbours are laid on a frame along the flow, averaged, and the mean is denoised."""

import math
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import layers, ops

from keras_imgen.layers import CropLike, Fold, MiddleFrames, PadToMultiple, PixelShuffle, PixelUnshuffle, RowsAsFrames
from keras_imgen.networks.denoising import without_noise
from keras_imgen.networks.motion import AlongMotion
from keras_imgen.networks.residual_unet import conv


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
    laid = AlongMotion(radius, {**(flow or {}), "channels": channels}, name="laid", **exact)
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
    seen = layers.Concatenate(name="both")([image, left])
    return keras.Model([image, left], without_noise(image, seen, width, blocks), name="denoiser")


def begin_with(network: keras.Model, denoiser: keras.Model, flow: keras.Model) -> None:
    """Take over trained weights.

    Args:
        network: an `aligned_denoiser`.
        denoiser: a trained `networks.compact_denoiser` of pictures, blind, of the same channels, width and blocks.
        flow: a trained `networks.flow_interpolator` of the same size.

    Raises:
        ValueError: networks of another kind or size.
    """
    laid = [layer for layer in network.layers if isinstance(layer, AlongMotion)]
    if len(laid) != 1:
        raise ValueError(f"Expected as `network` a networks.aligned_denoiser, got {network.name}.")
    parts = {"denoiser": (network.get_layer("denoiser"), denoiser), "flow": (laid[0].flow, flow)}
    shapes = {k: [[tuple(v.shape) for v in one.weights] for one in pair] for k, pair in parts.items()}
    height, width, channels, features = shapes["denoiser"][0][0]
    shapes["denoiser"][0][0] = (height, width, channels - 4, features)  # but for what is told it besides
    for name, (mine, given) in shapes.items():
        if mine != given:
            own, its = (sum(map(math.prod, one)) for one in (mine, given))
            kind = "blind networks.compact_denoiser" if name == "denoiser" else "networks.flow_interpolator"
            raise ValueError(
                f"Expected as `{name}` a {kind} of the sizes of this network, with {own:,} weights, got one with {its:,}: "
                "aligned_denoiser takes `channels`, `width`, `blocks` and `flow`."
            )
    first, *rest = denoiser.get_weights()
    kernel = np.pad(first.reshape(height, width, 4, -1, features), ((0, 0),) * 3 + ((0, 1), (0, 0)))
    parts["denoiser"][0].set_weights([kernel.reshape(height, width, channels, features), *rest])
    laid[0].flow.set_weights(flow.get_weights())


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
