"""Frames between frames, for a model in memory and for a served one alike. NumPy only."""

import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np

from keras_imgen.arguments import as_numbers, integer, shown
from keras_imgen.inference.endpoints import REQUIRED, Endpoint, Request, Run, Seen, Tensor, bound, signature

Between = Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]


@dataclass(frozen=True, kw_only=True)
class BetweenEndpoint(Endpoint):
    """Two pictures and the times of those wanted between them; or N pairs, and a time for each.

    Args:
        others: see `Endpoint`.
    """

    kind = "between"
    answers_pictures = False  # of one picture it makes nothing

    def parameters(self) -> inspect.Signature:
        return signature({"first": REQUIRED, "second": REQUIRED, "times": REQUIRED}, {"scale": None})

    def request(self, given: Mapping[str, Any]) -> Request:
        ends = {k: as_numbers(given[k]) for k in ("first", "second")}
        sizes = [v.shape for v in ends.values()]
        if sizes[0] != sizes[1]:
            raise ValueError(f"Expected two pictures of one size, got {sizes[0]} and {sizes[1]}.")
        times = as_numbers(given["times"])
        times = np.broadcast_to(times, sizes[0][:1]) if len(sizes[0]) == 4 and not times.ndim else np.atleast_1d(times)
        ends = {k: np.broadcast_to(v, (len(times), *v.shape)) if v.ndim == 3 else v for k, v in ends.items()}
        request = super().request({**given, **ends, "times": times, "conditions": None})
        if (bad := (request.rows["times"] < 0) | (request.rows["times"] > 1)).any():
            raise ValueError(f"Expected `times` in [0, 1], got {request.rows['times'][bad][0]:g}.")
        scale = request.constants["scale"]
        if scale not in (0, 1, 2, 4, 8, 16, 32):
            raise ValueError(f"Expected a `scale` of 1, 2, 4, 8, 16 or 32, or none, got {scale:g}.")
        return request

    def answer(self, run: Run, given: Mapping[str, Any], seen: Seen = lambda newest, share: None) -> np.ndarray:
        return super().answer(run, {**given, "batch_size": self.batch_size}, seen)


@dataclass(frozen=True, kw_only=True)
class FasterEndpoint(Endpoint):
    """A whole clip with more frames: `stream` around an endpoint that makes those between two.

    Args:
        pair: that endpoint, of which it has signature and tensors.
        others: see `Endpoint`.
    """

    kind = "faster"
    answers_pictures = False
    pair: BetweenEndpoint

    def parameters(self) -> inspect.Signature:
        return signature({"clip": REQUIRED, "factor": 2}, {"cuts": None, "recursive": False, "scale": None})

    def tensors(self) -> dict[str, Tensor]:
        return self.pair.tensors()

    def answer(self, run: Run, given: Mapping[str, Any], seen: Seen = lambda newest, share: None) -> np.ndarray:
        clip, how = list(given["clip"]), {k: given[k] for k in ("factor", "cuts", "recursive")}

        def between(*pair):
            return self.pair.answer(run, bound(self.pair, pair, {"scale": given["scale"]}))

        def told():
            for k, frame in enumerate(clip):
                yield frame
                seen(frame[None], (k + 1) / len(clip))

        return gathered(stream(between, told(), **how))


def stream(
    between: Between,
    frames: Iterable[np.ndarray],
    factor: int = 2,
    cuts: Callable[[np.ndarray, np.ndarray], bool] | None = None,
    recursive: bool = False,
) -> Iterator[np.ndarray]:
    """Frames, and factor - 1 new ones between each and the next: one pair in memory at a time.

    Args:
        between: two frames (H, W, C) and times (T,) -> (T, H, W, C).
        frames: uint8 (H, W, C) of one size, of any number.
        factor: how many times as many.
        cuts: told two frames beside each other whether another scene begins with the second: then the nearer one is repeated, as a blend
            of two scenes would be neither.
        recursive: halve the time again and again, of a factor that is a power of two: 4 is 2 of 2. Otherwise every new frame is made of
            the two given ones.

    Raises:
        ValueError: a factor below 1, or that is no power of two, with `recursive`; frames of another form or size.
    """
    factor = integer("factor", factor, 1)
    if recursive and factor & (factor - 1):
        raise ValueError(f"Expected a `factor` that is a power of two, with `recursive`, got {factor}.")
    if recursive and factor > 2:
        frames, factor = stream(between, frames, factor // 2, cuts, True), 2
    return _stream(between, frames, factor, cuts)


def _stream(between, frames, factor, cuts):
    times, last = np.arange(1, factor, dtype="float32") / factor, None
    for frame in map(_frame, frames):
        if last is not None:
            if frame.shape != last.shape:
                raise ValueError(f"Expected frames of one size, got {frame.shape} after {last.shape}.")
            if cuts is not None and cuts(last, frame):
                yield from (last if time < 0.5 else frame for time in times)
            elif len(times):
                yield from between(last, frame, times)
        yield frame
        last = frame


def _frame(given):
    frame = as_numbers(given)
    if frame.dtype != np.uint8 or frame.ndim != 3:
        raise ValueError(f"Expected frames as uint8 (height, width, channels), got {shown(given)}.")
    return frame


def filled(between: Between, clip: Any, lost: Any = None) -> np.ndarray:
    """A clip whose lost frames are made from those beside them; at its ends the nearest one is repeated.

    Args:
        between: see `stream`.
        clip: uint8 (F, H, W, C).
        lost: bool (F,), or the numbers of the frames; None are those that repeat the one before to the bit, as players and capture
            programs put them in place of a lost one.

    Raises:
        ValueError: clips of another form, or with no frame left.
    """
    clip = as_numbers(clip)
    if clip.dtype != np.uint8 or clip.ndim != 4 or not len(clip):
        raise ValueError(f"Expected a clip as uint8 (frames, height, width, channels), got {shown(clip)}.")
    if lost is None:
        lost = [k > 0 and np.array_equal(clip[k], clip[k - 1]) for k in range(len(clip))]
    gone = np.zeros(len(clip), bool)
    gone[np.asarray(lost, None if len(lost) else int)] = True
    kept = np.flatnonzero(~gone)
    if not len(kept):
        raise ValueError("Expected at least one frame that is not lost.")
    out = clip.copy()
    out[: kept[0]], out[kept[-1] + 1 :] = clip[kept[0]], clip[kept[-1]]
    for a, b in zip(kept, kept[1:]):
        if b - a > 1:
            out[a + 1 : b] = between(clip[a], clip[b], np.arange(1, b - a, dtype="float32") / (b - a))
    return out


def gathered(frames: Iterable[np.ndarray]) -> np.ndarray:
    """Frames as one clip (F, H, W, C).

    Args:
        frames: at least one.

    Raises:
        ValueError: none.
    """
    frames = iter(frames)
    first = next(frames, None)
    if first is None:
        raise ValueError("Expected a clip of at least one frame, got none.")
    return np.stack(list(chain([first], frames)))
