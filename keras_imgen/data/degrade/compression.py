"""Artefacts of lossy files."""

from io import BytesIO
from typing import Any

import numpy as np
from PIL import Image

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


class WebP(Degradation):
    """Written as a lossy WebP file and read again, by Pillow, the fast way; of gray or RGB images.

    Args:
        quality: whole number or (low, high) in [1, 100].

    Raises:
        ValueError: images with neither 1 nor 3 channels.
    """

    def __init__(self, quality: Range = (30, 95)):
        self.quality = between("quality", quality, 1, 100)

    def change(self, x: Any, seed: Any) -> Any:
        import tensorflow as tf

        if x.shape[-1] not in (1, 3):
            raise ValueError(f"WebP files hold 1 or 3 channels, got images of shape {x.shape}.")
        quality = tf.cast(tf.round(uniform(x, self.quality, seed)[:, 0, 0, 0]), "int32")
        found = tf.numpy_function(_webp, [rounded(x), quality], "uint8", stateful=False)
        return tf.cast(tf.ensure_shape(found, x.shape), "float32")


def _webp(images, qualities):
    def one(image, quality):
        file = BytesIO()
        colour = np.repeat(image, 3, -1) if image.shape[-1] == 1 else image
        Image.fromarray(colour).save(file, "WEBP", quality=int(quality), method=0)
        return np.asarray(Image.open(file))[..., : image.shape[-1]]

    return np.stack([one(*pair) for pair in zip(images, qualities)]) if len(images) else images
