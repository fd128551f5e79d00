"""Bicubic enlargement, what a super-resolution network adds to."""

from typing import Any

import keras
import numpy as np
from keras import ops

from keras_imgen.layers.padding import mirrored


def _phases(scale: int) -> np.ndarray:
    """(scale, 5): weights of the places i - 2 .. i + 2 for the output places scale i + p, Keys' cubic with a = -0.5."""
    center = (np.arange(scale) + 0.5) / scale - 0.5
    d = np.abs(center[:, None] - np.arange(-2, 3))
    near, far = 1.5 * d**3 - 2.5 * d**2 + 1, -0.5 * d**3 + 2.5 * d**2 - 4 * d + 2
    return np.where(d <= 1, near, np.where(d < 2, far, 0.0))


@keras.saving.register_keras_serializable("keras_imgen")
class Upscale(keras.layers.Layer):
    """(N, H, W, C) -> (N, scale H, scale W, C) as MATLAB's and `data.imresize`'s bicubic: Keys' cubic (1981), mirrored edges.

    Every output place of a whole-numbered scale has one of `scale` fixed sets of weights in each direction, so the resize is sums of
    shifted pictures: exact in float32 (whatever the policy), differentiable, and compiled by XLA, unlike TensorFlow's bicubic resize.

    Args:
        scale: whole enlargement.
        dtype: as Keras' layers take it.
    """

    def __init__(self, scale: int, dtype: Any = "float32", **kwargs: Any):
        super().__init__(dtype=dtype, **kwargs)
        self.scale = scale

    def call(self, x: Any) -> Any:
        for axis in (1, 2):
            x = self._along(x, axis)
        return x

    def _along(self, x, axis):
        size = ops.shape(x)[axis]
        wide = mirrored(x, ops.arange(-2, size + 2), axis)
        shifted = [wide[:, k : k + size] if axis == 1 else wide[:, :, k : k + size] for k in range(5)]
        phases = [sum(float(w) * s for w, s in zip(row, shifted) if w) for row in _phases(self.scale)]
        shape = list(ops.shape(x))
        shape[axis] = size * self.scale
        return ops.reshape(ops.stack(phases, axis=axis + 1), shape)

    def compute_output_shape(self, shape: tuple) -> tuple:
        return (shape[0], *(n and n * self.scale for n in shape[1:3]), shape[-1])

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "scale": self.scale}
