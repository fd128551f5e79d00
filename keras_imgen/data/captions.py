"""Captions of images: how they are given, and which of several a row has in an epoch: a function of the seed, the epoch and the row."""

from collections.abc import Sequence
from typing import Any

import numpy as np

NAMES = ("caption", "captions", "text")  # of columns and features that hold captions, where none is named


def captions_at(captions: Sequence[tuple[str, ...]], rows: np.ndarray, seed: int | None, now: int) -> np.ndarray:
    """A caption for each row, as UTF-8 (an array of bytes objects); "" where none is known.

    Args:
        captions: of all rows.
        rows: the numbers of those that are wanted.
        seed: of the draw; None takes the first caption.
        now: the epoch.
    """
    several = [captions[int(row)] for row in rows]
    which = np.zeros(len(rows), int) if seed is None else drawn_of([len(c) for c in several], rows, seed, now)
    found = np.empty(len(rows), object)
    found[:] = [c[k].encode() if c else b"" for c, k in zip(several, which)]
    return found


def drawn_of(counts: Any, rows: Any, seed: int, now: int) -> np.ndarray:
    """Of so many captions of each row the number of one, equally likely; 0 where there is none.

    Args:
        counts: how many captions each row has.
        rows: their numbers.
        seed: of the draw.
        now: the epoch.
    """
    numbers = mixed(seed & 0x7FFFFFFF, now, np.asarray(rows))
    return (numbers % np.maximum(counts, 1).astype("uint64")).astype("int64")


def mixed(*numbers: Any) -> np.ndarray:
    """Whole numbers of at least 0, alone or in arrays -> uint64 without a pattern (the steps of SplitMix64, one for each number)."""
    x = np.zeros(1, "uint64")  # of an array, whose overflow is no warning
    for number in numbers:
        x = x + np.asarray(number).astype("uint64") + np.uint64(0x9E3779B97F4A7C15)
        x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        x = x ^ (x >> np.uint64(31))
    return x


def texts_of(given: Any, where: str) -> tuple[str, ...]:
    """What is given as the captions of an image, without spaces around them; empty ones are none.

    Args:
        given: a text, UTF-8, a list of them, or None.
        where: what messages call it.

    Raises:
        ValueError: something else, or a text that cannot be encoded.
    """
    if isinstance(given, np.ndarray):
        given = given.tolist()
    several = given if isinstance(given, list | tuple) else [] if given is None else [given]
    try:
        texts = [t.decode() if isinstance(t, bytes) else t for t in several]
        if not all(isinstance(t, str) for t in texts):
            raise ValueError(f"{where}: expected a text or a list of texts, got {given!r:.60}.")
        [t.encode() for t in texts]
    except UnicodeError:
        raise ValueError(f"{where}: expected a text in UTF-8, got {given!r:.60}.") from None
    return tuple(t.strip() for t in texts if t.strip())


def out_of(batch: dict[str, Any], text: str | None) -> list[tuple[str, ...]] | None:
    """The captions of arrays, which are taken out of the batch; what goes by such a name and is no text stays there, as None tells.

    Args:
        batch: arrays or lists by name.
        text: the name of the captions; None takes `caption` or `captions`.

    Raises:
        ValueError: nothing of the name `text`, or no texts.
    """
    if text and text not in batch:
        raise ValueError(f"There is no text {text!r}: the arrays are {', '.join(map(str, batch))}.")
    name = text or next((k for k in NAMES[:2] if k in batch), None)
    given = batch.get(name)
    given = given if isinstance(given, list | tuple) else np.atleast_1d(np.asarray(given))
    if name and _is_text(given):
        del batch[name]
        return [texts_of(texts, f"{name} {row}") for row, texts in enumerate(given)]
    if text:
        raise ValueError(f"Expected {text!r} as a text, or a list of texts, for each image.")
    return None


def _is_text(given):
    if isinstance(given, np.ndarray):
        return given.dtype.kind in "SUO" and _is_text(given.tolist())
    return (
        given is None or isinstance(given, str | bytes) or isinstance(given, list | tuple) and all(map(_is_text, given))
    )
