"""Ways through a latent space."""

from typing import Any

import numpy as np
from keras import ops


def slerp(a: Any, b: Any, share: Any) -> Any:
    """Spherical interpolation of latents (White 2016): directions along a great circle, lengths linearly.

    Args:
        a: latents (N, D).
        b: latents (N, D).
        share: of the way from a to b, (N,) in [0, 1].
    """
    share = ops.reshape(share, (-1, 1))
    length = lambda v: ops.sqrt(ops.sum(ops.square(v), axis=-1, keepdims=True) + 1e-12)  # noqa: E731
    la, lb = length(a), length(b)
    cosine = ops.clip(ops.sum(a * b, axis=-1, keepdims=True) / (la * lb), -1.0, 1.0)
    angle = ops.arccos(cosine)
    near = ops.sin(angle) < 1e-4  # the same direction, or opposite: there is no one circle
    sine = ops.where(near, ops.ones_like(angle), ops.sin(angle))
    wa = ops.where(near, 1.0 - share, ops.sin((1.0 - share) * angle) / sine)
    wb = ops.where(near, share, ops.sin(share * angle) / sine)
    return (wa * a / la + wb * b / lb) * (la + (lb - la) * share)


def path(stations: int, frames: int, loop: bool) -> tuple[np.ndarray, np.ndarray]:
    """The frames of a way by several stations; the last station is there once, if it is not the first.

    Args:
        stations: how many, two or more.
        frames: for each part.
        loop: whether the last station is the first.

    Returns:
        (pairs (F, 2) of station numbers, share (F,) between them).
    """
    pairs = np.array([(i, i + 1) for i in range(stations - 1) for _ in range(frames)])
    if loop:
        return pairs, np.tile(np.arange(frames) / frames, stations - 1)
    shares = [np.arange(frames) / frames] * (stations - 2) + [np.linspace(0, 1, frames)]
    return pairs, np.concatenate(shares)
