"""Blur by a kernel that is drawn for each image."""

from typing import Any

import numpy as np

from keras_imgen.data.degrade.base import Degradation, Range, between, seeds, uniform
from keras_imgen.data.degrade.linear import display, linear


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
        beyond: how many times as bright as white what is white was, number or (low, high): then light is blurred, and lamps draw lines,
            as they do. None blurs gray levels.
    """

    def __init__(self, length: Range = (3, 15), beyond: Range | None = None):
        self.length = between("length", length, 1, 200)
        self.beyond = None if beyond is None else between("beyond", beyond, 1, 1000)

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
        return exposed(x, self.kernels(x, seed), self.beyond, seed)


class Defocus(Degradation):
    """Out of focus: every point of light becomes a disc, as large as the aperture.

    Args:
        radius: of the disc, in pixels, number or (low, high), at least 0.5, which leaves the picture as it is.
        beyond: see `MotionBlur`; here lamps become bright discs.
    """

    def __init__(self, radius: Range = (0.5, 4.0), beyond: Range | None = (1.0, 8.0)):
        self.radius = between("radius", radius, 0.5, 50)
        self.beyond = None if beyond is None else between("beyond", beyond, 1, 1000)

    def kernels(self, x: Any, seed: Any) -> Any:
        """float32 (N, k, k), each of sum one; pixels at the edge count by their share of it."""
        import tensorflow as tf

        radius, reach = uniform(x, self.radius, seeds(seed, 2)[0])[..., 0], int(np.ceil(self.radius[1]))
        distance = tf.sqrt(squared_distance(reach, 1.0, 1.0, 0.0))
        return normalised(tf.clip_by_value(radius + 0.5 - distance, 0, 1))

    def change(self, x: Any, seed: Any) -> Any:
        return exposed(x, self.kernels(x, seed), self.beyond, seed)


def exposed(x: Any, kernels: Any, beyond: tuple[float, float] | None, seed: Any) -> Any:
    """`convolved`, in linear light where it is said how bright white was.

    Args:
        x: (N, H, W, C) in [0, 255].
        kernels: (N, k, k).
        beyond: see `MotionBlur`.
        seed: int32 (2,), of which kernels have drawn already.
    """
    import tensorflow as tf

    if beyond is None:
        return convolved(x, kernels)
    light = linear(x, uniform(x, beyond, tf.random.experimental.stateless_fold_in(seed, 1)))
    return display(convolved(light, kernels))


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
    wide = mirrored(mirrored(x, size // 2, 1), size // 2, 2)
    side = tf.reshape(tf.transpose(wide, [1, 2, 0, 3]), [1, height + size - 1, width + size - 1, n * channels])
    filters = tf.reshape(tf.repeat(tf.transpose(kernels, [1, 2, 0]), channels, axis=2), [size, size, n * channels, 1])
    out = tf.nn.depthwise_conv2d(side, filters, [1, 1, 1, 1], "VALID")
    out = tf.transpose(tf.reshape(out, [height, width, n, channels]), [2, 0, 1, 3])
    return tf.ensure_shape(out, x.shape)


def mirrored(x: Any, border: int, axis: int) -> Any:
    """x with so many pixels more on both ends of an axis, where it goes on as its mirror image, however small it is.

    Args:
        x: (N, H, W, C).
        border: in pixels.
        axis: 1 or 2.
    """
    import tensorflow as tf

    length = tf.shape(x)[axis]
    period = 2 * tf.maximum(length - 1, 1)  # tf.pad refuses borders wider than the image
    at = tf.math.floormod(tf.range(-border, length + border), period)
    return tf.gather(x, tf.minimum(tf.minimum(at, period - at), length - 1), axis=axis)


def blurred(x: Any, sigma: float) -> Any:
    """All images (N, H, W, C) with one Gaussian, of standard deviation `sigma` pixels, rows and columns apart."""
    import tensorflow as tf

    border = int(np.ceil(3 * sigma))
    row = np.exp(-0.5 * (np.arange(-border, border + 1) / sigma) ** 2)
    row = row / row.sum()
    for axis in (1, 2):
        wide, length = mirrored(x, border, axis), tf.shape(x)[axis]
        part = lambda k: wide[:, k : k + length] if axis == 1 else wide[:, :, k : k + length]  # noqa: B023, E731
        pairs = [float(row[k]) * (part(k) + part(2 * border - k)) for k in range(border)]
        x = tf.ensure_shape(tf.add_n([*pairs, float(row[border]) * part(border)]), x.shape)
    return x
