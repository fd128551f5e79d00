"""Noise of sensors: additive, of photons, multiplicative."""

from typing import Any

from keras_imgen.data.degrade.base import Degradation, Range, between, seeds, uniform


class GaussianNoise(Degradation):
    """y = x + n, n ~ N(0, sigma²) independent in every pixel and channel.

    The image comes back clipped and rounded to uint8; published denoising figures mostly rest on noise that was not.

    Args:
        sigma: in gray levels of [0, 255], number or (low, high).
    """

    def __init__(self, sigma: Range = (0, 55)):
        self.sigma = between("sigma", sigma, 0, 255)

    def change(self, x: Any, seed: Any) -> Any:
        one, two = seeds(seed, 2)
        return x + uniform(x, self.sigma, one) * normal(x, two)


class PoissonNoise(Degradation):
    """Shot noise: y ~ Poisson(x · peak / 255) · 255 / peak, of mean x and variance 255 x / peak.

    Args:
        peak: photons that make white, number or (low, high), at least 0.1.
    """

    def __init__(self, peak: Range = (10, 200)):
        self.peak = between("peak", peak, 0.1, 1e6)

    def change(self, x: Any, seed: Any) -> Any:
        one, two = seeds(seed, 2)
        return counted(x, uniform(x, self.peak, one), two)


class SpeckleNoise(Degradation):
    """Multiplicative noise, as of radar and ultrasound: y = x (1 + n), n ~ N(0, sigma²).

    Args:
        sigma: number or (low, high) in [0, 2].
    """

    def __init__(self, sigma: Range = (0, 0.3)):
        self.sigma = between("sigma", sigma, 0, 2)

    def change(self, x: Any, seed: Any) -> Any:
        one, two = seeds(seed, 2)
        return x * (1 + uniform(x, self.sigma, one) * normal(x, two))


def normal(x: Any, seed: Any) -> Any:
    """Standard normal numbers of the shape of x."""
    import tensorflow as tf

    return tf.ensure_shape(tf.random.stateless_normal(tf.shape(x), seed), x.shape)


def counted(x: Any, peak: Any, seed: Any) -> Any:
    """x measured by counting photons.

    Args:
        x: float (N, H, W, C) in [0, 255].
        peak: photons on average for 255, number or (N, 1, 1, 1).
        seed: int32 (2,).
    """
    import tensorflow as tf

    photons = tf.maximum(x, 0) * peak / 255  # every pixel has its own stream: a rate's last bit changes no other
    return tf.random.stateless_poisson(tf.shape(x), seed, photons, "float32") * 255 / peak
