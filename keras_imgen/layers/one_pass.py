"""What would be many passes over memory, as one forward and one backward: GELU, and the weights of attention."""

import math
from typing import Any

import keras
from keras import ops

from keras_imgen.training import backend


def _wide(x):
    return ops.cast(x, "float32")


@ops.custom_gradient
def _gelu(x):
    @backend.one_loop
    def forward(x):
        z = _wide(x)
        return ops.cast(0.5 * z * (1.0 + ops.erf(z * math.sqrt(0.5))), x.dtype)

    @backend.one_loop
    def backward(dy, x):
        z = _wide(x)
        slope = 0.5 * (1.0 + ops.erf(z * math.sqrt(0.5))) + z * ops.exp(-0.5 * z * z) * math.sqrt(0.5 / math.pi)
        return ops.cast(_wide(dy) * slope, x.dtype)

    def gradient(*args, upstream=None):
        return backward(upstream if upstream is not None else args[0], x)

    return forward(x), gradient


@keras.saving.register_keras_serializable("keras_imgen")
def gelu(x: Any) -> Any:
    """x Φ(x) (Hendrycks & Gimpel 2016), computed in float32, in the type of x."""
    return _gelu(x)


@ops.custom_gradient
def _softmax(scores, seen):
    @backend.one_loop
    def forward(scores, seen):
        shown = ops.where(seen > 0, _wide(scores), -1e9)
        weights = ops.exp(shown - ops.max(shown, axis=-1, keepdims=True)) * _wide(seen)
        return ops.cast(weights / ops.maximum(ops.sum(weights, axis=-1, keepdims=True), 1e-30), scores.dtype)

    @backend.one_loop
    def backward(upstream, weights):
        shares = _wide(upstream) * _wide(weights)
        return ops.cast(shares - _wide(weights) * ops.sum(shares, axis=-1, keepdims=True), weights.dtype)

    weights = forward(scores, seen)

    def gradient(*args, upstream=None):
        return backward(upstream if upstream is not None else args[0], weights), ops.zeros_like(seen)

    return weights, gradient


def attention_weights(scores: Any, seen: Any) -> Any:
    """Softmax over the last axis of what is seen, in float32; 0 for the rest, and where nothing is seen.

    Args:
        scores: tensor (..., S).
        seen: 1 or 0, of a shape that broadcasts to that of the scores.

    Returns:
        In the shape and type of the scores.
    """
    return _softmax(scores, ops.cast(seen, scores.dtype))
