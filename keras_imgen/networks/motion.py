"""Neighbours in clips laid on a frame along their motion, and weighed, for networks that restore them: motion is found by a
`networks.flow_interpolator` within, which does not learn."""

import math
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import layers, ops

from keras_imgen.arguments import integer
from keras_imgen.layers import CropLike, PadToMultiple, PixelShuffle, PixelUnshuffle
from keras_imgen.layers.warp import backward_warp
from keras_imgen.networks.interpolation import STRIDE, FlowInterpolator
from keras_imgen.networks.residual_unet import conv

# What restores single frames in these networks, by its name there: its kind, and the channels that it is told besides, at half the size.
SINGLE = {"denoiser": ("blind networks.compact_denoiser", 4), "enlarger": ("networks.compact_sr of the luma", 0)}


@keras.saving.register_keras_serializable("keras_imgen")
class AlongMotion(layers.Layer):
    """Neighbours laid on each frame. Called with [clip, clean], (N, F, H, W, D) and (N, F, H, W, C); motion is found in the clean one.

    Gives [values, seen] of 4 radius rows for each frame that has enough neighbours, (N (F - 2 radius) 4 radius, H, W, D and 2 C + D): the
    clip's neighbour, first along the flow, then as it stands; and what tells how good it is: the clean frame, the clean neighbour, and
    the difference of the clip's.

    Args:
        radius: neighbours to each side.
        settings: of the `FlowInterpolator`.
    """

    def __init__(self, radius: int, settings: dict[str, int], **kwargs: Any):
        super().__init__(**kwargs)
        self.radius = integer("radius", radius, 1)
        self.flow = FlowInterpolator(**settings, name="flow", dtype=keras.config.dtype_policy())
        self.flow.trainable = False
        self.multiple = STRIDE << (self.flow.levels - 1)

    def call(self, inputs: list[Any]) -> list[Any]:
        clip, clean = inputs[0], ops.stop_gradient(inputs[1])
        count, frames = ops.shape(clip)[0], ops.shape(clip)[1] - 2 * self.radius
        size = ops.shape(clip)[2:4]
        part = lambda x, at, n: ops.reshape(x[:, at : at + n], (ops.shape(x)[0] * n, *ops.shape(x)[2:]))  # noqa: E731
        both, middle = ops.concatenate([clip, clean], axis=-1), self.radius
        target, target_clean = (part(x, middle, frames) for x in (clip, clean))
        every = [
            ops.reshape(x, (count, -1, *ops.shape(x)[1:])) for x in self.flow.seen(part(clean, 0, ops.shape(clean)[1]))
        ]
        values, seen = [], []
        for step in (-1, 1):
            # Flows between frames beside each other, of as many as are wanted; those farther away by one after the other.
            longer = frames + self.radius - 1
            at = middle if step > 0 else middle - self.radius + 1
            one = self.flow.optical_flow(*([part(x, k, longer) for x in every] for k in (at, at + step)), size)
            one = ops.reshape(one, (count, longer, *size, 2))
            whole = None
            for far in range(self.radius):
                start = far if step > 0 else self.radius - 1 - far
                own = part(one, start, frames)
                whole = own if whole is None else whole + backward_warp(own, whole)
                neighbour = part(both, middle + step * (far + 1), frames)
                for value in (backward_warp(neighbour, whole), neighbour):
                    moved, its = value[..., : clip.shape[-1]], value[..., clip.shape[-1] :]
                    values.append(moved)
                    seen.append(ops.concatenate([target_clean, its, moved - target], axis=-1))
        together = lambda parts: part(ops.stack(parts, axis=1), 0, len(parts))  # noqa: E731
        return [together(values), together(seen)]

    def compute_output_shape(self, shapes: list[tuple]) -> list[tuple]:
        count, frames, *size, channels = shapes[0]
        rows = None if None in (count, frames) else count * (frames - 2 * self.radius) * 4 * self.radius
        return [(rows, *size, channels), (rows, *size, channels + 2 * shapes[1][-1])]

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "radius": self.radius, "settings": self.flow.settings}


def weigher(channels: int, width: int = 24) -> keras.Model:
    """(N, H, W, channels) -> logits (N, H, W, 1) of neighbours, at half the resolution; less than the own of the frame, 0, at the start.

    Args:
        channels: of what `AlongMotion` sees.
        width: features.
    """
    seen = keras.Input((None, None, channels), name="seen")
    h = PixelUnshuffle(2, name="unshuffle")(PadToMultiple(2, name="pad")(seen))
    for i in range(3):
        h = layers.ReLU(name=f"relu{i}")(conv(h, width, f"conv{i}"))
    begin = {"kernel_initializer": "zeros", "bias_initializer": keras.initializers.Constant(-2.0), "dtype": "float32"}
    h = layers.Conv2D(4, 3, padding="same", name="conv_out", **begin)(h)
    h = CropLike(name="crop", dtype="float32")([PixelShuffle(2, name="shuffle", dtype="float32")(h), seen])
    return keras.Model(seen, h, name="weigher")


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


def begin_with(network: keras.Model, single: keras.Model, flow: keras.Model) -> None:
    """Take over trained weights.

    Args:
        network: an `aligned_denoiser` or an `aligned_sr`.
        single: what restores single pictures, trained, of the sizes of this network: a blind `networks.compact_denoiser` of its channels,
            or a `networks.compact_sr` of the luma.
        flow: a trained `networks.flow_interpolator` of the same size.

    Raises:
        ValueError: networks of another kind or size.
    """
    laid = [layer for layer in network.layers if isinstance(layer, AlongMotion)]
    own = [layer for layer in network.layers if layer.name in SINGLE]
    if len(laid) != 1 or len(own) != 1:
        raise ValueError(f"Expected as `network` a networks.aligned_denoiser or aligned_sr, got {network.name}.")
    parts = {"single": (own[0], single), "flow": (laid[0].flow, flow)}
    shapes = {k: [[tuple(v.shape) for v in one.weights] for one in pair] for k, pair in parts.items()}
    kind, more = SINGLE[own[0].name]
    height, width, channels, features = shapes["single"][0][0]
    shapes["single"][0][0] = (height, width, channels - more, features)  # but for what is told it besides
    for name, (mine, given) in shapes.items():
        if mine != given:
            count, its = (sum(map(math.prod, one)) for one in (mine, given))
            kind = kind if name == "single" else "networks.flow_interpolator"
            raise ValueError(
                f"Expected as `{name}` a {kind} of the sizes of this network, with {count:,} weights, got one with {its:,}."
            )
    first, *rest = single.get_weights()
    if more:  # a channel beside those of each of four pixels, which are side by side at half the resolution: its weights are zero
        first = np.pad(first.reshape(height, width, more, -1, features), ((0, 0),) * 3 + ((0, 1), (0, 0)))
    parts["single"][0].set_weights([first.reshape(height, width, channels, features), *rest])
    laid[0].flow.set_weights(flow.get_weights())
