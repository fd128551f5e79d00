"""Networks that remove noise: images (N, H, W, C) in [-1, 1] -> (N, H, W, C), float32, not clipped, for every H, W >= 1.

Blind ones are called with an image; the others with a dict of `image` and `sigma` (N,), the noise's standard deviation in gray levels
of 0..255.
"""

from typing import Any

import keras
from keras import layers

from keras_imgen.layers import CropLike, NoiseLevel, PadToMultiple, PixelShuffle, PixelUnshuffle
from keras_imgen.networks.residual_unet import compact_widths, conv, residual_unet


def dncnn(
    channels: int = 1, depth: int = 17, width: int = 64, batch_norm: bool = True, name: str = "dncnn"
) -> keras.Model:
    """`depth` convolutions that predict the noise, which is subtracted (Zhang et al. 2017, "Beyond a Gaussian Denoiser"). Blind.

    The paper's DnCNN-S has depth 17 and its blind DnCNN-B 20. It starts as the identity.

    Args:
        channels: of the picture.
        depth: number of convolutions.
        width: features of each place.
        batch_norm: between the convolutions, as in the paper.
        name: of the model.
    """
    image = keras.Input((None, None, channels), name="image")
    h = _plain_convs(image, channels, depth, width, batch_norm, kernel_initializer="zeros", dtype="float32")
    return keras.Model(image, layers.Subtract(dtype="float32", name="out")([image, h]), name=name)


def ffdnet(
    channels: int = 1, width: int = 64, depth: int = 15, batch_norm: bool = False, name: str = "ffdnet"
) -> keras.Model:
    """Convolutions at half the resolution, told the noise level (Zhang et al. 2018, "FFDNet"). Called with `image` and `sigma`.

    It gives the clean picture itself, not the noise. The paper has width=64, depth=15 for gray and width=96, depth=12 for colour.

    Args:
        channels: of the picture.
        width: features of each place.
        depth: number of convolutions.
        batch_norm: between the convolutions; the paper trains with it, the published weights have it merged.
        name: of the model.
    """
    image, sigma = keras.Input((None, None, channels), name="image"), keras.Input((), name="sigma")
    h = PixelUnshuffle(2, name="unshuffle")(PadToMultiple(2, name="pad")(image))
    h = NoiseLevel(name="noise_level")([h, sigma])
    h = _plain_convs(h, 4 * channels, depth, width, batch_norm, dtype="float32")
    h = PixelShuffle(2, dtype="float32", name="shuffle")(h)
    return keras.Model({"image": image, "sigma": sigma}, CropLike(dtype="float32", name="crop")([h, image]), name=name)


def drunet(
    channels: int = 3,
    widths: tuple[int, ...] = (64, 128, 256, 512),
    blocks: int = 4,
    noise_map: bool = True,
    name: str = "drunet",
) -> keras.Model:
    """A residual U-Net without biases (Zhang et al. 2021, "Plug-and-Play Image Restoration with Deep Denoiser Prior").

    Without biases f(a x, a sigma) = a f(x, sigma) for a > 0, which makes one network good for all noise levels. The zero of x is mid-gray
    here and black in the paper. There is no global skip, as in the paper.

    Args:
        channels: of the picture.
        widths: features of each resolution, each half of the one before.
        blocks: residual blocks of each resolution, on the way down and on the way up.
        noise_map: called with a dict of `image` and `sigma`; False: blind, called with an image.
        name: of the model.
    """
    image = keras.Input((None, None, channels), name="image")
    inputs, h = image, PadToMultiple(2 ** (len(widths) - 1), name="pad")(image)
    if noise_map:
        inputs = {"image": image, "sigma": keras.Input((), name="sigma")}
        h = NoiseLevel(name="noise_level")([h, inputs["sigma"]])
    h = residual_unet(h, channels, widths, (blocks,) * len(widths), use_bias=False)
    return keras.Model(inputs, CropLike(dtype="float32", name="crop")([h, image]), name=name)


def compact_denoiser(
    channels: int = 1, width: int = 48, blocks: tuple[int, ...] = (2, 2, 1), name: str = "compact_denoiser"
) -> keras.Model:
    """Our own, blind, for two CPU cores: FFDNet's half resolution and DRUNet's U-Net, predicting the noise, which is subtracted.

    0.71M weights and 0.13 MFLOP a pixel at the defaults: half of FFDNet's and an eighth of DnCNN's. Seven of ten weights work at a quarter
    and an eighth of the resolution, where they cost a sixteenth and less and see a hundred pixels around: what networks of one
    resolution lack at strong noise. It starts as the identity.

    Args:
        channels: of the picture.
        width: features at half the resolution; 4/3 and 2 times as many at a quarter and an eighth.
        blocks: residual blocks at each of at most four resolutions, on the way down and again, but for the lowest, on the way up.
        name: of the model.

    Raises:
        ValueError: blocks for no resolution, or for more than four.
    """
    image = keras.Input((None, None, channels), name="image")
    return keras.Model(image, without_noise(image, image, width, blocks), name=name)


def without_noise(image: Any, seen: Any, width: int, blocks: tuple[int, ...]) -> Any:
    """A picture less the noise that the U-Net of `compact_denoiser` predicts.

    Args:
        image: symbolic (N, H, W, C).
        seen: symbolic (N, H, W, ...), what it is predicted by.
        width: see `compact_denoiser`.
        blocks: see `compact_denoiser`.

    Raises:
        ValueError: blocks for no resolution, or for more than four.
    """
    widths = compact_widths(width, blocks)
    h = PixelUnshuffle(2, name="unshuffle")(PadToMultiple(2 ** len(blocks), name="pad")(seen))
    h = residual_unet(h, 4 * image.shape[-1], widths, blocks, late_skips=True, kernel_initializer="zeros")
    h = CropLike(dtype="float32", name="crop")([PixelShuffle(2, dtype="float32", name="shuffle")(h), image])
    return layers.Subtract(dtype="float32", name="out")([image, h])


def _plain_convs(h, channels_out, depth, width, batch_norm, **last):
    """`depth` convolutions of 3 x 3 with ReLU between them."""
    for i in range(depth - 1):
        normalized = batch_norm and i > 0
        h = conv(h, width, f"conv{i}", use_bias=not normalized)
        if normalized:
            h = layers.BatchNormalization(name=f"conv{i}_norm")(h)
        h = layers.ReLU(name=f"conv{i}_relu")(h)
    return layers.Conv2D(channels_out, 3, padding="same", name="conv_out", **last)(h)
