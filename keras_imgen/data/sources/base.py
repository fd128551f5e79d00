"""What a source is, and what sources have in common."""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from keras_imgen.arguments import integer
from keras_imgen.data import image_io
from keras_imgen.data.captions import out_of
from keras_imgen.data.files import data_file, shown

MOST_LABELS = 2**31 - 1


@dataclass
class Request:
    """What a source is asked for.

    Args:
        split: "train", "test", "all", or another that the source has.
        size: (height, width); None for its own.
        channels: 1, 3 or 4; None for its own.
        resize: see `image_io.resize`.
        data_dir: folder of the data, where the source asks for one.
        frames: length of clips, where the source has them.
        text: name of the captions, where the source can be told; None for its own.
        stride: frames from one of a clip to the next, of films.
        seed: of the places of clips in films.

    Raises:
        ValueError: fewer than one frame, a stride below 1.
    """

    split: str
    size: tuple[int, int] | None = None
    channels: int | None = None
    resize: str = "crop"
    data_dir: str | None = None
    frames: int | None = None
    text: str | None = None
    stride: int = 1
    seed: int = 0

    def __post_init__(self):
        if self.frames is not None:
            self.frames = integer("frames", self.frames, 1)
        self.stride = integer("stride", self.stride, 1)

    def fit(self, image: np.ndarray) -> np.ndarray:
        """One uint8 picture (H, W, C) with the channels and size that are wanted."""
        image = image_io.with_channels(image, self.channels)
        return image if self.size is None else image_io.resize(image, self.size, self.resize)

    def file(self, folder: str, name: str) -> str:
        """The path of a file of a set, in `data_dir` or in its folder under KERAS_IMGEN_DATA.

        Raises:
            FileNotFoundError: it is not there.
        """
        if self.data_dir is None:
            return data_file(folder, *name.split("/"))
        path = os.path.join(self.data_dir, name)
        if not os.path.isfile(path):
            raise FileNotFoundError(f"There is no {shown(path)}: expected the files of {folder} in data_dir.")
        return path


@dataclass
class Source:
    """Images by number, or as a stream.

    Args:
        count: number of images.
        shape: of an image, (height, width, channels).
        fetch: f(indices) -> a dict of arrays with one row for each index.
        class_names: of the labels 0, 1, ...; None without classes.
        slow: whether `fetch` decodes or draws, and its rows are worth keeping.
        skipped: what was skipped and why, a sentence for each file.
        stream: instead of `fetch`, a tf.data.Dataset of single examples; several captions of one are a vector `captions`.
        captions: of each row, one or several, () where none is known; `load` makes of them the column `caption`.
        refused: why captions that are there cannot be used, None if they can: an error for those who want them.
    """

    count: int
    shape: tuple[int, int, int]
    fetch: Callable[[np.ndarray], dict[str, np.ndarray]] | None = None
    class_names: Sequence[str] | None = None
    slow: bool = False
    skipped: list[str] = field(default_factory=list)
    stream: Any = None
    captions: Sequence[tuple[str, ...]] | None = None
    refused: str | None = None


class Numbers(Sequence):
    """Names of classes that have none: "0", "1", ..., made when they are asked for."""

    def __init__(self, count: int):
        self.count = count

    def __len__(self):
        return self.count

    def __getitem__(self, k):
        found = range(self.count)[k]
        return [str(n) for n in found] if isinstance(k, slice) else str(found)


class Captions(Sequence):
    """Captions of every row, made when they are first asked for.

    Args:
        count: of the rows.
        make: number of a row -> its captions.
    """

    def __init__(self, count: int, make: Callable[[int], tuple[str, ...]]):
        self.count, self.make = count, make
        self._made: dict[int, tuple[str, ...]] = {}

    def __len__(self):
        return self.count

    def __getitem__(self, row):
        if isinstance(row, slice):
            return [self[k] for k in range(*row.indices(len(self)))]
        row = range(len(self))[row]
        if row not in self._made:
            self._made[row] = self.make(row)
        return self._made[row]


