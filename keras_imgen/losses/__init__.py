"""Losses: pure functions in `keras.ops`."""

from keras_imgen.losses import adversarial, divergence

__all__ = ["adversarial", "divergence"]
