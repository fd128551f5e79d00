"""What functions are given, checked in one place. NumPy only."""

import operator
from typing import Any

import numpy as np


def integer(name: str, value: Any, low: int = -(2**63), high: int = 2**63 - 1, hint: str = "") -> int:
    """The whole number `value`.

    Args:
        name: what messages call it.
        value: what was passed.
        low: least value.
        high: largest value.
        hint: end of the message, which says what to do.

    Raises:
        ValueError: another type, also bool, or outside [low, high].
    """
    try:
        found = None if isinstance(value, bool | np.bool_) else operator.index(value)
    except TypeError:
        found = None
    if found is None or not low <= found <= high:
        limits = [f"of at least {low}"] * (low > -(2**63)) + [f"of at most {high}"] * (high < 2**63 - 1)
        wanted = " and ".join(limits) or "in the range of int64"
        raise ValueError(f"Expected `{name}` as a whole number {wanted}, got {shown(value)}.{hint}")
    return found


def finite(
    name: str,
    value: Any,
    low: float = -np.inf,
    high: float = np.inf,
    *,
    above: bool = False,
    shape: tuple[tuple[int, ...], ...] = ((),),
) -> np.ndarray:
    """`value` as float32; by default one number.

    Args:
        name: what messages call it.
        value: what was passed.
        low: least value.
        high: largest value.
        above: whether `low` itself is out of range.
        shape: the shapes that are allowed.

    Raises:
        ValueError: another type, also bool, another shape; NaN, infinity or what float32 makes infinite; out of range.
    """
    given = as_numbers(value)
    if given.dtype.kind not in "iuf" or given.shape not in shape:
        wanted = "a number" if shape == ((),) else f"numbers of shape {' or '.join(map(str, shape))}"
        raise ValueError(f"Expected `{name}` as {wanted}, got {shown(value)}.")
    with np.errstate(over="ignore"):
        found = given.astype("float32")
    right = np.isfinite(found) & (found > low if above else found >= low) & (found <= high)
    if not right.all():
        first, last = "(" if above or np.isinf(low) else "[", ")" if np.isinf(high) else "]"
        wrong = given.reshape(-1)[np.argmin(right)]
        raise ValueError(f"Expected `{name}` in {first}{low:g}, {high:g}{last}, got {wrong}.")
    return found


def frames8(wanted: str, value: Any, rank: int) -> np.ndarray:
    """Clips as uint8 of 1 or 3 channels, not empty.

    Args:
        wanted: what messages say was expected.
        value: what was passed.
        rank: 4 of (F, H, W, C), 5 of (N, F, H, W, C).

    Raises:
        ValueError: another form.
    """
    found = as_numbers(value)
    if found.dtype != np.uint8 or found.ndim != rank or found.shape[-1] not in (1, 3) or 0 in found.shape:
        raise ValueError(f"Expected {wanted}, got {shown(found)}.")
    return found


def as_numbers(value: Any) -> np.ndarray:
    """An array; of a ragged list one of dtype object."""
    try:
        return np.asarray(value)
    except ValueError:  # a ragged list
        return np.asarray(None)


def shown(value: Any) -> str:
    """What was given, in a few words."""
    if isinstance(value, np.ndarray):
        return f"an array {value.dtype} of shape {value.shape}" if value.ndim else repr(value[()])
    text = " ".join(repr(value).split())
    return text if len(text) <= 60 else f"{text[:60]}..."
