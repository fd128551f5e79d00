"""Films that a person brings and gets on the page: short ones, whole in memory."""

import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise
from tempfile import TemporaryDirectory
from typing import NamedTuple

import numpy as np

from keras_imgen.server.errors import Invalid, TooLarge
from keras_imgen.server.limits import Limits

PNG = b"\x89PNG\r\n\x1a\n"
MOV = {b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip"}  # its first atom
KINDS = {".mp4": "mov", ".mkv": "matroska", ".avi": "avi", ".gif": "gif", ".png": "apng"}  # by FFmpeg's names
LONGEST = 3600  # seconds
SIDE = 16_384  # pixels, which H.264 has at most


def ending_of(file: bytes) -> str | None:
    """The ending of a film's kind by its first bytes, None of what is none that is read here.

    FFmpeg guesses what a file is, and some of what it knows, as play lists, opens further files. It is asked of what begins as these do,
    and may read them as `KINDS` alone.

    Args:
        file: its bytes.
    """
    if file[4:8] in MOV:
        return ".mp4"
    if file.startswith(b"\x1aE\xdf\xa3"):
        return ".mkv"  # and WebM
    if file.startswith(b"RIFF") and file[8:12] == b"AVI ":
        return ".avi"
    if file.startswith((b"GIF87a", b"GIF89a")):
        return ".gif"
    return ".png" if file.startswith(PNG) and _moves(file) else None


def _moves(png):
    """Whether its chunk of animation comes, before pictures."""
    at = len(PNG)
    while (kind := png[at + 4 : at + 8]) not in (b"", b"IDAT", b"acTL"):
        at += 12 + int.from_bytes(png[at : at + 4], "big")
    return kind == b"acTL"


def opened(file: bytes, name: str, limits: Limits, channels: int = 3, times: int = 1) -> np.ndarray:
    """The frames uint8 (F, H, W, channels) of a film that a client sent: MP4, MOV, WebM, MKV, AVI, GIF or APNG.

    Args:
        file: its bytes.
        name: what messages call it.
        limits: of the request.
        channels: 1 or 3.
        times: so many times as many frames will come out, which count.

    Raises:
        Invalid: another file, or one that is damaged.
        TooLarge: more frames, more pixels, more than an hour, or more than can be read in the time of a request.
    """
    from keras_imgen.data.film import Film  # lazy: the package of data needs Keras
    from keras_imgen.data.film_file import opened as container_of
    from keras_imgen.data.image_io import with_channels

    fewer = " make fewer frames between them," if times > 1 else ""
    said = f"Expected `{name}` of at most {{}}: cut it shorter,{fewer} or take a command of `keras-imgen video`, for any length."
    frames, begun = [], time.monotonic()
    with _in_file(file, name) as (path, kinds):
        try:
            with container_of(path, kinds) as container:
                stream = container.streams.best("video")
                if stream is None or stream.codec_context is None:
                    raise ValueError("it has no pictures.")
                _check_size(name, stream.width, stream.height, limits)
            film = Film(path, pixels=limits.pixels, kinds=kinds)
            height, width = film.size  # of what was decoded: headers may say anything
            _check_size(name, width, height, limits)
            most = (min(limits.rows, 4 * limits.pixels // max(1, width * height)) - 1) // times + 1
            for frame in film:
                if len(frames) == most:
                    raise TooLarge(said.format(f"{most} frames of {width}x{height}"), param=name)
                if frame.time + frame.duration > LONGEST:
                    raise TooLarge(said.format(f"{LONGEST} seconds"), param=name)
                if time.monotonic() - begun > limits.seconds:
                    raise TooLarge(said.format(f"what is read in {limits.seconds:g} seconds"), param=name)
                frames.append(with_channels(frame.image, channels))
        except (ValueError, ModuleNotFoundError) as error:
            said = str(error).replace(path, "it").replace(os.path.basename(path), "it")
            raise Invalid(f"Expected `{name}` as a film: {said}", param=name) from error
    return np.stack(frames)


def _check_size(name, width, height, limits):
    limits.check_pixels(name, width, height)
    if max(width, height) > SIDE:
        raise TooLarge(f"Expected `{name}` with sides of at most {SIDE} pixels, got {width} x {height}.", param=name)


class Made(NamedTuple):
    """A film that was written.

    Args:
        file: MP4.
        sound: whether it has any.
        notes: what could not be kept.
    """

    file: bytes
    sound: bool
    notes: Sequence[str]


def mp4(frames: np.ndarray, like: bytes, limits: Limits, comment: str | None = None) -> Made:
    """Frames as an MP4 file with the times and the sound of another film.

    Args:
        frames: uint8 (F, H, W, 1 or 3), one for each of the other film, or as many more between each and the next.
        like: that film, which `opened` read.
        limits: with which it did.
        comment: how it was made, for the file's tag.

    Raises:
        TooLarge: what an MP4 file cannot hold.
    """
    import av

    from keras_imgen.data.film import Film
    from keras_imgen.data.film_writer import FilmWriter

    with _in_file(like, "film") as (path, kinds):
        out, film = os.path.join(os.path.dirname(path), "out.mp4"), Film(path, pixels=limits.pixels, kinds=kinds)
        times = [(frame.time, frame.duration) for frame in film]  # to its end, where it knows what it has lost
        factor = max(1, (len(frames) - 1) // max(1, len(times) - 1))
        try:
            with FilmWriter(out, like=film, rate=film.rate * factor, seconds=LONGEST, comment=comment) as writer:
                for image, (time, duration) in zip(frames, _spread(times, factor), strict=True):
                    writer.write(image, time, duration)
        except (OSError, av.FFmpegError) as error:
            size = f"{frames.shape[2]}x{frames.shape[1]}"
            raise TooLarge(f"{len(frames)} frames of {size} with these times cannot be written as MP4.") from error
        lost = [film.lost.replace(path, "The film")] if film.lost else []
        with open(out, "rb") as found:
            return Made(found.read(), bool(writer.sound), [*writer.notes, *lost])


def _spread(times, factor):
    """Those of frames, and factor - 1 evenly between each and the next."""
    for (begin, _), (end, _) in pairwise(times):
        part = (end - begin) / factor
        yield from ((begin + k * part, part) for k in range(factor))
    yield from times[-1:]


@contextmanager
def _in_file(file, name) -> Iterator[tuple[str, list[str]]]:
    """(its path, while it is there: FFmpeg seeks in it; the kinds that it may be read as)."""
    ending = ending_of(file)
    if ending is None:
        raise Invalid(f"Expected `{name}` as a film, MP4, MOV, WebM, MKV, AVI, GIF or APNG.", param=name)
    with TemporaryDirectory(prefix="keras-imgen-") as folder:
        path = os.path.join(folder, f"film{ending}")
        with open(path, "wb") as out:
            out.write(file)
        yield path, [KINDS[ending]]
