"""A picture and an edited version of it as one picture without a seam. NumPy and SciPy alone.

Outside the mask every pixel stays as it is, to the bit.
"""

from typing import Any

import numpy as np
from scipy import ndimage, sparse
from scipy.sparse.linalg import splu

from keras_imgen.arguments import as_numbers, finite, shown

MARGIN = 3  # pixels around a part of a mask that are looked at


def fuse(
    images: Any, edited: Any, mask: Any, how: str = "poisson", width: float | None = None, limit: float | None = 48
) -> np.ndarray:
    """`edited` inside a mask, `images` outside of it.

    "poisson" adds to the edit the smoothest change (a harmonic one, solved exactly) that carries the tone of the kept pixels over the
    mask's border: seamless cloning (Pérez et al. 2003). Where a larger difference than `limit` meets at the border it is not of tone: a
    thing ends there, whose colour must not run into the others.

    The gradient across the border is that of `edited`, which is painted a pixel or more beyond the mask. Of an edit that ends with the
    mask that of `images` is taken; unless an edge of `images` follows the border, as where a mask fits a thing tightly: then nothing
    tells what the tone should be, and the edit stays as it is.

    Args:
        images: uint8 (N, H, W, C), as given.
        edited: uint8 (N, H, W, C), the edit of them.
        mask: (N, H, W), (N, H, W, 1) or (H, W) for all images, nonzero where `edited` is wanted.
        how: "poisson"; "feather", which blends both inside the mask's border; "cut".
        width: pixels from the border on which "feather" blends, 0 or more; None is one for every 32 of the shorter side.
        limit: gray levels, 0 or more; None carries every difference over the border.

    Returns:
        uint8 (N, H, W, C).

    Raises:
        ValueError: images or a mask of another form, an unknown way, a width or a limit below 0.
    """
    images = pictures("images", images)
    edited = pictures("edited", edited, images.shape)
    inside = as_mask(mask, images.shape)
    if how not in WAYS:
        raise ValueError(f"Expected `how` as one of {', '.join(WAYS)}, got {shown(how)}.")
    width = float(finite("width", min(images.shape[1:3]) / 32 if width is None else width, 0.0))
    limit = np.inf if limit is None else float(finite("limit", limit, 0.0))
    fused = images.copy()
    for picture, change, part in zip(fused, edited, inside):
        if part.any():
            picture[part] = WAYS[how](picture, change, part, width, limit)[part]
    return fused


def pictures(name: str, images: Any, shape: tuple[int, ...] | None = None) -> np.ndarray:
    """uint8 (N, H, W, C), looked at.

    Args:
        name: what messages call them.
        images: what was passed.
        shape: of them all; None is any.

    Raises:
        ValueError: another form.
    """
    found = as_numbers(images)
    if found.dtype != np.uint8 or found.ndim != 4 or shape not in (None, found.shape):
        raise ValueError(f"Expected `{name}` as uint8 of shape {shape or '(N, H, W, C)'}, got {shown(found)}.")
    return found


def as_mask(mask: Any, shape: tuple[int, ...]) -> np.ndarray:
    """A mask of pictures, bool (N, H, W).

    Args:
        mask: (N, H, W), (N, H, W, 1) or (H, W) of finite numbers.
        shape: of the pictures, (N, H, W, C).

    Raises:
        ValueError: another form.
    """
    found = as_numbers(mask)
    if found.shape not in (shape[:3], (*shape[:3], 1), shape[1:3]) or found.dtype.kind not in "biuf":
        raise ValueError(f"Expected a mask of shape {shape[:3]} or {shape[1:3]}, got {shown(mask)}.")
    if not np.isfinite(found).all():
        raise ValueError("Expected a mask of finite numbers, got NaN or infinity.")
    found = found[..., 0] if found.ndim == 4 else found
    return np.broadcast_to(found != 0, shape[:3])


