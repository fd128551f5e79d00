"""Whether single latent numbers stand for single factors of the images."""

import numpy as np


def mutual_information(a: np.ndarray, b: np.ndarray) -> float:
    """Mutual information of two integer arrays (N,) in nats, from their joint histogram."""
    joint = np.zeros((a.max() + 1, b.max() + 1))
    np.add.at(joint, (a, b), 1.0)
    joint /= joint.sum()
    outside = joint.sum(1, keepdims=True) * joint.sum(0, keepdims=True)
    seen = joint > 0
    return float((joint[seen] * np.log(joint[seen] / outside[seen])).sum())


def mutual_information_gap(latents: np.ndarray, factors: np.ndarray, bins: int = 20) -> tuple[float, np.ndarray]:
    """MIG (Chen et al. 2018, eq. 6): how much more the latent number that knows most of a factor knows than the next one.

    Args:
        latents: float (N, D), D > 1.
        factors: (N, F); what has more than `bins` values is cut into as many equal parts of its range.
        bins: of the latents, likewise (as in disentanglement_lib, Locatello et al. 2019).

    Returns:
        (the mean over the factors, the gap of each (F,)), in [0, 1]: shares of the factor's entropy.

    Raises:
        ValueError: different numbers of rows, one latent number.
    """
    latents, factors = np.asarray(latents), np.asarray(factors)
    if latents.ndim != 2 or factors.ndim != 2 or len(latents) != len(factors) or latents.shape[1] < 2:
        raise ValueError(
            f"Expected latents (N, D) with D > 1 and factors (N, F), got {latents.shape} and {factors.shape}."
        )
    codes = [_cut(column, bins) for column in latents.T]
    gaps = []
    for column in factors.T:
        values = np.unique(column)
        own = np.searchsorted(values, column) if len(values) <= bins else _cut(column, bins)
        known = sorted((mutual_information(code, own) for code in codes), reverse=True)
        gaps.append((known[0] - known[1]) / max(mutual_information(own, own), 1e-12))
    return float(np.mean(gaps)), np.array(gaps)


def _cut(column, bins):
    return np.digitize(column, np.linspace(column.min(), column.max(), bins + 1)[1:-1])
