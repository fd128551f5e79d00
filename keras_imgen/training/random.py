"""Counter-based random numbers: the same key gives the same numbers on every backend, device and batch size.

Threefry-2x32-20 (Salmon et al. 2011, "Parallel Random Numbers: As Easy as 1, 2, 3") in `keras.ops`. Nothing here has a state:
a key is a pair of uint32 words in the last axis, `fold` derives keys from keys, and row k of a batch depends on key k alone.
"""

import math
from typing import Any

import numpy as np
from keras import ops

from keras_imgen.training import backend

_ROTATIONS = ((13, 15, 26, 6), (17, 29, 16, 24))
_PARITY = 0x1BD11BDA


def _word(value):
    return ops.convert_to_tensor(np.uint32(value), dtype="uint32")


def _rotate(x, bits: int):
    return ops.bitwise_or(ops.left_shift(x, _word(bits)), ops.right_shift(x, _word(32 - bits)))


@backend.traced_once
def threefry(k0: Any, k1: Any, c0: Any, c1: Any) -> tuple[Any, Any]:
    """The counters (c0, c1) encrypted under the key (k0, k1); all uint32 tensors that broadcast together.

    Args:
        k0: first word of the key.
        k1: second word of the key.
        c0: first word of the counter.
        c1: second word of the counter.

    Returns:
        Two uint32 tensors of the common shape.
    """
    schedule = (k0, k1, ops.bitwise_xor(ops.bitwise_xor(k0, k1), _word(_PARITY)))
    x0, x1 = c0 + schedule[0], c1 + schedule[1]
    for group in range(5):
        for bits in _ROTATIONS[group % 2]:
            x0 = x0 + x1
            x1 = ops.bitwise_xor(_rotate(x1, bits), x0)
        x0 = x0 + schedule[(group + 1) % 3]
        x1 = x1 + schedule[(group + 2) % 3] + _word(group + 1)
    return x0, x1


def key(seeds: Any) -> Any:
    """Keys of shape (..., 2) from integer seeds of shape (...)."""
    seeds = ops.cast(seeds, "uint32")
    return ops.stack([seeds, ops.zeros_like(seeds)], axis=-1)


def fold(keys: Any, data: Any) -> Any:
    """New keys from keys (..., 2) and integers that broadcast with (...): `jax.random.fold_in` for every backend."""
    data = ops.cast(data, "uint32")
    x0, x1 = threefry(keys[..., 0], keys[..., 1], data, ops.zeros_like(data))
    return ops.stack([x0, x1], axis=-1)


def _pairs(keys, size: int):
    """Two uint32 tensors of shape (N, count) with 2 count >= size, for keys (N, 2).

    count is a multiple of 64: kernels then never end a row in their scalar tail, whose logarithm may differ in the last bit.
    """
    count = -(-size // 128) * 64
    counter = ops.cast(ops.arange(count, dtype="int32"), "uint32")[None]
    return threefry(keys[:, :1], keys[:, 1:], counter, ops.ones_like(counter))


def _unit(bits):
    """Uniform on the open interval (0, 1) with 23 random bits, so that 1 - 2^-24 is the largest value and stays below 1."""
    return ops.cast(ops.right_shift(bits, _word(9)), "float32") * 2.0**-23 + 2.0**-24


def uniform(keys: Any, shape: tuple[int, ...] = ()) -> Any:
    """U(0, 1), float32, of shape (N, *shape) for keys (N, 2)."""
    size = math.prod(shape)
    x0, x1 = _pairs(keys, size)
    return ops.reshape(_unit(ops.concatenate([x0, x1], axis=1))[:, :size], (-1, *shape))


def normal(keys: Any, shape: tuple[int, ...] = ()) -> Any:
    """N(0, 1), float32, of shape (N, *shape) for keys (N, 2): Box-Muller on uniform pairs."""
    size = math.prod(shape)
    x0, x1 = _pairs(keys, size)
    radius, angle = ops.sqrt(-2.0 * ops.log(_unit(x0))), (2.0 * math.pi) * _unit(x1)
    both = ops.concatenate([radius * ops.cos(angle), radius * ops.sin(angle)], axis=1)
    return ops.reshape(both[:, :size], (-1, *shape))


def integers(keys: Any, below: int, shape: tuple[int, ...] = ()) -> Any:
    """Integers in [0, below) with equal odds, int32, of shape (N, *shape).

    Args:
        keys: (N, 2).
        below: the largest number plus one.
        shape: of the numbers of each key.
    """
    return ops.minimum(ops.cast(uniform(keys, shape) * below, "int32"), below - 1)


def rademacher(keys: Any, shape: tuple[int, ...] = ()) -> Any:
    """-1 or +1 with equal odds, float32, of shape (N, *shape) for keys (N, 2)."""
    return ops.where(uniform(keys, shape) < 0.5, -1.0, 1.0)
