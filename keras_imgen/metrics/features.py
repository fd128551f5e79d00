"""One pass of images through an extractor, for every metric; that of a reference set is kept on disk under its content's hash."""

import hashlib
import os
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from keras_imgen.data.files import whole
from keras_imgen.metrics.extractors import Extractor
from keras_imgen.metrics.moments import Accumulator, Moments

BATCH = 256


@dataclass
class Features:
    """Features of N images.

    Args:
        rows: float32 (N, D).
        probabilities: of the classes, float32 (N, K).
        moments: of the rows.
    """

    rows: np.ndarray
    probabilities: np.ndarray
    moments: Moments

    def __len__(self) -> int:
        return len(self.rows)


def batches(images: Any) -> Iterator[np.ndarray]:
    """uint8 batches (n, H, W, C) of an array, or of something that can be gone through again.

    That is a tf.data.Dataset or a list of batches, of images, (images, labels) or dicts with the key `image`.

    Raises:
        ValueError: no images, floats, images of different shapes, or an iterator.
    """
    shape = None
    if isinstance(images, Iterator):
        raise ValueError(
            "Expected something that can be gone through twice: an array, a list or a Dataset, not an iterator."
        )
    for batch in _parts(images):
        if isinstance(batch, dict):
            batch = batch["image"]
        batch = np.asarray(batch[0] if isinstance(batch, tuple) else batch)
        if batch.dtype != np.uint8 or batch.ndim != 4:
            raise ValueError(
                f"Expected uint8 images (N, height, width, channels) in [0, 255], got {batch.dtype} of shape {batch.shape}."
            )
        if shape is not None and batch.shape[1:] != shape:
            raise ValueError(f"Expected images of one shape, got {shape} and then {batch.shape[1:]}.")
        shape = batch.shape[1:]
        yield batch
    if shape is None:
        raise ValueError("There are no images.")


def _parts(images: Any) -> Iterable:
    if isinstance(images, np.ndarray):
        return (images[i : i + BATCH] for i in range(0, len(images), BATCH))
    return images


def extract(images: Any, extractor: Extractor, progress: str | None = None) -> Features:
    """Features of all images; the images themselves are let go batch by batch.

    Args:
        images: as for `batches`.
        extractor: see `extractors.get`.
        progress: text beside a progress bar; None shows none.

    Raises:
        ValueError: as `batches`.
    """
    found, rows, probabilities = Accumulator(), [], []
    for batch in tracked(batches(images), images, progress):
        features, p = extractor(batch)
        rows.append(features.astype("float32"))
        probabilities.append(p.astype("float32"))
        found.add(features)
    return Features(np.concatenate(rows), np.concatenate(probabilities), found.moments())


def reference(images: Any, extractor: Extractor, progress: str | None = None, folder: str | None = None) -> Features:
    """As `extract`, from the file of the same images and extractor where there is one; otherwise that file is written.

    Args:
        images: as for `batches`.
        extractor: see `extractors.get`.
        progress: text beside a progress bar; None shows none.
        folder: of the files; by default KERAS_IMGEN_CACHE, or ~/.cache/keras_imgen.

    Raises:
        ValueError: as `batches`.
    """
    folder = (
        folder or os.environ.get("KERAS_IMGEN_CACHE") or os.path.join(os.path.expanduser("~"), ".cache", "keras_imgen")
    )
    key = hashlib.sha256(f"{extractor.name} {extractor.digest} {extractor.size}".encode())
    for batch in batches(images):
        key.update(str(batch.shape[1:]).encode())
        key.update(np.ascontiguousarray(batch).tobytes())
    path = os.path.join(folder, f"{extractor.identity}-{key.hexdigest()[:32]}.npz")
    if os.path.isfile(path):
        try:
            with open(path, "rb") as opened, np.load(opened, allow_pickle=False) as file:
                m = Moments(len(file["rows"]), file["mean"], file["covariance"])
                return Features(file["rows"], file["probabilities"], m)
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
            pass  # damaged: made again
    found = extract(images, extractor, progress)
    os.makedirs(folder, exist_ok=True)
    m = found.moments
    with whole(path) as beside:
        np.savez(beside, rows=found.rows, probabilities=found.probabilities, mean=m.mean, covariance=m.covariance)
    return found


def tracked(parts: Iterable, whole: Any, text: str | None) -> Iterable:
    """The parts, with a progress bar where there is a text.

    Args:
        parts: what is gone through.
        whole: an array, or something whose length is the number of parts, if it has one.
        text: beside the bar; None shows none.
    """
    if text is None:
        return parts
    from rich.progress import track

    total = (
        -(-len(whole) // BATCH) if isinstance(whole, np.ndarray) else len(whole) if hasattr(whole, "__len__") else None
    )
    return track(parts, description=text, total=total)