def grown(mask: np.ndarray, pixels: float) -> np.ndarray:
    """Masks with all that lies at most so many pixels beside them.

    Args:
        mask: bool (N, H, W).
        pixels: 0 or more; half a pixel less counts as well, so that a corner is round.

    Raises:
        ValueError: a number below 0.
    """
    pixels = float(finite("pixels to grow a mask by", pixels, 0.0))
    parts = [ndimage.distance_transform_edt(~part) < pixels + 0.5 if part.any() else part for part in mask]
    return np.array(parts, bool).reshape(mask.shape)


# === The ways: picture, edit (H, W, C) and mask (H, W), not empty, to what is to stand inside the mask ===


def _cut(picture, change, inside, width, limit):
    return change


def _feather(picture, change, inside, width, limit):
    """By the distance to the kept pixels: of a picture that keeps none there is no border."""
    far = np.full(inside.shape, np.inf) if inside.all() else ndimage.distance_transform_edt(inside)
    share = np.minimum(far / (width + 1.0), 1.0)[..., None]
    return np.rint(picture + share * (change.astype("float64") - picture)).astype("uint8")


def _poisson(picture, change, inside, width, limit):
    found = change.astype("float64")
    parts, _ = ndimage.label(inside)  # pixels side by side: of others no part of the border is common
    for k, box in enumerate(ndimage.find_objects(parts), 1):
        box = tuple(slice(max(side.start - MARGIN, 0), side.stop + MARGIN) for side in box)
        part = parts[box] == k
        found[box][part] += _correction(picture[box].astype("float64"), change[box].astype("float64"), part, limit)
    return np.rint(np.clip(found, 0.0, 255.0)).astype("uint8")


def _correction(picture, change, inside, limit=np.inf):
    """What is added to the edit inside, (pixels, C): e with Δe = 0, and picture - edit on the kept pixels around it.

    At the picture's own border, and where more than `limit` is wanted, nothing is prescribed: e is level there.
    """
    p, q = _neighbours(inside.shape)
    within = inside.reshape(-1)
    cross = within[p] != within[q]
    own = np.where(within[p], p, q)[cross]
    kept = np.where(within[p], q, p)[cross]
    before, after = (array.reshape(-1, array.shape[-1]) for array in (picture, change))
    wanted = (before - after)[kept]
    if not wanted.any():  # the edit ends with the mask
        step = np.abs(before[p] - before[q])
        edge = cross.any() and step[cross].mean() > 2.0 * step[~cross].mean() + 1.0 if (~cross).any() else True
        wanted = np.zeros_like(wanted) if edge else (before - after)[own]
    told = np.abs(wanted).max(axis=-1, initial=0.0) <= limit
    own, wanted = own[told], wanted[told]
    if not wanted.any():  # also of a mask without a border
        return np.zeros((within.sum(), picture.shape[-1]))
    number = np.cumsum(within) - 1
    both = within[p] & within[q]
    i, j = number[p[both]], number[q[both]]
    n = int(within.sum())
    degree = np.bincount(np.concatenate([i, j, number[own]]), minlength=n)
    ones = np.ones(len(i))
    laplacian = sparse.diags_array(degree.astype("float64")) - sparse.coo_array(
        (np.concatenate([ones, ones]), (np.concatenate([i, j]), np.concatenate([j, i]))), shape=(n, n)
    )
    right = np.stack([np.bincount(number[own], column, n) for column in wanted.T], axis=-1)
    solver = splu(laplacian.tocsc(), permc_spec="MMD_AT_PLUS_A", options={"SymmetricMode": True}, diag_pivot_thresh=0.0)
    return solver.solve(right)


def _neighbours(shape):
    """The numbers of all pixels beside each other, (pairs,) twice."""
    numbers = np.arange(shape[0] * shape[1]).reshape(shape)
    pairs = ((numbers[:, :-1], numbers[:, 1:]), (numbers[:-1], numbers[1:]))
    return tuple(np.concatenate([pair[k].reshape(-1) for pair in pairs]) for k in (0, 1))


WAYS = {"poisson": _poisson, "feather": _feather, "cut": _cut}
