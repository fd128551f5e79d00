"""Architectures. Each function returns a `keras.Model`; none of them knows how it is trained."""

from keras_imgen.networks.adain import adain_decoder, adain_encoder
from keras_imgen.networks.aligned_denoiser import aligned_denoiser
from keras_imgen.networks.aligned_sr import aligned_sr
from keras_imgen.networks.autoencoder import (
    conv_decoder,
    conv_encoder,
    mlp_decoder,
    mlp_encoder,
    vq_decoder,
    vq_encoder,
)
from keras_imgen.networks.bert import bert, minilm
from keras_imgen.networks.code_priors import code_transformer, masked_transformer, pixelcnn
from keras_imgen.networks.colorization import colorizer
from keras_imgen.networks.content_style import content_encoder, style_decoder, style_encoder
from keras_imgen.networks.dcgan import dcgan_discriminator, dcgan_generator
from keras_imgen.networks.denoising import compact_denoiser, dncnn, drunet, ffdnet
from keras_imgen.networks.dit import DiT, dit
from keras_imgen.networks.efficientnet_lite import efficientnet_lite0
from keras_imgen.networks.inpainting import compact_inpainter, inpainting_unet
from keras_imgen.networks.interpolation import flow_interpolator
from keras_imgen.networks.keras_hub import keras_hub_encoder
from keras_imgen.networks.lenet import lenet
from keras_imgen.networks.lowlight import lowlight_unet
from keras_imgen.networks.mlp import mlp_discriminator, mlp_generator
from keras_imgen.networks.motion import begin_with
from keras_imgen.networks.prediction import convlstm, simvp
from keras_imgen.networks.projection import projection
from keras_imgen.networks.resnet import resnet
from keras_imgen.networks.resnet_gan import resnet_gan_discriminator, resnet_gan_generator
from keras_imgen.networks.single_image import sinddm, singan_discriminator, singan_generator
from keras_imgen.networks.squeezenet import squeezenet11
from keras_imgen.networks.stylegan2 import StyleGAN2Generator, stylegan2_discriminator, stylegan2_generator
from keras_imgen.networks.super_resolution import (
    compact_real_sr,
    compact_sr,
    edsr,
    espcn,
    fsrcnn,
    rcan,
    rrdb,
    srcnn,
    srresnet,
    vdsr,
)
from keras_imgen.networks.swinir import swinir_light
from keras_imgen.networks.text import TextConditioned, text_encoder
from keras_imgen.networks.text_gan import text_discriminator, text_generator
from keras_imgen.networks.transfer import copy_weights
from keras_imgen.networks.translation import patch_heads, patchgan, translation_resnet, translation_unet
from keras_imgen.networks.trunks import style_trunk
from keras_imgen.networks.unet import UNet, unet
from keras_imgen.networks.variational import latent_encoder
from keras_imgen.networks.video import clip_decoder, clip_encoder
from keras_imgen.networks.video_gan import (
    mocogan_discriminator,
    mocogan_generator,
    vgan_discriminator,
    vgan_generator,
)
from keras_imgen.networks.video_restoration import film_repairer, video_denoiser, video_sr
from keras_imgen.networks.zero_dce import light_curves, zero_dce

__all__ = [
    "DiT",
    "StyleGAN2Generator",
    "TextConditioned",
    "UNet",
    "adain_decoder",
    "adain_encoder",
    "aligned_denoiser",
    "aligned_sr",
    "begin_with",
    "bert",
    "clip_decoder",
    "clip_encoder",
    "code_transformer",
    "colorizer",
    "compact_denoiser",
    "compact_inpainter",
    "compact_real_sr",
    "compact_sr",
    "content_encoder",
    "conv_decoder",
    "conv_encoder",
    "convlstm",
    "copy_weights",
    "dcgan_discriminator",
    "dcgan_generator",
    "dit",
    "dncnn",
    "drunet",
    "edsr",
    "efficientnet_lite0",
    "espcn",
    "ffdnet",
    "film_repairer",
    "flow_interpolator",
    "fsrcnn",
    "inpainting_unet",
    "latent_encoder",
    "lenet",
    "light_curves",
    "lowlight_unet",
    "masked_transformer",
    "keras_hub_encoder",
    "minilm",
    "mlp_decoder",
    "mlp_discriminator",
    "mlp_encoder",
    "mlp_generator",
    "mocogan_discriminator",
    "mocogan_generator",
    "patch_heads",
    "patchgan",
    "pixelcnn",
    "projection",
    "rcan",
    "resnet",
    "resnet_gan_discriminator",
    "resnet_gan_generator",
    "rrdb",
    "simvp",
    "sinddm",
    "singan_discriminator",
    "singan_generator",
    "squeezenet11",
    "srcnn",
    "srresnet",
    "style_decoder",
    "style_encoder",
    "style_trunk",
    "stylegan2_discriminator",
    "stylegan2_generator",
    "swinir_light",
    "text_discriminator",
    "text_encoder",
    "text_generator",
    "translation_resnet",
    "translation_unet",
    "unet",
    "vdsr",
    "video_denoiser",
    "video_sr",
    "vq_decoder",
    "vq_encoder",
    "vgan_discriminator",
    "vgan_generator",
    "zero_dce",
]
