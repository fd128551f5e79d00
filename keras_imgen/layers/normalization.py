"""Group normalisation with what follows it in one affine pass, and its gradient in another."""

import math
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_imgen.training import backend

EIGHTHS = 8


def _fused(groups: int, epsilon: float, silu: bool):
    """f(x, gain, bias) for x (N, ..., C), gain and bias (N or 1, C) in float32: activation(normalised x * gain + bias).

    Forward takes two per-channel sums and one affine pass. The gradient is written out for the same reason: with dz the
    gradient before the activation, dx = dz * scale + x * a + b, where a and b follow from the sums of dz and dz * x.
    Each pass over the places computes in float32 and is one loop where the backend can make it one.
    """

    @ops.custom_gradient
    def f(x, gain, bias):
        channels = x.shape[-1]
        places = x.shape[1:-1] if None not in x.shape[1:-1] else ops.shape(x)[1:-1]
        spread, one_gain = (-1, *(1 for _ in x.shape[1:-1]), channels), gain.shape[0] == 1
        # The mean over the channels of a group as one small product in place of a chain of reshapes.
        same = np.arange(channels) // (channels // groups)
        share = ops.convert_to_tensor((same[:, None] == same).astype("float32") * (groups / channels))

        def means(*sums):  # of per-channel sums (N, C): over the places and the channels of a group
            size = ops.cast(math.prod(places), "float32")
            return ops.split(ops.matmul(ops.concatenate(sums, axis=0), share / size), len(sums))

        def line(x, scale, shift):
            return _wide(x) * ops.reshape(scale, spread) + ops.reshape(shift, spread)

        @backend.one_loop
        def activate(x, scale, shift):
            z = line(x, scale, shift)
            return ops.cast(z * ops.sigmoid(z) if silu else z, x.dtype)

        @backend.one_loop
        def before(dy, x, scale, shift):
            z = line(x, scale, shift)
            gate = ops.sigmoid(z)
            return ops.cast(_wide(dy) * (gate + z * gate * (1 - gate)), x.dtype)

        @backend.one_loop
        def through(dz, x, scale, a, b):
            return ops.cast(_wide(dz) * ops.reshape(scale, spread) + line(x, a, b), x.dtype)

        center, power = means(*_sums(x, x))
        inverse = ops.rsqrt(ops.maximum(power - ops.square(center), 0.0) + epsilon)
        scale = inverse * gain
        shift = bias - center * scale

        def gradient(*args, upstream=None):
            dy = upstream if upstream is not None else args[0]
            dz = before(dy, x, scale, shift) if silu else dy
            dbias, dgain = _sums(dz, x)
            dgain = inverse * (dgain - center * dbias)
            mean_gain, mean_bias = means(gain * dgain, gain * dbias)
            a = -ops.square(inverse) * mean_gain
            b = -inverse * mean_bias - center * a
            dx = through(dz, x, scale, a, b)
            if one_gain:
                dgain, dbias = (ops.sum(v, axis=0, keepdims=True) for v in (dgain, dbias))
            return dx, dgain, dbias

        return activate(x, scale, shift), gradient

    return f


def _sums(x, y):
    """The sums of x and of x * y over all places, (N, C) in float32.

    In half precision one loop adds up eighths of the places first, so that an eighth is written as float32, and not all of it.
    """
    rows, *places, channels = x.shape
    if keras.backend.standardize_dtype(x.dtype) == "float32" or None in x.shape or math.prod(places) % EIGHTHS:
        axes = tuple(range(1, len(x.shape) - 1))
        return ops.sum(_wide(x), axis=axes), ops.sum(_wide(x) * _wide(y), axis=axes)

    @backend.one_loop
    def of_eighths(x, y):
        pairs = [(_wide(x[:, k]), _wide(y[:, k])) for k in range(EIGHTHS)]
        return sum(u for u, _ in pairs), sum(u * v for u, v in pairs)

    cut = (rows, EIGHTHS, math.prod(places) // EIGHTHS * channels)
    return [
        ops.sum(ops.reshape(part, (rows, -1, channels)), axis=1)
        for part in of_eighths(ops.reshape(x, cut), ops.reshape(y, cut))
    ]


def _wide(x):
    """As float32."""
    return ops.cast(x, "float32")


@keras.saving.register_keras_serializable("keras_imgen")
class GroupNorm(keras.layers.Layer):
    """Group normalisation (Wu & He 2018), then `x (1 + scale) + shift` of an embedding if given, then the activation.

    The moments are taken in float32; normalisation, learned and conditional scale and shift are folded into one
    multiplication and addition for each (image, channel). "silu" is fused with them, forward and backward.

    Call with x (N, H, W, C) or (N, T, C) and `modulation` None or (N, 2C).

    Args:
        groups: number of groups; the largest divisor of the channels up to it is used.
        activation: applied last, None for none.
        epsilon: added to the variance.
    """

    def __init__(self, groups: int = 32, activation: str | None = None, epsilon: float = 1e-5, **kwargs: Any):
        super().__init__(**kwargs)
        self.groups, self.epsilon = groups, epsilon
        self.activation = keras.activations.get(activation)

    def build(self, x_shape: tuple, modulation_shape: tuple | None = None) -> None:
        channels = x_shape[-1]
        self._groups = next(g for g in range(min(self.groups, channels), 0, -1) if channels % g == 0)
        self.gamma = self.add_weight(name="gamma", shape=(channels,), initializer="ones")
        self.beta = self.add_weight(name="beta", shape=(channels,), initializer="zeros")

    def call(self, x: Any, modulation: Any = None) -> Any:
        gain, bias = (ops.cast(v, "float32")[None] for v in (self.gamma, self.beta))
        if modulation is not None:
            s, b = ops.split(ops.cast(modulation, "float32"), 2, axis=-1)
            gain, bias = gain * (1.0 + s), bias * (1.0 + s) + b
        silu = self.activation is keras.activations.silu
        y = _fused(self._groups, self.epsilon, silu)(x, gain, bias)
        return y if silu else self.activation(y)

    def compute_output_shape(self, x_shape: tuple, modulation_shape: tuple | None = None) -> tuple:
        return x_shape

    def get_config(self) -> dict[str, Any]:
        activation = keras.activations.serialize(self.activation)
        return {**super().get_config(), "groups": self.groups, "epsilon": self.epsilon, "activation": activation}
