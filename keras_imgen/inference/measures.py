"""What can be seen of a picture without another to compare with: its noise, the blocks of JPEG, how bright it is. Of transparent ones, as
they are on white. NumPy and SciPy only."""

from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

from keras_imgen.inference.pixels import LUMA, as_array, floats, share_of

SIDE = 5  # of a patch, in pixels
PATCHES = 40_000  # that are looked at
CONFIDENCE = 1 - 1e-6  # that a patch of noise alone passes for one
BLOCK = 8  # pixels of JPEG's blocks


def noise_level(picture: Any) -> float:
    """Standard deviation of white noise, in gray levels of 255: 0 where there is too little to see it.

    From the patches with the weakest texture, whose smallest principal component is noise (Liu, Tanaka and Okutomi 2013, Single-Image
    Noise Level Estimation for Blind Denoising); each channel alone, their variances averaged. Noise that neighbours share, as of cameras
    and JPEG, is less white than it is strong: see `grain`.

    Args:
        picture: see `pixels.as_array`.
    """
    levels = _levels(picture)
    if min(levels.shape[:2]) < SIDE + 2:
        return 0.0
    return float(np.sqrt(np.mean([_variance(levels[..., c]) for c in range(levels.shape[-1])])))


def grain(picture: Any) -> float:
    """Standard deviation of the luma where it is flattest, in gray levels of 255: of noise of any kind, and of the finest texture.

    Of blocks of 8 x 8 pixels, what is left of each when a plane is taken away; the tenth percentile over the blocks, without those that are
    black or white, if they are the fewer.

    Args:
        picture: see `pixels.as_array`.
    """
    luma = _luma(picture)
    height, width = (n // BLOCK for n in luma.shape)
    blocks = luma[: height * BLOCK, : width * BLOCK].reshape(height, BLOCK, width, BLOCK).swapaxes(1, 2)
    blocks = blocks.reshape(-1, BLOCK * BLOCK)
    mean = blocks.mean(1)
    if not len(blocks):
        return 0.0
    inner = (mean > 8) & (mean < 247)
    inner = inner if inner.mean() >= 0.5 else np.ones_like(inner)
    down, across = np.mgrid[:BLOCK, :BLOCK].reshape(2, -1)
    plane, _ = np.linalg.qr(np.stack([np.ones(BLOCK * BLOCK), down, across], 1))
    rest = blocks[inner] - blocks[inner] @ plane @ plane.T
    return float(np.sqrt(np.percentile((rest**2).sum(1) / (BLOCK * BLOCK - 3), 10)))


def _luma(picture):
    levels = _levels(picture)
    return levels[..., 0] if levels.shape[-1] == 1 else levels @ LUMA


def _levels(picture):
    """float32 gray levels of 255, (H, W, 1 | 3), on white."""
    found = as_array(picture)
    colours = floats(found[..., None] if found.ndim == 2 else found[..., :3])
    if (share := _share(found)) is not None:
        colours = 1 + (colours - 1) * share[..., None]
    return (colours + 1) * np.float32(127.5)


def _share(picture):
    """The alpha of a picture in [0, 1], None where there is none."""
    return share_of(picture[..., 3]) if picture.ndim == 3 and picture.shape[-1] == 4 else None


def _variance(plane):
    step = int(np.ceil(np.sqrt(plane.size / PATCHES)))
    patches = np.lib.stride_tricks.sliding_window_view(plane, (SIDE, SIDE))[::step, ::step].astype("float64")
    patches = patches.reshape(-1, SIDE, SIDE)
    low, high = patches.min((1, 2)), patches.max((1, 2))
    clipped = (high <= 0) | (low >= 255)  # noise is cut off there
    if clipped.mean() < 0.5:
        patches = patches[~clipped]
    texture = _gradients(patches)
    flat = patches.reshape(len(patches), -1)
    found = _smallest(flat)
    for _ in range(3):
        weak = texture < found * _threshold()
        if weak.sum() < 4 * SIDE * SIDE:
            break
        found = _smallest(flat[weak])
    return found


def _gradients(patches):
    """Sum over each patch of the squares of its central differences."""
    across, down = patches[:, :, 2:] - patches[:, :, :-2], patches[:, 2:] - patches[:, :-2]
    return (across**2).sum((1, 2)) / 4 + (down**2).sum((1, 2)) / 4


def _smallest(flat):
    return max(0.0, float(np.linalg.eigvalsh(np.atleast_2d(np.cov(flat.T)))[0])) if len(flat) > 1 else 0.0


@lru_cache(1)
def _threshold() -> float:
    """How large `_gradients` of noise of variance 1 becomes, all but never more: they are about Gamma distributed (Liu et al., eq. 11)."""
    from scipy.stats import gamma  # lazy, as SciPy is wherever a server may come

    units = np.eye(SIDE * SIDE).reshape(-1, SIDE, SIDE)
    across, down = (units[:, :, 2:] - units[:, :, :-2]) / 2, (units[:, 2:] - units[:, :-2]) / 2
    every = np.concatenate([across.reshape(len(units), -1), down.reshape(len(units), -1)], 1)
    squares = every @ every.T
    rank = np.linalg.matrix_rank(squares)
    return float(gamma.ppf(CONFIDENCE, rank / 2, scale=2 * np.trace(squares) / rank))


def blocking(picture: Any) -> float:
    """How much more the luma jumps at every eighth pixel than between: about 1 for none, 1.4 and more where JPEG's blocks are seen.

    Second differences across the border, |a - 3 b + 3 c - d|, so that slopes do not count, along the grid where they are largest over
    the median of the others (after Wang, Sheikh and Bovik 2002, No-Reference Perceptual Quality Assessment of JPEG Compressed Images).

    Args:
        picture: see `pixels.as_array`.
    """
    luma = _luma(picture)
    found = [_grid(v) for v in (luma, luma.T) if v.shape[1] >= 4 * BLOCK]
    return float(np.mean(found)) if found else 1.0


def _grid(luma):
    jumps = np.abs(luma[:, :-3] - 3 * luma[:, 1:-2] + 3 * luma[:, 2:-1] - luma[:, 3:]).mean(0)
    phases = np.array([np.median(jumps[k::BLOCK]) for k in range(BLOCK)])  # one edge is no grid
    return (phases.max() + 0.1) / (np.median(phases) + 0.1)


class Light(NamedTuple):
    """How bright a picture is: of its luma, in gray levels of 255.

    Args:
        mean: of all pixels.
        bright: the level that 5 % of them exceed.
        lamps: the level that 0.5 % of them exceed.
    """

    mean: float
    bright: float
    lamps: float


def light(picture: Any) -> Light:
    """How bright a picture is; of a transparent one, what is seen of it.

    Args:
        picture: see `pixels.as_array`.
    """
    picture = as_array(picture)
    luma, share = _luma(picture), _share(picture)
    luma = luma[share > 0] if share is not None and share.any() else luma
    return Light(float(luma.mean()), *(float(v) for v in np.percentile(luma, (95, 99.5))))
