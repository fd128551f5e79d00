"""Attention within windows of a picture, shifted in every other block so that windows speak to each other."""

from typing import Any

import keras
import numpy as np
from keras import ops

from keras_imgen.layers.initial import truncated_normal


@keras.saving.register_keras_serializable("keras_imgen")
class WindowAttention(keras.layers.Layer):
    """Multi-head self-attention in windows of window x window places, with a learned bias for each offset (Liu et al. 2021, Swin).

    x is (N, H, W, C) with H and W multiples of `window`. With `shift` the windows lie `shift` places further down and right: the picture is
    rolled, and a place does not see those that came around the border.

    Args:
        heads: number of heads; C must be a multiple of it.
        window: side of the windows, in places.
        shift: in places, 0..window - 1.

    Raises:
        ValueError: channels that `heads` does not divide, a `shift` outside 0..window - 1.
    """

    def __init__(self, heads: int, window: int = 8, shift: int = 0, **kwargs: Any):
        super().__init__(**kwargs)
        if not 0 <= shift < window:
            raise ValueError(f"Expected a shift of 0..{window - 1} for window={window}, got {shift}.")
        self.heads, self.window, self.shift = heads, window, shift

    def build(self, shape: tuple) -> None:
        channels, w = shape[-1], self.window
        if channels % self.heads:
            raise ValueError(f"Expected channels to be a multiple of heads={self.heads}, got {channels}.")
        start = truncated_normal(0.02)
        make = lambda n, name: keras.layers.Dense(n, kernel_initializer=start, name=name, dtype=self.dtype_policy)  # noqa: E731
        self.qkv, self.out = make(3 * channels, "qkv"), make(channels, "out")
        for layer in (self.qkv, self.out):
            layer.build((None, w * w, channels))
        self.offset_bias = self.add_weight(name="offset_bias", shape=((2 * w - 1) ** 2, self.heads), initializer=start)
        row, column = np.divmod(np.arange(w * w), w)
        down, right = (v[:, None] - v[None] + w - 1 for v in (row, column))
        self._offsets = (down * (2 * w - 1) + right).reshape(-1).astype("int32")

    def call(self, x: Any) -> Any:
        n, height, width, channels = ops.shape(x)
        w, tokens, heads = self.window, self.window**2, self.heads
        down, across = height // w, width // w
        x = ops.roll(x, (-self.shift, -self.shift), (1, 2)) if self.shift else x
        x = ops.transpose(ops.reshape(x, (n, down, w, across, w, channels)), (0, 1, 3, 2, 4, 5))
        x = self.qkv(ops.reshape(x, (-1, tokens, channels)))
        x = ops.transpose(ops.reshape(x, (-1, tokens, 3, heads, channels // heads)), (2, 0, 3, 1, 4))
        q, k, v = x[0] * (channels // heads) ** -0.5, x[1], x[2]
        scores = ops.cast(
            ops.matmul(q, ops.transpose(k, (0, 1, 3, 2))), "float32"
        )  # (n windows, heads, tokens, tokens)
        bias = ops.reshape(ops.take(self.offset_bias, self._offsets, axis=0), (tokens, tokens, heads))
        scores = scores + ops.cast(ops.transpose(bias, (2, 0, 1)), "float32")
        if self.shift:
            apart = ops.reshape(self._apart(height, width), (1, down * across, 1, tokens, tokens))
            scores = ops.reshape(scores, (n, down * across, heads, tokens, tokens)) - 1e9 * apart
            scores = ops.reshape(scores, (-1, heads, tokens, tokens))
        x = ops.matmul(ops.cast(ops.softmax(scores, axis=-1), v.dtype), v)
        x = self.out(ops.reshape(ops.transpose(x, (0, 2, 1, 3)), (-1, tokens, channels)))
        x = ops.transpose(ops.reshape(x, (n, down, across, w, w, channels)), (0, 1, 3, 2, 4, 5))
        x = ops.reshape(x, (n, height, width, channels))
        return ops.roll(x, (self.shift, self.shift), (1, 2)) if self.shift else x

    def _apart(self, height, width):
        """(windows, tokens, tokens): 1 where two places of a rolled window are no neighbours in the picture."""
        w = self.window
        came_around = lambda size: ops.cast(ops.arange(size) >= size - self.shift, "float32")  # noqa: E731
        region = 2 * came_around(height)[:, None] + came_around(width)[None]
        region = ops.transpose(ops.reshape(region, (height // w, w, width // w, w)), (0, 2, 1, 3))
        region = ops.reshape(region, (-1, w * w))
        return ops.cast(region[:, :, None] != region[:, None, :], "float32")

    def compute_output_shape(self, shape: tuple) -> tuple:
        return shape

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "heads": self.heads, "window": self.window, "shift": self.shift}
