"""A sampler's loop in float64 NumPy, and data whose best denoiser is known."""

import numpy as np
import pytest


def numpy_run(denoise, x, table, rng=None):
    """The recurrence as `samplers` states it, one row at a time; denoise(x, alpha, sigma)."""
    past = [np.zeros_like(x)] * 3
    for alpha, sigma, p, q, a, b0, b1, b2, b3, s in table:
        y = p * x + q * denoise(x, alpha, sigma)
        x = a * x + b0 * y + b1 * past[0] + b2 * past[1] + b3 * past[2]
        x = x + s * rng.standard_normal(x.shape) if s else x
        past = [y, *past[:2]]
    return x


class Mixture:
    """A 1-D Gaussian mixture; calling it gives the exact E[x0 | x]."""

    def __init__(self, weights, means, variances):
        self.weights, self.means, self.variances = (np.array(v, "float64") for v in (weights, means, variances))

    def __call__(self, x, alpha, sigma):
        x, noise = (x / alpha)[..., None], (sigma / alpha) ** 2
        total = self.variances + noise
        log_p = np.log(self.weights / np.sqrt(total)) - (x - self.means) ** 2 / (2 * total)
        p = np.exp(log_p - log_p.max(-1, keepdims=True))
        return (p * (self.variances * x + noise * self.means) / total).sum(-1) / p.sum(-1)


@pytest.fixture
def run64():
    return numpy_run


@pytest.fixture
def mixture():
    return Mixture([0.3, 0.7], [-1.0, 0.6], [0.04, 0.09])


@pytest.fixture
def gaussian():
    return lambda mean, variance: Mixture([1.0], [mean], [variance])