def in_memory(batch: dict[str, Any], request: Request, class_names: Sequence[str] | None = None) -> Source:
    """A source of arrays with equal numbers of rows; its images are brought to the request.

    Images of whole numbers are uint8 or lie in 0..255; of truth values, True is white; floats stay as they are. Labels of one
    number each become int32: whole numbers from 0 on. The texts of `caption` or `captions`, one or a list of them for each image, are
    its captions.

    Args:
        batch: arrays by name, `image` (N, H, W[, C]) among them.
        request: size and channels that are wanted; its `text` names another key of the captions.
        class_names: of the labels; by default "0", "1", ...

    Raises:
        ValueError: other images or labels, arrays of unequal length, or images that cannot be brought to the request.
    """
    batch = dict(batch)
    captions = out_of(batch, request.text)
    batch = {k: _array(k, v) for k, v in batch.items()}
    if "image" not in batch:
        raise ValueError(f"Expected arrays with the key 'image', got {sorted(batch)}.")
    counts = {k: len(v) for k, v in batch.items()} | ({} if captions is None else {"caption": len(captions)})
    if len(set(counts.values())) > 1:
        raise ValueError(f"Expected as many rows in every array, got {counts}.")
    images = batch["image"]
    if images.ndim == 3:
        images = images[..., None]
    if images.ndim != 4:
        raise ValueError(f"Expected images of shape (N, height, width, channels), got {images.shape}.")
    if 0 in images.shape[1:]:
        raise ValueError(f"Expected images of at least one pixel, got shape {images.shape}.")
    images = _images(images)
    if images.dtype == np.uint8:
        if request.channels is not None:
            images = image_io.with_channels(images, request.channels)
        if request.size is not None and images.shape[1:3] != tuple(request.size):
            images = np.stack([image_io.resize(image, request.size, request.resize) for image in images])
    elif request.size not in (None, images.shape[1:3]) or request.channels not in (None, images.shape[3]):
        raise ValueError(f"Only uint8 images are resized and recoloured; these are {images.dtype}.")
    batch["image"] = images
    if "label" in batch:
        labels = batch["label"] = _labels(batch["label"])
        if class_names is None and labels.ndim == 1 and len(images):
            class_names = Numbers(int(labels.max()) + 1)
    return Source(
        count=len(images),
        shape=tuple(images.shape[1:]),
        fetch=lambda rows: {k: v[rows] for k, v in batch.items()},
        class_names=class_names,
        captions=captions,
    )


def _array(name, values):
    try:
        array = np.asarray(values)
    except ValueError:  # rows of several shapes
        raise ValueError(f"Expected {name!r} as one array, got rows of different shapes.") from None
    if array.ndim == 0:
        raise ValueError(f"Expected {name!r} as an array with a row for each image, got {array.tolist()!r:.60}.")
    return array


def _images(images):
    kind = images.dtype.kind
    if kind == "b":
        return images.astype("uint8") * np.uint8(255)
    if kind == "f" or images.dtype == np.uint8:
        return images
    if kind not in "iu":
        raise ValueError(f"Expected images of uint8 or floats, got {images.dtype}.")
    low, high = (images.min(), images.max()) if images.size else (0, 0)
    if low < 0 or high > 255:
        raise ValueError(f"Expected images of whole numbers in 0..255, got {images.dtype} in {low}..{high}.")
    return images.astype("uint8")


def _labels(labels):
    one_each = labels.size == len(labels)
    if labels.dtype.kind == "f" and not one_each:  # shares of the classes
        return labels
    if labels.dtype.kind not in "biuf":
        raise ValueError(f"Expected labels as whole numbers, got {labels.dtype}.")
    labels = labels.reshape(-1) if one_each else labels
    low, high = (labels.min(), labels.max()) if labels.size else (0, 0)
    if not 0 <= low <= high <= MOST_LABELS or (labels % 1).any():
        raise ValueError(f"Expected labels as whole numbers in 0..{MOST_LABELS}, got {labels.dtype} in {low}..{high}.")
    return labels.astype("int32")


class NoSplit(ValueError):
    """A source has no such split."""


def wants_split(name: str, split: str, known: Sequence[str]) -> None:
    """Check that a source has a split.

    Args:
        name: of the source.
        split: that is asked for.
        known: those that it has.

    Raises:
        NoSplit: it does not.
    """
    if split not in known:
        raise NoSplit(f"{name} has no split {split!r}. Expected one of: {', '.join(known)}.")
