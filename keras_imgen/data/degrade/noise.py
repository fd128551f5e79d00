"""Noise of sensors: additive, of photons, multiplicative."""

from typing import Any

from keras_imgen.data.degrade.base import Degradation, Range, between, seeds, uniform
from keras_imgen.data.degrade.blur import GaussianBlur, convolved


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


class ChromaNoise(Degradation):
    """Blotches of colour, as cameras leave them where they have smoothed the luma: noise in Cb and Cr of BT.601, coarser than pixels.

    Args:
        sigma: in gray levels, number or (low, high).
        size: standard deviation of the Gaussian that correlates it, in pixels, number or (low, high), at least 0.05.

    Raises:
        ValueError: images with another number of channels than 3.
    """

    def __init__(self, sigma: Range = (1, 12), size: Range = (0.5, 3.0)):
        self.sigma, self.size = between("sigma", sigma, 0, 255), between("size", size, 0.05, 50)

    def change(self, x: Any, seed: Any) -> Any:
        import tensorflow as tf

        if x.shape[-1] != 3:
            raise ValueError(f"Colours have 3 channels, got images of shape {x.shape}.")
        one, two, three = seeds(seed, 3)
        kernels = GaussianBlur(self.size).kernels(x, one)
        kernels /= tf.sqrt(tf.reduce_sum(tf.square(kernels), (1, 2), keepdims=True))  # noise keeps its deviation
        noise = uniform(x, self.sigma, two) * convolved(normal(x[..., :2], three), kernels)
        cb, cr = noise[..., :1], noise[..., 1:]
        return x + tf.concat([1.402 * cr, -(0.299 * 1.402 * cr + 0.114 * 1.772 * cb) / 0.587, 1.772 * cb], -1)


class Banding(Degradation):
    """Stripes: every row, or column, is brighter or darker by a number of its own, as sensors are read out (Wei et al. 2020, "A
    Physics-Based Noise Formation Model for Extreme Low-Light Raw Denoising").

    Args:
        sigma: in gray levels, number or (low, high).
    """

    def __init__(self, sigma: Range = (0.3, 4.0)):
        self.sigma = between("sigma", sigma, 0, 255)

    def change(self, x: Any, seed: Any) -> Any:
        import tensorflow as tf

        s = seeds(seed, 4)
        stripes = tf.where(uniform(x, (0, 1), s[0]) < 0.5, normal(x[:, :, :1, :1], s[1]), normal(x[:, :1, :, :1], s[2]))
        return x + uniform(x, self.sigma, s[3]) * stripes


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
