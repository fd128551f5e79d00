"""Distances between two sets of features that need the features themselves: kernel distance, precision and recall, and more."""

import math

import numpy as np

BLOCK = 2048  # rows of a distance matrix in memory at a time


def kernel_distance(
    real: np.ndarray, fake: np.ndarray, subsets: int = 100, subset_size: int = 1000, seed: int = 0
) -> tuple[float, float]:
    """(mean, standard deviation) over subsets of the unbiased squared MMD with the kernel (x·y/D + 1)³: KID (Bińkowski et al. 2018).

    Args:
        real: features (N, D).
        fake: features (M, D).
        subsets: pairs of subsets, drawn without replacement; one is taken where a subset is a whole set.
        subset_size: rows in each, at most the smaller set.
        seed: of the subsets.

    Raises:
        ValueError: features of another form, fewer than two of a kind.
    """
    _check(real, fake)
    size = min(subset_size, len(real), len(fake))
    if size < 2:
        raise ValueError(f"The kernel distance needs 2 images or more of each kind, got {size}.")
    subsets = 1 if size == len(real) == len(fake) else subsets
    rng = np.random.default_rng(seed)
    values = []
    for _ in range(subsets):
        x, y = (v[rng.choice(len(v), size, replace=False)].astype("float64") for v in (real, fake))
        xx, yy, xy = ((a @ b.T / a.shape[1] + 1) ** 3 for a, b in ((x, x), (y, y), (x, y)))
        same = sum(k.sum() - np.trace(k) for k in (xx, yy)) / (size * (size - 1))
        values.append(same - 2 * xy.mean())
    return float(np.mean(values)), float(np.std(values))


def precision_recall(real: np.ndarray, fake: np.ndarray, k: int = 5) -> dict[str, float]:
    """Precision and recall (Kynkäänniemi et al. 2019), density and coverage (Naeem et al. 2020), from balls to the k-th neighbour.

    Args:
        real: features (N, D).
        fake: features (M, D).
        k: which neighbour a ball reaches to.

    Returns:
        `precision`: share of fake rows in a ball around a real one; `recall`: share of real rows in a ball around a fake one; `density`:
        real balls that hold a fake row, over k, above 1 where fakes crowd; `coverage`: share of real balls that hold a fake row.

    Raises:
        ValueError: features of another form, no more than k of a kind.
    """
    _check(real, fake)
    if min(len(real), len(fake)) <= k:
        raise ValueError(f"Expected more than k={k} images of each kind, got {len(real)} and {len(fake)}.")
    real_radii, fake_radii = (neighbours(v, v, k + 1)[0][:, k] for v in (real, fake))  # the first is the row itself
    inside = np.zeros(len(fake), "int64")
    recalled, covered = np.zeros(len(real), bool), np.zeros(len(real), bool)
    for start in range(0, len(real), BLOCK):
        part = slice(start, start + BLOCK)
        distance = _distances(real[part], fake)
        within = distance < real_radii[part, None]
        inside += within.sum(0)
        covered[part] = distance.min(1) < real_radii[part]
        recalled[part] = (distance < fake_radii[None]).any(1)
    return {
        "precision": float((inside > 0).mean()),
        "recall": float(recalled.mean()),
        "density": float(inside.mean() / k),
        "coverage": float(covered.mean()),
    }


