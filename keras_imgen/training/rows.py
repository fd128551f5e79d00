"""What is the same for pictures (N, H, W, C), clips (N, F, H, W, C) and latents (N, D): one number for each row of a batch."""

from collections.abc import Callable
from typing import Any

from keras import ops


def like(values: Any, x: Any) -> Any:
    """Numbers (N,), one for each row, in a shape (N, 1, ..., 1) that broadcasts with x (N, ...)."""
    return ops.reshape(values, (-1, *[1] * (len(x.shape) - 1)))


def strided(rows: Any, i: int, parts: int) -> Any:
    """Every `parts`-th row from the i-th on; of a last batch with fewer rows than that, the last: none would be a loss of NaN."""
    count = ops.shape(rows)[0]
    first = min(i, count - 1) if isinstance(count, int) else ops.minimum(i, count - 1)
    return rows[first::parts]


def per_row(reduce: Callable[..., Any], x: Any, keepdims: bool = False) -> Any:
    """`reduce`, as `ops.mean` or `ops.sum`, over all of each row: (N,), or (N, 1, ..., 1) with `keepdims`."""
    return reduce(x, axis=tuple(range(1, len(x.shape))), keepdims=keepdims)
