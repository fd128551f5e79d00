"""Too little light, too much, of the wrong colour, and unevenly spread: changes in linear light, with what sensors clip."""

from typing import Any

from keras_imgen.data.degrade.base import Degradation, Range, between, rounded, seeds, uniform
from keras_imgen.data.degrade.blur import blurred
from keras_imgen.data.degrade.linear import coordinates, display, linear, smooth_map

NEAR = 235  # gray levels from which on light is taken to go beyond white, little by little


class Exposure(Degradation):
    """Too long or too short: light times 2^stops, clipped.

    Args:
        stops: number or (low, high).
        beyond: how many times as bright as white what is white was, number or (low, high).
    """

    def __init__(self, stops: Range = (-2.0, 2.0), beyond: Range = (1.0, 4.0)):
        self.stops, self.beyond = between("stops", stops, -10, 10), between("beyond", beyond, 1, 1000)

    def change(self, x: Any, seed: Any) -> Any:
        import tensorflow as tf

        one, two = seeds(seed, 2)
        return display(linear(x, uniform(x, self.beyond, one)) * tf.pow(2.0, uniform(x, self.stops, two)))


class ColourCast(Degradation):
    """Two lights of different colours, as a lamp and a window, each brighter in its part of the picture: every colour of each light times
    2^stops (Afifi et al. 2022, "Auto White-Balance Correction for Mixed-Illuminant Scenes").

    Args:
        stops: the largest change of red and blue, number or (low, high); green stays.
    """

    def __init__(self, stops: Range = (0.0, 0.7)):
        self.stops = between("stops", stops, 0, 5)

    def change(self, x: Any, seed: Any) -> Any:
        import tensorflow as tf

        s = seeds(seed, 4)

        def light(seed):
            warm, odd = tf.unstack(tf.random.stateless_uniform([2, tf.shape(x)[0], 1, 1, 1], seed, -1, 1))
            return tf.concat([warm + 0.3 * odd, 0 * warm, 0.3 * odd - warm], -1) / 1.3

        share = tf.sigmoid(3 * smooth_map(x, s[0]))
        mixed = share * light(s[1]) + (1 - share) * light(s[2])
        return display(linear(x) * tf.pow(2.0, uniform(x, self.stops, s[3]) * mixed))


class Darkness(Degradation):
    """A scene with too little light, in linear light, for models that brighten: what is too dark is too dark by stops that vary smoothly
    over the picture and are fewer where it is bright, and lamps stand in it that are as bright as they are.

    `target` uint8 (N, H, W, C) is the scene in good light, with the same lamps: they and what they light up were never dark.

    Args:
        stops: too dark by so many, number or (low, high).
        uneven: by how many they vary, one standard deviation; nowhere fewer than none.
        backlight: how many fewer where the scene is white, as at a window or the sky, than where it is black.
        lamps: at most so many, which picture has how many is drawn evenly.
        beyond: how many times as bright as white what is white was.
    """

    def __init__(
        self,
        stops: Range = (0.0, 5.0),
        uneven: Range = (0.0, 0.7),
        backlight: Range = (0.0, 2.0),
        lamps: int = 3,
        beyond: Range = (1.0, 8.0),
    ):
        self.stops, self.uneven = between("stops", stops, 0, 10), between("uneven", uneven, 0, 5)
        self.backlight, self.beyond = between("backlight", backlight, 0, 10), between("beyond", beyond, 1, 1000)
        self.lamps = int(between("lamps", lamps, 0, 100)[1])

    def apply(self, x: Any, seed: Any) -> tuple[Any, dict[str, Any]]:
        import tensorflow as tf

        s = seeds(seed, 7)
        lamps = self.lights(x, s[0])
        brightness = blurred(tf.reduce_mean(x, -1, keepdims=True), 3.0) / 255
        stops = uniform(x, self.stops, s[1])
        share = tf.clip_by_value(stops, 0, 1)  # of a scene in good light all is good
        stops += share * uniform(x, self.uneven, s[2]) * smooth_map(x, s[3])
        stops = tf.maximum(stops - share * uniform(x, self.backlight, s[4]) * (brightness - 0.5), 0)
        scene = linear(x)
        near_white = tf.square(tf.clip_by_value((x - NEAR) / (255 - NEAR), 0, 1))
        seen = scene * (1 + (uniform(x, self.beyond, s[5]) - 1) * near_white) * tf.pow(2.0, -stops)
        return display(seen + lamps), {"target": rounded(display(scene + lamps))}

    def lights(self, x: Any, seed: Any) -> Any:
        """Light of lamps, (N, H, W, C): discs far beyond white, and their glow, warm or cold.

        Args:
            x: the pictures.
            seed: int32 (2,).
        """
        import tensorflow as tf

        rows, columns = coordinates(x)
        u = tf.random.stateless_uniform([self.lamps + 1, 6, tf.shape(x)[0], 1, 1, 1], seed)
        many, total = tf.floor(u[-1, 0] * (self.lamps + 1)), tf.zeros_like(x)
        for k in range(self.lamps):
            row, column, size, glow, warm, power = tf.unstack(u[k])
            radius = 0.01 * tf.pow(6.0, size)
            distance = tf.sqrt(tf.square(rows - row + 0.5) + tf.square(columns - column + 0.5))
            disc = tf.sigmoid((radius - distance) / (0.1 * radius + 0.002))
            halo = 0.6 * glow * glow / (1 + tf.square(distance / (2 * radius)))
            colour = tf.pow(2.0, (warm - 0.3) * tf.constant([1.0, 0.0, -1.0])) if x.shape[-1] == 3 else 1.0
            total += tf.where(k < many, (4 * disc + halo) * (0.5 + power) * colour, 0.0)
        return total
