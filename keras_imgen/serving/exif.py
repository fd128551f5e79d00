"""How a photograph was held, inside a TensorFlow graph: programs that decode images there do not look at it."""

from typing import Any


def upright(image: Any, text: Any) -> Any:
    """An image turned as the EXIF orientation of a JPEG file asks.

    Args:
        image: (H, W, C), decoded.
        text: the bytes of the file that it was decoded from, a string scalar.
    """
    import tensorflow as tf

    way = orientation(text)

    def if_in(ways, change, x):
        return tf.cond(tf.reduce_any(way == ways), lambda: change(x), lambda: x)

    image = if_in([5, 6, 7, 8], lambda x: tf.transpose(x, (1, 0, 2)), image)
    image = if_in([2, 3, 6, 7], lambda x: tf.reverse(x, [1]), image)
    return if_in([3, 4, 7, 8], lambda x: tf.reverse(x, [0]), image)


def orientation(text: Any) -> Any:
    """1 to 8 from the bytes of a file, int32: tag 0x0112 of the first directory (EXIF 2.32, section 4.6) after the marker APP1, which is
    looked for in the first 256 KiB; 1 where there is none."""
    import tensorflow as tf

    start = tf.strings.substr(text, 0, 1 << 18)
    raw = tf.io.decode_raw(tf.strings.join([start, b"\0" * 12]), "uint8")

    def byte(i):  # 0 beyond the end
        return tf.cast(tf.gather(raw, tf.clip_by_value(i, 0, tf.size(raw) - 1)), "int32")

    places = tf.size(raw) - 9
    marker = {0: 0xFF, 1: 0xE1, **{4 + k: value for k, value in enumerate(b"Exif\0\0")}}  # 2 and 3 are the length
    found = tf.reduce_all([raw[k : k + places] == value for k, value in marker.items()], 0)
    header = tf.argmax(tf.cast(found, "int32"), output_type="int32") + len(b"\xff\xe1..Exif\0\0")
    little = byte(header) == ord("I")

    def short(i):
        a, b = byte(i), byte(i + 1)
        return tf.where(little, a + 256 * b, 256 * a + b)

    def long(i):
        a, b = short(i), short(i + 2)
        return tf.where(little, a + 65536 * b, 65536 * a + b)

    directory = header + long(header + 4)
    entries = directory + 2 + 12 * tf.range(short(directory))
    way = tf.reduce_max(tf.where(short(entries) == 0x0112, short(entries + 8), 0))
    known = tf.io.is_jpeg(text) & tf.reduce_any(found) & (way >= 1) & (way <= 8)
    return tf.where(known, way, 1)
