"""Channels into places and back, so that a network can work at a lower resolution than its picture."""

from typing import Any

import keras
from keras import ops


@keras.saving.register_keras_serializable("keras_imgen")
class PixelShuffle(keras.layers.Layer):
    """(N, H, W, scale^2 C) -> (N, scale H, scale W, C), the sub-pixel convolution's last step (Shi et al. 2016).

    Place (scale i + a, scale j + b) of channel c is channel (scale a + b) C + c of place (i, j): the order of
    `tf.nn.depth_to_space`, where the output channel is fastest. `torch.nn.PixelShuffle` has it slowest and is otherwise the same.

    Args:
        scale: whole enlargement.

    Raises:
        ValueError: channels that scale^2 does not divide.
    """

    def __init__(self, scale: int, **kwargs: Any):
        super().__init__(**kwargs)
        self.scale = scale

    def build(self, shape: tuple) -> None:
        if shape[-1] % self.scale**2:
            raise ValueError(
                f"Expected channels that are a multiple of scale^2 = {self.scale**2}, got {shape[-1]}. "
                f"Give the convolution before it {self.scale**2} times the channels that are wanted."
            )

    def call(self, x: Any) -> Any:
        return ops.depth_to_space(x, self.scale)

    def compute_output_shape(self, shape: tuple) -> tuple:
        return (shape[0], *(n and n * self.scale for n in shape[1:3]), shape[-1] // self.scale**2)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "scale": self.scale}


@keras.saving.register_keras_serializable("keras_imgen")
class PixelUnshuffle(keras.layers.Layer):
    """The inverse of `PixelShuffle`: (N, scale H, scale W, C) -> (N, H, W, scale^2 C). `PadToMultiple(scale)` before it takes any size.

    Args:
        scale: whole reduction.
    """

    def __init__(self, scale: int, **kwargs: Any):
        super().__init__(**kwargs)
        self.scale = scale

    def call(self, x: Any) -> Any:
        return ops.space_to_depth(x, self.scale)

    def compute_output_shape(self, shape: tuple) -> tuple:
        return (shape[0], *(n and n // self.scale for n in shape[1:3]), shape[-1] * self.scale**2)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "scale": self.scale}
