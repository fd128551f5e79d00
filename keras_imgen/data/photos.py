"""`photos`: pictures of any sizes, whole, from folders and zip files; `patches`: random squares of them as a tf.data.Dataset."""

import json
import os
import warnings
import zipfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np

from keras_imgen.arguments import integer
from keras_imgen.data import image_io
from keras_imgen.data.files import below, one_line, shown, warn_of_frames, warn_of_skipped
from keras_imgen.data.pipeline import by_step
from keras_imgen.libraries import needs_tensorflow

SETS = {  # under $KERAS_IMGEN_DATA
    "t91": "t91/t91.zip",
    "bsds500:train": "bsds500/bsds500_train200_val100.zip:train",
    "bsds500:test": "bsds500/bsds500_test200.zip:test",
    "bsd100": "bsds500/bsds500_train200_val100.zip:val",
    "cbsd68": "bsds500/bsds500_train200_val100.zip:val",
    "bsd68": "bsds500/bsds500_train200_val100.zip:val",
    "set5": "sr_test/set5.zip",
    "set14": "sr_test/set14.zip",
    "set12": "denoise_test/set12_gray.zip",
}
LARGEST = 8 * image_io.MAX_PIXELS  # bytes of a file in a zip file: of the largest picture with four channels of 16 bits
SUBSETS = {"cbsd68": "bsds500/subsets.json", "bsd68": "bsds500/subsets.json"}  # lists 68 of the names, as "cbsd68"


def photos(source: Any, channels: int = 3, limit: int | None = None) -> list[np.ndarray]:
    """Pictures as a list of uint8 arrays (height, width, channels), each in its own size, in the order of their names.

    What cannot be read is skipped and named in a warning; of animations the first frame is taken, with a warning.

    Args:
        source: a folder, a zip file of pictures, a folder in one ("PATH.zip:train"), one of the sets "t91" (Yang et al. 2010),
            "bsds500:train", "bsds500:test", "bsd100", "cbsd68", "bsd68" (the same; ask for channels=1), "set5", "set14", "set12", which lie
            under the folder named by KERAS_IMGEN_DATA (`SETS` has the places), or a list of these, joined.
        channels: 1 (luma of BT.601, full range, which the published BSD68 rests on), 3 or 4.
        limit: at most so many, the first ones.

    Raises:
        FileNotFoundError: no such folder, zip file or set.
        ValueError: a damaged zip file, or no picture that can be read.
    """
    if channels not in (1, 3, 4):
        raise ValueError(f"Expected `channels` of 1, 3 or 4, got {channels!r}.")
    if limit is not None and limit < 1:
        raise ValueError(f"Expected `limit` of at least 1 picture, got {limit!r}.")
    if isinstance(source, list | tuple):
        if not source:
            raise ValueError("Expected at least one source of pictures, got an empty list.")
        found = []
        for one in source:
            if limit is None or len(found) < limit:
                found += photos(one, channels, None if limit is None else limit - len(found))
        return found
    source = os.fspath(source)
    names, read = _files(source)
    found, bad, frames, left = [], [], {}, names

    def decode(name):
        try:
            data = read(name)
            image = image_io.load_image(data, channels)
            frames[name] = image_io.frames(data)
            return image
        except Exception as error:  # whatever a damaged zip file leads to
            return f"{shown(name)}: {one_line(error).removeprefix('bytes ')}."

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        while left and (limit is None or len(found) < limit):
            count = len(left) if limit is None else limit - len(found)
            for result in pool.map(decode, left[:count]):
                (bad if isinstance(result, str) else found).append(result)
            left = left[count:]
    warn_of_skipped(source, bad, len(names), stacklevel=2)
    warn_of_frames(source, frames, stacklevel=2)
    if not found:
        raise ValueError(f"There are no pictures in {source}: {len(names)} files, none that can be read.")
    return found


def _files(source: str):
    """The sorted names of a source, and a function from one of them to its bytes."""
    if source in SETS:
        root, place = os.environ.get("KERAS_IMGEN_DATA"), SETS[source]
        if not root:
            raise FileNotFoundError(
                f"{source!r} is looked for at $KERAS_IMGEN_DATA/{place}, but KERAS_IMGEN_DATA is not set: "
                "point it to the folder that holds this file."
            )
        names, read = _files(os.path.join(root, place))
        if source in SUBSETS:
            with open(os.path.join(root, SUBSETS[source])) as f:
                wanted = set(json.load(f)["cbsd68"])
            names = [n for n in names if os.path.splitext(os.path.basename(n))[0] in wanted]
        return names, read
    path = os.path.expanduser(source.removeprefix("folder:"))
    if os.path.isdir(path):
        return below(path), lambda name: _bytes(os.path.join(path, name))
    path, _, inside = path.partition(".zip:") if ".zip:" in path else (path.removesuffix(".zip"), "", "")
    if not os.path.isfile(path + ".zip") or not (inside or source.endswith(".zip")):
        raise FileNotFoundError(
            f"There is no folder or zip file {source}. Expected one, PATH.zip:FOLDER, or one of: {', '.join(SETS)}."
        )
    try:
        archive = zipfile.ZipFile(path + ".zip")
    except Exception as error:
        raise ValueError(f"{path}.zip is not a complete zip file: {one_line(error)}.") from None
    every = [n for n in archive.namelist() if not n.endswith("/") and not os.path.basename(n).startswith(".")]
    prefix = inside.strip("/") + "/" if inside.strip("/") else ""
    names = sorted(n for n in every if n.startswith(prefix) and not n.startswith("__MACOSX/"))
    if prefix and not names:
        folders = sorted({n.rpartition("/")[0] for n in every} - {""})
        raise FileNotFoundError(f"{path}.zip has no folder {inside!r}: it has {', '.join(folders) or 'none'}.")

    def read(name):
        if (size := archive.getinfo(name).file_size) > LARGEST:
            raise ValueError(f"{size:,} bytes, expected at most {LARGEST:,}")
        return archive.read(name)

    return names, read


