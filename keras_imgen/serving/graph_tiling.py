"""`tiling.tiled` inside a TensorFlow graph, for one picture, with the same tiles and weights: memory does not grow with the network's."""

from collections.abc import Callable
from typing import Any

from keras_imgen.layers.pictures import to_uint8


def tiled(
    run: Callable[[Any, Any], Any],
    size: tuple[Any, Any],
    scale: int = 1,
    tile: int = 512,
    overlap: int = 64,
    multiple: int = 1,
) -> Any:
    """uint8 (height scale, width scale, C), made tile by tile.

    Args:
        run: indices of rows and of columns, int32 (h,) and (w,), of a tile, mirrored at the picture's end, to float32 (h scale, w scale, C)
            in [-1, 1].
        size: (height, width) of the picture, tensors.
        others: see `inference.tiling.tiled`.
    """
    import tensorflow as tf

    step = lambda n: -(-n // multiple) * multiple  # noqa: E731
    overlap = step(min(overlap, tile // 2))
    tile = max(step(tile), 2 * overlap)
    stride = max(multiple, (tile - overlap) // multiple * multiple)

    def starts(length):
        last = tf.maximum(step(length) - tile, 0)
        return tf.concat([tf.range(0, last, stride), [last]], 0), tf.minimum(step(length), tile)

    def mirrored(first, count, length):
        at = (first + tf.range(count)) % (2 * length)
        return tf.minimum(at, 2 * length - 1 - at)

    (tops, height), (lefts, width) = map(starts, size)
    turned = lambda x: tf.transpose(x, (1, 0, 2))  # noqa: E731

    def band(top):
        rows = mirrored(top, height, size[0])
        part = lambda left: turned(run(rows, mirrored(left, width, size[1])))  # noqa: E731
        return turned(_joined(part, lefts, width, scale))

    rows = _joined(band, tops, height, scale, lambda x: to_uint8(x[:, : size[1] * scale]), "uint8")
    return rows[: size[0] * scale]


def _joined(part, starts, size, scale, finish=lambda x: x, dtype="float32"):
    """Parts along the first axis, part(start) of `size` x scale rows each, blended where they share rows, then finished as `dtype`."""
    import tensorflow as tf

    count = tf.size(starts)

    def body(i, carried, done):
        start, after = starts[i], starts[tf.minimum(i + 1, count - 1)]
        before = starts[tf.maximum(i - 1, 0)]
        x = tf.cast(tf.range(size * scale), "float32") + 0.5 + tf.cast(start * scale, "float32")
        rise = tf.where(i > 0, _ramp(x, start * scale, (before + size) * scale), 1.0)
        fall = tf.where(i + 1 < count, 1.0 - _ramp(x, after * scale, (start + size) * scale), 1.0)
        now = part(start) * (rise * fall)[:, None, None]
        shared = tf.shape(carried)[0]
        now = tf.concat([now[:shared] + carried, now[shared:]], 0)
        end = tf.where(i + 1 < count, after - start, size) * scale
        return i + 1, now[end:], done.write(i, finish(now[:end]))

    any_size = tf.TensorShape([None, None, None])
    done = tf.TensorArray(dtype, count, infer_shape=False, element_shape=any_size)
    first, shapes = (0, tf.zeros((0, 1, 1)), done), (tf.TensorShape([]), any_size, tf.TensorShape(None))
    return tf.while_loop(lambda i, *_: i < count, body, first, shapes, parallel_iterations=1)[-1].concat()


def _ramp(x, start, stop):
    """From 0 to 1 across the middle quarter of the part that two tiles share."""
    import tensorflow as tf

    start, stop = tf.cast(start, "float32"), tf.cast(stop, "float32")
    return tf.clip_by_value((x - (start + stop) / 2) / tf.maximum((stop - start) / 4, 1e-6) + 0.5, 0.0, 1.0)