def neighbours(rows: np.ndarray, among: np.ndarray, k: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Euclidean distances to the k nearest, nearest first, and their numbers: (N, k) each.

    Args:
        rows: (N, D).
        among: where they are looked for, (M, D).
        k: how many, at most M.
    """
    k = min(k, len(among))
    distances, numbers = np.empty((len(rows), k)), np.empty((len(rows), k), "int64")
    for start in range(0, len(rows), BLOCK):
        part = slice(start, start + BLOCK)
        d = _distances(rows[part], among)
        nearest = np.argpartition(d, k - 1, axis=1)[:, :k]
        near = np.take_along_axis(d, nearest, 1)
        order = np.argsort(near, axis=1, kind="stable")
        distances[part] = np.take_along_axis(near, order, 1)
        numbers[part] = np.take_along_axis(nearest, order, 1)
    return distances, numbers


def _distances(a, b):
    """Euclidean (len(a), len(b)): float32 products of rows about b's mean, for speed without loss of digits."""
    center = b.mean(0, dtype="float64").astype("float32")
    a, b = np.asarray(a, "float32") - center, np.asarray(b, "float32") - center
    squared = np.einsum("nd,nd->n", a, a)[:, None] + np.einsum("nd,nd->n", b, b)[None] - 2 * (a @ b.T)
    return np.sqrt(np.maximum(squared, 0.0))


def sliced_wasserstein(real: np.ndarray, fake: np.ndarray, projections: int = 512, seed: int = 0) -> float:
    """Sliced 2-Wasserstein distance (Rabin et al. 2011; Bonneel et al. 2015).

    The root of the mean, over random directions, of the squared distance between the sorted projections. Sets of unequal size are compared
    at the quantiles of the smaller.

    Args:
        real: features (N, D).
        fake: features (M, D).
        projections: number of directions.
        seed: of the directions.

    Raises:
        ValueError: features of another form.
    """
    _check(real, fake)
    rng = np.random.default_rng(seed)
    directions = rng.normal(size=(real.shape[1], projections))
    directions /= np.linalg.norm(directions, axis=0)
    x, y = (np.sort(np.asarray(v, "float64") @ directions, axis=0) for v in (real, fake))
    if np.isnan(x[-1]).any() or np.isnan(y[-1]).any():  # they are last
        return math.nan
    count = min(len(x), len(y))
    x, y = (v if len(v) == count else _quantiles(v, (np.arange(count) + 0.5) / count) for v in (x, y))
    return float(np.sqrt(np.mean((x - y) ** 2)))


def _quantiles(ordered, levels):
    """Those of Hazen, between rows that are sorted already: NumPy's would sort them once more for each level."""
    at = np.clip(levels * len(ordered) - 0.5, 0, len(ordered) - 1)
    low = at.astype(int)
    high, share = np.minimum(low + 1, len(ordered) - 1), (at - low)[:, None]
    return (1 - share) * ordered[low] + share * ordered[high]


def inception_score(probabilities: np.ndarray, splits: int = 10) -> tuple[float, float]:
    """(mean, standard deviation) over splits of exp(mean KL(p(y|x) || p(y))) (Salimans et al. 2016).

    Args:
        probabilities: of the classes, (N, K).
        splits: number of parts, each with a score.

    Raises:
        ValueError: fewer images than splits.
    """
    if len(probabilities) < splits:
        raise ValueError(f"Expected {splits} images or more for {splits} splits, got {len(probabilities)}.")
    scores = []
    for part in np.array_split(np.asarray(probabilities, "float64"), splits):
        p = np.clip(part, 1e-16, None)
        scores.append(np.exp(np.mean(np.sum(part * (np.log(p) - np.log(np.clip(part.mean(0), 1e-16, None))), 1))))
    return float(np.mean(scores)), float(np.std(scores))


def mode_coverage(real_probabilities: np.ndarray, probabilities: np.ndarray) -> dict[str, float]:
    """Classes that occur, and how often, as for Stacked MNIST (Metz et al. 2017).

    Args:
        real_probabilities: of the real images' classes, (N, K).
        probabilities: of the samples' classes, (M, K).

    Returns:
        `modes`: classes that a classifier sees among the samples, of those among the real images; `modes_real`: the number of those;
        `mode_kl`: KL(samples' classes || real classes) in nats.
    """
    classes = probabilities.shape[1]
    real, fake = (np.bincount(p.argmax(1), minlength=classes) / len(p) for p in (real_probabilities, probabilities))
    there = fake > 0
    kl = np.sum(fake[there] * np.log(fake[there] / np.maximum(real[there], 1.0 / len(real_probabilities))))
    return {"modes": int((there & (real > 0)).sum()), "modes_real": int((real > 0).sum()), "mode_kl": float(kl)}


def _check(real, fake):
    if real.ndim != 2 or fake.ndim != 2 or real.shape[1] != fake.shape[1]:
        raise ValueError(f"Expected features (N, D) and (M, D), got {real.shape} and {fake.shape}.")
