"""What a request for images may hold, checked alike for models in memory and for SavedModels. NumPy only."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np


def rows(num_classes: int | None, n: int | None, labels: Any, seed: int = 0, seeds: Any = None):
    """Seeds int32 (N,) and labels int32 (N,), None for a model without labels, from what `generate` is given."""
    if seeds is not None:
        seeds = np.atleast_1d(np.asarray(seeds))
        if seeds.ndim != 1 or seeds.dtype.kind not in "iu":
            raise ValueError(f"Expected integer seeds of shape (n,), got {seeds.dtype} of shape {seeds.shape}.")
    if labels is not None:
        labels = np.asarray(labels)
        if num_classes is None:
            raise ValueError("This model was trained without labels: leave `labels` out.")
        if labels.dtype.kind not in "iu" or labels.ndim > 1:
            raise ValueError(f"Expected integer labels of shape (n,), got {labels.dtype} of shape {labels.shape}.")
        if labels.size and (labels.min() < 0 or labels.max() >= num_classes):
            raise ValueError(f"Expected labels in 0..{num_classes - 1}, got {labels.min()}..{labels.max()}.")
    lengths = {
        "n": n,
        "labels": None if labels is None or labels.ndim == 0 else len(labels),
        "seeds": None if seeds is None else len(seeds),
    }
    given = {k: v for k, v in lengths.items() if v is not None}
    if len(set(given.values())) > 1:
        raise ValueError(f"Expected as many images everywhere, got {', '.join(f'{k}: {v}' for k, v in given.items())}.")
    count = next(iter(given.values()), 1)
    if count < 0 or int(count) != count:
        raise ValueError(f"Expected n >= 0, got {count!r}.")
    if seeds is None:
        seeds = seed + np.arange(count, dtype="int64")
    seeds = (seeds.astype("int64") & 0xFFFFFFFF).astype("uint32").view("int32")
    if num_classes is None:
        return seeds, None
    labels = np.broadcast_to(num_classes if labels is None else labels, (count,)).astype("int32")
    return seeds, labels


def labels_of(num_classes: int | None, count: int, labels: Any) -> np.ndarray | None:
    """Labels int32 (count,) of given images, None for a model without labels.

    Raises:
        ValueError: labels missing, not wanted, of another number or outside the range.
    """
    if num_classes is not None and labels is None:
        raise ValueError(f"This model is conditional on labels: expected `labels`, ints in 0..{num_classes - 1}.")
    if num_classes is None and labels is not None:
        raise ValueError("Encoding and decoding take no labels in this model: leave `labels` out.")
    return rows(num_classes, count, labels)[1]


def check_codes(codes: np.ndarray, count: int) -> None:
    """Raises ValueError unless these are integers in 0..count-1."""
    if codes.dtype.kind not in "iu":
        raise ValueError(f"Expected integer codes, got {codes.dtype}.")
    if codes.size and (codes.min() < 0 or codes.max() >= count):
        raise ValueError(f"Expected codes in 0..{count - 1}, got {codes.min()}..{codes.max()}.")


def guidance_limits(interval: tuple[float, float] | None) -> np.ndarray:
    """(low, high) of sigma/alpha -> float32 (low, high) of log-SNR; None is always on."""
    if interval is None:
        return np.array([-np.inf, np.inf], "float32")
    low, high = interval
    if not 0.0 <= low < high:
        raise ValueError(
            f"Expected `guidance_interval` (low, high) of sigma/alpha with 0 <= low < high, got {interval!r}."
        )
    with np.errstate(divide="ignore"):
        return (-2.0 * np.log(np.array([high, low], "float64"))).astype("float32")


def batched(function: Callable[..., np.ndarray], arrays: list[np.ndarray], batch_size: int, streams: int = 1):
    """`function(*arrays)` over at most `batch_size` rows at a time, of which as many batches as `streams` run beside each other.

    Only for functions whose rows do not depend on each other. In streams, which compile for each size, all batches have the same:
    the last row is repeated. Returns an array, or None for no rows.

    Raises:
        ValueError: a batch size below 1.
    """
    count, streams = len(arrays[0]), min(streams, _checked(batch_size))
    size = min(-(-count // streams), batch_size // streams)
    if count < 2 or streams == 1:
        made = [function(*(a[i : i + batch_size] for a in arrays)) for i in range(0, count, batch_size)]
    else:
        arrays = [filled(a, size) for a in arrays]
        batches = [[a[i : i + size] for a in arrays] for i in range(0, count, size)]
        with ThreadPoolExecutor(streams) as pool:
            made = list(pool.map(lambda batch: function(*batch), batches))
    return np.concatenate(made)[:count] if made else None


def answers(function: Callable[..., np.ndarray], arrays: list[np.ndarray], batch_size: int, fill: bool = True):
    """`batched`, with an array of the right form for no rows too; with `fill` every batch is full, see `filled`."""
    count = len(arrays[0])
    if count == 0:  # one row of zeros tells what the answer to none looks like
        arrays = [np.zeros((1, *a.shape[1:]), a.dtype) for a in arrays]
    elif fill:
        arrays = [filled(a, batch_size) for a in arrays]
    return batched(function, arrays, batch_size)[:count]


def _checked(batch_size: int) -> int:
    if batch_size < 1:
        raise ValueError(f"Expected `batch_size` of at least 1, got {batch_size!r}.")
    return batch_size


def one_compiles(function: Callable[..., Any]) -> Callable[..., Any]:
    """A compiled function for several threads: calls with shapes not met before, which compile, wait for each other."""
    lock, met = threading.Lock(), set()

    def call(*args):
        shapes = tuple(np.shape(a) for a in args)
        if shapes not in met:
            with lock:
                if shapes not in met:
                    result = function(*args)
                    met.add(shapes)
                    return result
        return function(*args)

    return call


def filled(array: np.ndarray, batch_size: int) -> np.ndarray:
    """The last row repeated up to a whole number of batches: kernels differ with the number of rows, and so do last bits of an image.
    A generator's images are made in full batches, so that one does not depend on how many were asked for with it."""
    missing = -len(array) % _checked(batch_size)
    return np.concatenate([array, np.repeat(array[-1:], missing, 0)]) if missing and len(array) else array
