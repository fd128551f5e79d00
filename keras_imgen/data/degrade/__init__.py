"""Degradations: what makes, of good pictures, the pairs that restoration learns from."""

from keras_imgen.data.degrade.base import Chain, Degradation, degraded
from keras_imgen.data.degrade.blur import GaussianBlur, MotionBlur
from keras_imgen.data.degrade.compression import JPEG
from keras_imgen.data.degrade.film import CameraShake, Flicker, LostFrames, PerClip, VideoCompression
from keras_imgen.data.degrade.holes import KINDS, Holes, draw_holes
from keras_imgen.data.degrade.light import Gray, LowLight
from keras_imgen.data.degrade.noise import GaussianNoise, PoissonNoise, SpeckleNoise
from keras_imgen.data.degrade.real_esrgan import RealESRGAN, Stage
from keras_imgen.data.degrade.resize import Downscale
from keras_imgen.data.degrade.scratches import Scratches

__all__ = [
    "CameraShake",
    "Chain",
    "Degradation",
    "Downscale",
    "Flicker",
    "GaussianBlur",
    "GaussianNoise",
    "Gray",
    "Holes",
    "JPEG",
    "KINDS",
    "LostFrames",
    "LowLight",
    "MotionBlur",
    "PerClip",
    "PoissonNoise",
    "RealESRGAN",
    "Scratches",
    "SpeckleNoise",
    "Stage",
    "VideoCompression",
    "degraded",
    "draw_holes",
]
