"""The noise level of a picture or clip, laid beside it."""

from typing import Any

import keras
from keras import ops


@keras.saving.register_keras_serializable("keras_imgen")
class NoiseLevel(keras.layers.Layer):
    """Called with [x, sigma], (N, ..., C) and (N,) in gray levels of 0..255: (N, ..., C + 1), the last channel sigma / 127.5.

    That is the noise's standard deviation in the units of an image in [-1, 1] (FFDNet, Zhang et al. 2018).
    """

    def call(self, inputs: Any) -> Any:
        x, sigma = inputs
        level = ops.reshape(ops.cast(sigma, x.dtype), (-1, *[1] * (len(x.shape) - 1))) / 127.5
        return ops.concatenate([x, ops.broadcast_to(level, (*ops.shape(x)[:-1], 1))], axis=-1)

    def compute_output_shape(self, shapes: list[tuple]) -> tuple:
        return (*shapes[0][:-1], shapes[0][-1] + 1)
