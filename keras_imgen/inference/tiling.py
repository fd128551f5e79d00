"""A function of small pictures on pictures of any size: tile by tile, without seams, a band of rows in memory at a time. NumPy only."""

from collections.abc import Callable, Iterator

import numpy as np

SMALLEST = 64

Read = Callable[[slice, slice], dict[str, np.ndarray]]
Write = Callable[[slice, np.ndarray], None]


def tiled(
    run: Callable[[dict[str, np.ndarray]], np.ndarray],
    read: Read,
    write: Write,
    size: tuple[int, int],
    scale: int = 1,
    tile: int = 512,
    overlap: int = 64,
    multiple: int = 1,
    track: Callable[[list[int]], Iterator[int]] = iter,
) -> None:
    """Run a function over tiles of a picture that lies on the host.

    Neighbours share `overlap` pixels: the outer 3/8 of it on each side is context that is thrown away, the middle quarter is blended by
    linear weights that sum to one. What is `overlap` 3/8 away from a network's pixel should not matter to it, then tiles do not show.
    Where memory runs out the tiles become half as large, down to 64 pixels, and share at most half of themselves, and the work goes on.

    Args:
        run: arrays (N, h, w, C), one for each name, to one float32 array (N, h scale, w scale, C').
        read: the arrays of a window; the window may go beyond the picture, at the bottom and right, by less than `multiple`.
        write: takes rows that are finished, from the first to the last, float32 (N, rows, W scale, C').
        size: (height, width) of the picture.
        scale: whole enlargement of `run`.
        tile: pixels of a tile's side; more where `multiple` asks for it.
        overlap: pixels that neighbours share.
        multiple: tiles start at multiples of it, share multiples of it, and a picture is read up to one: the strides of a network.
        track: wraps the list of bands, to show progress.

    Raises:
        ValueError: tiles of less than twice the overlap.
    """
    if overlap < 0 or tile < max(1, 2 * overlap):
        raise ValueError(f"Expected a tile of at least twice the overlap, got tile={tile!r} and overlap={overlap!r}.")
    height, width = size
    step = lambda n: -(-n // multiple) * multiple  # noqa: E731
    overlap = step(overlap)
    tile = max(step(tile), 2 * overlap)
    state = {"done": 0, "tile": min(tile, step(max(size))), "out": height * scale}
    while True:
        try:
            _bands(run, read, write, step(height), step(width), scale, overlap, multiple, track, state, width * scale)
            return
        except Exception as error:
            smaller = step(state["tile"] // 2)
            if not out_of_memory(error) or smaller >= state["tile"] or smaller < max(SMALLEST, 2 * multiple):
                raise
            state["tile"], overlap = smaller, min(overlap, smaller // 2 // multiple * multiple)


def _bands(run, read, write, height, width, scale, overlap, multiple, track, state, out_width):
    """Go on from the first row that is not written. A picture begun with larger tiles continues with smaller ones."""
    tile, first = state["tile"], state["done"] // scale
    # The tail of an interrupted try is lost with it: begin with as much context above as there is, and write from `done` on.
    top = max(0, (first - overlap) // multiple * multiple)
    rows = [(a + top, b + top) for a, b in spans(height - top, tile, overlap, multiple)]
    columns = spans(width, tile, overlap, multiple)
    carried = None
    for i in track(list(range(len(rows)))):
        y0, y1 = rows[i]
        band = None
        for j, (x0, x1) in enumerate(columns):
            part = np.asarray(run(read(slice(y0, y1), slice(x0, x1))), "float32")
            if band is None:
                band = np.zeros((len(part), (y1 - y0) * scale, width * scale, part.shape[-1]), "float32")
            band[:, :, x0 * scale : x1 * scale] += part * weights(columns, j, scale)[:, None]
        band *= weights(rows, i, scale)[:, None, None]
        if carried is not None:
            band[:, : carried.shape[1]] += carried
        end = rows[i + 1][0] * scale if i + 1 < len(rows) else y1 * scale
        carried = band[:, end - y0 * scale :].copy()
        start, end = max(state["done"], y0 * scale), min(end, state["out"])
        if end > start:
            write(slice(start, end), band[:, start - y0 * scale : end - y0 * scale, :out_width])
            state["done"] = end


def spans(length: int, tile: int, overlap: int, multiple: int = 1) -> list[tuple[int, int]]:
    """(start, stop) of the tiles along one side: the first begins at 0, the last ends at `length`.

    Args:
        length: of the side, in pixels.
        tile: pixels of a tile's side.
        overlap: pixels that neighbours share, or more.
        multiple: tiles start at multiples of it.
    """
    if length <= tile:
        return [(0, length)]
    stride = max(multiple, (tile - overlap) // multiple * multiple)
    starts = list(range(0, length - tile, stride)) + [length - tile]
    return [(s, s + tile) for s in starts]


def weights(tiles: list[tuple[int, int]], i: int, scale: int) -> np.ndarray:
    """Weights of every pixel of tile i along one side, float32; those of all tiles sum to one at every place.

    Args:
        tiles: (start, stop) of all of them, as of `spans`.
        i: number of the tile.
        scale: whole enlargement.
    """
    start, stop = tiles[i]
    x = np.arange(start * scale, stop * scale) + 0.5
    w = np.ones(len(x))
    if i > 0:
        w *= _ramp(x, start * scale, tiles[i - 1][1] * scale)
    if i + 1 < len(tiles):
        w *= 1.0 - _ramp(x, tiles[i + 1][0] * scale, stop * scale)
    return w.astype("float32")


def _ramp(x, start, stop):
    """From 0 to 1 across the middle quarter of the part that two tiles share."""
    return np.clip((x - (start + stop) / 2) / max((stop - start) / 4, 1e-6) + 0.5, 0.0, 1.0)


def out_of_memory(error: Exception) -> bool:
    """Whether an exception of NumPy, TensorFlow or JAX says that memory ran out."""
    text = f"{type(error).__name__} {error}"
    return isinstance(error, MemoryError) or "ResourceExhausted" in text or "RESOURCE_EXHAUSTED" in text
