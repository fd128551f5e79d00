"""Losses: pure functions in `keras.ops`."""

from keras_imgen.losses import adversarial, divergence, exposure, perceptual, pixel, structure

__all__ = ["adversarial", "divergence", "exposure", "perceptual", "pixel", "structure"]
