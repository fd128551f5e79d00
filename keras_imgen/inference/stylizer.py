"""Any picture, of any size, through a stylising network, tile by tile, with the statistics of the whole picture. NumPy only."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from keras_imgen.arguments import as_numbers, finite
from keras_imgen.conditions import Conditions
from keras_imgen.inference.endpoints import Input, Request, Tensor
from keras_imgen.inference.pixels import as_array, floats, quantized
from keras_imgen.inference.tiling import spans, tiled, weights


@dataclass(frozen=True)
class StyleWeights(Input):
    """Which of several learned styles, or how much of each.

    Args:
        count: how many styles.
    """

    kind = "style_weights"
    count: int

    def arguments(self) -> dict[str, Any]:
        return {"styles": None}

    def tensors(self, conditions: Conditions) -> dict[str, Tensor]:
        return {"styles": Tensor((self.count,), "float32", default=[1.0] if self.count == 1 else None)}

    def encode(self, given: Mapping[str, Any], request: Request) -> None:
        weights = style_weights(given["styles"], self.count)
        if len(weights) not in (1, request.count):
            raise ValueError(
                f"Expected one style for all pictures or one for each of {request.count}, got {len(weights)}."
            )
        request.rows["styles"] = np.broadcast_to(weights, (request.count, self.count))


def mixing_weights(weights: Any, count: int) -> np.ndarray:
    """Weights (count,) of pictures of styles that are mixed, as given; None is all alike.

    Args:
        weights: numbers of at least 0, or None.
        count: how many styles.

    Raises:
        ValueError: another form, or nothing above 0.
    """
    found = np.ones(count) if weights is None else finite("weights", weights, 0.0, shape=((count,),))
    if not found.sum() > 0:
        raise ValueError("Expected at least one style with a weight above 0.")
    return found


def style_weights(styles: Any, count: int) -> np.ndarray:
    """Weights float32 (N, count) of learned styles, which sum to 1.

    Args:
        styles: a whole number, several, or weights as floats, (count,) or (N, count); None of a single style.
        count: how many styles there are.

    Raises:
        ValueError: another form, a number out of range, weights that are all zero.
    """
    if styles is None and count == 1:
        styles = 0
    if styles is None:
        raise ValueError(
            f"This model has learned {count} styles: expected `styles`, numbers in 0..{count - 1} or weights."
        )
    given = as_numbers(styles)
    if given.dtype.kind in "iu" and given.ndim < 2 and given.size:
        if given.min() < 0 or given.max() >= count:
            raise ValueError(f"Expected `styles` in 0..{count - 1}, got {given.min()}..{given.max()}.")
        return np.eye(count, dtype="float32")[np.atleast_1d(given)]
    shapes = ((count,), (len(given), count) if given.ndim == 2 else (count,))
    weights = np.atleast_2d(finite("styles", styles, 0.0, shape=shapes))
    if not (weights.sum(1) > 0).all():
        raise ValueError("Expected weights of `styles` that are not all zero.")
    return weights / weights.sum(1, keepdims=True)


def colours_of(picture: Any) -> tuple[np.ndarray, np.ndarray | None]:
    """(RGB (H, W, 3), opacity (H, W, 1) or None) of a picture; gray is repeated.

    Args:
        picture: see `pixels.as_array`.

    Raises:
        ValueError: another shape, type or range.
        FileNotFoundError: no such file.
    """
    given = as_array(picture)
    given = given[..., None] if given.ndim == 2 else given
    colours = np.repeat(given, 3, -1) if given.shape[-1] == 1 else np.ascontiguousarray(given[..., :3])
    return colours, given[..., 3:] if given.shape[-1] == 4 else None


MARGIN = 32  # pixels that are mirrored at the border, so that a network's zeros stay away from the picture


def stylized(
    sums: Callable[[np.ndarray, np.ndarray], np.ndarray],
    decode: Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray],
    colours: np.ndarray,
    look: np.ndarray,
    alpha: float,
    tile: int,
    overlap: int,
    multiple: int,
) -> np.ndarray:
    """A picture in another look, in the depth and size of what came.

    In two passes: the first takes the statistics of all tiles together, the second paints each with these. So a picture of many tiles
    comes out as in one piece (where tiles meet up to what a network sees beyond the part that they share).

    Args:
        sums: (images float32 (1, h, w, 3), shares (1, h, w, 1)) -> (3, D): the sums over places of shares, of maps and of their squares.
        decode: (images float32 (1, h, w, 3), own statistics (1, 2, D), those wanted (1, 2, D)) -> float32 (1, h, w, 3).
        colours: (H, W, 3), uint8, uint16 or float32 in [-1, 1], see `colours_of`.
        look: float32 (2, D), mean and deviation of all channels of the style's maps.
        alpha: from 0, the picture's own look, to 1.
        tile: pixels of a tile's side.
        overlap: pixels that tiles share.
        multiple: of the network's strides.
    """
    size = tuple(n + 2 * MARGIN for n in colours.shape[:2])

    window = _reader(colours)
    own = statistics(sums, window, size, tile, overlap, multiple)
    wanted = (alpha * look + (1 - alpha) * own).astype("float32")
    out = np.empty(colours.shape, colours.dtype)

    def write(rows, values):
        first, last = max(rows.start, MARGIN), min(rows.stop, size[0] - MARGIN)
        if last > first:
            part = values[0, first - rows.start : last - rows.start, MARGIN : size[1] - MARGIN]
            out[first - MARGIN : last - MARGIN] = quantized(part, colours.dtype)

    run = lambda arrays: decode(arrays["image"], own[None].astype("float32"), wanted[None])  # noqa: E731
    tiled(run, lambda r, c: {"image": window(r, c)}, write, size, 1, tile, overlap, multiple)
    return out


def look_of(
    sums: Callable[[np.ndarray, np.ndarray], np.ndarray], picture: np.ndarray, tile: int, overlap: int, multiple: int
) -> np.ndarray:
    """The statistics of a picture, float32 (2, D).

    Args:
        picture: (H, W, 3), see `colours_of`.
        others: see `stylized`.
    """
    size = tuple(n + 2 * MARGIN for n in picture.shape[:2])
    return statistics(sums, _reader(picture), size, tile, overlap, multiple).astype("float32")


def statistics(
    sums: Callable[[np.ndarray, np.ndarray], np.ndarray],
    window: Callable[[slice, slice], np.ndarray],
    size: tuple[int, int],
    tile: int,
    overlap: int,
    multiple: int,
) -> np.ndarray:
    """Mean and deviation of the channels of a network's maps over a whole picture, float64 (2, D), from its tiles. Where tiles meet each
    counts by the share that it has in the answer.

    Args:
        sums: see `stylized`.
        window: the picture between these rows and columns, float32 (1, h, w, 3).
        size: (height, width) of the picture.
        others: see `stylized`.
    """
    step = lambda n: -(-n // multiple) * multiple  # noqa: E731
    tile, overlap = min(step(tile), step(max(size))), step(overlap)
    every = [spans(step(n), tile, overlap, multiple) for n in size]
    total = 0.0
    for i, (top, bottom) in enumerate(every[0]):
        for j, (left, right) in enumerate(every[1]):
            share = weights(every[0], i, 1)[:, None] * weights(every[1], j, 1)
            total = total + np.float64(sums(window(slice(top, bottom), slice(left, right)), share[None, ..., None]))
    count, first, second = total
    mean = first / count
    return np.stack([mean, np.sqrt(np.maximum(second / count - mean**2, 0.0) + 1e-5)])


def _reader(picture):
    """f(rows, columns) -> float32 (1, h, w, 3), of a picture with a margin."""

    def window(rows, columns):
        part = picture[_mirrored(rows, picture.shape[0])][:, _mirrored(columns, picture.shape[1])]
        return np.ascontiguousarray(floats(part))[None]

    return window


def _mirrored(rows, length):
    """Places of a picture with a margin on each side, in the picture."""
    at = (np.arange(rows.start, rows.stop) - MARGIN) % (2 * length)
    return np.minimum(at, 2 * length - 1 - at)
