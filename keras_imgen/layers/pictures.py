"""From the pictures that people have to those of models, and back, in tensors: uint8 [0, 255] and floats [-1, 1], of any rank."""

from typing import Any

import keras
from keras import ops


def rescale(images: Any) -> Any:
    """uint8 [0, 255] -> float32 [-1, 1]; floats are taken as they are."""
    if "int" in keras.backend.standardize_dtype(images.dtype):
        return ops.cast(images, "float32") / 127.5 - 1.0
    return ops.cast(images, "float32")


def to_uint8(images: Any) -> Any:
    """Floats in [-1, 1], clipped, -> uint8 [0, 255], in tensors."""
    return ops.cast(ops.round(ops.clip(ops.cast(images, "float32"), -1.0, 1.0) * 127.5 + 127.5), "uint8")
