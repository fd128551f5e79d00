"""A picture taken again by a camera: its light through a sensor behind a Bayer pattern, and developed as the camera does."""

from typing import Any, NamedTuple

import numpy as np

from keras_imgen.data.degrade.base import Degradation, Range, between, seeds, uniform
from keras_imgen.data.degrade.blur import blurred
from keras_imgen.data.degrade.linear import display, linear
from keras_imgen.data.degrade.mosaic import demosaiced, mosaic
from keras_imgen.data.degrade.noise import normal

# From XYZ to what a camera sees, of the four cameras of Brooks et al. 2019: Sony A7R, Olympus E-M10, Sony RX100 IV, Huawei Nexus 6P.
_CAMERAS = np.array(
    [
        [[0.4913, -0.0541, -0.0202], [-0.6130, 1.3513, 0.2906], [-0.1564, 0.2151, 0.7183]],
        [[0.8380, -0.2630, -0.0639], [-0.2887, 1.0725, 0.2496], [-0.0627, 0.1427, 0.5438]],
        [[0.6596, -0.2079, -0.0562], [-0.4782, 1.3016, 0.1933], [-0.0970, 0.1581, 0.5181]],
        [[1.0234, -0.2969, -0.2266], [-0.5625, 1.6328, -0.0469], [-0.0703, 0.2188, 0.6406]],
    ]
)
_TO_XYZ = np.array(
    [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]]
)
_BLACK = 0.06  # at most, of the way to white: what sensors add so that noise is not cut off below


class Development(NamedTuple):
    """How a camera makes a picture of what its sensor saw; of each image its own.

    Args:
        matrix: from sRGB's primaries to the camera's, in linear light, rows of sum one: (N, 3, 3).
        gains: by which red, green and blue are brightened, at least 1: (N, 1, 1, 3).
        tone: whether the camera has a tone curve 3 t² - 2 t³ after sRGB's: (N, 1, 1, 1).
        beyond: how bright white was: (N, 1, 1, 1).
    """

    matrix: Any
    gains: Any
    tone: Any
    beyond: Any


def drawn(x: Any, beyond: tuple[float, float], seed: Any) -> Development:
    """A mixture of cameras, in light of any colour.

    Args:
        x: images (N, H, W, 3).
        beyond: see `Camera`.
        seed: int32 (2,).
    """
    import tensorflow as tf

    s = seeds(seed, 6)
    share = tf.random.stateless_uniform([tf.shape(x)[0], 4], s[0]) + 1e-6
    cameras = _CAMERAS @ _TO_XYZ
    mixed = tf.einsum("nk,kij->nij", share, tf.constant(cameras, "float32"))
    exposure = 1 / uniform(x, (0.6, 1.0), s[1])
    gains = tf.concat([uniform(x, (1.9, 2.4), s[2]), tf.ones_like(exposure), uniform(x, (1.5, 1.9), s[3])], -1)
    return Development(
        mixed / tf.reduce_sum(mixed, -1, keepdims=True),
        gains * exposure,
        uniform(x, (0, 1), s[4]) < 0.5,
        uniform(x, beyond, s[5]),
    )


def unprocessed(x: Any, how: Development) -> Any:
    """What the sensor saw of a picture, if it was developed so: 0 is black, 1 is all that it can count.

    Args:
        x: (N, H, W, 3) in [0, 255].
        how: of each image.
    """
    import tensorflow as tf

    v = tf.clip_by_value(x / 255, 0, 1)
    bent = 255 * (0.5 - tf.sin(tf.asin(1 - 2 * v) / 3))
    light = linear(tf.where(how.tone & (v < 1), bent, x), how.beyond)
    return tf.clip_by_value(tf.einsum("nij,nhwj->nhwi", how.matrix, light) / how.gains, 0, 1)


def developed(raw: Any, how: Development) -> Any:
    """The picture, (N, H, W, 3) in [0, 255], of what the sensor saw.

    Args:
        raw: (N, H, W, 3); below 0 is noise.
        how: of each image.
    """
    import tensorflow as tf

    light = tf.clip_by_value(raw * how.gains, 0, 1)
    v = display(tf.einsum("nij,nhwj->nhwi", tf.linalg.inv(how.matrix), light)) / 255
    return 255 * tf.where(how.tone, v * v * (3 - 2 * v), v)


