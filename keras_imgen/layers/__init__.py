"""Blocks that several networks share."""

from keras_imgen.layers.attention import Attention
from keras_imgen.layers.conditioning import ConditionalBatchNorm, FourierFeatures, LabelEmbedding, LabelPlanes
from keras_imgen.layers.normalization import GroupNorm
from keras_imgen.layers.spectral import SpectralConv2D, SpectralDense
from keras_imgen.layers.stylegan2 import EqualizedConv2D, EqualizedDense, MinibatchStd, ModulatedConv2D

__all__ = [
    "Attention",
    "ConditionalBatchNorm",
    "EqualizedConv2D",
    "EqualizedDense",
    "FourierFeatures",
    "GroupNorm",
    "LabelEmbedding",
    "LabelPlanes",
    "MinibatchStd",
    "ModulatedConv2D",
    "SpectralConv2D",
    "SpectralDense",
]
