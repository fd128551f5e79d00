"""What a request for images may hold, checked alike for models in memory and for SavedModels. NumPy only."""

import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np

from keras_imgen.arguments import as_numbers, finite, integer, shown
from keras_imgen.conditions import Conditions, Label, counts, encoded, missing, rows_of


def rows(
    conditions: Conditions,
    n: int | None,
    given: Mapping[str, Any],
    seed: int = 0,
    seeds: Any = None,
    null: bool = True,
    like: Any = None,
) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """What `generate` is given, as arrays. Of a seed the last 32 bits count.

    Args:
        conditions: what the model takes.
        n: how many images, if nothing else tells.
        given: conditions by name, see `conditions.given_with`; what is left out is null.
        seed: of the first image; image k has `seed + k`.
        seeds: of each image (N,), in place of `seed`.
        null: whether the model can go without any of its conditions, or, if False, without labels alone.
        like: rows as long as which nulls are to be.

    Returns:
        (seeds int32 (N,), the conditions' arrays (N, ...) by name).

    Raises:
        ValueError: what is not whole numbers, in one line; lengths that differ, labels outside the range; conditions that the model does
            not take, or cannot go without.
    """
    seed = integer("seed", seed, hint=" Seeds for each image go into `seeds`." if np.ndim(seed) else "")
    if seeds is not None:
        seeds = _whole("seeds", seeds)
        if seeds.ndim == 0:
            seeds = seeds[None]
    arrays = encoded(conditions, given)
    if not null:
        missing(conditions, given)
    lengths = {
        "n": None if n is None else integer("n", n, 0),
        **counts(conditions, arrays),
        "seeds": None if seeds is None else len(seeds),
    }
    lengths = {k: v for k, v in lengths.items() if v is not None}
    if len(set(lengths.values())) > 1:
        raise ValueError(
            f"Expected as many images everywhere, got {', '.join(f'{k}: {v}' for k, v in lengths.items())}."
        )
    count = next(iter(lengths.values()), 1)
    if seeds is None:
        seeds = seed + np.arange(count, dtype="int64")
    seeds = (seeds.astype("int64") & 0xFFFFFFFF).astype("uint32").view("int32")
    return seeds, rows_of(conditions, arrays, count, like)


def _whole(name: str, values: Any) -> np.ndarray:
    """Whole numbers, () or (n,)."""
    found = as_numbers(values)
    if found.dtype.kind not in "iu" or found.ndim > 1:
        raise ValueError(f"Expected integer {name} of shape (n,), got {shown(values)}.")
    return found


def told(conditions: Conditions, count: int, given: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """The conditions of given images, for what encodes and decodes them: arrays (N, ...) by name.

    Args:
        conditions: what the model takes.
        count: N, how many images there are.
        given: conditions by name.

    Raises:
        ValueError: conditions missing, not wanted, of another number or outside their range.
    """
    if given and not conditions:
        name = "labels" if "label" in given else next(iter(given))
        raise ValueError(f"Encoding and decoding take no {name} in this model: leave `{name}` out.")
    for condition in conditions:
        if condition.key not in given and isinstance(condition, Label):
            raise ValueError(
                f"This model is conditional on labels: expected `labels`, ints in 0..{condition.num_classes - 1}."
            )
    return rows(conditions, count, given, null=False)[1]


def checked_latents(latents: Any, shape: tuple[int, ...], codes: int | None) -> np.ndarray:
    """Latents (N, *shape), float32, or int32 of codes.

    Args:
        latents: numbers of any kind.
        shape: of one of them.
        codes: how many codes the model has; None for one of numbers.

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


def batched(
    function: Callable[..., np.ndarray], arrays: list[np.ndarray], batch_size: int, streams: int = 1
) -> np.ndarray | None:
    """`function(*arrays)` over some rows at a time.

    Only for functions whose rows do not depend on each other. In streams, which compile for each size, all batches have the same:
    the last row is repeated.

    Args:
        function: some rows of each array to an array of as many rows.
        arrays: (N, ...) each.
        batch_size: rows at a time, at most; all streams together.
        streams: how many batches run beside each other.

    Returns:
        An array (N, ...), or None for no rows.

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


def answers(
    function: Callable[..., np.ndarray], arrays: list[np.ndarray], batch_size: int, fill: bool = True
) -> np.ndarray:
    """`batched`, with an array of the right form for no rows too.

    Args:
        fill: whether every batch is full, see `filled`.
        others: see `batched`.
    """
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
    A generator's images are made in full batches, so that one does not depend on how many were asked for with it.

    Args:
        array: (N, ...).
        batch_size: rows of a batch.
    """
    lacking = -len(array) % integer("batch_size", batch_size, 1)
    return np.concatenate([array, np.repeat(array[-1:], lacking, 0)]) if lacking and len(array) else array
