"""Where the places of a picture are."""

from typing import Any

import keras
from keras import ops


def waves(count: Any, size: int) -> Any:
    """Sines and cosines of the places 0, 1, ... of a row, float32 (count, size), of wavelengths up to 10,000.

    Args:
        count: of places.
        size: numbers of each, even.
    """
    rates = ops.exp(ops.arange(size // 2, dtype="float32") * (-9.2103404 / (size // 2)))
    angle = ops.cast(ops.arange(count), "float32")[:, None] * rates[None]
    return ops.concatenate([ops.sin(angle), ops.cos(angle)], axis=-1)


@keras.saving.register_keras_serializable("keras_imgen")
class Positions(keras.layers.Layer):
    """(N, H, W, C) -> tokens (N, H·W, C) with sines and cosines of their row and column added (Vaswani et al. 2017, in two axes)."""

    def call(self, x: Any) -> Any:
        _, h, w, c = ops.shape(x)
        rows = ops.broadcast_to(waves(h, c // 2)[:, None], (h, w, c // 2))
        columns = ops.broadcast_to(waves(w, c // 2)[None], (h, w, c // 2))
        x = x + ops.cast(ops.concatenate([rows, columns], axis=-1)[None], x.dtype)
        return ops.reshape(x, (-1, h * w, c))

    def compute_output_shape(self, shape: tuple) -> tuple:
        n, h, w, c = shape
        return (n, None if h is None or w is None else h * w, c)
