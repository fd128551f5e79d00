import math

import numpy as np
import pytest

from keras_imgen import metrics


@pytest.fixture
def sets():
    rng = np.random.default_rng(0)
    return rng.normal(size=(300, 16)).astype("float32"), (rng.normal(size=(260, 16)) * 0.8 + 0.4).astype("float32")


def test_kernel_distance_is_the_sum_over_pairs(sets):
    x, y = (v[:40].astype("float64") for v in sets)
    k = lambda a, b: (a @ b / 16 + 1) ** 3  # noqa: E731
    pairs = [(i, j) for i in range(40) for j in range(40) if i != j]
    same = sum(k(x[i], x[j]) + k(y[i], y[j]) for i, j in pairs) / (40 * 39)
    cross = sum(k(a, b) for a in x for b in y) / 1600
    mean, deviation = metrics.kernel_distance(x, y)
    assert abs(mean - (same - 2 * cross)) < 1e-10 and deviation == 0


def test_kernel_distance_is_unbiased():
    """Over 1,000 draws from one distribution its mean is zero within three standard errors, so it is often negative."""
    rng = np.random.default_rng(0)
    values = np.array([metrics.kernel_distance(*rng.normal(size=(2, 20, 8)))[0] for _ in range(1000)])
    assert abs(values.mean()) < 3 * values.std() / math.sqrt(1000)
    assert 0.3 < (values < 0).mean() < 0.8


def test_precision_recall_density_coverage_by_the_definitions(sets):
    """Written out as in the papers. The package prdc 0.2 gave the same four numbers to 1e-12 for these sets."""
    real, fake = (v.astype("float64") for v in sets)
    d = lambda a, b: np.sqrt(((a[:, None] - b[None]) ** 2).sum(-1))  # noqa: E731
    rr, ff = (np.sort(d(v, v), 1)[:, 5] for v in (real, fake))
    rf = d(real, fake)
    inside = rf < rr[:, None]
    expected = {
        "precision": inside.any(0).mean(),
        "recall": (rf < ff[None]).any(1).mean(),
        "density": inside.sum(0).mean() / 5,
        "coverage": (rf.min(1) < rr).mean(),
    }
    got = metrics.precision_recall(*sets)
    assert got == pytest.approx(expected, abs=1e-12)


def test_blocks_do_not_matter(sets, monkeypatch):
    whole = metrics.precision_recall(*sets), metrics.neighbours(*sets, 3)[1]
    monkeypatch.setattr("keras_imgen.metrics.distances.BLOCK", 7)
    assert metrics.precision_recall(*sets) == whole[0]
    np.testing.assert_array_equal(metrics.neighbours(*sets, 3)[1], whole[1])


def test_a_set_against_itself(sets):
    got = metrics.precision_recall(sets[0], sets[0])
    assert got["precision"] == got["recall"] == got["coverage"] == 1.0
    assert metrics.sliced_wasserstein(sets[0], sets[0]) == 0.0


def test_far_apart_sets_have_nothing_in_common(sets):
    assert metrics.precision_recall(sets[0], sets[1] + 100) == {
        "precision": 0,
        "recall": 0,
        "density": 0,
        "coverage": 0,
    }


def test_sliced_wasserstein_of_unequal_numbers_is_that_of_numpys_quantiles(sets):
    real, fake = sets[0][:50], sets[1][:37]
    directions = np.random.default_rng(3).normal(size=(real.shape[1], 9))
    directions /= np.linalg.norm(directions, axis=0)
    x, y = (np.quantile(v @ directions, (np.arange(37) + 0.5) / 37, axis=0, method="hazen") for v in (real, fake))
    found = metrics.sliced_wasserstein(real, fake, projections=9, seed=3)
    assert found == pytest.approx(np.sqrt(np.mean((x - y) ** 2)), rel=1e-6)


def test_sliced_wasserstein_of_a_shift(sets):
    """A shift by δ moves every projection by δ·u, whose mean square over directions is |δ|²/D."""
    shift = np.random.default_rng(1).normal(size=16)
    expected = np.linalg.norm(shift) / 4
    got = metrics.sliced_wasserstein(sets[0], sets[0] + shift, projections=4000)
    assert abs(got / expected - 1) < 0.04
    fewer = metrics.sliced_wasserstein(np.repeat(sets[0], 2, 0), sets[0] + shift, projections=4000)
    assert abs(fewer / expected - 1) < 0.05


def test_inception_score_bounds():
    sure = np.eye(10)[np.arange(1000) % 10]
    assert metrics.inception_score(sure)[0] == pytest.approx(10.0)
    assert metrics.inception_score(np.full((1000, 10), 0.1))[0] == pytest.approx(1.0)
    with pytest.raises(ValueError, match="10 splits"):
        metrics.inception_score(sure[:5])


def test_mode_coverage():
    real = np.eye(4)[np.arange(400) % 4]
    fake = np.eye(4)[np.r_[np.zeros(75, int), np.ones(25, int)]]
    got = metrics.mode_coverage(real, fake)
    assert got["modes"] == 2 and got["modes_real"] == 4
    assert got["mode_kl"] == pytest.approx(0.75 * math.log(3) + 0.25 * math.log(1))
    assert metrics.mode_coverage(real, real)["mode_kl"] == pytest.approx(0)


def test_bad_features(sets):
    for bad in (
        lambda: metrics.kernel_distance(sets[0], sets[1][:, :3]),
        lambda: metrics.kernel_distance(sets[0][:1], sets[1][:1]),
        lambda: metrics.precision_recall(sets[0][:5], sets[1]),
    ):
        with pytest.raises(ValueError, match="Expected|needs"):
            bad()