class Camera(Degradation):
    """Unprocessed to what a sensor saw, its noise, its mosaic, and developed again (Brooks et al. 2019, "Unprocessing Images for Learned
    Raw Denoising"); then the camera's own softening of luma and colours, or sharpening.

    The noise of a sensor value x in [0, 1] has the variance shot · x + read. What lies below the black level or beyond white is clipped.
    Of each image matrix, gains, tone curve, noise and interpolation are its own. (N, H, W, 3), H and W of at least 3.

    Args:
        shot: number or (low, high), drawn evenly in its logarithm; those of the paper by default. The read noise follows from it, as
            measured there: log read = 2.18 log shot + 1.20, give or take a standard deviation of 0.26.
        beyond: how many times as bright as white what is white was, number or (low, high).
        soften: the share of the colours' and half of that of the luma's detail that is smoothed away, number or (low, high) in [0, 1].
        sharpen: of the unsharp mask, number or (low, high).

    Raises:
        ValueError: images with another number of channels than 3.
    """

    def __init__(
        self,
        shot: Range = (1e-4, 1.2e-2),
        beyond: Range = (1.0, 4.0),
        soften: Range = (0.0, 1.0),
        sharpen: Range = (0.0, 0.8),
    ):
        self.shot, self.beyond = between("shot", shot, 1e-9, 1), between("beyond", beyond, 1, 1000)
        self.soften, self.sharpen = between("soften", soften, 0, 1), between("sharpen", sharpen, 0, 5)

    def change(self, x: Any, seed: Any) -> Any:
        import tensorflow as tf

        if x.shape[-1] != 3:
            raise ValueError(f"A camera takes pictures of 3 channels, got images of shape {x.shape}.")
        s = seeds(seed, 7)
        how = drawn(x, self.beyond, s[0])
        row, column = (tf.cast(uniform(x, (0, 2), k), "int32") for k in s[1:3])
        raw = noisy(mosaic(unprocessed(x, how), row, column), self.shot, s[3])
        x = developed(demosaiced(raw, row, column, uniform(x, (0, 1), s[4])), how)
        return finished(x, uniform(x, self.soften, s[5]), uniform(x, self.sharpen, s[6]))


def noisy(raw: Any, shot: tuple[float, float], seed: Any) -> Any:
    """Sensor values with noise, clipped at minus the black level and at 1. See `Camera`.

    Args:
        raw: (N, H, W, C) in [0, 1].
        shot: (low, high).
        seed: int32 (2,).
    """
    import tensorflow as tf

    s = seeds(seed, 4)
    log_shot = uniform(raw, (float(np.log(shot[0])), float(np.log(shot[1]))), s[0])
    deviation = tf.random.stateless_normal(tf.shape(log_shot), s[1])
    read = tf.exp(2.18 * log_shot + 1.20 + 0.26 * deviation)
    found = raw + tf.sqrt(tf.exp(log_shot) * raw + read) * normal(raw, s[2])
    return tf.clip_by_value(found, -uniform(raw, (0, _BLACK), s[3]), 1)


def finished(x: Any, soften: Any, sharpen: Any) -> Any:
    """Luma and colours smoothed, then the luma's detail made stronger, as in the cameras themselves.

    Args:
        x: (N, H, W, 3) in [0, 255].
        soften: (N, 1, 1, 1), see `Camera`.
        sharpen: (N, 1, 1, 1), see `Camera`.
    """
    import tensorflow as tf

    y = tf.reduce_sum(x * tf.constant([0.299, 0.587, 0.114]), -1, keepdims=True)
    colours = x - y
    y = y + 0.5 * soften * (blurred(y, 0.8) - y)
    y = y + sharpen * (y - blurred(y, 1.0))
    return tf.clip_by_value(y + colours + soften * (blurred(colours, 1.5) - colours), 0, 255)
