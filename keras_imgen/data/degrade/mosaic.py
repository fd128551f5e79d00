"""One colour at each pixel, as behind the filters of a sensor, and the others guessed."""

from typing import Any

import numpy as np

# Of a pixel, the colours that it lacks, from its 5 x 5 neighbours: bilinear, and what Malvar, He and Cutler (2004, "High-quality linear
# interpolation for demosaicing of Bayer-patterned color images") add to it, the second derivative of the colour that it has.
_CROSS = np.array([[0, 0, 0, 0, 0], [0, 0, 1, 0, 0], [0, 1, 0, 1, 0], [0, 0, 1, 0, 0], [0, 0, 0, 0, 0]]) / 4
_SIDES = np.array([[0, 0, 0, 0, 0], [0, 0, 0, 0, 0], [0, 1, 0, 1, 0], [0, 0, 0, 0, 0], [0, 0, 0, 0, 0]]) / 2
_CORNERS = np.array([[0, 0, 0, 0, 0], [0, 1, 0, 1, 0], [0, 0, 0, 0, 0], [0, 1, 0, 1, 0], [0, 0, 0, 0, 0]]) / 4
_STAR = np.array([[0, 0, -1, 0, 0], [0, 0, 0, 0, 0], [-1, 0, 4, 0, -1], [0, 0, 0, 0, 0], [0, 0, -1, 0, 0]])
_LINE = np.array([[0, 0, 0.5, 0, 0], [0, -1, 0, -1, 0], [-1, 0, 5, 0, -1], [0, -1, 0, -1, 0], [0, 0, 0.5, 0, 0]])
_BILINEAR = np.stack([_CROSS, _SIDES, _SIDES.T, _CORNERS], -1)
_ADDED = np.stack([_STAR / 8, _LINE / 8, _LINE.T / 8, 1.5 * _STAR / 8], -1)


def mosaic(x: Any, row: Any, column: Any) -> Any:
    """What a sensor behind a Bayer pattern sees: (N, H, W, 3) -> (N, H, W, 1).

    Args:
        x: red, green and blue.
        row: 0 or 1 (N, 1, 1, 1), the parity of the rows that have red.
        column: 0 or 1 (N, 1, 1, 1), the parity of the columns that have red.
    """
    import tensorflow as tf

    red_row, red_column = _parity(x, row, column)
    other = tf.where(red_row | red_column, x[..., 1:2], x[..., 2:])
    return tf.where(red_row & red_column, x[..., :1], other)


def demosaiced(raw: Any, row: Any, column: Any, sharp: Any = 1.0) -> Any:
    """Red, green and blue everywhere: (N, H, W, 1) -> (N, H, W, 3), H and W of at least 3.

    Args:
        raw: as `mosaic` gives it, not bounded.
        row: as in `mosaic`.
        column: as in `mosaic`.
        sharp: 0 is bilinear interpolation, 1 that of Malvar, He and Cutler, between them a mixture; (N, 1, 1, 1) or a number.
    """
    import tensorflow as tf

    wide = tf.pad(raw, [(0, 0), (2, 2), (2, 2), (0, 0)], "REFLECT")  # the edge not twice: the pattern goes on
    kernels = np.concatenate([_BILINEAR, _ADDED], -1)[:, :, None].astype("float32")
    found = tf.nn.conv2d(wide, kernels, 1, "VALID")
    cross, sides, above, corners = tf.split(found[..., :4] + sharp * found[..., 4:], 4, -1)
    red_row, red_column = _parity(raw, row, column)
    red, blue = red_row & red_column, ~red_row & ~red_column
    green = tf.where(red | blue, cross, raw)
    in_row, in_column = tf.where(red_row, sides, above), tf.where(red_row, above, sides)
    as_red = tf.where(red, raw, tf.where(blue, corners, in_row))
    as_blue = tf.where(blue, raw, tf.where(red, corners, in_column))
    return tf.ensure_shape(tf.concat([as_red, green, as_blue], -1), (*raw.shape[:3], 3))


def _parity(x, row, column):
    """Whether a pixel is in a row, and in a column, that has red: bool, broadcasting to (N, H, W, 1)."""
    import tensorflow as tf

    rows = tf.range(tf.shape(x)[1])[None, :, None, None]
    columns = tf.range(tf.shape(x)[2])[None, None, :, None]
    return (rows + row) % 2 == 0, (columns + column) % 2 == 0
