"""Films that a person brings and gets on the page: short ones, whole in memory."""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from tempfile import TemporaryDirectory

import numpy as np

from keras_imgen.server.errors import Invalid, TooLarge
from keras_imgen.server.limits import Limits

PNG = b"\x89PNG\r\n\x1a\n"
MOV = {b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip"}  # its first atom


def ending_of(file: bytes) -> str | None:
    """The ending of a film's kind by its first bytes, None of what is none that is read here.

    FFmpeg guesses what a file is, and some of what it knows, as play lists, opens further files. What begins as these do, does not.

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
    return ".png" if file.startswith(PNG) and b"acTL" in file[: file.find(b"IDAT")] else None


def opened(file: bytes, name: str, limits: Limits) -> np.ndarray:
    """The frames uint8 (F, H, W, 3) of a film that a client sent: MP4, MOV, WebM, MKV, AVI, GIF or APNG.

    Args:
        file: its bytes.
        name: what messages call it.
        limits: of the request.

    Raises:
        Invalid: another file, or one that is damaged.
        TooLarge: more frames, or more pixels.
    """
    from keras_imgen.data.film import Film  # lazy: the package of data needs Keras
    from keras_imgen.data.film_file import opened as container_of

    with _in_file(file, name) as path:
        try:
            with container_of(path) as container:
                stream = container.streams.best("video")
                if stream is None or stream.codec_context is None:
                    raise ValueError("it has no pictures.")
                width, height = stream.width, stream.height
            limits.check_pixels(name, width, height)
            most = min(limits.rows, 4 * limits.pixels // max(1, width * height))
            frames = []
            for frame in Film(path):
                if len(frames) == most:
                    said = f"Expected `{name}` of at most {most} frames of {width}x{height}: cut it shorter, or take a command"
                    raise TooLarge(f"{said} of `keras-imgen video`, for films of any length.", param=name)
                frames.append(frame.image)
        except (ValueError, ModuleNotFoundError) as error:
            said = str(error).replace(path, "it").replace(os.path.basename(path), "it")
            raise Invalid(f"Expected `{name}` as a film: {said}", param=name) from error
    return np.stack(frames)


def mp4(frames: np.ndarray, like: bytes) -> tuple[bytes, Sequence[str]]:
    """Frames as an MP4 file with the times and the sound of another film, and what could not be kept of it.

    Args:
        frames: uint8 (F, H, W, 1 or 3), one for each of the other film.
        like: that film, which `opened` read.
    """
    from keras_imgen.data.film import Film
    from keras_imgen.data.film_writer import FilmWriter

    with _in_file(like, "film") as path:
        out, film = os.path.join(os.path.dirname(path), "out.mp4"), Film(path)
        with FilmWriter(out, like=film) as writer:
            for image, frame in zip(frames, film):
                writer.write(image, frame.time, frame.duration)
        with open(out, "rb") as found:
            return found.read(), writer.notes


@contextmanager
def _in_file(file, name) -> Iterator[str]:
    """Its path, while it is there: FFmpeg seeks in it."""
    ending = ending_of(file)
    if ending is None:
        raise Invalid(f"Expected `{name}` as a film, MP4, MOV, WebM, MKV, AVI, GIF or APNG.", param=name)
    with TemporaryDirectory(prefix="keras-imgen-") as folder:
        path = os.path.join(folder, f"film{ending}")
        with open(path, "wb") as out:
            out.write(file)
        yield path
