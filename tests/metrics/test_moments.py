import numpy as np
import pytest

from keras_imgen.metrics import Accumulator, Moments, frechet_distance, moments


def random_covariance(rng, size, rank=None):
    root = rng.normal(size=(size, rank or size))
    return root @ root.T / size


def test_streaming_equals_numpy():
    rows = np.random.default_rng(0).normal(size=(1000, 7)) * 3 + 1e6
    found = Accumulator()
    for part in np.split(rows, [1, 300, 301, 990]):
        found.add(part)
    got = found.moments()
    np.testing.assert_allclose(got.mean, rows.mean(0), rtol=1e-12)
    np.testing.assert_allclose(got.covariance, np.cov(rows.T), rtol=1e-8, atol=1e-8)
    with pytest.raises(ValueError, match="2 images"):
        Accumulator().add(rows[:1]).moments()


def test_commuting_gaussians():
    """With a common basis the distance is |Δμ|² + Σ (√λ - √κ)².

    Once, features of 300 and 260 rows went through torchmetrics 1.9: Fréchet distances agree to 1e-13, kernel distances to 1e-15.
    """
    rng = np.random.default_rng(0)
    basis = np.linalg.qr(rng.normal(size=(16, 16)))[0]
    one, two = rng.uniform(0.1, 5, 16), rng.uniform(0.1, 5, 16)
    mean = rng.normal(size=16)
    a = Moments(10**6, np.zeros(16), basis * one @ basis.T)
    b = Moments(10**6, mean, basis * two @ basis.T)
    assert abs(frechet_distance(a, b) - (mean @ mean + np.sum((np.sqrt(one) - np.sqrt(two)) ** 2))) < 1e-8


def test_image_of_a_gaussian_under_a_linear_map():
    """The optimal map between N(0, C) and N(0, T C T) is T for positive T, so the distance is tr((T - 1) C (T - 1))."""
    rng = np.random.default_rng(1)
    c, t = random_covariance(rng, 12), random_covariance(rng, 12)
    a, b = Moments(10**6, np.zeros(12), c), Moments(10**6, np.zeros(12), t @ c @ t)
    step = t - np.eye(12)
    assert abs(frechet_distance(a, b) - np.trace(step @ c @ step)) < 1e-8
    assert frechet_distance(a, a) < 1e-8


def test_rank_deficient_warns_and_is_right():
    rng = np.random.default_rng(2)
    rows = rng.normal(size=(8, 32))
    a, b = moments(rows), moments(rows + 2.0)
    with pytest.warns(UserWarning, match="8 images for 32 features"):
        assert abs(frechet_distance(a, b) - 4.0 * 32) < 1e-8
    c = np.zeros((32, 32))
    c[0, 0] = 9.0  # one direction: |3 - s|² where s² is the other's, the rest is lost variance
    d = np.diag(np.r_[4.0, np.ones(31)])
    got = frechet_distance(Moments(100, np.zeros(32), c), Moments(100, np.zeros(32), d))
    assert abs(got - ((3 - 2) ** 2 + 31)) < 1e-8


def test_sizes_must_agree():
    a, b = (moments(np.random.default_rng(0).normal(size=(50, d))) for d in (3, 4))
    with pytest.raises(ValueError, match="one size"):
        frechet_distance(a, b)
