"""Degradations: what makes, of good pictures, the pairs that restoration learns from."""

from keras_imgen.data.degrade.base import Chain, Degradation, Either, Shuffled, Sometimes, degraded
from keras_imgen.data.degrade.blur import Defocus, GaussianBlur, MotionBlur
from keras_imgen.data.degrade.camera import Camera
from keras_imgen.data.degrade.compression import JPEG, WebP
from keras_imgen.data.degrade.copies import Halftone, Lettering, OrderedDither, Scan
from keras_imgen.data.degrade.darkness import ColourCast, Darkness, Exposure
from keras_imgen.data.degrade.film import CameraShake, Flicker, LostFrames, PerClip, VideoCompression
from keras_imgen.data.degrade.holes import KINDS, Holes, draw_holes
from keras_imgen.data.degrade.light import Gray, LowLight
from keras_imgen.data.degrade.noise import Banding, ChromaNoise, GaussianNoise, PoissonNoise, SpeckleNoise
from keras_imgen.data.degrade.real_esrgan import RealESRGAN, Stage
from keras_imgen.data.degrade.resize import Downscale, Rescaled
from keras_imgen.data.degrade.scratches import Scratches

__all__ = [
    "Banding",
    "Camera",
    "CameraShake",
    "Chain",
    "ChromaNoise",
    "ColourCast",
    "Darkness",
    "Defocus",
    "Degradation",
    "Downscale",
    "Either",
    "Exposure",
    "Flicker",
    "GaussianBlur",
    "GaussianNoise",
    "Gray",
    "Halftone",
    "Holes",
    "JPEG",
    "KINDS",
    "Lettering",
    "LostFrames",
    "LowLight",
    "MotionBlur",
    "OrderedDither",
    "PerClip",
    "PoissonNoise",
    "RealESRGAN",
    "Rescaled",
    "Scan",
    "Scratches",
    "Shuffled",
    "Sometimes",
    "SpeckleNoise",
    "Stage",
    "VideoCompression",
    "WebP",
    "degraded",
    "draw_holes",
]
