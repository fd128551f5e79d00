"""`FilmWriter`: films frame by frame, whole or not at all."""

import math
import os
from contextlib import ExitStack, suppress
from fractions import Fraction
from types import TracebackType
from typing import Any, NamedTuple

import numpy as np
from PIL import Image

from keras_imgen.arguments import shown
from keras_imgen.data import files
from keras_imgen.data.film import Film
from keras_imgen.data.film_colour import Colours, from_rgb
from keras_imgen.libraries import needs_av


class Coding(NamedTuple):
    """How a kind of file holds pictures.

    Args:
        container: by FFmpeg's name.
        codec: by FFmpeg's name.
        options: of the codec.
        lossless: whether RGB comes back to the bit, with alpha where it is given.
        even: whether it has even sizes alone.
    """

    container: str
    codec: str
    options: dict[str, str]
    lossless: bool = False
    even: bool = False


H264 = Coding("mp4", "libx264", {"crf": "16", "bf": "0"}, even=True)  # shown in the order of decoding: times stay exact
CODINGS = {
    ".mp4": H264,
    ".m4v": H264,
    ".mov": H264._replace(container="mov"),
    ".webm": Coding("webm", "libvpx-vp9", {"crf": "20", "b": "0", "cpu-used": "4", "row-mt": "1"}),
    ".mkv": Coding("matroska", "ffv1", {}, lossless=True),
}
SOUND = "transcode", "drop", None
FINEST = 1_000_000  # ticks of a clock in a second: in MP4 a frame is seen for less than 2^31 of them


class FilmWriter:
    """A film that is written frame by frame, in constant memory, beside its name; at the end it takes its place, if nothing failed.

    By the path's ending it is H.264 (.mp4, .m4v, .mov), VP9 (.webm), without loss (.mkv: FFV1 in RGB; no ending: a folder of PNG
    files and film.json with their times), or a GIF with a palette for each frame. `notes` says what could not be kept.

        with FilmWriter("out.mp4", like=film) as out:
            for frame in film:
                out.write(change(frame.image), frame.time, frame.duration)

    Args:
        path: of the film to write.
        like: the film whose rate, clock, colour tags, pixel aspect and sound it gets; its frames are upright.
        rate: frames in a second; None is that of `like`, else 25.
        sound: what becomes of that of `like` where the file cannot hold it as it is: "transcode" or "drop"; None leaves out any.
        loop: whether a GIF begins again.
        seconds: of a track of sound that is coded anew, at most; None is all of it.
        comment: a text for the tag of this name, as how the film was made; GIFs and folders have none.

    Raises:
        ValueError: another ending, a rate that is not above 0.
        FileExistsError: the folder exists.
        ModuleNotFoundError: PyAV is not installed, but for GIF and folders.
    """

    def __init__(
        self,
        path: str | os.PathLike,
        *,
        like: Film | None = None,
        rate: Fraction | float | None = None,
        sound: str | None = "transcode",
        loop: bool = True,
        seconds: float | None = None,
        comment: str | None = None,
    ):
        self.path = os.fspath(path).rstrip(os.sep) or os.sep
        self.ending = os.path.splitext(self.path)[1].lower()
        if self.ending not in (*CODINGS, ".gif", ""):
            raise ValueError(
                f"Expected a path that ends in {', '.join(CODINGS)} or .gif, or a folder's, got {files.shown(self.path)}."
            )
        if not self.ending and os.path.exists(self.path):
            raise FileExistsError(f"{files.shown(self.path)} exists already: choose another folder.")
        if self.ending in CODINGS:
            needs_av(f"Writing {self.ending}")
        if rate is not None and not rate > 0:
            raise ValueError(f"Expected `rate` above 0, got {shown(rate)}.")
        if sound not in SOUND:
            raise ValueError(f"Expected `sound` as 'transcode', 'drop' or None, got {shown(sound)}.")
        self.rate = Fraction(rate) if rate else like.rate if like else Fraction(25)
        self.like, self.sound, self.loop = like, sound if like and like.sound else None, loop
        self.seconds, self.comment = seconds, comment
        self.count, self.notes = 0, []
        self._waiting: Any = None
        self._sink: Any = None

    def __enter__(self) -> "FilmWriter":
        self._stack = ExitStack()
        self._beside = self._stack.enter_context(files.whole(self.path))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        failed = error
        try:
            if failed is None:
                if self._waiting is None:
                    raise ValueError(f"No frame was written to {files.shown(self.path)}.")
                self._put(*self._waiting)
                self._sink.close()
        except BaseException as while_ending:
            failed = while_ending
        if failed is not None and self._sink is not None:
            with suppress(Exception):
                self._sink.abort()
        if type(failed).__module__.startswith("av.") and 0 < failed.errno < 1000:  # FFmpeg names what lies beside
            failed = OSError(failed.errno, failed.strerror, self.path)
        self._stack.__exit__(type(failed) if failed else None, failed, None)
        if failed is not error:
            raise failed from None

    def write(self, image: np.ndarray, time: Fraction | None = None, duration: Fraction | None = None) -> None:
        """One more frame.

        Args:
            image: uint8 (H, W, C), of 1, 3 or, in .mkv and folders, 4 channels; all of one shape.
            time: when it is first seen, in seconds; None is one frame after the last.
            duration: how long the last frame of the film is seen, in seconds; None is 1 / rate. Others are seen until the next.

        Raises:
            ValueError: another array, or a time that is not after the last one.
        """
        image = np.array(image)
        if image.dtype != np.uint8 or image.ndim != 3 or image.shape[-1] not in (1, 3, 4) or 0 in image.shape:
            raise ValueError(f"Expected frames uint8 (H, W, 1, 3 or 4), got {shown(image)}.")
        if image.shape[-1] == 4 and self.ending not in (".mkv", ""):
            raise ValueError(f"{self.ending} has no alpha: expected frames of 3 channels, or .mkv, or a folder.")
        if self._waiting is None:
            time = Fraction(0) if time is None else time
            self._sink = self._make_sink(image)
        else:
            before, begun, _ = self._waiting
            time = begun + 1 / self.rate if time is None else time
            if image.shape != before.shape:
                raise ValueError(f"Expected frames of one shape, {before.shape}, got {image.shape}.")
            if time <= begun:
                raise ValueError(f"Expected a time after {begun} s, that of the last frame, got {time} s.")
            self._put(before, begun, time - begun)
        self._waiting = image, Fraction(time), Fraction(duration or 1 / self.rate)

    def _put(self, image, time, duration):
        self._sink.put(image, time, duration)
        self.count += 1

    def _make_sink(self, image):
        if self.ending in CODINGS:
            return EncodedSink(self, CODINGS[self.ending], self._beside, image)
        if self.sound:
            self.notes.append(f"{'A GIF' if self.ending else 'A folder'} has no sound: it is left out.")
        if self.ending:
            return GifSink(self._beside, self.loop, self.notes)
        from keras_imgen.data.film_folder import FolderSink

        return FolderSink(self._beside, self.rate)


