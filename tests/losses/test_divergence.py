"""Divergences against SciPy, NumPy loops and closed forms."""

import numpy as np
import pytest
from keras import ops
from scipy import integrate, stats

from keras_imgen.losses import divergence


@pytest.mark.parametrize("mean, std", [(0.0, 1.0), (1.3, 0.4), (-2.0, 2.5)])
def test_kl_is_the_integral(mean, std):
    q = stats.norm(mean, std)
    wanted, _ = integrate.quad(
        lambda z: q.pdf(z) * (q.logpdf(z) - stats.norm.logpdf(z)), mean - 12 * std, mean + 12 * std
    )
    found = divergence.kl_normal(np.float32(mean), np.float32(2 * np.log(std)))
    np.testing.assert_allclose(float(found), wanted, atol=1e-5)


def test_log_normal_is_scipys():
    rng = np.random.default_rng(0)
    x, mean, log_variance = (rng.normal(size=(4, 3)).astype("float32") for _ in range(3))
    wanted = stats.norm.logpdf(x, mean, np.exp(log_variance / 2))
    np.testing.assert_allclose(
        divergence.log_normal(*map(ops.convert_to_tensor, (x, mean, log_variance))), wanted, rtol=1e-4
    )


def test_mmd_is_the_sum_over_pairs():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(7, 3)), rng.normal(1.0, 2.0, size=(7, 3))

    def kernel(a, b):
        base = 2 * 3 * 1.5**2
        return sum(base * c / (base * c + ((a - b) ** 2).sum()) for c in (0.1, 0.2, 0.5, 1, 2, 5, 10))

    def within(a):
        return np.mean([kernel(a[i], a[j]) for i in range(7) for j in range(7) if i != j])

    wanted = within(x) + within(y) - 2 * np.mean([kernel(a, b) for a in x for b in y])
    found = divergence.mmd(ops.convert_to_tensor(x.astype("float32")), ops.convert_to_tensor(y.astype("float32")), 1.5)
    np.testing.assert_allclose(float(found), wanted, rtol=1e-4)


def test_mmd_of_one_distribution_is_zero_on_average():
    rng = np.random.default_rng(0)
    found = [
        float(divergence.mmd(*(ops.convert_to_tensor(rng.normal(size=(64, 2)).astype("float32")) for _ in range(2))))
        for _ in range(200)
    ]
    assert abs(np.mean(found)) < 3 * np.std(found) / np.sqrt(200)


def test_total_correlation_of_a_gaussian():
    """q(z|x) of nearly no width around points of a Gaussian: the aggregate is a kernel density estimate of it, whose total correlation
    is -log det R / 2; the three parts sum to KL(q(z|x) || p(z))."""
    rng = np.random.default_rng(0)
    n, width = 4000, 0.2
    covariance = np.array([[1.0, 0.8], [0.8, 1.0]])
    mean = rng.multivariate_normal([0, 0], covariance - width**2 * np.eye(2), n).astype("float32")
    log_variance = np.full_like(mean, 2 * np.log(width))
    z = (mean + width * rng.normal(size=mean.shape)).astype("float32")
    parts = divergence.total_correlation(*map(ops.convert_to_tensor, (z, mean, log_variance)), n)
    information, correlation, own = (float(v) for v in parts)
    assert abs(correlation - -0.5 * np.log(np.linalg.det(covariance))) < 0.08
    whole = (stats.norm.logpdf(z, mean, width) - stats.norm.logpdf(z)).sum(-1).mean()
    np.testing.assert_allclose(information + correlation + own, whole, rtol=1e-3)


def test_total_correlation_is_the_loop():
    """log q(z_i) from 1/N of its own posterior and (1 - 1/N) / (M - 1) of each of the other M - 1."""
    rng, m, n = np.random.default_rng(1), 6, 100
    z, mean, log_variance = (rng.normal(size=(m, 2)).astype("float32") for _ in range(3))
    joint, product = np.zeros(m), np.zeros(m)
    for i in range(m):
        share = [1 / n if j == i else (1 - 1 / n) / (m - 1) for j in range(m)]
        p = np.array([stats.norm.pdf(z[i], mean[j], np.exp(log_variance[j] / 2)) for j in range(m)])
        joint[i] = np.log(sum(s * q.prod() for s, q in zip(share, p)))
        product[i] = sum(np.log(sum(s * q[d] for s, q in zip(share, p))) for d in range(2))
    own = stats.norm.logpdf(z, mean, np.exp(log_variance / 2)).sum(-1)
    wanted = (own - joint).mean(), (joint - product).mean(), (product - stats.norm.logpdf(z).sum(-1)).mean()
    found = divergence.total_correlation(*map(ops.convert_to_tensor, (z, mean, log_variance)), n)
    np.testing.assert_allclose([float(v) for v in found], wanted, rtol=1e-4)


@pytest.mark.tensorflow
def test_gradients_are_finite():
    import tensorflow as tf

    x = tf.Variable(np.zeros((4, 2), "float32"))  # all the same point: distances of zero
    with tf.GradientTape() as tape:
        loss = divergence.mmd(x, tf.zeros((4, 2)))
    assert np.isfinite(tape.gradient(loss, x).numpy()).all()
