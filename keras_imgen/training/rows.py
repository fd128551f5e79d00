"""What is the same for pictures (N, H, W, C), clips (N, F, H, W, C) and latents (N, D): one number for each row of a batch."""

from collections.abc import Callable
from typing import Any

from keras import ops


def like(values: Any, x: Any) -> Any:
    """Numbers (N,), one for each row, in a shape (N, 1, ..., 1) that broadcasts with x (N, ...)."""
    return ops.reshape(values, (-1, *[1] * (len(x.shape) - 1)))


def strided(rows: Any, i: int, parts: int) -> Any:
    """Every `parts`-th row from the i-th on; of a last batch with fewer rows than that, the last: none would be a loss of NaN.

    Args:
        rows: tensor (N, ...).
        i: the first row, 0..parts - 1.
        parts: step from row to row.
    """
    count = ops.shape(rows)[0]
    first = min(i, count - 1) if isinstance(count, int) else ops.minimum(i, count - 1)
    return rows[first::parts]


def per_row(reduce: Callable[..., Any], x: Any, keepdims: bool = False) -> Any:
    """`reduce` over all of each row.

    Args:
        reduce: as `ops.mean` or `ops.sum`.
        x: tensor (N, ...).
        keepdims: whether the axes stay.

    Returns:
        (N,), or (N, 1, ..., 1) with `keepdims`.
    """
    return reduce(x, axis=tuple(range(1, len(x.shape))), keepdims=keepdims)


def by_frame(function: Callable[..., Any], clips: Any, *rows: Any) -> Any:
    """A function of pictures, of every frame of clips by itself.

    Args:
        function: of pictures (N, ...) and of what goes with each, to tensors (N, ...).
        clips: tensor (N, F, ...).
        *rows: further arguments, (N, ...): the same for all frames of a clip.

    Returns:
        A tensor (N, F, ...).
    """
    frames = clips.shape[1]
    made = function(ops.reshape(clips, (-1, *clips.shape[2:])), *(ops.repeat(v, frames, axis=0) for v in rows))
    return ops.reshape(made, (-1, frames, *made.shape[1:]))
