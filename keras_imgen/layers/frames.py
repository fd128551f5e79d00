"""Time as rows: layers of pictures work on the frames of clips, each by itself."""

from typing import Any

import keras
from keras import ops


@keras.saving.register_keras_serializable("keras_imgen")
class Fold(keras.layers.Layer):
    """Clips (N, F, ...) as their frames (N F, ...), those of a clip together."""

    def call(self, x: Any) -> Any:
        shape = ops.shape(x)
        return ops.reshape(x, (-1, *shape[2:]))

    def compute_output_shape(self, shape: tuple) -> tuple:
        rows = None if None in shape[:2] else shape[0] * shape[1]
        return (rows, *shape[2:])


@keras.saving.register_keras_serializable("keras_imgen")
class Unfold(keras.layers.Layer):
    """The inverse of `Fold`: (N F, ...) -> (N, F, ...).

    Args:
        frames: F.
    """

    def __init__(self, frames: int, **kwargs: Any):
        super().__init__(**kwargs)
        self.frames = frames

    def call(self, x: Any) -> Any:
        return ops.reshape(x, (-1, self.frames, *ops.shape(x)[1:]))

    def compute_output_shape(self, shape: tuple) -> tuple:
        return (shape[0] and shape[0] // self.frames, self.frames, *shape[1:])

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "frames": self.frames}
