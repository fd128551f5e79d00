"""Networks that learn from one picture: fully convolutional, with a small field of view, so that they know patches and no whole."""

from typing import Any

import keras
from keras import layers

from keras_imgen.layers import FourierFeatures
from keras_imgen.layers.initial import SMALL


def sinddm(channels: int, levels: int, width: int = 64) -> keras.Model:
    """The denoiser of SinDDM: four blocks of a depthwise convolution of 5 x 5 and two of 3 x 3, without attention, down-sampling or
    normalisation. A pixel of the output sees 33 x 33 of the input.

    Args:
        channels: of the picture.
        levels: of its pyramid, one of which it is told.
        width: features of the two blocks in the middle, even; the first and the last have half as many. The paper's is 160.

    Returns:
        A model of a dict: `image` (N, H, W, channels) of any size, `log_snr` (N,) and `level` int32 (N,), 0 for the coarsest ->
        (N, H, W, channels), float32.

    Source: Kulikov et al. 2023, "SinDDM: A Single Image Denoising Diffusion Model", section 3 and the supplement.
    """
    image = keras.Input((None, None, channels), name="image")
    log_snr, level = keras.Input((), name="log_snr"), keras.Input((), dtype="int32", name="level")
    told = layers.Concatenate(name="told")(
        [FourierFeatures(32, name="noise")(log_snr), layers.Embedding(levels, 32, name="scale")(level)]
    )
    told = layers.Dense(64, activation="gelu", name="told0")(told)
    told = layers.Dense(64, activation="gelu", name="told1")(told)
    h = image
    for i, out in enumerate((width // 2, width, width, width // 2)):
        h = _block(h, told, out, f"block{i}")
    out = layers.Conv2D(channels, 1, kernel_initializer="zeros", dtype="float32", name="conv_out")(h)
    return keras.Model({"image": image, "log_snr": log_snr, "level": level}, out, name="sinddm")


def _block(h: Any, told: Any, width: int, name: str) -> Any:
    y = layers.DepthwiseConv2D(5, padding="same", name=f"{name}_depthwise")(h)
    shift = layers.Reshape((1, 1, h.shape[-1]), name=f"{name}_shift")(
        layers.Dense(h.shape[-1], name=f"{name}_told")(told)
    )
    y = layers.Add(name=f"{name}_tell")([y, shift])
    y = layers.Conv2D(width, 3, padding="same", activation="gelu", name=f"{name}_conv0")(y)
    y = layers.Conv2D(width, 3, padding="same", kernel_initializer=SMALL, name=f"{name}_conv1")(y)
    if h.shape[-1] != width:
        h = layers.Conv2D(width, 1, name=f"{name}_skip")(h)
    return layers.Add(name=f"{name}_add")([h, y])


def singan_generator(channels: int, width: int = 32, depth: int = 5) -> keras.Model:
    """A generator of one level of SinGAN: convolutions of 3 x 3 with leaky rectifiers; what it adds starts at zero.

    Args:
        channels: of the picture.
        width: features.
        depth: convolutions; a pixel of the output sees 2 depth + 1 pixels. The paper's are 5 of width 32.

    Returns:
        A model of `image` (N, H, W, channels) of any size, noise and the enlarged answer of the level before -> what is added to that,
        (N, H, W, channels), float32.

    Source: Shaham et al. 2019, "SinGAN: Learning a Generative Model from a Single Natural Image", figure 5; without its batch norm.
    """
    image = keras.Input((None, None, channels), name="image")
    h = _leaky(image, width, depth - 1)
    out = layers.Conv2D(
        channels, 3, padding="same", kernel_initializer="zeros", dtype="float32", name="conv_out", activation="tanh"
    )(h)
    return keras.Model(image, out, name="singan_generator")


def singan_discriminator(channels: int, width: int = 32, depth: int = 5) -> keras.Model:
    """The discriminator of SinGAN: one logit for each pixel and the 2 depth + 1 pixels around it.

    Args:
        channels: of the picture.
        width: features.
        depth: convolutions.

    Returns:
        A model of `image` (N, H, W, channels) of any size -> logits (N, H, W, 1), float32.

    Source: see `singan_generator`.
    """
    image = keras.Input((None, None, channels), name="image")
    h = _leaky(image, width, depth - 1)
    out = layers.Conv2D(1, 3, padding="same", dtype="float32", name="conv_out")(h)
    return keras.Model(image, out, name="singan_discriminator")


def _leaky(h: Any, width: int, count: int) -> Any:
    for i in range(count):
        h = layers.Conv2D(width, 3, padding="same", kernel_initializer="he_normal", name=f"conv{i}")(h)
        h = layers.LeakyReLU(0.2, name=f"act{i}")(h)
    return h
