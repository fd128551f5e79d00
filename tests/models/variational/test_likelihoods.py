"""Likelihoods against SciPy, and what every likelihood has to be: a distribution."""

import math

import keras
import numpy as np
import pytest
from keras import ops
from scipy import stats

from keras_imgen.models.variational import likelihoods

rng = np.random.default_rng(0)
LEVELS = (np.arange(256, dtype="float32") / 127.5 - 1).reshape(256, 1, 1, 1)


@pytest.mark.parametrize("mean, log_scale", [(0.0, -2.0), (0.97, -4.0), (-1.2, -1.0), (0.3, -9.0), (0.0, 3.0)])
def test_the_discretized_logistic_sums_to_one(mean, log_scale):
    output = np.broadcast_to(np.array([mean, log_scale], "float32"), (256, 1, 1, 2))
    mass = np.exp(
        np.array(likelihoods.DiscretizedLogistic().log_prob(LEVELS, ops.convert_to_tensor(output)), "float64")
    )
    np.testing.assert_allclose(mass.sum(), 1.0, atol=1e-4)


def test_the_discretized_logistic_is_scipys():
    x = (rng.integers(0, 256, (5, 2, 3, 1)) / 127.5 - 1).astype("float32")
    mean, log_scale = rng.normal(size=x.shape), rng.normal(-2, 0.5, x.shape)
    output = np.concatenate([mean, log_scale], -1).astype("float32")
    logistic = stats.logistic(mean, np.exp(log_scale))
    upper = np.where(x > 0.999, 1.0, logistic.cdf(x + 1 / 255))
    lower = np.where(x < -0.999, 0.0, logistic.cdf(x - 1 / 255))
    wanted = np.log(upper - lower).sum((1, 2, 3))
    found = likelihoods.DiscretizedLogistic().log_prob(x, ops.convert_to_tensor(output))
    np.testing.assert_allclose(found, wanted, rtol=2e-3)
    np.testing.assert_array_equal(
        likelihoods.DiscretizedLogistic().mean(ops.convert_to_tensor(output)), output[..., :1]
    )


def test_the_gaussian_is_scipys():
    x, mean = (rng.uniform(-1, 1, (3, 4, 4, 2)).astype("float32") for _ in range(2))
    found = likelihoods.Gaussian(0.3).log_prob(x, ops.convert_to_tensor(mean))
    np.testing.assert_allclose(found, stats.norm.logpdf(x, mean, 0.3).sum((1, 2, 3)), rtol=1e-4)


def test_bits_of_a_density_are_those_of_its_levels():
    """A Gaussian far wider than a level has, at the level's centre, the level's mass: bits per dimension agree with the discrete sum."""
    output = ops.zeros((256, 1, 1, 1))
    nats = -np.array(likelihoods.Gaussian(0.2).log_prob(LEVELS, output), "float64")
    bits = np.array([likelihoods.bits_per_dimension(v, (1, 1, 1), False) for v in nats])
    np.testing.assert_allclose((2.0**-bits).sum(), 1.0, atol=1e-3)
    assert likelihoods.bits_per_dimension(8 * math.log(2.0), (2, 2, 1), True) == pytest.approx(2.0)


def test_bernoulli():
    x = np.array([1.0, -1.0, 0.0], "float32").reshape(3, 1, 1, 1)
    logits = np.array([0.7, 0.7, 0.7], "float32").reshape(3, 1, 1, 1)
    p = 1 / (1 + math.exp(-0.7))
    wanted = [math.log(p), math.log(1 - p), 0.5 * math.log(p) + 0.5 * math.log(1 - p)]
    bernoulli = likelihoods.Bernoulli()
    np.testing.assert_allclose(bernoulli.log_prob(x, ops.convert_to_tensor(logits)), wanted, rtol=1e-5)
    np.testing.assert_allclose(np.array(bernoulli.mean(ops.convert_to_tensor(logits))).ravel(), 2 * p - 1, rtol=1e-5)


def test_names_and_configs():
    assert float(likelihoods.Gaussian(0.001).log_sigma) == pytest.approx(math.log(0.001))  # what is given is meant
    for name in likelihoods.LIKELIHOODS:
        made = likelihoods.get(name)
        assert type(likelihoods.get(keras.saving.serialize_keras_object(made))) is type(made)
    with pytest.raises(ValueError, match="bernoulli"):
        likelihoods.get("poisson")
    with pytest.raises(ValueError, match="sigma"):
        likelihoods.Gaussian(0.0)
