"""Outlines of pictures, as the input of edges-to-pictures models."""


def edges(images, threshold: int = 24):
    """Outlines of uint8 images (N, H, W, C), a TensorFlow tensor: uint8 (N, H, W, 1), 255 where neighbours within a 2x2 window differ by
    more than `threshold` levels in some channel."""
    import tensorflow as tf

    images = tf.cast(images, "float32")
    padded = tf.pad(images, [[0, 0], [0, 1], [0, 1], [0, 0]], "SYMMETRIC")
    high = tf.nn.max_pool2d(padded, 2, 1, "VALID")
    low = -tf.nn.max_pool2d(-padded, 2, 1, "VALID")
    differ = tf.reduce_max(high - low, axis=-1, keepdims=True) > float(threshold)
    return tf.where(differ, tf.constant(255, "uint8"), tf.constant(0, "uint8"))
