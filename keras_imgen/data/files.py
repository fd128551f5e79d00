"""Files that are either whole or not there."""

import os
import uuid
import warnings
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def whole(path: str) -> Iterator[str]:
    """A name beside `path`, with its ending, to write to; at the end the file takes the place of `path`, if nothing failed."""
    root, ending = os.path.splitext(os.fspath(path))
    beside = f"{root}.{uuid.uuid4().hex[:8]}.partial{ending}"
    try:
        yield beside
        os.replace(beside, path)
    finally:
        if os.path.exists(beside):
            os.remove(beside)


def deflate(path: str) -> None:
    """Compress what is in a .keras file, which Keras only puts together; it reads both."""
    with whole(path) as beside:
        with zipfile.ZipFile(path) as old, zipfile.ZipFile(beside, "w") as new:
            for entry in old.infolist():
                new.writestr(zipfile.ZipInfo(entry.filename), old.read(entry), zipfile.ZIP_DEFLATED, 9)


def write_text(path: str, text: str) -> None:
    """A text file, whole or not at all."""
    with whole(path) as beside, open(beside, "w") as f:
        f.write(text)


def below(folder: str) -> list[str]:
    """The paths of all files in a folder and its sub-folders, relative to it, sorted; hidden ones are left out."""
    return sorted(
        os.path.relpath(os.path.join(place, name), folder)
        for place, _, names in os.walk(folder)
        for name in names
        if not name.startswith(".")
    )


def warn_of_skipped(source: str, problems: list[str], count: int, stacklevel: int) -> None:
    """Name the first five of the files that were skipped, of `count`."""
    if problems:
        shown = " ".join(problems[:5]) + (f" and {len(problems) - 5} more." if len(problems) > 5 else "")
        warnings.warn(f"{source}: skipped {len(problems)} of {count} files. {shown}", stacklevel=stacklevel + 1)


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
