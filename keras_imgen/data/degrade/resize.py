"""Smaller pictures, as the benchmarks of super-resolution make them."""

from typing import Any

from keras_imgen.arguments import integer
from keras_imgen.bicubic import resizing_matrix
from keras_imgen.data.degrade.base import Degradation, Range, between, seeds


class Downscale(Degradation):
    """1/scale of the size by MATLAB's antialiased bicubic: of uint8 images the same, to the bit, as `data.imresize`. Not random.

    Args:
        scale: whole number of at least 2.

    Raises:
        ValueError: a scale that is not a whole number of at least 2; images of unknown size, or that `scale` does not divide.
    """

    def __init__(self, scale: int):
        self.scale = integer("scale", scale, 2)

    def change(self, x: Any, seed: Any) -> Any:
        import tensorflow as tf

        height, width = small_size(x, self.scale)
        down, across = (tf.constant(resizing_matrix(n * self.scale, n, 1 / self.scale)) for n in (height, width))
        x = tf.einsum("ih,nhwc->niwc", down, tf.cast(x, "float64"))  # rows first, as MATLAB: it shows in the last bit
        return tf.einsum("jw,niwc->nijc", across, x)


class Rescaled(Degradation):
    """To another size and back, each time by the area, bilinear or bicubic, without antialiasing: as apps and websites do. Factor and
    methods are shared by a batch.

    Args:
        factor: number or (low, high).
    """

    def __init__(self, factor: Range = (0.5, 1.5)):
        self.factor = between("factor", factor, 0.05, 10)

    def change(self, x: Any, seed: Any) -> Any:
        import tensorflow as tf

        s = seeds(seed, 3)
        size, factor = tf.cast(tf.shape(x)[1:3], "float32"), tf.random.stateless_uniform([], s[0], *self.factor)
        ways = [tf.random.stateless_uniform([], k, 0, 3, "int32") for k in s[1:]]
        there = scaled(x, tf.cast(tf.maximum(tf.round(factor * size), 1), "int32"), ways[0])
        return tf.ensure_shape(scaled(there, tf.shape(x)[1:3], ways[1]), x.shape)


def scaled(x: Any, size: Any, method: Any) -> Any:
    """x (N, H, W, C) of another size, without antialiasing.

    Args:
        x: images.
        size: (height, width), whole numbers.
        method: 0 by the area, 1 bilinear, 2 bicubic.
    """
    import tensorflow as tf

    ways = [lambda w=w: tf.image.resize(x, size, w) for w in ("area", "bilinear", "bicubic")]
    return tf.ensure_shape(tf.switch_case(method, ways), (x.shape[0], None, None, x.shape[3]))


def small_size(x: Any, scale: int) -> tuple[int, int]:
    """(height, width) of x divided by the scale.

    Raises:
        ValueError: images of unknown size, or that `scale` does not divide.
    """
    height, width = x.shape[1:3]
    if height is None or width is None:
        raise ValueError(f"Expected images of a known size, got shape {x.shape}: set it with `tf.ensure_shape`.")
    if height % scale or width % scale:
        raise ValueError(
            f"Expected a height and width that {scale} divides, got {height}x{width}: "
            "choose another patch size, or cut the images with `data.imresize.mod_crop`."
        )
    return height // scale, width // scale
