"""Films in files, by PyAV."""

import math
import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from fractions import Fraction
from typing import Any

import numpy as np

from keras_imgen.data.files import one_line, shown, warn_of_lost_frames
from keras_imgen.data.film_colour import colours_of, to_rgb
from keras_imgen.data.film_frame import Facts, Frame
from keras_imgen.libraries import needs_av

# Files that lead to the key frame before a time: others land behind it, or nowhere.
INDEXED = {"mov", "matroska"}


@contextmanager
def opened(path: str, kinds: Sequence[str] | None = None) -> Iterator[Any]:
    """An `av` container to read from.

    Args:
        path: of the file.
        kinds: see `Film`.

    Raises:
        ValueError: it is none.
        ModuleNotFoundError: PyAV is not installed.
    """
    needs_av(f"Reading {shown(path)}")
    import av

    try:
        allowed = {"protocol_whitelist": "file", **({"format_whitelist": ",".join(kinds)} if kinds else {})}
        container = av.open(f"file:{os.path.abspath(path)}", options=allowed)
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


def decoded(packet: Any, stream: Any) -> list[Any] | None:
    """The frames that a packet completes, or, without one, what is left; None if it is damaged.

    Args:
        packet: of `packets`.
        stream: that it is of.
    """
    import av

    try:
        return stream.codec_context.decode(None) if packet is None else packet.decode()
    except EOFError:
        return []
    except av.FFmpegError:
        return None


class FilmFile:
    """See `Film`."""

    def __init__(self, path: str, alpha: bool, pixels: int | None = None, kinds: Sequence[str] | None = None):
        self.path, self.alpha, self.pixels, self.kinds = path, alpha, pixels, kinds
        self.lost: str | None = None
        with self._video() as (container, stream):
            first = next((f for p in packets(container, stream) for f in decoded(p, stream) or ()), None)
            if first is None:
                raise ValueError(f"{shown(path)} is damaged: no frame of it can be read.")
            base = stream.time_base
            seen_and_heard = [*container.streams.video, *container.streams.audio]
            origin = max(Fraction(0), min((s.start_time or 0) * s.time_base for s in seen_and_heard))
            self.first = (first.pts or 0) * base - origin
            self.turns = round(first.rotation / 90)  # counter-clockwise
            self.planes = first.width, first.height
            aspect = stream.sample_aspect_ratio or Fraction(1)
            colours = colours_of(first)
            self.facts = Facts(
                rate=_rate(stream),
                size=(self.planes[0], self.planes[1]) if self.turns % 2 else (self.planes[1], self.planes[0]),
                count=None if container.format.name == "avi" else stream.frames or None,  # AVI counts empty ones too
                duration=_duration(container, stream, origin),
                time_base=base,
                colours=colours,
                aspect=1 / aspect if self.turns % 2 else aspect,
                sound=next((_codec(s) for s in container.streams.audio), None),
                origin=origin,
            )

    def read(self, start: Fraction) -> Iterator[Frame]:
        """See `Film.read`."""
        facts, last, end, broken, seen, held = self.facts, None, self.first, 0, 0, None
        with self._video() as (container, stream):
            if start > self.first:
                self._seek(container, stream, start)
            for packet in packets(container, stream):
                frames = decoded(packet, stream)
                broken += packet is None or frames is None
                for frame in frames or ():
                    time = last + 1 / facts.rate if frame.pts is None and last is not None else self._time(frame.pts)
                    if last is not None and time <= last:  # of a damaged file
                        time = last + facts.time_base
                    if held is not None and time > start:  # a frame is seen until the next one
                        yield Frame(self._image(held), last, time - last)
                    held, last, end = frame, time, time + self._seconds(frame.duration)
                    seen, broken = seen + 1, broken + frame.is_corrupt
            if held is not None and end > start:
                yield Frame(self._image(held), last, end - last)
        if start > self.first:
            return
        if broken or facts.duration and end < facts.duration * Fraction(199, 200) - 2 / facts.rate:
            self.lost = warn_of_lost_frames(self.path, seen - min(broken, seen), facts.count, stacklevel=3)

    def times(self) -> list[Fraction]:
        """See `Film.times`."""
        with self._video() as (container, stream):
            found = [p.pts for p in packets(container, stream) if p is not None and p.size and not p.is_discard]
        if None in found:
            return [self.first + k / self.facts.rate for k in range(len(found))]
        return [self._time(pts) for pts in sorted(found)]

    @contextmanager
    def _video(self):
        with opened(self.path, self.kinds) as container:
            stream = container.streams.best("video")
            if stream is None:
                raise ValueError(f"{shown(self.path)} has no pictures, only sound.")
            if stream.codec_context is None:
                raise ValueError(f"{shown(self.path)} has pictures in a form that cannot be read.")
            if self.pixels:  # FFmpeg counts rows of whole 64 pixels
                stream.codec_context.options = {"max_pixels": str(self.pixels + (64 << 14))}
            stream.thread_type = "AUTO"
            yield container, stream

    def _seek(self, container, stream, start):
        import av

        if not INDEXED & set(container.format.name.split(",")):
            return  # it is decoded from its beginning
        try:
            place = int((start + self.facts.origin) / self.facts.time_base)
            container.seek(place, stream=stream, backward=True)
        except av.FFmpegError:  # this one has lost its index
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


def _codec(stream):
    return stream.codec_context.codec.canonical_name if stream.codec_context else "unknown"


def _duration(container, stream, origin):
    if container.format.name == "avi" and stream.frames:
        return stream.frames / _rate(stream)  # as its header says: FFmpeg's own is that of what is left
    whole = Fraction(container.duration, 1_000_000) if container.duration else None
    if stream.duration:
        return min(stream.duration * stream.time_base, whole or math.inf)  # less is shown where an edit list says so
    begin = origin if "matroska" in container.format.name else 0  # there it is the time at the end
    if told := re.fullmatch(r"(\d+):(\d\d):(\d\d(?:\.\d+)?)", stream.metadata.get("DURATION", "")):
        return max(0, 3600 * int(told[1]) + 60 * int(told[2]) + Fraction(told[3]) - begin)
    return max(0, whole - begin) if whole and len(container.streams) == 1 else None
