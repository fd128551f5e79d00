"""Blocks that several networks share."""

from keras_imgen.layers.adain import AdaIN
from keras_imgen.layers.attention import Attention
from keras_imgen.layers.clips import MiddleFrames, RowsAsFrames, Windows
from keras_imgen.layers.conditioning import ConditionalBatchNorm, FourierFeatures, LabelEmbedding, LabelPlanes
from keras_imgen.layers.frames import EachFrame, Fold, TemporalAttention, TemporalConv, Unfold
from keras_imgen.layers.light import Brighten, LogLight, Planes
from keras_imgen.layers.noise_level import NoiseLevel
from keras_imgen.layers.normalization import GroupNorm
from keras_imgen.layers.padding import CropLike, PadToMultiple
from keras_imgen.layers.partial_conv import GatedActivation, PartialConv2D
from keras_imgen.layers.pixel_shuffle import PixelShuffle, PixelUnshuffle
from keras_imgen.layers.positions import Positions
from keras_imgen.layers.push_pull import PushPull
from keras_imgen.layers.spectral import SpectralConv2D, SpectralDense
from keras_imgen.layers.stylegan2 import EqualizedConv2D, EqualizedDense, MinibatchStd, ModulatedConv2D
from keras_imgen.layers.upscale import Upscale
from keras_imgen.layers.warp import backward_warp
from keras_imgen.layers.window_attention import WindowAttention

__all__ = [
    "AdaIN",
    "Attention",
    "Planes",
    "Brighten",
    "ConditionalBatchNorm",
    "CropLike",
    "EachFrame",
    "EqualizedConv2D",
    "EqualizedDense",
    "Fold",
    "FourierFeatures",
    "GatedActivation",
    "GroupNorm",
    "LabelEmbedding",
    "LabelPlanes",
    "MiddleFrames",
    "MinibatchStd",
    "ModulatedConv2D",
    "LogLight",
    "NoiseLevel",
    "PadToMultiple",
    "PartialConv2D",
    "PixelShuffle",
    "PixelUnshuffle",
    "Positions",
    "PushPull",
    "RowsAsFrames",
    "SpectralConv2D",
    "SpectralDense",
    "TemporalAttention",
    "TemporalConv",
    "Unfold",
    "Upscale",
    "WindowAttention",
    "Windows",
    "backward_warp",
]
