"""Attention over the places of a picture, or from them to a sequence."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, NamedTuple

import keras
from keras import ops

from keras_imgen.layers.one_pass import attention_weights
from keras_imgen.training import backend


def one_kernel() -> bool:
    """Whether attention in half precision is a kernel of its own: on a GPU under JAX, unless `keras.config` has it off.

    Keras' TensorFlow has none. The kernel has a first derivative only: penalties on gradients need
    `keras.config.disable_flash_attention()`.
    """
    on_gpu = keras.backend.backend() == "jax" and backend.accelerator() is not None
    return on_gpu and keras.config.is_flash_attention_enabled() is not False


_CONTROL: ContextVar[Callable[[Any, bool], Any] | None] = ContextVar("what changes weights of attention", default=None)


@contextmanager
def controlled(control: Callable[[Any, bool], Any] | None) -> Iterator[None]:
    """Inside, the weights of all attention are `control(weights, cross)`.

    Args:
        control: f(weights (N, heads, T, S), whether they are of a context) -> weights; None leaves them.
    """
    before = _CONTROL.set(control)
    try:
        yield
    finally:
        _CONTROL.reset(before)


def is_controlled() -> bool:
    """Whether rows of a batch may look at each other here, through `controlled`."""
    return _CONTROL.get() is not None


class AttentionControl(NamedTuple):
    """How pictures attend as others do, for a part of the way (Hertz et al. 2022, "Prompt-to-prompt image editing with cross attention
    control").

    Args:
        aligned: float (N, S, S), how much of the weight of each token of the first text goes to each token of the second.
        kept: float (N, S), the share of its own weight that each token of the second keeps.
        cross: float (N,), up to which share of the way attention to the text is controlled.
        own: float (N,), the same of attention to the places of the picture.
    """

    aligned: Any
    kept: Any
    cross: Any
    own: Any

    def at(self, share: Any, count: Any) -> Callable[[Any, bool], Any]:
        """What `controlled` takes, for batches of N pictures, then the N that attend as they do, then any others.

        Args:
            share: of the way, a scalar in [0, 1).
            count: N.
        """

        def control(weights, cross):
            first, second, rest = weights[:count], weights[count : 2 * count], weights[2 * count :]
            if cross:
                aligned, kept = (ops.cast(v, weights.dtype)[:, None] for v in (self.aligned, self.kept))
                taken = ops.matmul(first, aligned) + second * kept[:, :, None]
            else:
                taken = first
            until = ops.reshape(self.cross if cross else self.own, (-1, 1, 1, 1))
            return ops.concatenate([first, ops.where(ops.cast(share, until.dtype) < until, taken, second), rest])

        return control


@keras.saving.register_keras_serializable("keras_imgen")
class Attention(keras.layers.Layer):
    """Multi-head attention (Vaswani et al. 2017) on tokens (N, T, C), of themselves or to a `context` (N, S, D): (N, T, C).

    Called with `keep` bool (N, S) it sees of the context what that is true for, and nothing where it is false everywhere.

    Args:
        heads: number of heads; C must be a multiple of it.
        zero: start the output projection at zero, so that a residual block starts as the identity.
        causal: a token sees itself and those before it.

    Raises:
        ValueError: channels that `heads` does not divide.
    """

    def __init__(self, heads: int, zero: bool = True, causal: bool = False, **kwargs: Any):
        super().__init__(**kwargs)
        self.heads, self.zero, self.causal = heads, zero, causal

    def build(self, x_shape: tuple, context_shape: tuple | None = None, keep_shape: tuple | None = None) -> None:
        channels, source = x_shape[-1], (context_shape or x_shape)[-1]
        if channels % self.heads:
            raise ValueError(f"Expected channels to be a multiple of heads={self.heads}, got {channels}.")
        dense = lambda name, **kw: keras.layers.Dense(channels, name=name, dtype=self.dtype_policy, **kw)  # noqa: E731
        self.query, self.key, self.value = dense("query"), dense("key"), dense("value")
        self.out = dense("out", kernel_initializer="zeros" if self.zero else "glorot_uniform")
        self.query.build(x_shape)
        self.out.build(x_shape)
        for layer in (self.key, self.value):
            layer.build((*x_shape[:-1], source))

    def call(self, x: Any, context: Any = None, keep: Any = None) -> Any:
        channels = x.shape[-1]
        width = channels // self.heads
        source = x if context is None else context

        def heads(t):
            return ops.reshape(t, (-1, ops.shape(t)[1], self.heads, width))

        def split(t):
            return ops.transpose(heads(t), (0, 2, 1, 3))

        control = _CONTROL.get()
        half = self.compute_dtype in ("float16", "bfloat16")
        if keep is None and control is None and half and one_kernel():
            given = heads(self.query(x)), heads(self.key(source)), heads(self.value(source))
            mixed = ops.dot_product_attention(*given, is_causal=self.causal)  # cuDNN's where it takes these shapes
            return self.out(ops.reshape(mixed, (-1, ops.shape(x)[1], channels)))
        q, k, v = split(self.query(x) * width**-0.5), split(self.key(source)), split(self.value(source))
        scores = ops.matmul(q, ops.transpose(k, (0, 1, 3, 2)))
        seen = ops.ones((1, 1, 1, 1), scores.dtype)
        if self.causal:
            places = ops.arange(ops.shape(x)[1])
            seen = seen * ops.cast(places[:, None] >= places[None], scores.dtype)
        if keep is not None:
            seen = seen * ops.cast(keep, scores.dtype)[:, None, None]
            v = ops.where(keep[:, None, :, None], v, 0.0)  # 0 times infinity would be seen
        weights = attention_weights(scores, seen)
        weights = weights if control is None else control(weights, context is not None)
        mixed = ops.transpose(ops.matmul(weights, v), (0, 2, 1, 3))
        return self.out(ops.reshape(mixed, (-1, ops.shape(x)[1], channels)))

    def compute_output_shape(
        self, x_shape: tuple, context_shape: tuple | None = None, keep_shape: tuple | None = None
    ) -> tuple:
        return x_shape

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "heads": self.heads, "zero": self.zero, "causal": self.causal}