class EncodedSink:
    """Pictures through an encoder of FFmpeg, and the sound between them."""

    def __init__(self, film: FilmWriter, coding: Coding, path: str, image: np.ndarray):
        import av

        like = film.like.facts if film.like else None
        height, width, channels = image.shape
        self.pad = ((0, height % 2), (0, width % 2), (0, 0)) if coding.even and (height % 2 or width % 2) else None
        if self.pad:
            height, width = height + height % 2, width + width % 2
            film.notes.append(
                f"H.264 has even sizes alone: {image.shape[1]}x{image.shape[0]} becomes {width}x{height}."
            )
        self.colours = like.colours if like else Colours()
        self.form = ("bgra" if channels == 4 else "bgr0") if coding.lossless else "yuv420p"
        known = like.time_base.denominator if like else 1  # a variable rate's mean may be any fraction
        clock = next(c for c in (math.lcm(film.rate.numerator, known), known, 90_000) if c <= FINEST)
        self.base = Fraction(1, clock * -(-90_000 // clock))  # fine enough for any other times
        self.out = av.open(f"file:{os.path.abspath(path)}", "w", format=coding.container)
        if film.comment:
            self.out.metadata["comment"] = film.comment
        stream = self.out.add_stream(coding.codec, rate=film.rate, options=dict(coding.options))
        stream.width, stream.height, stream.pix_fmt, stream.time_base = width, height, self.form, self.base
        context = stream.codec_context
        context.time_base, context.sample_aspect_ratio = self.base, like.aspect if like else Fraction(1)
        primaries, transfer, matrix, full = self.colours
        tags = (0, 2) if coding.lossless else (matrix, 1 + full)
        context.color_primaries, context.color_trc, (context.colorspace, context.color_range) = (
            primaries,
            transfer,
            tags,
        )
        self.stream, self.sound, self.last, self.durations = stream, None, None, {}
        if film.sound:
            from keras_imgen.data.film_sound import Sound

            self.sound = Sound(film.like.path, like.origin, self.out, film.sound, film.notes, film.seconds)

    def put(self, image: np.ndarray, time: Fraction, duration: Fraction) -> None:
        """One more frame."""
        if self.pad:
            image = np.pad(image, self.pad, "edge")
        image = image.repeat(3, -1) if image.shape[-1] == 1 else image
        frame = from_rgb(image, self.colours, self.form)
        begin = round(time / self.base)
        begin = begin if self.last is None else max(begin, self.last + 1)
        frame.pts, frame.time_base, self.last = begin, self.base, begin
        self.durations[begin] = max(1, round((time + duration) / self.base) - begin)
        if self.sound:
            self.sound.until(time)
        self._mux(frame)

    def close(self) -> None:
        """What is left of sound and pictures, and the file's end."""
        self._mux(None)
        if self.sound:
            self.sound.until(None)
            self.sound.close()
        self.out.close()

    def abort(self) -> None:
        """Let go of the file."""
        if self.sound:
            self.sound.close()
        self.out.close()

    def _mux(self, frame):
        for packet in self.stream.encode(frame):
            packet.duration = self.durations.pop(packet.pts, packet.duration)
            self.out.mux(packet)


class GifSink:
    """A GIF whose frames have palettes of their own; Pillow's own way keeps all of them in memory."""

    def __init__(self, path: str, loop: bool, notes: list[str]):
        self.file, self.loop, self.begun, self.notes = open(path, "wb"), {"loop": 0} if loop else {}, False, notes

    def put(self, image: np.ndarray, time: Fraction, duration: Fraction) -> None:
        """One more frame."""
        from PIL.GifImagePlugin import getdata, getheader

        picture = Image.fromarray(image[..., 0] if image.shape[-1] == 1 else image)
        if picture.mode == "RGB":
            picture = picture.convert("P", palette=Image.Palette.ADAPTIVE)
        if not self.begun:
            self.file.writelines(getheader(picture.copy(), info=self.loop)[0])
            self.begun = True
        hundredths = round((time + duration) * 100) - round(time * 100)
        if hundredths < 2:  # would be shown as ten
            hundredths, note = 2, "A GIF shows at most 50 frames a second: it is slower."
            self.notes += [note] * (note not in self.notes)
        self.file.writelines(getdata(picture, duration=hundredths * 10, include_color_table=True))

    def close(self) -> None:
        """The end."""
        self.file.write(b";")
        self.file.close()

    def abort(self) -> None:
        """Let go of the file."""
        self.file.close()
