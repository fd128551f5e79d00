"""Mean and covariance of features, gathered batch by batch in float64, and the Fréchet distance between two."""

import warnings
from dataclasses import dataclass

import numpy as np


@dataclass
class Moments:
    """Mean and covariance of rows.

    Args:
        count: N, number of rows.
        mean: (D,).
        covariance: (D, D), divided by N - 1.
    """

    count: int
    mean: np.ndarray
    covariance: np.ndarray


class Accumulator:
    """Adds batches (N, D); `moments()` at any time. Chan, Golub & LeVeque 1983: no cancellation, nothing kept of the rows."""

    def __init__(self):
        self.count, self._mean, self._scatter = 0, 0.0, 0.0

    def add(self, rows: np.ndarray) -> "Accumulator":
        """Add rows (n, D); returns itself."""
        rows = np.asarray(rows, "float64")
        n = len(rows)
        mean = rows.mean(0)
        centered = rows - mean
        shift, both = mean - self._mean, self.count + n
        self._scatter = self._scatter + centered.T @ centered + np.outer(shift, shift) * (self.count * n / both)
        self._mean = self._mean + shift * (n / both)
        self.count = both
        return self

    def moments(self) -> Moments:
        """Those of all rows so far.

        Raises:
            ValueError: fewer than two rows.
        """
        if self.count < 2:
            raise ValueError(f"A covariance needs 2 images or more, got {self.count}.")
        return Moments(self.count, self._mean, self._scatter / (self.count - 1))


def moments(rows: np.ndarray) -> Moments:
    """The moments of rows (N, D)."""
    return Accumulator().add(rows).moments()


def frechet_distance(a: Moments, b: Moments) -> float:
    """|μa - μb|² + tr(Ca + Cb - 2 (Ca Cb)^½), Dowson & Landau 1982; between features of images, Heusel et al. 2017.

    The trace is the nuclear norm of Ra' Rb with C = R R': singular values keep the digits that square roots of the
    eigenvalues of a product lose, and covariances may be singular.

    Args:
        a: moments of the one set of features.
        b: moments of the other.

    Raises:
        ValueError: features of different sizes.

    Warns:
        UserWarning: there are fewer images than features: the covariance is then singular and the distance says little.
    """
    if a.mean.shape != b.mean.shape:
        raise ValueError(f"Expected features of one size, got {a.mean.shape[0]} and {b.mean.shape[0]}.")
    fewest, size = min(a.count, b.count), len(a.mean)
    if fewest <= size:
        warnings.warn(
            f"{fewest} images for {size} features: the covariance has not full rank and the Fréchet distance is biased upward. "
            f"Use more than {size} images, or the kernel distance.",
            stacklevel=2,
        )
    cross = np.linalg.svd(_root(a.covariance).T @ _root(b.covariance), compute_uv=False).sum()
    distance = np.sum((a.mean - b.mean) ** 2) + np.trace(a.covariance) + np.trace(b.covariance) - 2 * cross
    return max(float(distance), 0.0)


def _root(covariance):
    """R with R R' = covariance; directions whose variance is rounding error are left out."""
    values, vectors = np.linalg.eigh(covariance)
    keep = values > values[-1] * len(values) * np.finfo("float64").eps
    return vectors[:, keep] * np.sqrt(values[keep])
