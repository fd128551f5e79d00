"""Files that are either whole or not there."""

import json
import os
import re
import shutil
import uuid
import warnings
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

LONGEST = 255  # bytes of a file's name


@contextmanager
def whole(path: str) -> Iterator[str]:
    """A name beside `path`, with its ending, to write to; at the end the file or folder takes the place of `path`, if nothing failed.

    The name is no longer than that of `path`, where that is long: it is legal if that one is. An OSError names `path`.
    """
    folder, name = os.path.split(os.fspath(path))
    root, ending = os.path.splitext(name)
    addition = f".{uuid.uuid4().hex[:8]}.partial"
    room = max(16, len(os.fsencode(root)) - len(addition))
    beside = os.path.join(folder, shortened(root, room) + addition + ending)
    try:
        yield beside
        os.replace(beside, path)
    except OSError as error:
        if error.errno is not None and error.filename in (None, beside):  # as of writes on a full disk
            error.filename, error.filename2 = os.fspath(path), None
        raise
    finally:
        if os.path.isdir(beside):
            shutil.rmtree(beside)
        elif os.path.exists(beside):
            os.remove(beside)


def deflate(path: str) -> None:
    """Compress what is in a .keras file, which Keras only puts together; it reads both."""
    with whole(path) as beside:
        with zipfile.ZipFile(path) as old, zipfile.ZipFile(beside, "w") as new:
            for entry in old.infolist():
                new.writestr(zipfile.ZipInfo(entry.filename), old.read(entry), zipfile.ZIP_DEFLATED, 9)


def write_text(path: str, text: str) -> None:
    """A text file, whole or not at all."""
    with whole(path) as beside, open(beside, "w", encoding="utf-8") as f:
        f.write(text)


def read_text(path: str) -> str:
    """A text file in UTF-8, or in UTF-16 with its mark; every line ends in a line feed.

    Raises:
        ValueError: another encoding, or no text.
    """
    with open(path, "rb") as f:
        data = f.read()
    try:
        text = data.decode("utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig")
    except UnicodeError as error:
        raise ValueError(f"{shown(path)} is not in UTF-8 ({one_line(error)}): save it as UTF-8.") from None
    if "\0" in text:
        raise ValueError(f"{shown(path)} is no text: expected one in UTF-8.")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def parse_json(text: str, where: str) -> Any:
    """What JSON says.

    Args:
        text: of the file, or of a line.
        where: what messages call it.

    Raises:
        ValueError: it is empty, damaged, or names something twice.
    """
    if not text.strip():
        raise ValueError(f"{where} is empty: expected JSON.")

    def once(pairs):
        found = dict(pairs)
        if len(found) < len(pairs):
            names = [name for name, _ in pairs]
            raise ValueError(f"{next(n for n in names if names.count(n) > 1)!r} is there twice")
        return found

    try:
        return json.loads(text, object_pairs_hook=once)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{where} is not whole JSON: {one_line(error)}.") from None


def below(folder: str, without: str | None = None) -> list[str]:
    """The paths of all files in a folder and its sub-folders, relative to it, sorted.

    Hidden files and folders and the folder `without` are left out.
    """
    found = []
    for place, folders, names in os.walk(folder):
        inside = {f: os.path.join(place, f) for f in folders if not f.startswith(".")}
        folders[:] = [f for f, p in inside.items() if not without or os.path.realpath(p) != os.path.realpath(without)]
        found += [os.path.relpath(os.path.join(place, name), folder) for name in names if not name.startswith(".")]
    return sorted(found)


def newer(path: str, than: str) -> bool:
    """Whether both files are there, and the first was written no earlier."""
    try:
        return os.path.isfile(path) and os.path.getmtime(path) >= os.path.getmtime(than)
    except OSError:  # as of a link to nothing
        return False


def shortened(name: str, room: int) -> str:
    """As many of the first characters of a file's name as take at most `room` bytes."""
    data = os.fsencode(name)
    return name if len(data) <= room else data[:room].decode("utf-8", "ignore")


def shown(path: str | os.PathLike) -> str:
    """A path as it can be printed in one line: bytes that are not UTF-8 and control characters are escaped."""
    return re.sub(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]", lambda c: ascii(c[0])[1:-1], os.fsdecode(path))


def one_line(error: Exception) -> str:
    """What an exception says, in one line, without a full stop."""
    said = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return " ".join(said.split())[:300].rstrip(".")


def warn_of_skipped(source: str, problems: list[str], count: int, stacklevel: int) -> None:
    """Name the first five of the files that were skipped.

    Args:
        source: where they lie.
        problems: a sentence for each of them.
        count: how many files there are in all.
        stacklevel: as of `warnings.warn`, for the caller.
    """
    if problems:
        names = " ".join(problems[:5]) + (f" and {len(problems) - 5} more." if len(problems) > 5 else "")
        warnings.warn(f"{shown(source)}: skipped {len(problems)} of {count} files. {names}", stacklevel=stacklevel + 1)


def warn_of_frames(source: str, frames: dict[str, int], stacklevel: int) -> None:
    """Name the first five of the pictures that have more frames than the one that is taken.

    Args:
        source: where they lie.
        frames: how many each picture has, by name.
        stacklevel: as of `warnings.warn`, for the caller.
    """
    several = sorted((name, n) for name, n in frames.items() if n > 1)
    if several:
        named = ", ".join(f"{shown(name)} ({n})" for name, n in several[:5])
        warnings.warn(
            f"{shown(source)}: of {len(several)} animations and files of several pages the first frame is taken: {named}"
            + (f" and {len(several) - 5} more." if len(several) > 5 else "."),
            stacklevel=stacklevel + 1,
        )


def warn_of_lost_frames(path: str, read: int, count: int | None, stacklevel: int) -> str:
    """Warn of how much of a film could be read; returns the sentence.

    Args:
        path: of the film.
        read: frames that are whole.
        count: frames that there should be, None where that is not known.
        stacklevel: as of `warnings.warn`, for the caller.
    """
    of = f" of {count}" if count else ""
    said = f"{shown(path)} is damaged or cut off: {read}{of} frames could be read whole."
    warnings.warn(said, stacklevel=stacklevel + 1)
    return said


def data_file(*names: str) -> str:
    """The path of a file under the folder that the environment variable KERAS_IMGEN_DATA names.

    Raises:
        FileNotFoundError: it is not there, or the variable is not set.
    """
    folder = os.environ.get("KERAS_IMGEN_DATA")
    path = os.path.join(folder or "", *names)
    if not folder or not os.path.isfile(path):
        raise FileNotFoundError(
            f"{os.path.join(*names)} was not found: expected it under the folder that the environment variable "
            f"KERAS_IMGEN_DATA names ({folder or 'not set'})."
        )
    return path
