"""Smooth colours for the holes of a picture."""

from typing import Any

import keras
from keras import ops


@keras.saving.register_keras_serializable("keras_imgen")
class PushPull(keras.layers.Layer):
    """Fills holes smoothly: push-pull (Gortler et al. 1996, "The Lumigraph", section 3.4.2), relaxed towards Laplace's equation.

    Called with [x, known], x (N, H, W, C) and known (N, H, W, 1) of 0 and 1, 1 where x is known; gives x with its holes filled, float32.
    What x holds in them does not count. Where nothing is known, everything becomes 0.

    The picture is halved `levels` times, colours weighted by how much is known: w' = 1 - (1 - w)^4 of the mean w, so that near places
    count more. Then it is doubled again: what is not known comes from the resolution below, at the lowest from the mean of the picture,
    and is `sweeps` times replaced by the mean of its neighbourhood, at all resolutions but the highest, where it would cost as much as at
    all the others.

    Args:
        levels: how often the picture is halved.
        sweeps: rounds of relaxation at each resolution.
        dtype: as Keras' layers take it; the sums are taken in float32.

    Raises:
        ValueError: H or W is no multiple of 2^levels.
    """

    def __init__(self, levels: int = 6, sweeps: int = 4, dtype: Any = "float32", **kwargs: Any):
        super().__init__(dtype=dtype, **kwargs)
        self.levels, self.sweeps = levels, sweeps

    @property
    def multiple(self) -> int:
        """2^levels: the sides of pictures are multiples of it."""
        return 2**self.levels

    def call(self, inputs: Any) -> Any:
        x, known = (ops.cast(v, "float32") for v in inputs)
        if any(isinstance(n, int) and n % self.multiple for n in x.shape[1:3]):
            raise ValueError(
                f"Expected sides that are multiples of {self.multiple}, got {tuple(x.shape[1:3])}: put "
                f"PadToMultiple({self.multiple}) before it."
            )
        ladder = [(x * known, known)]
        for _ in range(self.levels):
            x, w = ladder[-1]
            total = ops.average_pool(ops.concatenate([x * w, w], axis=-1), 2, 2)  # Keras 3.15 on JAX needs the strides
            x, w = total[..., :-1], total[..., -1:]
            ladder.append((x / ops.maximum(w, 1e-6), 1.0 - (1.0 - w) ** 4))
        x, w = ladder[-1]
        fill = ops.sum(x * w, axis=(1, 2), keepdims=True) / ops.maximum(ops.sum(w, axis=(1, 2), keepdims=True), 1e-6)
        for level in reversed(range(self.levels + 1)):
            x, w = ladder[level]
            fill = w * x + (1.0 - w) * fill
            for _ in range(self.sweeps if level else 0):
                fill = w * x + (1.0 - w) * ops.average_pool(fill, 3, 1, "same")
            if level:
                fill = ops.repeat(ops.repeat(fill, 2, axis=1), 2, axis=2)
        return fill

    def compute_output_shape(self, shapes: list[tuple]) -> tuple:
        return shapes[0]

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "levels": self.levels, "sweeps": self.sweeps}
