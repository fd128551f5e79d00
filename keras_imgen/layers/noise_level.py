"""The noise level of a picture, laid beside it."""

from typing import Any

import keras
from keras import ops


@keras.saving.register_keras_serializable("keras_imgen")
class NoiseLevel(keras.layers.Layer):
    """Called with [x, sigma], (N, H, W, C) and (N,) in gray levels of 0..255: (N, H, W, C + 1), the last channel sigma / 127.5.

    That is the noise's standard deviation in the units of an image in [-1, 1] (FFDNet, Zhang et al. 2018).
    """

    def call(self, inputs: Any) -> Any:
        x, sigma = inputs
        level = ops.cast(sigma, x.dtype)[:, None, None, None] / 127.5
        return ops.concatenate([x, ops.broadcast_to(level, (*ops.shape(x)[:3], 1))], axis=-1)

    def compute_output_shape(self, shapes: list[tuple]) -> tuple:
        return (*shapes[0][:-1], shapes[0][-1] + 1)
