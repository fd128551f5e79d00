"""Between gray levels and light, by sRGB's curve (IEC 61966-2-1); smooth maps over a picture."""

from typing import Any

import numpy as np

WHITE = 253.5  # gray levels from here on are clipped: how bright it was beyond, the picture does not tell


def linear(x: Any, beyond: Any = None) -> Any:
    """Light of gray levels: 0 of black, 1 of white.

    Args:
        x: (N, H, W, C) in [0, 255], clipped.
        beyond: what is white was so many times as bright, (N, 1, 1, 1); None: as bright as white.
    """
    import tensorflow as tf

    v = tf.clip_by_value(x / 255, 0, 1)
    light = tf.where(v <= 0.04045, v / 12.92, power((v + 0.055) / 1.055, 2.4))
    return light if beyond is None else tf.where(x >= WHITE, light * beyond, light)


def display(light: Any) -> Any:
    """Gray levels in [0, 255] of light; what is brighter than white is white.

    Args:
        light: (N, H, W, C).
    """
    import tensorflow as tf

    v = tf.clip_by_value(light, 0, 1)
    bent = 1.055 * power(tf.maximum(v, 0.0031308), 1 / 2.4) - 0.055
    return 255 * tf.where(v <= 0.0031308, 12.92 * v, bent)


def power(x: Any, exponent: float) -> Any:
    """x^exponent of positive numbers, to a relative 1e-6: four times as fast on a CPU as `tf.pow`."""
    import tensorflow as tf

    return tf.exp(exponent * tf.math.log(x))


def coordinates(x: Any) -> tuple[Any, Any]:
    """Rows (1, H, 1, 1) and columns (1, 1, W, 1) of the pictures x, in units of their longer side, 0 in the middle."""
    import tensorflow as tf

    height, width = tf.unstack(tf.cast(tf.shape(x)[1:3], "float32"))
    longer = tf.maximum(height, width)
    rows = (tf.range(height) + 0.5 - height / 2) / longer
    columns = (tf.range(width) + 0.5 - width / 2) / longer
    return rows[None, :, None, None], columns[None, None, :, None]


def smooth_map(x: Any, seed: Any, waves: int = 4, cycles: float = 1.5) -> Any:
    """Hills and valleys as large as the picture: (N, H, W, 1) of mean 0 and standard deviation 1 over many.

    Args:
        x: the pictures (N, H, W, C).
        seed: int32 (2,).
        waves: how many plane waves are added.
        cycles: at most so many of them along the longer side.
    """
    import tensorflow as tf

    rows, columns = coordinates(tf.zeros([1, 32, 32, 1]))  # smooth enough to be computed there
    u = tf.random.stateless_uniform([3, waves, tf.shape(x)[0], 1, 1, 1], seed)
    total = 0.0
    for k in range(waves):
        angle, often, phase = 2 * np.pi * u[0, k], 2 * np.pi * cycles * u[1, k], 2 * np.pi * u[2, k]
        total += tf.cos(often * (rows * tf.sin(angle) + columns * tf.cos(angle)) + phase)
    return tf.image.resize(total * np.sqrt(2 / waves), tf.shape(x)[1:3])
