"""Architectures. Each function returns a `keras.Model`; none of them knows how it is trained."""

from keras_imgen.networks.dit import DiT, dit
from keras_imgen.networks.efficientnet_lite import efficientnet_lite0
from keras_imgen.networks.lenet import lenet
from keras_imgen.networks.squeezenet import squeezenet11
from keras_imgen.networks.unet import UNet, unet

__all__ = ["DiT", "UNet", "dit", "efficientnet_lite0", "lenet", "squeezenet11", "unet"]
