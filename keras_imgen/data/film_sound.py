"""The sound of a film beside its new pictures: its packets as they are, or coded anew where the file cannot hold them."""

from fractions import Fraction
from typing import Any

from keras_imgen.data.film_file import opened, packets

CODEC = {"webm": "libopus"}  # of what is coded anew; aac elsewhere


class Sound:
    """The audio tracks of a film, on their way into another file.

    Args:
        path: of the film.
        origin: what its clock shows when it begins, in seconds.
        out: the container to write to.
        otherwise: "transcode" or "drop" what `out` cannot hold.
        notes: sentences for the user are put here.
    """

    def __init__(self, path: str, origin: Fraction, out: Any, otherwise: str, notes: list[str]):
        self.out, self.origin, self.to, self.next = out, origin, {}, None
        self._open = opened(path)
        container = self._open.__enter__()
        kind = out.format.name
        for stream in container.streams.audio:
            codec = stream.codec_context.codec.canonical_name
            if codec in out.supported_codecs:
                self.to[stream.index] = out.add_stream_from_template(stream), False
            elif otherwise == "drop":
                notes.append(f"{kind} cannot hold sound in {codec}: it is left out.")
            else:
                new = CODEC.get(kind, "aac")
                rate = 48_000 if new == "libopus" else stream.codec_context.sample_rate
                layout = "stereo" if stream.codec_context.channels > 1 else "mono"
                self.to[stream.index] = out.add_stream(new, rate=rate, layout=layout), True
                notes.append(f"{kind} cannot hold sound in {codec}: it is coded anew, in {new.removeprefix('lib')}.")
        streams = [s for s in container.streams.audio if s.index in self.to]
        self._packets = packets(container, streams) if streams else iter(())

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
            if packet.size:
                shift = round(self.origin / packet.time_base)
                packet.pts, packet.dts = (v if v is None else v - shift for v in (packet.pts, packet.dts))
                packet.stream = stream
                self.out.mux(packet)
            return
        for frame in packet.decode():
            if frame.pts is not None:
                frame.pts -= round(self.origin / frame.time_base)
            self.out.mux(stream.encode(frame))
        if not packet.size:
            self.out.mux(stream.encode(None))
