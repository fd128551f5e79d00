"""Smooth colours for the holes of a picture."""

import keras
from keras import ops


@keras.saving.register_keras_serializable("keras_imgen")
class PushPull(keras.layers.Layer):
    """Fills holes smoothly: push-pull (Gortler et al. 1996, "The Lumigraph", section 3.4.2), relaxed towards Laplace's equation.

    Called with [x, known], x (N, H, W, C) and known (N, H, W, 1) of 0 and 1, 1 where x is known; gives x with its holes filled, float32.
    What x holds in them does not count. H and W have to be multiples of 2^levels.

    The picture is halved `levels` times, colours weighted by how much is known: w' = 1 - (1 - w)^4 of the mean w, so that near places
    count more. Then it is doubled again: what is not known comes from the resolution below and is `sweeps` times replaced by the mean of
    its neighbourhood, at all resolutions but the highest, where it would cost as much as at all the others. What is farther than 2^levels
    from all that is known becomes mid-gray.
    """

    def __init__(self, levels: int = 6, sweeps: int = 4, dtype="float32", **kwargs):
        super().__init__(dtype=dtype, **kwargs)
        self.levels, self.sweeps = levels, sweeps

    @property
    def multiple(self):
        return 2**self.levels

    def call(self, inputs):
        x, known = (ops.cast(v, "float32") for v in inputs)
        ladder = [(x * known, known)]
        for _ in range(self.levels):
            x, w = ladder[-1]
            total = ops.average_pool(ops.concatenate([x * w, w], axis=-1), 2, 2)  # Keras 3.15 on JAX needs the strides
            x, w = total[..., :-1], total[..., -1:]
            x, w = x / ops.maximum(w, 1e-6), 1.0 - (1.0 - w) ** 4
            ladder.append((x, w))
        fill, _ = ladder.pop()
        while ladder:
            x, w = ladder.pop()
            fill = w * x + (1.0 - w) * ops.repeat(ops.repeat(fill, 2, axis=1), 2, axis=2)
            for _ in range(self.sweeps if ladder else 0):
                fill = w * x + (1.0 - w) * ops.average_pool(fill, 3, 1, "same")
        return fill

    def compute_output_shape(self, shapes):
        return shapes[0]

    def get_config(self):
        return {**super().get_config(), "levels": self.levels, "sweeps": self.sweeps}
