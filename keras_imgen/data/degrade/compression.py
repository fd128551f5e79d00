"""Artefacts of lossy files."""

from typing import Any

from keras_imgen.data.degrade.base import Degradation, Range, between, rounded, uniform


class JPEG(Degradation):
    """Written as a JPEG file and read again: libjpeg with chroma at half the resolution, of gray or RGB images.

    Args:
        quality: whole number or (low, high) in [1, 100].

    Raises:
        ValueError: images with neither 1 nor 3 channels.
    """

    def __init__(self, quality: Range = (30, 95)):
        self.quality = between("quality", quality, 1, 100)

    def change(self, x: Any, seed: Any) -> Any:
        return compressed(x, uniform(x, self.quality, seed)[:, 0, 0, 0])


def compressed(x: Any, quality: Any) -> Any:
    """x, in [0, 255], (N, H, W, 1 or 3), after JPEG of a quality (N,), which is rounded."""
    import tensorflow as tf

    if x.shape[-1] not in (1, 3):
        raise ValueError(f"JPEG files hold 1 or 3 channels, got images of shape {x.shape}.")

    def one(pair):
        data = tf.raw_ops.EncodeJpegVariableQuality(images=pair[0], quality=pair[1])
        return tf.io.decode_jpeg(data, channels=x.shape[-1], dct_method="INTEGER_ACCURATE")

    pairs = (rounded(x), tf.cast(tf.round(quality), "int32"))
    return tf.cast(tf.map_fn(one, pairs, fn_output_signature=tf.TensorSpec(x.shape[1:], "uint8")), "float32")
