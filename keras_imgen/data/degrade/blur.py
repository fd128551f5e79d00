"""Blur by a kernel that is drawn for each image."""

from typing import Any

import numpy as np

from keras_imgen.data.degrade.base import Degradation, Range, between, seeds, uniform


class GaussianBlur(Degradation):
    """Convolution with a Gaussian of standard deviation `sigma` pixels, the borders being reflected.

    Args:
        sigma: number or (low, high), at least 0.05.
        anisotropic: draw the deviations of two axes separately, and their angle evenly.
    """

    def __init__(self, sigma: Range = (0.2, 3.0), anisotropic: bool = False):
        self.sigma, self.anisotropic = between("sigma", sigma, 0.05, 50), anisotropic

    def kernels(self, x: Any, seed: Any) -> Any:
        """float32 (N, k, k), each of sum one."""
        import tensorflow as tf

        one, two, three = seeds(seed, 3)
        along = uniform(x, self.sigma, one)[..., 0]
        across = uniform(x, self.sigma, two)[..., 0] if self.anisotropic else along
        angle = uniform(x, (0, np.pi), three)[..., 0]
        return normalised(tf.exp(-0.5 * squared_distance(int(np.ceil(4 * self.sigma[1])), along, across, angle)))

    def change(self, x: Any, seed: Any) -> Any:
        return convolved(x, self.kernels(x, seed))


class MotionBlur(Degradation):
    """The camera moves evenly along a straight line of `length` pixels, at a random angle, while the shutter is open.

    Args:
        length: number or (low, high), at least 1.
    """

    def __init__(self, length: Range = (3, 15)):
        self.length = between("length", length, 1, 200)

    def kernels(self, x: Any, seed: Any) -> Any:
        """float32 (N, k, k), each of sum one: points along the line, each shared among its four nearest pixels."""
        import tensorflow as tf

        one, two = seeds(seed, 2)
        length, angle = uniform(x, self.length, one)[..., 0], uniform(x, (0, np.pi), two)[..., 0]
        radius = int(np.ceil(self.length[1] / 2)) + 1
        points = int(8 * np.ceil(self.length[1]))
        at = tf.constant((np.arange(points) + 0.5) / points - 0.5, "float32")[:, None] * length
        grid = tf.range(-radius, radius + 1, dtype="float32")
        columns = tf.nn.relu(1 - tf.abs(grid - at * tf.cos(angle)))
        rows = tf.nn.relu(1 - tf.abs(grid - at * tf.sin(angle)))
        return tf.einsum("npi,npj->nij", rows, columns) / points

    def change(self, x: Any, seed: Any) -> Any:
        return convolved(x, self.kernels(x, seed))


def squared_distance(radius: int, along: Any, across: Any, angle: Any) -> Any:
    """(u / along)² + (v / across)² of the offsets turned by `angle`: (N, k, k), k = 2 radius + 1.

    Args:
        radius: largest offset, in pixels.
        along: (N, 1, 1).
        across: (N, 1, 1).
        angle: in radians, (N, 1, 1).
    """
    import tensorflow as tf

    x = tf.range(-radius, radius + 1, dtype="float32")
    y = x[:, None]
    u, v = tf.cos(angle) * x + tf.sin(angle) * y, tf.cos(angle) * y - tf.sin(angle) * x
    return tf.square(u / along) + tf.square(v / across)


def normalised(kernels: Any) -> Any:
    """Kernels (N, k, k) of sum one."""
    import tensorflow as tf

    return kernels / tf.reduce_sum(kernels, (1, 2), keepdims=True)


def convolved(x: Any, kernels: Any) -> Any:
    """Each image (N, H, W, C) with its own kernel (N, k, k), k odd; the image goes on as its mirror image (the edge not twice).

    Kernels here are even, so that turning them round makes no difference.
    """
    import tensorflow as tf

    size = kernels.shape[-1]
    n, height, width, channels = tf.unstack(tf.shape(x))
    wide = x
    for axis, length in ((1, height), (2, width)):  # tf.pad refuses borders wider than the image
        period = 2 * tf.maximum(length - 1, 1)
        at = tf.math.floormod(tf.range(-(size // 2), length + size // 2), period)
        wide = tf.gather(wide, tf.minimum(tf.minimum(at, period - at), length - 1), axis=axis)
    side = tf.reshape(tf.transpose(wide, [1, 2, 0, 3]), [1, height + size - 1, width + size - 1, n * channels])
    filters = tf.reshape(tf.repeat(tf.transpose(kernels, [1, 2, 0]), channels, axis=2), [size, size, n * channels, 1])
    out = tf.nn.depthwise_conv2d(side, filters, [1, 1, 1, 1], "VALID")
    out = tf.transpose(tf.reshape(out, [height, width, n, channels]), [2, 0, 1, 3])
    return tf.ensure_shape(out, x.shape)
