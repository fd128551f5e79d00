"""What `keras-imgen restore` does: picture files, folders and globs through a restoring model, each problem named, none in the way of the
rest."""

import glob
import os
import sys
import unicodedata
import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Mapping

import cv2
import numpy as np

from keras_imgen.data import image_io
from keras_imgen.data.files import below, one_line, shortened, shown, warn_of_skipped

LONGEST = 255  # bytes of a file's name


def find(inputs: list[str], out: str | None = None) -> dict[str, str]:
    """Paths by the name of their answer: of files, of pictures in folders and below, of what globs match. What lies in the folder `out`,
    earlier answers, is left out; files of a folder that do not end as pictures do are passed over with a warning.

    A name is the path below the folder, with the ending .png, and with the file's own ending before it where two would be alike.
    One that would be longer than a name may be is cut.

    Args:
        inputs: paths of files and folders, and globs.
        out: a folder that is left out, if it lies in one of them.

    Raises:
        FileNotFoundError: an input that is not there, or in which there is no picture.
        ValueError: two answers of one name.
    """
    files, endings = [], image_io.endings()
    for given in inputs:
        if os.path.isdir(given):
            every = below(given, out)
            found = [(n, os.path.join(given, n)) for n in every if os.path.splitext(n)[1].lower() in endings]
            taken = {name for name, _ in found}
            passed = [f"{shown(name)} does not end as a picture does." for name in every if name not in taken]
            warn_of_skipped(given, passed, len(every), stacklevel=2)
        elif os.path.isfile(given):
            found = [(os.path.basename(given), given)]
        else:
            matches = [p for p in glob.glob(given, recursive=True) if os.path.isfile(p)]
            found = [(os.path.basename(path), path) for path in matches]
        if not found:
            there = "no pictures in" if os.path.isdir(given) else "no file, folder or match for"
            raise FileNotFoundError(f"There is {there} {given}.")
        files += sorted(found)
    files = list({os.path.realpath(path): (name, path) for name, path in files}.values())
    stems = [os.path.splitext(name)[0] for name, _ in files]
    counts = Counter(map(_alike, stems))
    answers, taken = {}, {}
    for stem, (name, path) in zip(stems, files):
        folder, base = os.path.split(stem if counts[_alike(stem)] == 1 else name)
        answer = os.path.join(folder, shortened(base, LONGEST - len(".png")) + ".png")
        key = _alike(answer) if sys.platform in ("darwin", "win32") else answer
        if key in taken:
            raise ValueError(f"{path} and {taken[key]} have the same name: restore them into different folders.")
        answers[answer] = taken[key] = path
    return answers


def _alike(name: str) -> str:
    """The same for names that some file systems take for one: A and a, composed letters and others."""
    return unicodedata.normalize("NFC", name).casefold()


def answered(
    answer: Callable[[np.ndarray, str | None], np.ndarray],
    about: Mapping[str, str],
    files: dict[str, str],
    out: str,
    masks: str | None = None,
    compare: bool = False,
) -> Iterator[tuple[str, str | None]]:
    """Write the answer to each of the files of `find`. Of an animation or a file of several pages the first is answered, with a warning.

    Args:
        answer: from a picture, as `image_io.load_image(..., keep_depth=True)` gives it, and the path of its mask, if there is one, to the
            picture that is written.
        about: what is written into the answers.
        files: paths by the name of their answer.
        out: the folder of the answers.
        masks: a picture, or a folder of pictures with the names of the answers, not black where something is to be done.
        compare: write out/compare/NAME as well: the picture and its answer side by side.

    Yields:
        (path, None or what was wrong with it).

    Raises:
        ValueError: an answer would lie where the comparisons go.
    """
    if compare and (taken := [name for name in files if name.split(os.sep)[0] == "compare"]):
        raise ValueError(
            f"--compare writes into {os.path.join(out, 'compare')}, where {taken[0]} goes: rename that folder."
        )
    for name, path in files.items():
        try:
            image = image_io.load_image(path, keep_depth=True)
            mask = os.path.join(masks, name) if masks is not None and os.path.isdir(masks) else masks
            restored = answer(image, mask)
            _save(os.path.join(out, name), restored, {**about, "from": os.path.basename(path)})
            if compare:
                _save(os.path.join(out, "compare", name), beside(image, restored), {})
        except (
            Exception
        ) as error:  # whatever it is, as memory that runs out in one of the backends, the others come next
            named = getattr(error, "filename", None)
            yield path, (f"{named}: " if named and named != path else "") + one_line(error)
        else:
            if (several := image_io.frames(path)) > 1:
                warnings.warn(f"{shown(path)}: the first of its {several} frames is taken.", stacklevel=2)
            yield path, None


def _save(path, image, metadata):
    os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
    image_io.save_image(path, image, metadata)


def beside(image: np.ndarray, restored: np.ndarray, widest: int = 2000) -> np.ndarray:
    """A picture, enlarged by nearest neighbour to the size of its answer, and the answer, side by side, uint8.

    Args:
        image: (h, w, C), uint8 or uint16.
        restored: (H, W, C'), uint8 or uint16.
        widest: pixels of both together, at most.
    """
    height, width = restored.shape[:2]
    if 2 * width > widest:
        height, width = max(1, round(height * widest / (2 * width))), widest // 2
    pair = []
    for v in (image, restored):
        way = cv2.INTER_AREA if v.shape[1] > width else cv2.INTER_NEAREST
        v = cv2.resize(v, (width, height), interpolation=way).reshape(height, width, v.shape[-1])
        pair.append(v if v.dtype == np.uint8 else (v // 257).astype("uint8"))
    channels = max(v.shape[-1] for v in pair)
    return np.concatenate([image_io.with_channels(v, channels) for v in pair], axis=1)
