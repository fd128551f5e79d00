"""Time as rows: layers of pictures work on the frames of clips (N F, H, W, C), each by itself; and what looks from frame to frame between
them. As residual blocks whose last layer is zero these start as the identity, so that a network of clips starts as one of pictures."""

from typing import Any

import keras
from keras import ops

from keras_imgen.layers.attention import Attention
from keras_imgen.layers.normalization import GroupNorm
from keras_imgen.layers.positions import waves


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


@keras.saving.register_keras_serializable("keras_imgen")
class EachFrame(keras.layers.Layer):
    """What belongs to clips, (N, ...), once for each of their frames: (N F, ...).

    Args:
        frames: F.
    """

    def __init__(self, frames: int, **kwargs: Any):
        super().__init__(**kwargs)
        self.frames = frames

    def call(self, x: Any) -> Any:
        return ops.repeat(x, self.frames, axis=0)

    def compute_output_shape(self, shape: tuple) -> tuple:
        return (shape[0] and shape[0] * self.frames, *shape[1:])

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "frames": self.frames}


class _Temporal(keras.layers.Layer):
    """Base of what looks from frame to frame, on frames (N F, H, W, C)."""

    def __init__(self, frames: int, **kwargs: Any):
        super().__init__(**kwargs)
        self.frames = frames

    def _by_time(self, x):
        """(N, F, places, C)."""
        _, h, w, c = ops.shape(x)
        return ops.reshape(x, (-1, self.frames, h * w, c))

    def compute_output_shape(self, shape: tuple) -> tuple:
        return shape

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "frames": self.frames}


@keras.saving.register_keras_serializable("keras_imgen")
class TemporalConv(_Temporal):
    """x + a convolution over three frames of each place, zero at the start (Singer et al. 2022, "Make-A-Video", section 3.2). Before the
    first and after the last frame are zeros.

    Args:
        frames: of a clip; rows of x are frames, those of a clip together.
    """

    def build(self, shape: tuple) -> None:
        self.conv = keras.layers.Conv2D(
            shape[-1], (3, 1), padding="same", kernel_initializer="zeros", name="conv", dtype=self.dtype_policy
        )
        self.conv.build((None, self.frames, None, shape[-1]))

    def call(self, x: Any) -> Any:
        return x + ops.reshape(self.conv(self._by_time(x)), ops.shape(x))


@keras.saving.register_keras_serializable("keras_imgen")
class TemporalAttention(_Temporal):
    """x + attention of each place over the frames of its clip, told where in time they are (Ho et al. 2022, "Video Diffusion Models").

    Args:
        frames: of a clip; rows of x are frames, those of a clip together.
    """

    def build(self, shape: tuple) -> None:
        channels = shape[-1]
        heads = channels // 32 if channels % 32 == 0 else 1
        self.norm, self.attention = GroupNorm(dtype=self.dtype_policy), Attention(heads, dtype=self.dtype_policy)
        self.norm.build(shape)
        self.attention.build((None, self.frames, channels))

    def call(self, x: Any) -> Any:
        _, h, w, c = ops.shape(x)
        tokens = ops.transpose(self._by_time(self.norm(x)), (0, 2, 1, 3))
        tokens = tokens + ops.cast(waves(self.frames, c), tokens.dtype)
        found = self.attention(ops.reshape(tokens, (-1, self.frames, c)))
        found = ops.transpose(ops.reshape(found, (-1, h * w, self.frames, c)), (0, 2, 1, 3))
        return x + ops.reshape(found, ops.shape(x))
