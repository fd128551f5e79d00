"""Architectures. Each function returns a `keras.Model`; none of them knows how it is trained."""

from keras_imgen.networks.autoencoder import (
    conv_decoder,
    conv_encoder,
    mlp_decoder,
    mlp_encoder,
    vq_decoder,
    vq_encoder,
)
from keras_imgen.networks.code_priors import code_transformer, pixelcnn
from keras_imgen.networks.dcgan import dcgan_discriminator, dcgan_generator
from keras_imgen.networks.dit import DiT, dit
from keras_imgen.networks.efficientnet_lite import efficientnet_lite0
from keras_imgen.networks.lenet import lenet
from keras_imgen.networks.mlp import mlp_discriminator, mlp_generator
from keras_imgen.networks.resnet_gan import resnet_gan_discriminator, resnet_gan_generator
from keras_imgen.networks.squeezenet import squeezenet11
from keras_imgen.networks.stylegan2 import StyleGAN2Generator, stylegan2_discriminator, stylegan2_generator
from keras_imgen.networks.translation import patchgan, translation_resnet, translation_unet
from keras_imgen.networks.unet import UNet, unet

__all__ = [
    "DiT",
    "StyleGAN2Generator",
    "UNet",
    "code_transformer",
    "conv_decoder",
    "conv_encoder",
    "dcgan_discriminator",
    "dcgan_generator",
    "dit",
    "efficientnet_lite0",
    "lenet",
    "mlp_decoder",
    "mlp_discriminator",
    "mlp_encoder",
    "mlp_generator",
    "patchgan",
    "pixelcnn",
    "resnet_gan_discriminator",
    "resnet_gan_generator",
    "squeezenet11",
    "stylegan2_discriminator",
    "stylegan2_generator",
    "translation_resnet",
    "translation_unet",
    "unet",
    "vq_decoder",
    "vq_encoder",
]
