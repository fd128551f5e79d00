"""Exact log-likelihood by the probability-flow ODE (Song et al. 2021, "Score-Based Generative Modeling", section 4.3)."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from keras import ops

from keras_imgen.arguments import integer
from keras_imgen.inference.requests import rows
from keras_imgen.training import backend, random
from keras_imgen.training.rows import per_row


def log_density(model: Any, x: Any, conditions: dict[str, Any], sigmas: Any, keys: Any, probes: int) -> Any:
    """log p(x) in nats (N,) of the model's density at noise sigmas[0], as tensors.

    In the coordinates y = x/alpha, s = sigma/alpha the flow is dy/ds = (y - D(y; s)) / s, whose divergence adds up along the way
    (equation 39 there).

    Args:
        model: a `Diffusion`.
        x: images (N, H, W, C) in [-1, 1].
        conditions: (N, ...) by name.
        sigmas: (K,), rising; at its end y is taken for N(0, s^2).
        keys: (N, 2), of the probes.
        probes: how many; from the number of dimensions on the divergence is exact.
    """
    shape = tuple(x.shape[1:])
    dimensions = math.prod(shape)
    exact = probes >= dimensions
    axes = tuple(range(1, len(shape) + 1))

    def velocity(y, s):
        return (y - model.denoise(y, ops.ones_like(s), s, conditions)) / s

    def velocity_and_divergence(y, s, step):
        total = per_row(ops.sum, ops.zeros_like(y))
        for k in range(dimensions if exact else probes):
            if exact:
                v = ops.broadcast_to(ops.reshape(ops.one_hot(k, dimensions), (1, *shape)), ops.shape(y))
            else:
                v = random.rademacher(random.fold(random.fold(keys, 7 + k), step), shape)
            g = model.input_gradient(lambda y, v=v: ops.sum(velocity(y, s) * v, axis=axes), y)
            total = total + ops.sum(g * v, axis=axes)
        return velocity(y, s), total if exact else total / probes

    def body(i, state):
        y, logp = state
        s, s_next = sigmas[i], sigmas[i + 1]
        h = s_next - s
        f, div = velocity_and_divergence(y, s, 2 * i)
        f2, div2 = velocity_and_divergence(y + h * f, s_next, 2 * i + 1)
        return y + 0.5 * h * (f + f2), logp + 0.5 * h * (div + div2)

    y, logp = ops.fori_loop(0, ops.shape(sigmas)[0] - 1, body, (x, per_row(ops.sum, ops.zeros_like(x))))
    last = sigmas[-1]
    prior = -0.5 * ops.sum(ops.square(y / last), axis=axes) - dimensions * (ops.log(last) + 0.5 * math.log(2 * math.pi))
    return logp + prior


def bits_per_dimension(
    model: Any,
    images: np.ndarray,
    given: Mapping[str, Any],
    steps: int,
    probes: int,
    seed: int,
    sigma_min: float = 2e-3,
    sigma_max: float = 80.0,
) -> np.ndarray:
    """Negative log2-likelihood per dimension (N,) of images, dequantised with U(0, 1).

    Args:
        model: a `Diffusion`.
        images: uint8 (N, H, W, C).
        given: conditions by name, see `conditions.given_with`.
        steps: of Heun, 1 or more.
        probes: see `log_density`, 1 or more.
        seed: of the first image's random numbers; image k has `seed + k`.
        sigma_min: noise at which the density is taken, sigma/alpha.
        sigma_max: noise from which on nothing is seen of an image, sigma/alpha.

    Raises:
        ValueError: images of another form, numbers below 1.
    """
    if images.dtype != np.uint8 or images.shape[1:] != model.image_shape:
        raise ValueError(f"Expected uint8 images (N, {model.image_shape}), got {images.dtype} of shape {images.shape}.")
    steps, probes = integer("steps", steps, 1), integer("probes", probes, 1)
    seeds, told = rows(model.conditions, len(images), given, seed)
    names = tuple(told)
    sigmas = np.geomspace(sigma_min, sigma_max, steps + 1).astype("float32")

    def function(images, sigmas, seeds, *conditions):
        keys = random.key(seeds)
        noise = random.uniform(random.fold(keys, 0), model.image_shape)
        x = (ops.cast(images, "float32") + noise) / 128.0 - 1.0
        with model.averaged():
            return log_density(model, x, dict(zip(names, conditions)), sigmas, keys, probes)

    cache = ("likelihood", probes)
    if cache not in model._compiled_functions:
        model._compiled_functions[cache] = backend.jit(model, function)
    nats = model._compiled_functions[cache](images, sigmas, seeds, *told.values())
    return 7.0 - np.asarray(nats, "float64") / math.log(2) / math.prod(model.image_shape)
