"""What a request for images may hold, checked alike for models in memory and for SavedModels. NumPy only."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np

from keras_imgen.arguments import as_numbers, finite, integer, shown


def rows(num_classes: int | None, n: int | None, labels: Any, seed: int = 0, seeds: Any = None):
    """Seeds int32 (N,) and labels int32 (N,), None for a model without labels, from what `generate` is given. Of a seed the last 32 bits
    count.

    Raises:
        ValueError: what is not whole numbers, in one line; lengths that differ, labels outside the range.
    """
    seed = integer("seed", seed, hint=" Seeds for each image go into `seeds`." if np.ndim(seed) else "")
    if seeds is not None:
        seeds = _whole("seeds", seeds)
        if seeds.ndim == 0:
            seeds = seeds[None]
    if labels is not None:
        if num_classes is None:
            raise ValueError("This model was trained without labels: leave `labels` out.")
        labels = _whole("labels", labels)
        if labels.size and (labels.min() < 0 or labels.max() >= num_classes):
            raise ValueError(f"Expected labels in 0..{num_classes - 1}, got {labels.min()}..{labels.max()}.")
    lengths = {
        "n": None if n is None else integer("n", n, 0),
        "labels": None if labels is None or labels.ndim == 0 else len(labels),
        "seeds": None if seeds is None else len(seeds),
    }
    given = {k: v for k, v in lengths.items() if v is not None}
    if len(set(given.values())) > 1:
        raise ValueError(f"Expected as many images everywhere, got {', '.join(f'{k}: {v}' for k, v in given.items())}.")
    count = next(iter(given.values()), 1)
    if seeds is None:
        seeds = seed + np.arange(count, dtype="int64")
    seeds = (seeds.astype("int64") & 0xFFFFFFFF).astype("uint32").view("int32")
    if num_classes is None:
        return seeds, None
    labels = np.broadcast_to(num_classes if labels is None else labels, (count,)).astype("int32")
    return seeds, labels


def _whole(name: str, values: Any) -> np.ndarray:
    """Whole numbers, () or (n,)."""
    found = as_numbers(values)
    if found.dtype.kind not in "iu" or found.ndim > 1:
        raise ValueError(f"Expected integer {name} of shape (n,), got {shown(values)}.")
    return found


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


def checked_latents(latents: Any, shape: tuple[int, ...], codes: int | None) -> np.ndarray:
    """Latents (N, *shape), float32, or int32 of a model with so many codes.

    Raises:
        ValueError: another shape, NaN or infinity; what is not integers in 0..codes-1.
    """
    latents = as_numbers(latents)
    if latents.shape[1:] != shape or not latents.ndim:
        raise ValueError(f"Expected latents of shape (N, {', '.join(map(str, shape))}), got {latents.shape}.")
    if codes is None:
        return finite("latents", latents, shape=(latents.shape,))
    if latents.dtype.kind not in "iu":
        raise ValueError(f"Expected integer codes, got {latents.dtype}.")
    if latents.size and (latents.min() < 0 or latents.max() >= codes):
        raise ValueError(f"Expected codes in 0..{codes - 1}, got {latents.min()}..{latents.max()}.")
    return latents.astype("int32")


def truncation_bound(truncation: float | None) -> np.float32:
    """What the endpoints of GANs take: 0 for None, which is no truncation."""
    return np.float32(0.0) if truncation is None else finite("truncation", truncation, 0.0, above=True)[()]


def guidance_scales(scale: Any, count: int) -> np.ndarray:
    """float32 (count,) of one guidance scale for all images or one for each."""
    return np.broadcast_to(finite("guidance_scale", scale, shape=((), (count,))), (count,))


def guidance_limits(interval: tuple[float, float] | None) -> np.ndarray:
    """(low, high) of sigma/alpha -> float32 (low, high) of log-SNR; None is always on."""
    if interval is None:
        return np.array([-np.inf, np.inf], "float32")
    ends = as_numbers(interval)
    if ends.dtype.kind not in "iuf" or ends.shape != (2,) or not 0.0 <= ends[0] < ends[1]:
        raise ValueError(
            f"Expected `guidance_interval` (low, high) of sigma/alpha with 0 <= low < high, got {shown(interval)}."
        )
    with np.errstate(divide="ignore"):
        return (-2.0 * np.log(ends[::-1].astype("float64"))).astype("float32")


def batched(function: Callable[..., np.ndarray], arrays: list[np.ndarray], batch_size: int, streams: int = 1):
    """`function(*arrays)` over at most `batch_size` rows at a time, of which as many batches as `streams` run beside each other.

    Only for functions whose rows do not depend on each other. In streams, which compile for each size, all batches have the same:
    the last row is repeated. Returns an array, or None for no rows.

    Raises:
        ValueError: a batch size below 1.
    """
    batch_size = integer("batch_size", batch_size, 1)
    count, streams = len(arrays[0]), min(streams, batch_size)
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
    missing = -len(array) % integer("batch_size", batch_size, 1)
    return np.concatenate([array, np.repeat(array[-1:], missing, 0)]) if missing and len(array) else array
