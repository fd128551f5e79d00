"""How much of an answer is taken: from 0, the picture as it came, to 1, the answer. NumPy only."""

from typing import Any

import numpy as np

from keras_imgen.arguments import finite

BLENDS = ("levels", "stops")
DARKEST = (
    1 / 255
)  # of linear light, added before a logarithm is taken: so that black has one, and its noise does not count


def blended(before: np.ndarray, after: np.ndarray, share: np.ndarray, blend: str) -> np.ndarray:
    """A picture between two.

    Args:
        before: floats in [-1, 1], as sRGB codes them.
        after: of the same shape.
        share: of `after`, in [0, 1]; broadcasts.
        blend: "levels": of the gray levels, in which noise, blur and edges look alike in dark and bright places, and in which networks are
            trained; "stops": of the logarithm of light, in which half of a brightening is half as many stops, and half of a cast's
            correction the root of the factor.
    """
    if blend == "levels":
        found = before + share * (after - before)
    else:
        ends = (np.log(_light(v) + DARKEST) for v in (before, after))
        first, last = ends
        found = _levels(np.exp(first + share * (last - first)) - DARKEST)
    return np.where(share >= 1, after, found).astype("float32")


def _light(x):
    """Of levels in [-1, 1] linear light in [0, 1] (IEC 61966-2-1)."""
    x = np.clip((x + 1) / 2, 0.0, 1.0)
    return np.where(x <= 0.04045, x / 12.92, ((x + 0.055) / 1.055) ** 2.4)


def _levels(light):
    light = np.clip(light, 0.0, 1.0)
    return np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055) * 2 - 1


def strengths(given: Any, count: int, many: bool) -> list[np.ndarray]:
    """What was given as `strength`, for each of `count` pictures: a number, or a map (H, W).

    Args:
        given: a number in [0, 1] or a map (H, W) of such, for all; or a list, or an array (N,) or (N, H, W), one for each.
        count: of the pictures.
        many: whether there may be one for each.

    Raises:
        ValueError: others.
    """
    one_each = many and (isinstance(given, list | tuple) or np.ndim(given) in (1, 3))
    every = list(given) if one_each else [given] * count
    if len(every) != count:
        raise ValueError(f"Expected as many `strength` as images, {count}, got {len(every)}.")
    shapes = [np.shape(one) if np.ndim(one) == 2 else () for one in every]
    return [finite("strength", one, 0.0, 1.0, shape=(shape,)) for one, shape in zip(every, shapes)]


def shares(every: list[np.ndarray], size: tuple[int, int]) -> np.ndarray | None:
    """Strengths of pictures of one size as float32 (N, 1, 1, 1) or (N, H, W, 1); None where all is taken of all.

    Args:
        every: of each picture, see `strengths`.
        size: (H, W) of the pictures.

    Raises:
        ValueError: a map of another size.
    """
    if wrong := [one.shape for one in every if one.shape not in ((), size)]:
        raise ValueError(f"Expected a map of `strength` of shape {size}, as the picture, got {wrong[0]}.")
    if all(one.shape == () and one == 1 for one in every):
        return None
    shape = size if any(one.shape for one in every) else (1, 1)
    return np.stack([np.broadcast_to(one, shape) for one in every])[..., None]
