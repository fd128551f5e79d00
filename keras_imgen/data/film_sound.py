"""The sound of a film beside its new pictures: its packets as they are, or coded anew where the file cannot hold them."""

import io
from collections import Counter
from fractions import Fraction
from typing import Any

from keras_imgen.data.film_file import decoded, opened, packets

CODEC = {"webm": "libopus"}  # of what is coded anew; aac elsewhere
LEAD = Fraction(1, 10)  # seconds before the film that a decoder may need to begin


class Sound:
    """The audio tracks of a film, on their way into another file.

    Args:
        path: of the film.
        origin: what its clock shows when it begins, in seconds.
        out: the container to write to.
        otherwise: "transcode" or "drop" what `out` cannot hold.
        notes: sentences for the user are put here.
        most: seconds of a track that are coded anew, None for all.
    """

    def __init__(
        self, path: str, origin: Fraction, out: Any, otherwise: str, notes: list[str], most: float | None = None
    ):
        self.out, self.origin, self.to, self.next = out, origin, {}, None
        self.notes, self.most, self.coded, self.ended = notes, most, Counter(), set()
        self._open = opened(path)
        container = self._open.__enter__()
        kind = out.format.name
        for stream in container.streams.audio:
            context = stream.codec_context
            if context is None or not context.sample_rate:
                notes.append("A track of sound cannot be read: it is left out.")
                continue
            codec = context.codec.canonical_name
            if _fits(path, stream.index, kind):
                self.to[stream.index] = _same(out, stream), False
            elif otherwise == "drop":
                notes.append(f"{kind} cannot hold sound in {codec}: it is left out.")
            else:
                new = CODEC.get(kind, "aac")
                rate = 48_000 if new == "libopus" else context.sample_rate
                layout = "stereo" if context.channels > 1 else "mono"
                self.to[stream.index] = out.add_stream(new, rate=rate, layout=layout), True
                notes.append(f"{kind} cannot hold sound in {codec}: it is coded anew, in {new.removeprefix('lib')}.")
        streams = [s for s in container.streams.audio if s.index in self.to]
        self._packets = (p for p in packets(container, streams) if p is not None) if streams else iter(())

    def until(self, time: Fraction | None) -> None:
        """Write what is heard up to a time, in seconds; None is all."""
        while True:
            if self.next is None:
                self.next = next(self._packets, None)
                if self.next is None:
                    return
            packet = self.next
            if time is not None and packet.dts is not None and packet.dts * packet.time_base - self.origin > time:
                return
            self.next = None
            self._write(packet)

    def close(self) -> None:
        """The film is no longer read."""
        self._open.__exit__(None, None, None)

    def _write(self, packet):
        stream, anew = self.to[packet.stream.index]
        if not anew:
            cut = packet.is_discard and packet.pts is not None  # by an edit list: out of the file, but for a lead
            if packet.size and not (cut and packet.pts * packet.time_base - self.origin < -LEAD):
                shift = round(self.origin / packet.time_base)
                packet.pts, packet.dts = (v if v is None else v - shift for v in (packet.pts, packet.dts))
                packet.stream = stream
                self.out.mux(packet)
            return
        index = packet.stream.index
        for frame in () if index in self.ended else decoded(packet, stream) or ():
            if self.most is not None and self.coded[index] >= self.most:
                self.ended.add(index)
                self.notes.append("Its sound is too long to be coded anew: the end of it is left out.")
                break
            self.coded[index] += frame.samples / frame.sample_rate
            if frame.pts is not None:
                frame.pts -= round(self.origin / frame.time_base)
            self.out.mux(stream.encode(frame))
        if not packet.size:
            self.out.mux(stream.encode(None))


def _fits(path, index, kind):
    """Whether a kind of file takes a track as it is: MP4 and MOV say so only at their end, so a packet is tried in memory."""
    import av

    try:
        with opened(path) as film, av.open(io.BytesIO(), "w", format=kind) as trial:
            kept = _same(trial, film.streams[index])
            trial.start_encoding()
            packet = next((p for p in packets(film, film.streams[index]) if p is not None and p.size), None)
            if packet is not None:
                packet.stream = kept
                trial.mux(packet)
    except (av.FFmpegError, ValueError):
        return False
    return True


def _same(out, stream):
    """A track like another; AVI and MKV say of PCM how many channels it has but not which, and MP4 wants to know."""
    kept = out.add_stream_from_template(stream)
    if stream.codec_context.channels < 3:
        kept.codec_context.layout = ("mono", "stereo")[stream.codec_context.channels - 1]
    return kept
