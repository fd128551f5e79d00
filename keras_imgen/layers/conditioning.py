"""Numbers and labels as vectors."""

import math

import keras
from keras import ops


@keras.saving.register_keras_serializable("keras_imgen")
class FourierFeatures(keras.layers.Layer):
    """Sines and cosines of a number (N,) at `size`/2 frequencies, geometric from 1/64 to 4 radians: (N, size).

    Meant for log-SNR, which moves in about [-15, 15]: neighbouring levels differ and no frequency is faster than training can follow.
    """

    def __init__(self, size: int, **kwargs):
        super().__init__(**kwargs)
        self.size = size

    def call(self, x):
        half = self.size // 2
        frequencies = ops.exp(ops.linspace(math.log(1 / 64), math.log(4.0), half))
        angle = ops.cast(x, "float32")[:, None] * ops.cast(frequencies, "float32")[None]
        return ops.cast(ops.concatenate([ops.sin(angle), ops.cos(angle)], axis=-1), self.compute_dtype)

    def compute_output_shape(self, shape):
        return (shape[0], self.size // 2 * 2)

    def get_config(self):
        return {**super().get_config(), "size": self.size}


@keras.saving.register_keras_serializable("keras_imgen")
class LabelEmbedding(keras.layers.Embedding):
    """Embedding of the labels 0..num_classes-1 and of `num_classes`, which stands for no label: (N,) -> (N, size)."""

    def __init__(self, num_classes: int, size: int, **kwargs):
        super().__init__(num_classes + 1, size, **kwargs)
        self.num_classes, self.size = num_classes, size

    def get_config(self):
        config = keras.layers.Layer.get_config(self)
        return {**config, "num_classes": self.num_classes, "size": self.size}
