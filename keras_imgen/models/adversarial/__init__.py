"""Generators that learn from a discriminator, and what goes into their losses."""

from keras_imgen.models.adversarial.augment import AdaptiveAugment, DiffAugment
from keras_imgen.models.adversarial.regularizers import (
    DRAGAN,
    R1,
    R2,
    Consistency,
    GradientPenalty,
    LeCam,
    Regularizer,
)

__all__ = [
    "DRAGAN",
    "R1",
    "R2",
    "AdaptiveAugment",
    "Consistency",
    "DiffAugment",
    "GradientPenalty",
    "LeCam",
    "Regularizer",
]
