"""Do texts find their pictures, and pictures their texts? By vectors of both, as those of `models.CLIP`."""

from collections.abc import Sequence
from math import comb
from typing import Any

import numpy as np

from keras_imgen.arguments import finite


def retrieval(
    images: np.ndarray, texts: np.ndarray, identities: Sequence[Any] | None = None, ks: Sequence[int] = (1, 5)
) -> dict[str, float]:
    """Recall at K (R@K) in both directions: the share of rows for which one of the K nearest of the other kind is right.

    Text i belongs to image i, and to every other one of the same identity, as of the same caption: any of these is right. Nearest is
    what has the largest product; of equal ones the wrong come first, so that vectors that tell nothing apart find nothing. Compare only
    over equally many rows: the more there are, the harder it is, as `chance` says.

    Args:
        images: vectors (N, D).
        texts: vectors (N, D).
        identities: N values that can be keys of a dict, equal of what is the same; None is all different.
        ks: those K that are wanted, from 1 to N.

    Returns:
        By name "text to image R@K", of finding images by texts, "image to text R@K", and "chance R@K", of an order by chance.

    Raises:
        ValueError: vectors of other shapes, no rows, NaN or infinity, another number of identities, a K outside 1..N.
    """
    count, shape = len(images), np.shape(images)
    if len(shape) != 2 or np.shape(texts) != shape or not count:
        raise ValueError(f"Expected vectors (N, D) of images and as many of texts, got {shape} and {np.shape(texts)}.")
    if identities is not None and len(identities) != count:
        raise ValueError(f"Expected an identity for each of {count} rows, got {len(identities)}.")
    if not ks or min(ks) < 1 or max(ks) > count:
        raise ValueError(f"Expected each of `ks` in 1..{count}, the number of rows, got {list(ks)}.")
    known: dict[Any, int] = {}
    kinds = np.array(
        [known.setdefault(one, len(known)) for one in (range(count) if identities is None else identities)]
    )
    images, texts = (finite(name, v, shape=(shape,)) for name, v in (("images", images), ("texts", texts)))
    same, scores = kinds[:, None] == kinds, texts @ images.T
    before = {"text to image": wrong_before(scores, same), "image to text": wrong_before(scores.T, same)}
    found = {f"{name} R@{k}": float(np.mean(rank < k)) for name, rank in before.items() for k in ks}
    return found | {f"chance R@{k}": chance(same.sum(1), k) for k in ks}


def wrong_before(scores: np.ndarray, right: np.ndarray) -> np.ndarray:
    """How many wrong ones of each row come before the first right one, int (N,).

    Args:
        scores: (N, M), the larger the nearer.
        right: bool (N, M), at least one in each row.
    """
    best = np.where(right, scores, -np.inf).max(1, keepdims=True)
    return (~right & (scores >= best)).sum(1)


def chance(right: np.ndarray, k: int) -> float:
    """The R@K of an order by chance.

    Args:
        right: how many of N are right, of each of N rows.
        k: K.
    """
    return float(np.mean([1.0 - comb(len(right) - int(m), k) / comb(len(right), k) for m in right]))
