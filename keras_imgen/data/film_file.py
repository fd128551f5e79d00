"""Films in files, by PyAV."""

import math
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from typing import Any

import numpy as np

from keras_imgen.data.files import one_line, shown, warn_of_lost_frames
from keras_imgen.data.film_colour import colours_of, to_rgb
from keras_imgen.data.film_frame import Facts, Frame
from keras_imgen.libraries import needs_av


@contextmanager
def opened(path: str) -> Iterator[Any]:
    """An `av` container to read from.

    Raises:
        ValueError: it is none.
        ModuleNotFoundError: PyAV is not installed.
    """
    needs_av(f"Reading {shown(path)}")
    import av

    try:
        container = av.open(f"file:{os.path.abspath(path)}", options={"protocol_whitelist": "file"})
    except av.FFmpegError as error:
        raise ValueError(f"{shown(path)} cannot be read as a film: {one_line(error)}.") from None
    with container:
        if container.format.name == "tty":  # a text
            raise ValueError(f"{shown(path)} is no film.")
        yield container


def packets(container: Any, streams: Any) -> Iterator[Any]:
    """The packets of a container, and None where its end is damaged.

    Args:
        container: see `opened`.
        streams: those that are wanted.
    """
    import av

    found = container.demux(streams)
    while True:
        try:
            yield next(found)
        except StopIteration:
            return
        except av.FFmpegError:
            yield None
            return


class FilmFile:
    """See `Film`."""

    def __init__(self, path: str, alpha: bool):
        self.path, self.alpha = path, alpha
        with self._video() as (container, stream):
            first = next((f for p in packets(container, stream) for f in self._decoded(p, stream) or ()), None)
            if first is None:
                raise ValueError(f"{shown(path)} is damaged: no frame of it can be read.")
            base = stream.time_base
            starts = [s.start_time * s.time_base for s in container.streams if s.start_time and s.type != "data"]
            some_begin_at_zero = len(starts) < len(container.streams)
            origin = Fraction(0) if some_begin_at_zero else max(Fraction(0), min(starts))
            self.first = (first.pts or 0) * base - origin
            self.turns = round(first.rotation / 90)  # counter-clockwise
            self.planes = first.width, first.height
            aspect = stream.sample_aspect_ratio or Fraction(1)
            colours = colours_of(first)
            self.facts = Facts(
                rate=_rate(stream),
                size=(self.planes[0], self.planes[1]) if self.turns % 2 else (self.planes[1], self.planes[0]),
                count=None if container.format.name == "avi" else stream.frames or None,  # AVI counts empty ones too
                duration=_duration(container, stream),
                time_base=base,
                colours=colours,
                aspect=1 / aspect if self.turns % 2 else aspect,
                sound=next((s.codec_context.codec.canonical_name for s in container.streams.audio), None),
                origin=origin,
            )

    def read(self, start: Fraction) -> Iterator[Frame]:
        """See `Film.read`."""
        facts, last, end, broken, seen = self.facts, None, self.first, 0, 0
        with self._video() as (container, stream):
            if start > self.first:
                self._seek(container, stream, start)
            for packet in packets(container, stream):
                frames = self._decoded(packet, stream)
                broken += packet is None or frames is None
                for frame in frames or ():
                    time = last + 1 / facts.rate if frame.pts is None and last is not None else self._time(frame.pts)
                    if last is not None and time <= last:  # of a damaged file
                        time = last + facts.time_base
                    last, end = time, time + self._seconds(frame.duration)
                    if time >= start:
                        seen, broken = seen + 1, broken + frame.is_corrupt
                        yield Frame(self._image(frame), time, end - time)
        if start > self.first:
            return
        length = end - min(self.first, Fraction(0))
        if broken or facts.duration and length < facts.duration * Fraction(199, 200) - 2 / facts.rate:
            warn_of_lost_frames(self.path, seen - min(broken, seen), facts.count, stacklevel=3)

    def times(self) -> list[Fraction]:
        """See `Film.times`."""
        with self._video() as (container, stream):
            found = [p.pts for p in packets(container, stream) if p is not None and p.size and not p.is_discard]
        if None in found:
            return [self.first + k / self.facts.rate for k in range(len(found))]
        return [self._time(pts) for pts in sorted(found)]

    @contextmanager
    def _video(self):
        with opened(self.path) as container:
            stream = container.streams.best("video")
            if stream is None:
                raise ValueError(f"{shown(self.path)} has no pictures, only sound.")
            stream.thread_type = "AUTO"
            yield container, stream

    def _decoded(self, packet, stream):
        """The frames that a packet completes, None if it is damaged."""
        import av

        try:
            return stream.codec_context.decode(None) if packet is None else packet.decode()
        except EOFError:
            return []
        except av.FFmpegError:
            return None

    def _seek(self, container, stream, start):
        import av

        try:
            place = int((start + self.facts.origin) / self.facts.time_base)
            container.seek(place, stream=stream, backward=True)
        except av.FFmpegError:  # this form has no index: it is decoded from its beginning
            container.seek(0)

    def _time(self, pts):
        """Exactly; where the file's clock is too coarse for its rate, as in MKV, what was rounded to it."""
        rate, base = self.facts.rate, self.facts.time_base
        time = (pts or 0) * base - self.facts.origin
        frames = round((time - self.first) * rate)
        exact = self.first + frames / rate
        return exact if abs(exact - time) < base else time

    def _seconds(self, duration):
        rate, base = self.facts.rate, self.facts.time_base
        found = (duration or 0) * base
        return 1 / rate if not found or abs(found - 1 / rate) < base else found

    def _image(self, frame):
        if (frame.width, frame.height) != self.planes:
            frame = frame.reformat(*self.planes)
        image = to_rgb(frame, self.facts.colours, self.alpha)
        return np.ascontiguousarray(np.rot90(image, self.turns)) if self.turns % 4 else image


def _rate(stream):
    guessed, mean = stream.guessed_rate or stream.average_rate, stream.average_rate or stream.guessed_rate
    found = (
        guessed if guessed and abs(guessed - mean) * 50 <= mean else mean
    )  # a variable rate has no other than its mean
    return Fraction(found or 25)


def _duration(container, stream):
    whole = Fraction(container.duration, 1_000_000) if container.duration else None
    if stream.duration:
        return min(stream.duration * stream.time_base, whole or math.inf)  # less is shown where an edit list says so
    if told := re.fullmatch(r"(\d+):(\d\d):(\d\d(?:\.\d+)?)", stream.metadata.get("DURATION", "")):
        return 3600 * int(told[1]) + 60 * int(told[2]) + Fraction(told[3])
    return whole if len(container.streams) == 1 else None
