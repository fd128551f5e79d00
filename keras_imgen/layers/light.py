"""Light for dark pictures: linear light, and gains that keep what is bright."""

import math
from typing import Any

import keras
from keras import ops

from keras_imgen.inference.pixels import LUMA

KNEE = 3  # how sharply the gain bends before white


def linear(x: Any) -> Any:
    """sRGB (IEC 61966-2-1) in [0, 1] to light; every value has a gradient."""
    return ops.where(x > 0.04045, _power((ops.maximum(x, 0.04045) + 0.055) / 1.055, 2.4), x / 12.92)


def display(light: Any) -> Any:
    """Light to sRGB, in [0, 1] where light is; every value has a gradient."""
    return ops.where(light > 0.0031308, 1.055 * _power(ops.maximum(light, 0.0031308), 1 / 2.4) - 0.055, 12.92 * light)


def _power(x, exponent):
    """Of positive numbers: on a CPU several times as fast as a power."""
    return ops.exp(exponent * ops.log(x))


def luma(images: Any) -> Any:
    """(..., 3) -> (..., 1), by BT.601; one channel stays as it is."""
    return images if images.shape[-1] == 1 else ops.sum(images * LUMA, axis=-1, keepdims=True)


def small_luma(images: Any, side: int) -> Any:
    """The luma of pictures as the means of side x side parts of them, however large they are: (N, H, W, 1 or 3) -> (N, side, side, 1).

    Args:
        images: in [-1, 1].
        side: in pixels.
    """
    y = luma(images)

    def parts(length):
        start = ops.arange(side) * length // side
        stop = ops.maximum((ops.arange(side) + 1) * length // side, start + 1)
        at = ops.arange(length)[None]
        inside = ops.cast(ops.logical_and(at >= start[:, None], at < stop[:, None]), "float32")
        return inside / ops.sum(inside, axis=1, keepdims=True)

    height, width = ops.shape(y)[1:3]
    y = ops.einsum("sh,nhwc->nswc", parts(height), ops.cast(y, "float32"))
    return ops.einsum("tw,nswc->nstc", parts(width), y)


@keras.saving.register_keras_serializable("keras_imgen")
class LogLight(keras.layers.Layer):
    """Pictures (N, H, W, C) in [-1, 1] and beside them the logarithm of their light, (N, H, W, 2 C): a stop is as much everywhere.

    Eight stops below white are -1, white is 1.
    """

    def call(self, x: Any) -> Any:
        light = linear(ops.clip((ops.cast(x, "float32") + 1.0) / 2.0, 0.0, 1.0))
        stops = ops.log(light + 2.0**-8) / math.log(2.0)
        return ops.concatenate([x, ops.cast(stops / 4.0 + 1.0, x.dtype)], axis=-1)

    def compute_output_shape(self, shape: tuple) -> tuple:
        return (*shape[:-1], 2 * shape[-1])


@keras.saving.register_keras_serializable("keras_imgen")
class Brighten(keras.layers.Layer):
    """Called with [image, stops], (N, H, W, C) in [-1, 1] and (N, H, W, 1): light times 2^stops, bounded by how bright it is: white stays
    white, and nothing goes beyond.

    With G = 2^stops and the largest of a pixel's colours m, all its light is multiplied by G / (1 + (G^p - 1) m^p)^(1/p), p = 3: by G in
    the shadows, by 1 at white; so that hue and gray stay (the curve is Reinhard et al. 2002's, equation 4, for p = 1 and G much above 1).
    """

    def call(self, inputs: Any) -> Any:
        x, stops = (ops.cast(v, "float32") for v in inputs)
        light = linear(ops.clip((x + 1.0) / 2.0, 0.0, 1.0))
        largest = ops.max(light, axis=-1, keepdims=True)
        power = ops.exp(KNEE * math.log(2.0) * ops.clip(stops, -10.0, 10.0))
        gain = _power(power / (1.0 + (power - 1.0) * largest**KNEE), 1.0 / KNEE)
        return x + 2.0 * (display(light * gain) - display(light))  # of no stops x itself, with a gradient

    def compute_output_shape(self, shapes: list[tuple]) -> tuple:
        return shapes[0]


@keras.saving.register_keras_serializable("keras_imgen")
class Planes(keras.layers.Layer):
    """Called with [x, vector], (N, H, W, C) and (N, D): the same numbers at every place, (N, H, W, C + D)."""

    def call(self, inputs: Any) -> Any:
        x, vector = inputs
        planes = ops.broadcast_to(ops.cast(vector, x.dtype)[:, None, None], (*ops.shape(x)[:3], ops.shape(vector)[-1]))
        return ops.concatenate([x, planes], axis=-1)

    def compute_output_shape(self, shapes: list[tuple]) -> tuple:
        return (*shapes[0][:-1], shapes[0][-1] + shapes[1][-1])
