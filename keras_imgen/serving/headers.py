"""The size of a picture from the first bytes of its file, inside a TensorFlow graph: before anything is decoded."""

from typing import Any

PNG = b"\x89PNG\r\n\x1a\n"


def checked(text: Any, max_pixels: int, name: str) -> Any:
    """The bytes of a file, if they are a PNG or JPEG of at most so many pixels.

    Args:
        text: a string scalar.
        max_pixels: width x height.
        name: what messages call it.

    Raises:
        InvalidArgumentError: another format, more pixels; when the graph runs.
    """
    import tensorflow as tf

    head = tf.strings.join([tf.strings.substr(text, 0, 24), b"\0" * 24])
    raw = tf.cast(tf.io.decode_raw(head, "uint8"), "int64")[:24]
    png = tf.reduce_all(raw[:16] == [*PNG, 0, 0, 0, 13, *b"IHDR"])  # which is first in every PNG file
    jpeg = tf.io.is_jpeg(text)
    known = tf.debugging.Assert(png | jpeg, [f"Expected `{name}` as PNG or JPEG files."])
    with tf.control_dependencies([known]):
        height, width = tf.unstack(
            tf.cond(
                jpeg,
                lambda: tf.io.extract_jpeg_shape(text, "int64")[:2],
                lambda: tf.stack([tf.reduce_sum(raw[at : at + 4] * [1 << 24, 1 << 16, 1 << 8, 1]) for at in (20, 16)]),
            )
        )
    said = f"Expected `{name}` of at most {max_pixels} pixels, `max_pixels` of the export; got (width, height)"
    small = tf.debugging.Assert(height * width <= max_pixels, [said, width, height])
    with tf.control_dependencies([small]):
        return tf.identity(text)
