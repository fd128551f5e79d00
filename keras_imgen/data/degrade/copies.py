"""Pictures of pictures: printed in dots, scanned from paper, shown with few colours, written over."""

from typing import Any

import numpy as np

from keras_imgen.data.degrade.base import Degradation, Range, between, rounded, seeds, uniform
from keras_imgen.data.degrade.blur import blurred
from keras_imgen.data.degrade.holes import Holes
from keras_imgen.data.degrade.linear import display, linear, smooth_map
from keras_imgen.data.degrade.noise import normal

_ANGLES = {3: (15, 75, 0)}  # degrees of cyan, magenta and yellow; else 45
_WAVE = np.cos(2 * np.pi * (np.arange(512) + 0.5) / 512)
_HEIGHTS = np.sort((_WAVE[:, None] + _WAVE).ravel())  # of a dot, and their ranks
_RANKS = np.clip(np.searchsorted(_HEIGHTS, np.linspace(-2, 2, 1025)) / len(_HEIGHTS), 1e-4, 1 - 1e-4)
_BAYER = np.array([[0, 2], [3, 1]])
for _ in range(2):
    _BAYER = np.block([[4 * _BAYER, 4 * _BAYER + 2], [4 * _BAYER + 3, 4 * _BAYER + 1]])


class Halftone(Degradation):
    """Printed in dots, larger ones where it is darker, as in newspapers (Ulichney 1987, "Digital Halftoning": clustered dots),
    and seen by a scanner. The light of an area stays as it was.

    Gray pictures have one screen at 45 degrees, those in colour one for each ink: cyan at 15, magenta at 75, yellow at 0 degrees.

    Args:
        pitch: pixels from one dot to the next, number or (low, high) of at least 2.
        blur: standard deviation of the scanner's blur in pixels.
    """

    def __init__(self, pitch: Range = (2.5, 6.0), blur: float = 0.5):
        self.pitch, self.blur = between("pitch", pitch, 2, 1000), between("blur", blur, 0, 100)[0]

    def change(self, x: Any, seed: Any) -> Any:
        import tensorflow as tf

        s, channels = seeds(seed, 3), x.shape[-1]
        pitch, angles = uniform(x, self.pitch, s[0]), np.deg2rad(_ANGLES.get(channels, (45,) * channels))
        rows, columns = (tf.cast(tf.range(n), "float32") for n in tf.unstack(tf.shape(x)[1:3]))
        rows, columns = rows[None, :, None, None], columns[None, None, :, None]
        sine, cosine = (tf.constant(f(angles), "float32") for f in (np.sin, np.cos))
        across = uniform(x, (0, 1), s[1]) + (columns * cosine + rows * sine) / pitch
        down = uniform(x, (0, 1), s[2]) + (rows * cosine - columns * sine) / pitch
        height = tf.cos(2 * np.pi * across) + tf.cos(2 * np.pi * down)
        rank = tf.gather(tf.constant(_RANKS, "float32"), tf.cast(tf.round(256 * (height + 2)), "int32"))
        ink = 1 - linear(x)
        edge = tf.maximum(tf.minimum(2 / pitch, 2 * tf.minimum(ink, 1 - ink)), 1e-4)  # there pixels are covered in part
        light = 1 - tf.clip_by_value(0.5 + (rank - (1 - ink)) / edge, 0, 1)
        return display(blurred(light, self.blur) if self.blur else light)


class Scan(Degradation):
    """On paper and scanned: black is not quite black, the paper not white and a little yellow, unevenly lit, with noise; in linear light.

    Args:
        fading: the light of black, where white is 1, number or (low, high).
        paper: the light of the paper, number or (low, high).
        yellow: the share of blue, and a third of that of green, which the paper does not give back, number or (low, high).
        uneven: one standard deviation of the light over the page, number or (low, high).
        noise: standard deviation in gray levels, number or (low, high).
    """

    def __init__(
        self,
        fading: Range = (0.0, 0.08),
        paper: Range = (0.7, 1.0),
        yellow: Range = (0.0, 0.3),
        uneven: Range = (0.0, 0.08),
        noise: Range = (0.0, 4.0),
    ):
        self.fading, self.paper = between("fading", fading, 0, 0.9), between("paper", paper, 0.1, 1)
        self.yellow, self.uneven = between("yellow", yellow, 0, 1), between("uneven", uneven, 0, 1)
        self.noise = between("noise", noise, 0, 255)

    def change(self, x: Any, seed: Any) -> Any:
        import tensorflow as tf

        s = seeds(seed, 7)
        lost = tf.constant([0, 1 / 3, 1.0]) if x.shape[-1] == 3 else 0.0
        black = uniform(x, self.fading, s[0])
        light = (
            (black + (1 - black) * linear(x))
            * uniform(x, self.paper, s[1])
            * (1 - uniform(x, self.yellow, s[2]) * lost)
        )
        light *= tf.maximum(1 + uniform(x, self.uneven, s[3]) * smooth_map(x, s[4]), 0)
        return display(light) + uniform(x, self.noise, s[5]) * normal(x, s[6])


class OrderedDither(Degradation):
    """Few colours, the levels between them as patterns of 8 x 8 (Bayer 1973): as GIFs and old screens show pictures.

    Args:
        levels: of each channel, number or (low, high) of at least 2, drawn as whole numbers.
    """

    def __init__(self, levels: Range = (4, 32)):
        self.levels = between("levels", levels, 2, 256)

    def change(self, x: Any, seed: Any) -> Any:
        import tensorflow as tf

        steps = tf.floor(uniform(x, (self.levels[0], self.levels[1] + 0.999), seed)) - 1
        height, width = tf.unstack(tf.shape(x)[1:3])
        bayer = tf.constant((_BAYER + 0.5) / 64, "float32")
        pattern = tf.tile(bayer, [height // 8 + 1, width // 8 + 1])[:height, :width, None]
        return tf.clip_by_value(tf.floor(x / 255 * steps + pattern), 0, steps) * 255 / steps


class Lettering(Degradation):
    """Words over a picture, each picture's in a colour of its own: they belong to it, so that `target`, uint8 (N, H, W, C), has them, too.

    Put it first in a chain, for models that should keep letters as they are, as in screenshots.

    Args:
        share: of the pixels that are covered, number or (low, high) in [0, 0.95].
    """

    def __init__(self, share: Range = (0.0, 0.1)):
        self.share = between("share", share, 0, 0.95)

    def apply(self, x: Any, seed: Any) -> tuple[Any, dict[str, Any]]:
        import tensorflow as tf

        one, two = seeds(seed, 2)
        mask = Holes("text", self.share).apply(x, one)[1]["mask"]
        colour = tf.random.stateless_uniform([tf.shape(x)[0], 1, 1, x.shape[-1]], two, 0, 255)
        written = tf.where(mask > 0, colour, x)
        return written, {"target": rounded(written)}
