"""Films put together anew: parts of them, one after the other, faster or slower, faded. Streams of `Frame`s in, streams out:

with FilmWriter("short.mp4", like=film, sound=None) as out:
    for frame in faded(cut(film, 2, 8), begin=1, finish=1):
        out.write(*frame)
"""

from collections import deque
from collections.abc import Iterable, Iterator
from fractions import Fraction

import numpy as np

from keras_imgen.data.film_frame import Frame

Seconds = Fraction | float


def cut(frames: Iterable[Frame], start: Seconds = 0, end: Seconds | None = None) -> Iterator[Frame]:
    """What is seen from one time on and before another; it begins at 0.

    Args:
        frames: of a film; with `film.read(start)` nothing before is decoded.
        start: in seconds.
        end: in seconds; None is the film's.

    Raises:
        ValueError: the end does not lie after the start.
    """
    start = Fraction(start)
    if end is not None and not end > start:
        raise ValueError(f"Expected an end after {float(start):g} s, got {float(end):g} s.")
    end = None if end is None else Fraction(end)
    for image, time, duration in frames:
        if end is not None and time >= end:
            return
        begin, stop = max(time, start), time + duration if end is None else min(time + duration, end)
        if stop > begin:
            yield Frame(image, begin - start, stop - begin)


def joined(*films: Iterable[Frame]) -> Iterator[Frame]:
    """Films one after the other, each from the end of the last frame before on: all frames, for as long as they were seen.

    Args:
        *films: frames of one size.

    Raises:
        ValueError: frames of another size.
    """
    end = shape = None
    for frames in films:
        shift = None
        for image, time, duration in frames:
            shape = shape or image.shape
            if image.shape != shape:
                raise ValueError(f"Expected films of one size, got frames of {shape} and {image.shape}.")
            if shift is None:
                shift = 0 if end is None else end - time  # the first film begins when it begins
            end = time + shift + duration
            yield Frame(image, time + shift, duration)


def at_speed(frames: Iterable[Frame], speed: Fraction | float) -> Iterator[Frame]:
    """All frames, seen for a shorter or longer time. Slow motion with new frames makes `keras-imgen video interpolate --slow`.

    Args:
        frames: of a film.
        speed: 2 is twice as fast.

    Raises:
        ValueError: a speed that is not above 0.
    """
    if not speed > 0:
        raise ValueError(f"Expected a speed above 0, got {speed!r}.")
    for image, time, duration in frames:
        yield Frame(image, time / Fraction(speed), duration / Fraction(speed))


def faded(
    frames: Iterable[Frame], begin: Seconds = 0, finish: Seconds = 0, colour: tuple[int, int, int] = (0, 0, 0)
) -> Iterator[Frame]:
    """A film that comes out of a colour and goes into it, evenly. As many frames as the end takes are in memory.

    Args:
        frames: of a film.
        begin: how long it comes, in seconds; 0 not at all.
        finish: how long it goes, in seconds.
        colour: RGB in 0..255.

    Raises:
        ValueError: a length below 0.
    """
    begin, finish = Fraction(begin), Fraction(finish)
    if begin < 0 or finish < 0:
        raise ValueError(f"Expected lengths of at least 0 s, got {float(begin):g} and {float(finish):g}.")
    first, waiting = None, deque()

    def shown(frame, end):
        come = (frame.time - first) / begin if begin else 1
        go = (end - frame.time - frame.duration) / finish if finish and end is not None else 1
        share = float(min(1, max(0, come)) * min(1, max(0, go)))
        if share == 1:
            return frame
        return frame._replace(image=np.round(colour + share * (frame.image - np.float32(colour))).astype("uint8"))

    for frame in frames:
        first = frame.time if first is None else first
        waiting.append(frame)
        while frame.time - waiting[0].time - waiting[0].duration >= finish:
            yield shown(waiting.popleft(), None)
    for frame in waiting:
        yield shown(frame, waiting[-1].time + waiting[-1].duration)
