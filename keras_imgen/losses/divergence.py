"""Divergences between distributions of latents, in nats, float32."""

import math
from typing import Any

import numpy as np
from keras import ops


def kl_normal(mean: Any, log_variance: Any) -> Any:
    """KL(N(mean, exp(log_variance)) || N(0, 1)) of every number (Kingma & Welling 2014, appendix B)."""
    return 0.5 * (ops.square(mean) + ops.exp(log_variance) - 1.0 - log_variance)


def log_normal(x: Any, mean: Any = 0.0, log_variance: Any = 0.0) -> Any:
    """log N(x; mean, exp(log_variance)) of every number.

    Args:
        x: tensor of any shape.
        mean: tensor that goes with x.
        log_variance: tensor that goes with x; 0 is a variance of 1.
    """
    return -0.5 * (
        math.log(2 * math.pi) + log_variance + ops.square(x - mean) * ops.exp(-ops.convert_to_tensor(log_variance))
    )


def squared_distances(a: Any, b: Any) -> Any:
    """Squared distances (N, M) of the rows a (N, D) from the rows b (M, D)."""
    inner = ops.matmul(a, ops.transpose(b))
    return ops.maximum(ops.sum(a * a, -1)[:, None] + ops.sum(b * b, -1)[None] - 2 * inner, 0.0)


def mmd(x: Any, y: Any, scale: float = 1.0) -> Any:
    """Squared maximum mean discrepancy of two sets of samples, without the pairs of a sample with itself; 0 for N = 1.

    The kernel is the sum of inverse multiquadratics C / (C + |a - b|^2) with C = 2 D scale^2 times 0.1, 0.2, 0.5, 1, 2, 5, 10 (WAE,
    Tolstikhin et al. 2018, section 4), which suits a prior N(0, scale^2 I). Unbiased, so it may be negative.

    Args:
        x: samples (N, D).
        y: samples (N, D), of the other distribution.
        scale: standard deviation of the prior.
    """
    count = ops.cast(ops.shape(x)[0], "float32")
    base = 2.0 * x.shape[-1] * scale**2

    def kernel(d):
        return sum(base * c / (base * c + d) for c in (0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0))

    def within(a):
        k = kernel(squared_distances(a, a))
        off_diagonal = 1.0 - ops.eye(ops.shape(a)[0], dtype="float32")
        return ops.sum(k * off_diagonal) / ops.maximum(count * (count - 1.0), 1.0)

    found = within(x) + within(y) - 2.0 * ops.mean(kernel(squared_distances(x, y)))
    return found * ops.cast(count > 1.0, "float32")


def total_correlation(z: Any, mean: Any, log_variance: Any, dataset_size: int) -> Any:
    """(mutual information, total correlation, dimension-wise KL), whose sum estimates KL(q(z|x) || p(z)), each a mean in nats.

    Chen et al. 2018, "Isolating Sources of Disentanglement", eq. 2. log q(z) by minibatch stratified sampling (appendix C.2): an image's
    own posterior has its share of the data set, the others of the batch stand for all the rest, here each for as much.

    Args:
        z: latents (N, D), one drawn from each posterior.
        mean: of the posteriors, (N, D).
        log_variance: of the posteriors, (N, D).
        dataset_size: number of images that the batch is drawn from.
    """
    count = ops.shape(z)[0]
    others = ops.cast(ops.maximum(count - 1, 1), "float32")
    own_share, rest = np.float32(1.0 / dataset_size), np.float32(max(1.0 - 1.0 / dataset_size, 1e-12))
    shares = ops.where(ops.eye(count, dtype="float32") > 0, ops.log(own_share), ops.log(rest) - ops.log(others))
    pairs = log_normal(z[:, None], mean[None], log_variance[None])  # log q(z_i | x_j), (N, N, D)
    joint = ops.logsumexp(ops.sum(pairs, -1) + shares, axis=1)
    product = ops.sum(ops.logsumexp(pairs + shares[..., None], axis=1), -1)
    own = ops.sum(log_normal(z, mean, log_variance), -1)
    prior = ops.sum(log_normal(z), -1)
    return ops.mean(own - joint), ops.mean(joint - product), ops.mean(product - prior)
