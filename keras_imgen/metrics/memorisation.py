"""Is a sample a copy of a training image?"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from keras_imgen.metrics.distances import neighbours
from keras_imgen.metrics.features import batches


@dataclass
class Memorisation:
    """How near each of N samples is to the training images.

    Args:
        distance: to the nearest training image (root mean square difference, in levels of 255), (N,).
        nearest: number of that image, (N,).
        ratio: of the distance to the mean of the next ones, (N,).
        is_copy: whether the sample counts as a copy, (N,).
    """

    distance: np.ndarray
    nearest: np.ndarray
    ratio: np.ndarray
    is_copy: np.ndarray

    @property
    def fraction(self) -> float:
        """The fraction of the samples that are copies."""
        return float(self.is_copy.mean())


def memorisation(samples: np.ndarray, training: Any, threshold: float = 1 / 3, others: int = 50) -> Memorisation:
    """Flags samples that are much nearer to one training image than to the next ones (Carlini et al. 2023, section 5.1).

    A sample is a copy if its distance is less than `threshold` times the mean distance to the `others` next training images.
    (The paper's 1/2 is for large colour pictures; of small gray ones, whose neighbours are near, it flags a tenth of what is new.)
    Pixels are compared in place: a shifted or mirrored copy is not seen. Read the fraction beside that of real held-out images,
    which are copies of nothing.

    Args:
        samples: uint8 (N, H, W, C).
        training: the same with 2 images or more; an array, or a Dataset of batches, of which one is in memory at a time.
        threshold: ratio of the distances below which a sample is a copy.
        others: how many of the next training images the mean is taken of.

    Raises:
        ValueError: another type or shape, fewer than two training images.
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
