"""Runs and middles of clips (N, F, ...) of any length, and back to them from the rows of `frames.Fold`."""

from typing import Any

import keras
from keras import ops


@keras.saving.register_keras_serializable("keras_imgen")
class RowsAsFrames(keras.layers.Layer):
    """Called with [x, clip], (N F, H, W, C) and (N, ...): (N, F, H, W, C)."""

    def call(self, inputs: Any) -> Any:
        x, clip = inputs
        count = ops.shape(clip)[0]
        return ops.reshape(x, (count, ops.shape(x)[0] // count, *ops.shape(x)[1:]))

    def compute_output_shape(self, shapes: list[tuple]) -> tuple:
        x, clip = shapes
        return (clip[0], None if None in (x[0], clip[0]) else x[0] // clip[0], *x[1:])


@keras.saving.register_keras_serializable("keras_imgen")
class Windows(keras.layers.Layer):
    """(N, F, H, W, C) -> (N, F - frames + 1, H, W, frames C): every run of frames, one beside the other.

    Args:
        frames: of a run, 1 or more.
    """

    def __init__(self, frames: int, **kwargs: Any):
        super().__init__(**kwargs)
        self.frames = frames

    def call(self, x: Any) -> Any:
        count = ops.shape(x)[1] - self.frames + 1
        return ops.concatenate([x[:, k : k + count] for k in range(self.frames)], axis=-1)

    def compute_output_shape(self, shape: tuple) -> tuple:
        return (shape[0], shape[1] and shape[1] - self.frames + 1, *shape[2:-1], self.frames * shape[-1])

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "frames": self.frames}


@keras.saving.register_keras_serializable("keras_imgen")
class MiddleFrames(keras.layers.Layer):
    """(N, F, ...) -> (N, F - 2 radius, ...), without the first and the last frames.

    Args:
        radius: how many are left out at each end.
    """

    def __init__(self, radius: int, **kwargs: Any):
        super().__init__(**kwargs)
        self.radius = radius

    def call(self, x: Any) -> Any:
        return x[:, self.radius : ops.shape(x)[1] - self.radius]

    def compute_output_shape(self, shape: tuple) -> tuple:
        return (shape[0], shape[1] and shape[1] - 2 * self.radius, *shape[2:])

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "radius": self.radius}
