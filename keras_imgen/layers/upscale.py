"""Enlargement: bicubic, what a super-resolution network adds to, and bilinear, before a convolution."""

from typing import Any

import keras
import numpy as np
from keras import ops

from keras_imgen.layers.padding import mirrored


def _phases(scale: int, method: str) -> np.ndarray:
    """(scale, 5): weights of the places i - 2 .. i + 2 for the output places scale i + p: a triangle, or Keys' cubic with a = -0.5."""
    center = (np.arange(scale) + 0.5) / scale - 0.5
    d = np.abs(center[:, None] - np.arange(-2, 3))
    if method == "bilinear":
        return np.maximum(1 - d, 0.0)
    near, far = 1.5 * d**3 - 2.5 * d**2 + 1, -0.5 * d**3 + 2.5 * d**2 - 4 * d + 2
    return np.where(d <= 1, near, np.where(d < 2, far, 0.0))


@keras.saving.register_keras_serializable("keras_imgen")
class Upscale(keras.layers.Layer):
    """(N, H, W, C) -> (N, scale H, scale W, C) as MATLAB's and `data.imresize`'s bicubic, Keys' cubic (1981), with mirrored edges; or
    bilinear, as `keras.layers.UpSampling2D`, which TensorFlow cannot export for any size.

    Every output place of a whole-numbered scale has one of `scale` fixed sets of weights in each direction, so the resize is sums of
    shifted pictures: exact in float32 (whatever the policy), differentiable, and compiled by XLA, unlike TensorFlow's bicubic resize.

    Args:
        scale: whole enlargement.
        method: "bicubic" or "bilinear".
        dtype: as Keras' layers take it.

    Raises:
        ValueError: another method.
    """

    def __init__(self, scale: int, method: str = "bicubic", dtype: Any = "float32", **kwargs: Any):
        super().__init__(dtype=dtype, **kwargs)
        if method not in ("bicubic", "bilinear"):
            raise ValueError(f"Expected `method` as 'bicubic' or 'bilinear', got {method!r}.")
        self.scale, self.method = scale, method

    def call(self, x: Any) -> Any:
        for axis in (1, 2):
            x = self._along(x, axis)
        return x

    def _along(self, x, axis):
        size = ops.shape(x)[axis]
        wide = mirrored(x, ops.arange(-2, size + 2), axis)
        shifted = [wide[:, k : k + size] if axis == 1 else wide[:, :, k : k + size] for k in range(5)]
        phases = [sum(float(w) * s for w, s in zip(row, shifted) if w) for row in _phases(self.scale, self.method)]
        shape = list(ops.shape(x))
        shape[axis] = size * self.scale
        return ops.reshape(ops.stack(phases, axis=axis + 1), shape)

    def compute_output_shape(self, shape: tuple) -> tuple:
        return (shape[0], *(n and n * self.scale for n in shape[1:3]), shape[-1])

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "scale": self.scale, "method": self.method}
