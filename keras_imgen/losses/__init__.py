"""Losses: pure functions in `keras.ops`, and the terms that models make of them."""

from keras_imgen.losses import adversarial, divergence, exposure, perceptual, pixel, structure, terms

__all__ = ["adversarial", "divergence", "exposure", "perceptual", "pixel", "structure", "terms"]
