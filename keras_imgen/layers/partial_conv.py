"""Convolutions that know what is missing."""

from typing import Any

import keras
from keras import ops


@keras.saving.register_keras_serializable("keras_imgen")
class PartialConv2D(keras.layers.Layer):
    """A convolution over known places only (Liu et al. 2018, "Image Inpainting for Irregular Holes Using Partial Convolutions").

    Called with [x, mask], x (N, H, W, C) and mask (N, H, W, 1) of 0 and 1, 1 where x is known; gives [y, mask] of the output's size.
    y = kernel * (x mask) kernel_size^2 / (known places under the kernel) + bias, and 0 where there are none; the new mask is 1 where
    there was one. Places outside the picture count as unknown.

    Args:
        filters: channels of y.
        kernel_size: side of the square kernel, in pixels.
        strides: step of the kernel in both directions, in pixels.
        padding: "same" or "valid".
        activation: applied last, None for none.
        kernel_initializer: as Keras' layers take it.
    """

    def __init__(
        self,
        filters: int,
        kernel_size: int = 3,
        strides: int = 1,
        padding: str = "same",
        activation: str | None = None,
        kernel_initializer: Any = "he_normal",
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        self.filters, self.kernel_size, self.strides, self.padding = filters, kernel_size, strides, padding
        self.activation = keras.activations.get(activation)
        self.kernel_initializer = keras.initializers.get(kernel_initializer)

    def build(self, shapes: list[tuple]) -> None:
        shape = (self.kernel_size, self.kernel_size, shapes[0][-1], self.filters)
        self.kernel = self.add_weight(name="kernel", shape=shape, initializer=self.kernel_initializer)
        self.bias = self.add_weight(name="bias", shape=(self.filters,), initializer="zeros")

    def call(self, inputs: Any) -> Any:
        x, mask = inputs
        window = ops.ones((self.kernel_size, self.kernel_size, 1, 1), dtype=mask.dtype)
        count = ops.conv(mask, window, self.strides, self.padding)
        known = ops.cast(count > 0.5, x.dtype)
        y = ops.conv(x * mask, ops.convert_to_tensor(self.kernel), self.strides, self.padding)
        y = y * (self.kernel_size**2 / ops.maximum(count, 1.0)) + self.bias
        return [self.activation(y) * known, known]

    def compute_output_shape(self, shapes: list[tuple]) -> list[tuple]:
        lost = 0 if self.padding == "same" else self.kernel_size - 1
        height, width = (n and -(-(n - lost) // self.strides) for n in shapes[0][1:3])
        return [(shapes[0][0], height, width, self.filters), (shapes[0][0], height, width, 1)]

    def get_config(self) -> dict[str, Any]:
        names = ("filters", "kernel_size", "strides", "padding")
        return {
            **super().get_config(),
            **{name: getattr(self, name) for name in names},
            "activation": keras.activations.serialize(self.activation),
            "kernel_initializer": keras.initializers.serialize(self.kernel_initializer),
        }


@keras.saving.register_keras_serializable("keras_imgen")
class GatedActivation(keras.layers.Layer):
    """(N, H, W, 2C) -> (N, H, W, C): activation(first half) sigmoid(second half).

    After a convolution it makes a gated convolution (Yu et al. 2019, "Free-Form Image Inpainting with Gated Convolution"), which learns
    for every channel and place how far it is to be trusted.

    Args:
        activation: of the first half, None for none.
    """

    def __init__(self, activation: str | None = "elu", **kwargs: Any):
        super().__init__(**kwargs)
        self.activation = keras.activations.get(activation)

    def call(self, x: Any) -> Any:
        features, gate = ops.split(x, 2, axis=-1)
        return self.activation(features) * ops.sigmoid(gate)

    def compute_output_shape(self, shape: tuple) -> tuple:
        return (*shape[:-1], shape[-1] // 2)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "activation": keras.activations.serialize(self.activation)}
