"""Architectures. Each function returns a `keras.Model`; none of them knows how it is trained."""

from keras_imgen.networks.dit import DiT, dit
from keras_imgen.networks.unet import UNet, unet

__all__ = ["DiT", "UNet", "dit", "unet"]
