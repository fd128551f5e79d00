"""Which captions the pictures of a folder have: from a text beside each, or from lists."""

import os
import posixpath
import re
import unicodedata
import warnings
from collections import defaultdict
from collections.abc import Sequence

from keras_imgen.data.captions import NAMES, texts_of
from keras_imgen.data.files import read_text, shown
from keras_imgen.data.image_io import endings
from keras_imgen.data.sources.caption_lists import LISTS, METADATA, rows_of


def texts_beside(files: Sequence[str]) -> dict[str, list[str]]:
    """Of each `.txt` the pictures of its name beside it, where there are any."""
    pictures, kinds = defaultdict(list), endings()
    for root, ending, name in ((*os.path.splitext(name), name) for name in files):
        if ending.lower() in kinds:
            pictures[root].append(name)
    roots = {name: os.path.splitext(name) for name in files}
    return {name: pictures[r] for name, (r, e) in roots.items() if e.lower() == ".txt" and r in pictures}


def captions_in(
    root: str, part: str, files: Sequence[str], names: Sequence[str], text: str | None, stacklevel: int
) -> tuple[list[tuple[str, ...]] | None, list[str]]:
    """Captions of pictures, one tuple for each; None where there is neither a list nor a text beside a picture.

    Lists lie in any folder and name files from there; those in `root` may name files of several parts.

    Args:
        root: the folder.
        part: the sub-folder that is read, as `train`; "" for all.
        files: all files in this part, by their paths from it.
        names: of the pictures among them.
        text: the column of the metadata that counts, and then alone; None takes `caption`, `captions` or `text`, and all kinds.
        stacklevel: as of `warnings.warn`, for the caller.

    Returns:
        (captions, a sentence for each row that names no file).

    Raises:
        ValueError: what `rows_of` refuses, a path that leads out of the folder, captions of two kinds that differ, or no column `text`.
    """
    kinds = METADATA if text else LISTS
    lists = [os.path.join(part, name) for name in files if os.path.basename(name) in kinds]
    lists += [name for name in kinds if part and os.path.isfile(os.path.join(root, name))]
    beside = {} if text else texts_beside(files)
    if text and not lists:
        raise ValueError(f"{root} has no {' or '.join(METADATA)} with a column {text!r}, which is to be the caption.")
    real = {_composed(os.path.join(part, name)): name for name in files}
    given: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    missing, captioned = [], bool(beside)
    for name in lists:
        rows = rows_of(os.path.join(root, name), text)
        captioned |= rows is not None
        if rows is None:
            said = f"{shown(name)} has no column of captions: expected {', '.join(NAMES)}, or pass text=... to `load`."
            warnings.warn(f"{shown(root)}: {said}", stacklevel=stacklevel + 1)
        for where, file, texts in rows or []:
            path = inside(os.path.dirname(name), file, where)
            picture = real.get(_composed(path), real.get(_composed(path.replace("\\", "/"))))
            if picture is not None:
                given[picture][name] += texts
            elif not part or path.startswith(part + "/") or not os.path.exists(os.path.join(root, path)):
                missing.append(f"{where} names {shown(file)}, which is not there.")
    if not captioned:
        return None, missing
    for name, pictures in beside.items():
        path = os.path.join(part, name)
        texts = texts_of(read_text(os.path.join(root, path)).split("\n"), path)
        for picture in pictures:
            given[picture][path] += texts
    found = [_agreed(root, name, given[name]) for name in names]
    warn_of_bare(os.path.join(root, part), [n for n, c in zip(names, found) if not c], len(names), stacklevel + 1)
    return found, missing


def inside(place: str, file: str, where: str) -> str:
    """The path of a file from the root, with "/".

    Args:
        place: the folder, by its path from the root, that names it.
        file: how it is named there.
        where: what messages call the place that names it.

    Raises:
        ValueError: it would lie outside of the folder.
    """
    parts = re.split(r"[/\\]", file)
    if not file.strip() or parts[0] == "" or ".." in parts or re.fullmatch("[A-Za-z]:", parts[0]):
        raise ValueError(f"{where} names {file!r:.80}: expected the path of a file below the folder of the list.")
    return posixpath.normpath(posixpath.join(place.replace(os.sep, "/"), file))


def _composed(name):
    """File systems differ in how they write an accent."""
    return unicodedata.normalize("NFC", name.replace(os.sep, "/"))


def _agreed(root, name, given):
    """The captions of one picture, the same wherever there are any."""
    several = {place: tuple(texts) for place, texts in given.items() if texts}
    if len({tuple(sorted(texts)) for texts in several.values()}) > 1:
        places = " and ".join(map(shown, several))
        raise ValueError(f"{shown(root)}: the captions of {shown(name)} in {places} differ: keep those of one.")
    return next(iter(several.values()), ())


def warn_of_bare(folder: str, names: Sequence[str], count: int, stacklevel: int) -> None:
    """Name the first five of the pictures that have no caption.

    Args:
        folder: where they lie, or the list of them.
        names: those without one.
        count: how many pictures there are in all.
        stacklevel: as of `warnings.warn`, for the caller.
    """
    if names:
        named = ", ".join(map(shown, names[:5])) + (f" and {len(names) - 5} more." if len(names) > 5 else ".")
        said = f"{len(names)} of {count} pictures have no caption, and get an empty one: {named}"
        warnings.warn(f"{shown(folder)}: {said}", stacklevel=stacklevel + 1)
