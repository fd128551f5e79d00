"""Blocks that several networks share."""

from keras_imgen.layers.attention import Attention
from keras_imgen.layers.conditioning import FourierFeatures, LabelEmbedding
from keras_imgen.layers.normalization import GroupNorm

__all__ = ["Attention", "FourierFeatures", "GroupNorm", "LabelEmbedding"]
