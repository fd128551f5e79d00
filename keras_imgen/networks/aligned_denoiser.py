"""A denoiser of clips that follows what moves: neighbours are laid on a frame along the flow, averaged, and the mean is denoised."""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import layers, ops

from keras_imgen.layers import CropLike, Fold, MiddleFrames, PadToMultiple, PixelShuffle, PixelUnshuffle, RowsAsFrames
from keras_imgen.layers.warp import backward_warp
from keras_imgen.networks.interpolation import STRIDE, FlowInterpolator
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


def begin_with(network: keras.Model, denoiser: keras.Model, flow: keras.Model) -> None:
    """Take over trained weights.

    Args:
        network: an `aligned_denoiser`.
        denoiser: a trained `networks.compact_denoiser` of pictures, blind, of the same channels, width and blocks.
        flow: a trained `networks.flow_interpolator` of the same size.

    Raises:
        ValueError: networks of other sizes.
    """
    for name, mine, given in (
        ("denoiser", network.get_layer("denoiser"), denoiser),
        ("flow", network.get_layer("laid").flow, flow),
    ):
        if len(given.weights) != len(mine.weights) or any(
            w.shape != v.shape and i for i, (w, v) in enumerate(zip(given.weights, mine.weights))
        ):
            wanted = f"{mine.count_params():,} weights"
            raise ValueError(f"Expected as `{name}` a network alike, of some {wanted}, got {given.count_params():,}.")
        values = given.get_weights()
        if name == "denoiser":  # nothing of what is left, at the start
            kernel = values[0].reshape(*values[0].shape[:2], 4, -1, values[0].shape[-1])
            values[0] = np.pad(kernel, ((0, 0),) * 3 + ((0, 1), (0, 0))).reshape(mine.weights[0].shape)
        mine.set_weights(values)


@keras.saving.register_keras_serializable("keras_imgen")
class AlongMotion(layers.Layer):
    """Neighbours laid on each frame. Called with [noisy, clean], (N, F, H, W, C) both; motion is found in the clean ones.

    Gives [values, seen] of 4 radius rows for each frame that has enough neighbours, (N (F - 2 radius) 4 radius, H, W, C and 3 C): the noisy
    neighbour, first along the flow, then as it stands; and what tells how good it is: the clean frame, the clean neighbour, and the
    difference of the noisy ones.

    Args:
        radius: neighbours to each side.
        settings: of the `FlowInterpolator`.
    """

    def __init__(self, radius: int, settings: dict[str, int], **kwargs: Any):
        super().__init__(**kwargs)
        self.radius, self.settings = radius, dict(settings)
        self.flow = FlowInterpolator(**settings, name="flow", dtype=keras.config.dtype_policy())
        self.flow.trainable = False
        self.multiple = STRIDE << (self.flow.levels - 1)

    def call(self, inputs: list[Any]) -> list[Any]:
        noisy, clean = inputs[0], ops.stop_gradient(inputs[1])
        count, frames = ops.shape(noisy)[0], ops.shape(noisy)[1] - 2 * self.radius
        size, channels = ops.shape(noisy)[2:4], ops.shape(noisy)[4]
        part = lambda x, at, n: ops.reshape(x[:, at : at + n], (count * n, *size, x.shape[-1]))  # noqa: E731
        both, middle = ops.concatenate([noisy, clean], axis=-1), self.radius
        target_noisy, target_clean = (part(x, middle, frames) for x in (noisy, clean))
        values, seen = [], []
        for step in (-1, 1):
            # Flows between frames beside each other, of as many as are wanted; those farther away by one after the other.
            longer = frames + self.radius - 1
            at = middle if step > 0 else middle - self.radius + 1
            one = self.flow.optical_flow(part(clean, at, longer), part(clean, at + step, longer))
            one = ops.reshape(one, (count, longer, *size, 2))
            whole = None
            for far in range(self.radius):
                start = far if step > 0 else self.radius - 1 - far
                own = part(one, start, frames)
                whole = own if whole is None else whole + backward_warp(own, whole)
                neighbour = part(both, middle + step * (far + 1), frames)
                for value in (backward_warp(neighbour, whole), neighbour):
                    moved, its = ops.split(value, 2, axis=-1)
                    values.append(moved)
                    seen.append(ops.concatenate([target_clean, its, moved - target_noisy], axis=-1))
        return [self._rows(values, channels), self._rows(seen, 3 * channels)]

    def _rows(self, parts, channels):
        stacked = ops.stack(parts, axis=1)
        return ops.reshape(stacked, (-1, *ops.shape(stacked)[2:4], channels))

    def compute_output_shape(self, shapes: list[tuple]) -> list[tuple]:
        count, frames, *size, channels = shapes[0]
        rows = None if None in (count, frames) else count * (frames - 2 * self.radius) * 4 * self.radius
        return [(rows, *size, channels), (rows, *size, 3 * channels)]

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "radius": self.radius, "settings": self.settings}


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
