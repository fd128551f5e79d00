"""Is a sample a copy of a training image?"""

from dataclasses import dataclass

import numpy as np

from keras_imgen.metrics.distances import neighbours


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


def memorisation(samples: np.ndarray, training: np.ndarray, threshold: float = 1 / 3, others: int = 50) -> Memorisation:
    """Flags samples that are much nearer to one training image than to the next ones (Carlini et al. 2023, section 5.1).

    A sample is a copy if its distance is less than `threshold` times the mean distance to the `others` next training images.
    (The paper's 1/2 is for large colour pictures; of small gray ones, whose neighbours are near, it flags a tenth of what is new.)
    Pixels are compared in place: a shifted or mirrored copy is not seen. Judge the share beside that of real held-out images,
    which are copies of nothing.

    Args:
        samples, training: uint8 (N, H, W, C) and (M, H, W, C) with M of at least 2.
    """
    for images in (samples, training):
        if images.dtype != np.uint8 or images.ndim != 4 or images.shape[1:] != training.shape[1:]:
            raise ValueError(
                f"Expected uint8 images of one shape, got {samples.dtype} {samples.shape} and {training.dtype} {training.shape}."
            )
    if len(training) < 2:
        raise ValueError(f"Expected 2 training images or more, got {len(training)}.")
    rows, among = (v.reshape(len(v), -1) for v in (samples, training))
    distance, nearest = neighbours(rows, among, others + 1)
    distance = distance / np.sqrt(rows.shape[1])
    ratio = distance[:, 0] / np.maximum(distance[:, 1:].mean(1), 1e-12)
    return Memorisation(distance[:, 0], nearest[:, 0], ratio, ratio < threshold)
