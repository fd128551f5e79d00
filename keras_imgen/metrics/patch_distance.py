"""How alike the patches of two sets of pictures are, and how much of a sample is a copy: for models that learn from one picture."""

from collections.abc import Iterator, Sequence

import numpy as np

from keras_imgen.arguments import finite, integer, shown
from keras_imgen.data.imresize import imresize
from keras_imgen.metrics.distances import sliced_wasserstein

Pictures = np.ndarray | Sequence[np.ndarray]


def patch_distance(
    real: Pictures,
    fake: Pictures,
    size: int = 7,
    levels: int = 3,
    projections: int = 512,
    patches: int = 16384,
    seed: int = 0,
) -> np.ndarray:
    """Sliced Wasserstein distance of patches, in gray levels, at each level of a Laplacian pyramid, the finest first: float64 (levels,).

    A level is what its picture has beyond its own half, enlarged again; the last is the picture that is left. Patches are compared as they
    are: colours and contrast count, where the paper takes each channel's mean and standard deviation out. Pictures that differ by a
    constant of c gray levels have the distances 0, ..., 0, c, up to the chance of the directions. Read it beside that of two parts of the
    same painting.

    Args:
        real: uint8 (N, H, W, C), or a list of (H, W, C), each of a size of its own.
        fake: the same of the other kind, of any number and sizes.
        size: side of a patch, in pixels.
        levels: of the pyramid, each half as large as the one before.
        projections: number of directions.
        patches: of a set and level, at most; of more so many are drawn.
        seed: of the directions and patches.

    Raises:
        ValueError: pictures of another form, of different channels, or smaller than a patch at the last level.

    Source: Karras et al. 2018, "Progressive Growing of GANs", section 5.
    """
    size, levels, patches = integer("size", size, 1), integer("levels", levels, 1), integer("patches", patches, 1)
    real, fake = _checked(real), _checked(fake)
    if len({one.shape[-1] for one in (*real, *fake)}) > 1:
        raise ValueError("Expected pictures of as many channels everywhere.")
    found, smallest = [], min(min(one.shape[:2]) for one in (*real, *fake))
    if smallest >> (levels - 1) < size:
        raise ValueError(
            f"Expected sides of {size << (levels - 1)} or more for patches of {size} at {levels} levels, got {smallest}."
        )
    pyramids = [list(zip(*(_laplacian(one, levels) for one in pictures), strict=True)) for pictures in (real, fake)]
    for i, both in enumerate(zip(*pyramids, strict=True)):
        rows = [_rows(level, size, patches, np.random.default_rng([seed, i, k])) for k, level in enumerate(both)]
        found.append(sliced_wasserstein(*rows, projections, seed))
    return np.array(found)


def largest_copied_block(sample: np.ndarray, source: np.ndarray, tolerance: int = 8) -> int:
    """Side of the largest square of the sample that is somewhere in the source, in pixels; 0 for none.

    Every shift of the one over the other is tried; mirrored or turned copies are not seen.

    Args:
        sample: uint8 (H, W, C).
        source: uint8 (H', W', C), of any size.
        tolerance: gray levels by which each number of the square may be off.

    Raises:
        ValueError: pictures of another form, of different channels.
    """
    (sample,), (source,) = _checked([sample]), _checked([source])
    if sample.shape[-1] != source.shape[-1]:
        raise ValueError(f"Expected pictures of as many channels, got {sample.shape} and {source.shape}.")
    tolerance = float(finite("tolerance", tolerance, 0.0, 255.0))
    best, a, b = 0, *(np.ascontiguousarray(np.moveaxis(v, -1, 0), "int16") for v in (sample, source))
    shifts = [_from_the_middle(b.shape[axis], a.shape[axis]) for axis in (1, 2)]
    for dy in shifts[0]:
        top, bottom = max(0, -dy), min(a.shape[1], b.shape[1] - dy)
        for dx in shifts[1]:
            left, right = max(0, -dx), min(a.shape[2], b.shape[2] - dx)
            if min(bottom - top, right - left) <= best:
                continue
            ours, theirs = a[:, top:bottom, left:right], b[:, top + dy : bottom + dy, left + dx : right + dx]
            step = max(1, (best + 1) // 3)  # a larger square has so many of every `step`-th row and column
            seen = (best + 1) // step
            if (
                step > 1
                and _grown(_same(ours[:, ::step, ::step], theirs[:, ::step, ::step], tolerance), seen - 1) < seen
            ):
                continue
            best = _grown(_same(ours, theirs, tolerance), best)
    return best


def _same(a, b, tolerance):
    return (np.abs(a - b) <= tolerance).all(0)


def _from_the_middle(source: int, sample: int) -> list[int]:
    """Shifts by which the two overlap; those in place first, which let the others be left out early."""
    return sorted(range(1 - sample, source), key=abs)


def _grown(same: np.ndarray, side: int) -> int:
    """The side of the largest square of truth, if that is more than `side`."""
    if np.count_nonzero(same) < (side + 1) ** 2:
        return side
    total = np.zeros((same.shape[0] + 1, same.shape[1] + 1), "int32")
    np.cumsum(np.cumsum(same, 0, dtype="int32"), 1, out=total[1:, 1:])
    while side < min(same.shape):
        k = side + 1
        inside = total[k:, k:] - total[:-k, k:] - total[k:, :-k] + total[:-k, :-k]
        if inside.max() < k * k:
            break
        side = k
    return side


def _checked(pictures: Pictures) -> list[np.ndarray]:
    several = isinstance(pictures, list | tuple) or getattr(pictures, "ndim", 0) == 4
    found = [np.asarray(one) for one in pictures] if several else []
    if not found or any(one.dtype != np.uint8 or one.ndim != 3 or not one.size for one in found):
        raise ValueError(f"Expected uint8 pictures (N, H, W, C), or a list of (H, W, C), got {shown(pictures)}.")
    return found


def _laplacian(picture: np.ndarray, levels: int) -> Iterator[np.ndarray]:
    picture = picture.astype("float64")
    for _ in range(levels - 1):
        half = imresize(picture, tuple(n // 2 for n in picture.shape[:2]))
        yield picture - imresize(half, picture.shape[:2])
        picture = half
    yield picture


def _rows(pictures: Sequence[np.ndarray], size: int, count: int, rng: np.random.Generator) -> np.ndarray:
    """Patches (N, size x size x C), at most `count`: all of them, or as many drawn of each picture as its share is."""
    views = [np.lib.stride_tricks.sliding_window_view(one, (size, size), (0, 1)) for one in pictures]
    places = [(i, *divmod(j, v.shape[1])) for i, v in enumerate(views) for j in range(v.shape[0] * v.shape[1])]
    if len(places) > count:
        places = [places[k] for k in np.sort(rng.choice(len(places), count, replace=False))]
    return np.stack([views[i][y, x].ravel() for i, y, x in places])
