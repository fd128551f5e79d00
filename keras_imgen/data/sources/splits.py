"""Splits of sets that come without: by a hash of a name, so that a picture keeps its split whatever else is there."""

import hashlib
from collections.abc import Iterable

import numpy as np

from keras_imgen.data.sources.base import wants_split

SPLITS = ("train", "validation", "test")  # eight tenths, one, one


def split_of(name: str) -> str:
    """The split of whatever has a name."""
    tenth = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8]) % 10
    return SPLITS[max(0, tenth - 7)]


def rows_of_split(source: str, names: Iterable[str], split: str) -> np.ndarray:
    """The numbers of the rows of a split.

    Args:
        source: what messages call it.
        names: of all rows; those of one name stay together.
        split: "train", "validation", "test" or "all".

    Raises:
        NoSplit: another one.
    """
    wants_split(source, split, (*SPLITS, "all"))
    return np.array([row for row, name in enumerate(names) if split in ("all", split_of(name))], int)