def _bytes(path: str) -> bytes:
    with open(path, "rb") as f:
        return f.read()


def patches(
    source: Any,
    size: int,
    batch: int = 16,
    steps: int = 1000,
    *,
    channels: int = 3,
    flips: bool = True,
    seed: int = 0,
) -> Any:
    """Random squares of pictures, as a `tf.data.Dataset` of dicts with `image`; a batch is a function of (seed, epoch, step).

    Every place of every picture is equally likely, so large pictures come more often. Pictures smaller than a patch are left out
    with a warning.

    Args:
        source: what `photos` takes, or a list of uint8 arrays (height, width[, channels]). They stay decoded in memory.
        size: side of a square, in pixels.
        batch: squares in a batch.
        steps: batches of an epoch.
        channels: 1, 3 or 4.
        flips: turn each by one of the eight flips and quarter turns, else leave it as it is.
        seed: of places and turns.

    Returns:
        `steps` batches of `image` uint8 (batch, size, size, channels).

    Raises:
        ValueError: no picture as large as a patch, a size, batch or number of steps below 1.
        FileNotFoundError: as `photos`.
        ModuleNotFoundError: TensorFlow is not installed.
    """
    needs_tensorflow("data.patches")
    size, batch, steps = integer("size", size, 1), integer("batch", batch, 1), integer("steps", steps, 1)
    every = pictures_of(source, channels)
    pictures = [p for p in every if min(p.shape[:2]) >= size]
    if not pictures:
        largest = max(min(p.shape[:2]) for p in every)
        raise ValueError(f"No picture is as large as a patch of {size}: expected `size` of at most {largest}.")
    if small := len(every) - len(pictures):
        warnings.warn(f"Left out {small} of {len(every)} pictures: smaller than a patch of {size}.", stacklevel=2)
    columns = np.array([p.shape[1] - size + 1 for p in pictures])
    ends = np.cumsum([(p.shape[0] - size + 1) * n for p, n in zip(pictures, columns)])

    def draw(epoch, step):
        rng = np.random.default_rng([seed & 0x7FFFFFFF, epoch, step])
        places, turns = rng.integers(ends[-1], size=batch), rng.integers(8, size=batch)
        out = np.empty((batch, size, size, channels), "uint8")
        for k, (place, turn) in enumerate(zip(places, turns if flips else np.zeros_like(turns))):
            i = np.searchsorted(ends, place, side="right")
            top, left = divmod(int(ends[i] - 1 - place), int(columns[i]))
            out[k] = _turned(pictures[i][top : top + size, left : left + size], turn)
        return {"image": out}

    return by_step(draw, {"image": ("uint8", (batch, size, size, channels))}, steps)


def _turned(image: np.ndarray, turn: int) -> np.ndarray:
    """One of the eight symmetries of the square: `turn` % 4 quarter turns, and mirrored from 4 on."""
    image = np.rot90(image, turn % 4)
    return image[:, ::-1] if turn >= 4 else image


def pictures_of(source: Any, channels: int) -> Sequence[np.ndarray]:
    """Pictures as uint8 arrays (height, width, channels).

    Args:
        source: what `photos` takes, or a list of uint8 arrays (height, width[, channels]).
        channels: 1, 3 or 4.

    Raises:
        ValueError: arrays of another form, and as `photos`.
        FileNotFoundError: as `photos`.
    """
    many = isinstance(source, list | tuple) and len(source) and isinstance(source[0], np.ndarray)
    if not many and not (isinstance(source, np.ndarray) and source.ndim == 4):
        return photos(source, channels)
    out = []
    for image in source:
        if image.dtype != np.uint8 or image.ndim not in (2, 3):
            raise ValueError(
                f"Expected pictures as uint8 (height, width[, channels]), got {image.dtype} of shape {image.shape}."
            )
        out.append(image_io.with_channels(image[..., None] if image.ndim == 2 else image, channels))
    return out
