"""Losses: pure functions in `keras.ops`, and the terms that models make of them."""

from keras_imgen.losses import (
    adversarial,
    contrastive,
    divergence,
    exposure,
    masks,
    motion,
    perceptual,
    pixel,
    structure,
    style,
    terms,
)

__all__ = [
    "adversarial",
    "contrastive",
    "divergence",
    "exposure",
    "masks",
    "motion",
    "perceptual",
    "pixel",
    "structure",
    "style",
    "terms",
]
