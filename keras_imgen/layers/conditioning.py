"""Numbers and labels as vectors."""

import math
from typing import Any

import keras
from keras import ops

from keras_imgen.layers.initial import normal


@keras.saving.register_keras_serializable("keras_imgen")
class FourierFeatures(keras.layers.Layer):
    """Sines and cosines of a number (N,) at `size`/2 frequencies, geometric from 1/64 to 4 radians: (N, size).

    Meant for log-SNR, which moves in about [-15, 15]: neighbouring levels differ and no frequency is faster than training can follow.

    Args:
        size: numbers of the output, even; half of them are sines.
    """

    def __init__(self, size: int, **kwargs: Any):
        super().__init__(**kwargs)
        self.size = size

    def call(self, x: Any) -> Any:
        half = self.size // 2
        frequencies = ops.exp(ops.linspace(math.log(1 / 64), math.log(4.0), half))
        angle = ops.cast(x, "float32")[:, None] * ops.cast(frequencies, "float32")[None]
        return ops.cast(ops.concatenate([ops.sin(angle), ops.cos(angle)], axis=-1), self.compute_dtype)

    def compute_output_shape(self, shape: tuple) -> tuple:
        return (shape[0], self.size // 2 * 2)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "size": self.size}


@keras.saving.register_keras_serializable("keras_imgen")
class LabelEmbedding(keras.layers.Embedding):
    """Embedding of the labels 0..num_classes-1 and of `num_classes`, which stands for no label: (N,) -> (N, size).

    Args:
        num_classes: number of classes, without the one for no label.
        size: length of the vectors.
    """

    def __init__(self, num_classes: int, size: int, **kwargs: Any):
        super().__init__(num_classes + 1, size, **kwargs)
        self.num_classes, self.size = num_classes, size

    def get_config(self) -> dict[str, Any]:
        config = keras.layers.Layer.get_config(self)
        return {**config, "num_classes": self.num_classes, "size": self.size}


@keras.saving.register_keras_serializable("keras_imgen")
class LabelPlanes(keras.layers.Layer):
    """Labels (N,) as one-hot planes (N, height, width, num_classes), to lie beside an image (Mirza & Osindero 2014).

    Args:
        num_classes: number of classes, and of planes.
        height: of the planes, in pixels.
        width: of the planes, in pixels.
    """

    def __init__(self, num_classes: int, height: int, width: int, **kwargs: Any):
        super().__init__(**kwargs)
        self.num_classes, self.height, self.width = num_classes, height, width

    def call(self, label: Any) -> Any:
        planes = ops.one_hot(label, self.num_classes, dtype=self.compute_dtype)[:, None, None, :]
        return ops.broadcast_to(planes, (ops.shape(label)[0], self.height, self.width, self.num_classes))

    def compute_output_shape(self, shape: tuple) -> tuple:
        return (shape[0], self.height, self.width, self.num_classes)

    def get_config(self) -> dict[str, Any]:
        config = {"num_classes": self.num_classes, "height": self.height, "width": self.width}
        return {**super().get_config(), **config}


@keras.saving.register_keras_serializable("keras_imgen")
class ConditionalBatchNorm(keras.layers.Layer):
    """Batch normalisation whose scale and shift depend on a condition (N, D) (de Vries et al. 2017; BigGAN, Brock et al. 2019).

    Call with x (N, H, W, C) and the condition; scale is 1 + a linear map of it.

    Args:
        momentum: of the moving mean and variance.
    """

    def __init__(self, momentum: float = 0.9, **kwargs: Any):
        super().__init__(**kwargs)
        self.momentum = momentum

    def build(self, x_shape: tuple, condition_shape: tuple | None = None) -> None:
        self.norm = keras.layers.BatchNormalization(
            momentum=self.momentum, center=False, scale=False, name="norm", dtype=self.dtype_policy
        )
        self.norm.build(x_shape)
        start = normal(0.02)
        self.modulation = keras.layers.Dense(
            2 * x_shape[-1], kernel_initializer=start, name="modulation", dtype=self.dtype_policy
        )
        self.modulation.build(condition_shape)

    def call(self, x: Any, condition: Any, training: bool = False) -> Any:
        scale, shift = ops.split(self.modulation(condition)[:, None, None, :], 2, axis=-1)
        return self.norm(x, training=training) * (1 + scale) + shift

    def compute_output_shape(self, x_shape: tuple, condition_shape: tuple | None = None) -> tuple:
        return x_shape

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "momentum": self.momentum}
