"""Losses: pure functions in `keras.ops`."""

from keras_imgen.losses import adversarial

__all__ = ["adversarial"]
