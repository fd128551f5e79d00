"""The antialiased bicubic kernel of MATLAB's `imresize`, as the numbers that one axis of a picture is multiplied by. NumPy only."""

import numpy as np


def resizing_taps(old: int, new: int, factor: float) -> tuple[np.ndarray, np.ndarray]:
    """Which pixels each new one is made of, and with what weights; edges are mirrored.

    Args:
        old: pixels of the axis.
        new: pixels wanted.
        factor: by which it is enlarged, about new / old.

    Returns:
        (int indices (new, taps), in which one may come twice; float64 weights (new, taps), each row of which sums to one).
    """
    stretch = min(factor, 1.0)
    center = (np.arange(new) + 0.5) / factor - 0.5
    width = 4.0 / stretch
    taps = np.floor(center - width / 2).astype(int)[:, None] + np.arange(int(np.ceil(width)) + 2)
    weights = stretch * _cubic(stretch * (center[:, None] - taps))
    weights /= weights.sum(1, keepdims=True)
    return np.concatenate([np.arange(old), np.arange(old)[::-1]])[taps % (2 * old)], weights


def resizing_matrix(old: int, new: int, factor: float) -> np.ndarray:
    """What `imresize` multiplies one axis by, float64 (new, old); each row sums to one.

    Args:
        others: see `resizing_taps`.
    """
    taps, weights = resizing_taps(old, new, factor)
    matrix = np.zeros((new, old))
    np.add.at(matrix, (np.arange(new)[:, None], taps), weights)
    return matrix


def _cubic(x: np.ndarray) -> np.ndarray:
    """Keys' kernel with a = -0.5 (Keys 1981)."""
    x = np.abs(x)
    near, far = 1.5 * x**3 - 2.5 * x**2 + 1, -0.5 * x**3 + 2.5 * x**2 - 4 * x + 2
    return np.where(x <= 1, near, np.where(x <= 2, far, 0.0))
