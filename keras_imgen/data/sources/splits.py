"""Splits: of folders by their sub-folders; of sets without any by a hash of a name, so that a picture keeps its own."""

import hashlib
import os
from collections.abc import Iterable

import numpy as np

from keras_imgen.data.sources.base import NoSplit, wants_split

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


def part_of_folder(path: str, split: str) -> tuple[str, str]:
    """The folder, and its sub-folder of a split: "" where it has none and all of it is meant.

    Args:
        path: of the folder.
        split: that is asked for.

    Raises:
        FileNotFoundError: no such folder.
        NoSplit: it has no such sub-folder.
    """
    root = os.path.expanduser(path)
    if not os.path.isdir(root):
        raise FileNotFoundError(f"There is no folder {root}.")
    splits = [s for s in ("train", "test", "validation", "val") if os.path.isdir(os.path.join(root, s))]
    if splits and split != "all":
        part = "val" if split == "validation" and "val" in splits else split
        if part not in splits:
            raise NoSplit(f"{root} has no split {split!r}. Expected one of: {', '.join(splits)}.")
        return root, part
    if not splits and split not in ("train", "all"):
        raise NoSplit(f"{root} has no sub-folder {split!r}: use split='all', or make one.")
    return root, ""
