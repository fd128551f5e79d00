"""Is a sample a copy of a training image?"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from keras_imgen.metrics.distances import neighbours
from keras_imgen.metrics.features import batches


@dataclass
class Memorisation:
    """For each sample: `distance` to its nearest training image (root mean square difference, in levels of 255), that image's
    number `nearest`, the `ratio` of the distance to the mean of the next ones, and whether it `is_copy`."""

    distance: np.ndarray
    nearest: np.ndarray
    ratio: np.ndarray
    is_copy: np.ndarray

    @property
    def share(self) -> float:
        return float(self.is_copy.mean())


def memorisation(samples: np.ndarray, training: Any, threshold: float = 1 / 3, others: int = 50) -> Memorisation:
    """Flags samples that are much nearer to one training image than to the next ones (Carlini et al. 2023, section 5.1).

    A sample is a copy if its distance is less than `threshold` times the mean distance to the `others` next training images.
    (The paper's 1/2 is for large colour pictures; of small gray ones, whose neighbours are near, it flags a tenth of what is new.)
    Pixels are compared in place: a shifted or mirrored copy is not seen. Judge the share beside that of real held-out images,
    which are copies of nothing.

    Args:
        samples: uint8 (N, H, W, C).
        training: the same with 2 images or more; an array, or a Dataset of batches, of which one is in memory at a time.
    """
    if samples.dtype != np.uint8 or samples.ndim != 4:
        raise ValueError(f"Expected uint8 samples (N, H, W, C), got {samples.dtype} of shape {samples.shape}.")
    rows = samples.reshape(len(samples), -1)
    distance, nearest = np.empty((len(rows), 0)), np.empty((len(rows), 0), "int64")
    seen = 0
    for batch in batches(training):
        if batch.shape[1:] != samples.shape[1:]:
            raise ValueError(f"Expected images of one shape, got samples of {samples.shape[1:]} and {batch.shape[1:]}.")
        d, number = neighbours(rows, batch.reshape(len(batch), -1), others + 1)
        distance, nearest = np.concatenate([distance, d], 1), np.concatenate([nearest, number + seen], 1)
        order = np.argsort(distance, 1, kind="stable")[:, : others + 1]
        distance, nearest = np.take_along_axis(distance, order, 1), np.take_along_axis(nearest, order, 1)
        seen += len(batch)
    if seen < 2:
        raise ValueError(f"Expected 2 training images or more, got {seen}.")
    distance = distance / np.sqrt(rows.shape[1])
    ratio = distance[:, 0] / np.maximum(distance[:, 1:].mean(1), 1e-12)
    return Memorisation(distance[:, 0], nearest[:, 0], ratio, ratio < threshold)
