"""Files that are either whole or not there."""

import os
import uuid
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


def write_text(path: str, text: str) -> None:
    """A text file, whole or not at all."""
    with whole(path) as beside, open(beside, "w") as f:
        f.write(text)
