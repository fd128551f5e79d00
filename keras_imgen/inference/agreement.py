"""Enlarged pictures that agree with what came: shrunk again, they are it (Bahat and Michaeli 2020, Explorable Super Resolution)."""

from functools import lru_cache
from typing import Any

import numpy as np

from keras_imgen.bicubic import resizing_taps

STEPS = 3  # more change no answer by as much as a hundredth of a dB
NEAR = 0.25 / 127.5  # a quarter of a gray level
AROUND = 3.0  # pixels of the small picture: the Gaussian by which its brightness is judged


def agreeing(x: np.ndarray, y: np.ndarray, scale: int) -> np.ndarray:
    """The picture nearest to `x` that, shrunk by `scale` by MATLAB's antialiased bicubic, K, is `y`: x + K'(K K')^-1 (y - K x).

    Where black and white leave no such picture, as of a checkerboard, projections onto both are taken in turn, and what still lacks is
    made up in brightness: its mean around a pixel is that of `y`.

    Args:
        x: float32 (N, H scale, W scale, C) in [-1, 1].
        y: float32 (N, H, W, C) in [-1, 1].
        scale: whole enlargement.
    """
    for _ in range(STEPS):
        x = x + _back(y - _shrunk(x, scale), scale)
        if np.abs(x).max() <= 1 + NEAR:
            return np.clip(x, -1.0, 1.0)
        x = np.clip(x, -1.0, 1.0)
    now, wanted = _around(_shrunk(x, scale)), _around(y)
    return x if np.abs(wanted - now).max() <= NEAR else _as_bright(x, *(_enlarged(v, scale) for v in (now, wanted)))


def _as_bright(x, now, wanted):
    """Pixels are drawn toward black or white, all around by the same share, until the mean around them, `now`, is as `wanted`."""
    darker = (1 + x) * (1 + wanted) / np.maximum(1 + now, 1e-3) - 1
    lighter = 1 - (1 - x) * (1 - wanted) / np.maximum(1 - now, 1e-3)
    return np.clip(np.where(wanted < now, darker, lighter), -1.0, 1.0)


def _around(x):
    from scipy.ndimage import gaussian_filter  # lazy: what serves others' models need not have SciPy in memory

    return gaussian_filter(x, (0, AROUND, AROUND, 0), mode="reflect")


def _shrunk(x, scale):
    """K x."""
    for axis in (1, 2):
        x = _along(axis, x, _operators(x.shape[axis] // scale, scale)[0].__matmul__)
    return x


def _enlarged(x, scale):
    """The transpose of K, times scale^2: constants stay."""
    for axis in (2, 1):  # what is long in memory is moved while there is little of it
        x = _along(axis, x, _operators(x.shape[axis], scale)[1].__matmul__)
    return x


def _back(x, scale):
    """K'(K K')^-1 x, which K turns into x."""
    from scipy.linalg import cho_solve_banded

    for axis in (1, 2):
        factor = _operators(x.shape[axis], scale)[2]
        x = _along(axis, x, lambda rows, factor=factor: cho_solve_banded((factor, True), rows, check_finite=False))
    return _enlarged(x, scale) / np.float32(scale * scale)


def _along(axis, x, change):
    """A change of the columns of a matrix, for one axis of a stack."""
    x = np.moveaxis(x, axis, 0)
    out = change(np.ascontiguousarray(x.reshape(len(x), -1)))
    return np.moveaxis(out.reshape(-1, *x.shape[1:]), 0, axis)


@lru_cache(16)
def _operators(length: int, scale: int) -> tuple[Any, Any, np.ndarray]:
    """Of an axis of `length` small pixels: K, its transpose times `scale`, both sparse, and the Cholesky factor of K K', in bands."""
    from scipy.linalg import cholesky_banded
    from scipy.sparse import csr_array

    taps, weights = resizing_taps(length * scale, length, 1 / scale)
    rows = np.broadcast_to(np.arange(length)[:, None], taps.shape)
    shrink = csr_array((weights.ravel(), (rows.ravel(), taps.ravel())), (length, length * scale))
    gram = (shrink @ shrink.T).tocoo()
    bands = np.zeros((int((gram.row - gram.col).max()) + 1, length))
    below = gram.row >= gram.col
    bands[(gram.row - gram.col)[below], gram.col[below]] = gram.data[below]
    factor = cholesky_banded(bands, lower=True).astype("float32")
    return shrink.astype("float32"), (shrink.T * scale).tocsr().astype("float32"), factor
