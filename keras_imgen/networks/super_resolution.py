"""Networks that enlarge images: (N, H, W, C) in [-1, 1] -> (N, scale H, scale W, C), float32, not clipped, for every H, W >= 1.

`srcnn`, `fsrcnn` and `espcn` give the picture itself. The others give what is missing from `Upscale(image)`, the bicubic enlargement;
their last convolution starts at zero, so that before training they are bicubic enlargement. In `edsr`, `srresnet`, `rcan` and `rrdb`
that skip is ours and has no weights; with `skip=False` they are as published and start at random.
"""

import math

import keras
from keras import layers

from keras_imgen.layers import CropLike, PadToMultiple, PixelShuffle, Upscale
from keras_imgen.layers.initial import SMALL, normal
from keras_imgen.networks.residual_unet import compact_widths, residual_unet


def srcnn(scale: int, channels: int = 1, name: str = "srcnn") -> keras.Model:
    """Three convolutions, 9-5-5, on the bicubic enlargement (Dong et al. 2016, "Image Super-Resolution Using Deep ...", 57,184 weights).

    Args:
        scale: whole enlargement.
        channels: of the picture.
        name: of the model.
    """
    image = keras.Input((None, None, channels), name="image")
    h = _enlarged(image, scale)
    h = _conv(h, 64, "conv0", 9, activation="relu")
    h = _conv(h, 32, "conv1", 5, activation="relu")
    return keras.Model(image, _conv(h, channels, "conv_out", 5, dtype="float32"), name=name)


def fsrcnn(scale: int, channels: int = 1, d: int = 56, s: int = 12, m: int = 4, name: str = "fsrcnn") -> keras.Model:
    """Shrink, map, expand, and a transposed convolution of 9 x 9 (Dong et al. 2016, "Accelerating the SRCNN").

    Args:
        scale: whole enlargement.
        channels: of the picture.
        d: features of the first and last layer.
        s: features of the mapping.
        m: layers of the mapping.
        name: of the model.
    """
    image = keras.Input((None, None, channels), name="image")
    h = _prelu(_conv(image, d, "features", 5, kernel_initializer="he_normal"), "features_prelu")
    h = _prelu(_conv(h, s, "shrink", 1, kernel_initializer="he_normal"), "shrink_prelu")
    for i in range(m):
        h = _prelu(_conv(h, s, f"map{i}", kernel_initializer="he_normal"), f"map{i}_prelu")
    h = _prelu(_conv(h, d, "expand", 1, kernel_initializer="he_normal"), "expand_prelu")
    h = layers.Conv2DTranspose(
        channels, 9, _checked(scale), "same", kernel_initializer=normal(0.001), dtype="float32", name="deconv"
    )(h)
    return keras.Model(image, h, name=name)


def espcn(scale: int, channels: int = 1, name: str = "espcn") -> keras.Model:
    """Two tanh convolutions and a sub-pixel convolution, 5-3-3 (Shi et al. 2016, "Real-Time Single Image and Video Super-Resolution").

    Args:
        scale: whole enlargement.
        channels: of the picture.
        name: of the model.
    """
    image = keras.Input((None, None, channels), name="image")
    h = _conv(image, 64, "conv0", 5, activation="tanh")
    h = _conv(h, 32, "conv1", activation="tanh")
    h = _conv(h, channels * _checked(scale) ** 2, "conv_out", dtype="float32")
    return keras.Model(image, PixelShuffle(scale, dtype="float32", name="shuffle")(h), name=name)


def vdsr(scale: int, channels: int = 1, depth: int = 20, width: int = 64, name: str = "vdsr") -> keras.Model:
    """`depth` convolutions on the bicubic enlargement, added to it (Kim et al. 2016, "Accurate Image Super-Resolution ...").

    Args:
        scale: whole enlargement.
        channels: of the picture.
        depth: number of convolutions.
        width: features of each place.
        name: of the model.
    """
    image = keras.Input((None, None, channels), name="image")
    enlarged = h = _enlarged(image, scale)
    for i in range(depth - 1):
        h = _conv(h, width, f"conv{i}", activation="relu", kernel_initializer="he_normal")
    h = _conv(h, channels, "conv_out", kernel_initializer="zeros", dtype="float32")
    return keras.Model(image, layers.Add(dtype="float32", name="out")([enlarged, h]), name=name)


def edsr(
    scale: int,
    channels: int = 3,
    width: int = 64,
    blocks: int = 16,
    residual_scaling: float = 1.0,
    latent_channels: int | None = None,
    skip: bool = True,
    name: str = "edsr",
) -> keras.Model:
    """Residual blocks without normalisation, then sub-pixel convolutions (Lim et al. 2017, "Enhanced Deep Residual Networks ...").

    The defaults are the paper's baseline; its large model is width=256, blocks=32, residual_scaling=0.1. Scale 1 restores without
    enlarging (denoising, enhancement).

    Args:
        scale: enlargement, 1, 3 or a power of two.
        channels: of the picture.
        width: features of each place.
        blocks: number of residual blocks.
        residual_scaling: factor of what a block adds.
        latent_channels: D adds an input: called with a dict of `image` and `latent` (N, ceil(H/4), ceil(W/4), D), which is enlarged
            and lies beside the first features, so that one picture has many answers.
        skip: see the module.
        name: of the model.

    Raises:
        ValueError: a scale other than 1, 3 and powers of two.
    """
    steps = _steps(scale)
    image = keras.Input((None, None, channels), name="image")
    inputs, h = image, _conv(image, width, "conv_in")
    if latent_channels:
        latent = keras.Input((None, None, latent_channels), name="latent")
        inputs = {"image": image, "latent": latent}
        large = CropLike(name="latent_crop")([layers.UpSampling2D(4, name="latent_enlarged")(latent), image])
        h = layers.Concatenate(name="image_and_latent")([h, large])
        h = _conv(h, width, "conv_latent")
    first = h
    for i in range(blocks):
        y = _conv(h, width, f"block{i}_conv0", activation="relu", kernel_initializer="he_normal")
        y = _conv(y, width, f"block{i}_conv1", kernel_initializer=SMALL)
        if residual_scaling != 1.0:
            y = layers.Rescaling(residual_scaling, name=f"block{i}_scale")(y)
        h = layers.Add(name=f"block{i}_add")([h, y])
    h = layers.Add(name="body_add")([first, _conv(h, width, "conv_body")])
    for i, step in enumerate(steps):
        h = PixelShuffle(step, name=f"up{i}_shuffle")(_conv(h, width * step**2, f"up{i}_conv"))
    return keras.Model(inputs, _last(h, image, scale, skip), name=name)


def srresnet(
    scale: int, channels: int = 3, width: int = 64, blocks: int = 16, skip: bool = True, name: str = "srresnet"
) -> keras.Model:
    """The generator of SRGAN: residual blocks with batch normalisation and PReLU (Ledig et al. 2017, section 2.2).

    Args:
        scale: enlargement, 1, 3 or a power of two.
        channels: of the picture.
        width: features of each place.
        blocks: number of residual blocks.
        skip: see the module.
        name: of the model.

    Raises:
        ValueError: a scale other than 1, 3 and powers of two.
    """
    steps = _steps(scale)
    image = keras.Input((None, None, channels), name="image")

    def conv_norm(h, name):
        return layers.BatchNormalization(name=f"{name}_norm")(_conv(h, width, f"{name}_conv", use_bias=False))

    first = h = _prelu(_conv(image, width, "conv_in", 9), "prelu_in")
    for i in range(blocks):
        y = _prelu(conv_norm(h, f"block{i}a"), f"block{i}_prelu")
        h = layers.Add(name=f"block{i}_add")([h, conv_norm(y, f"block{i}b")])
    h = layers.Add(name="body_add")([first, conv_norm(h, "body")])
    for i, step in enumerate(steps):
        h = PixelShuffle(step, name=f"up{i}_shuffle")(_conv(h, width * step**2, f"up{i}_conv"))
        h = _prelu(h, f"up{i}_prelu")
    return keras.Model(image, _last(h, image, scale, skip, 9), name=name)


def rcan(
    scale: int,
    channels: int = 3,
    width: int = 64,
    groups: int = 10,
    blocks: int = 20,
    reduction: int = 16,
    skip: bool = True,
    name: str = "rcan",
) -> keras.Model:
    """Groups of residual blocks that weigh their channels by the whole picture (Zhang et al. 2018, "Very Deep Residual Channel Attention").

    Args:
        scale: enlargement, 1, 3 or a power of two.
        channels: of the picture.
        width: features of each place.
        groups: number of groups.
        blocks: residual blocks of each group.
        reduction: the attention's hidden layer has width / reduction features.
        skip: see the module.
        name: of the model.

    Raises:
        ValueError: a scale other than 1, 3 and powers of two.
    """
    steps = _steps(scale)
    image = keras.Input((None, None, channels), name="image")
    first = h = _conv(image, width, "conv_in")
    for g in range(groups):
        start = h
        for b in range(blocks):
            y = _conv(h, width, f"block{g}_{b}_conv0", activation="relu", kernel_initializer="he_normal")
            y = _conv(y, width, f"block{g}_{b}_conv1", kernel_initializer=SMALL)
            a = layers.GlobalAveragePooling2D(keepdims=True, name=f"block{g}_{b}_mean")(y)
            a = _conv(a, max(width // reduction, 1), f"block{g}_{b}_squeeze", 1, activation="relu")
            a = _conv(a, width, f"block{g}_{b}_excite", 1, activation="sigmoid")
            y = layers.Multiply(name=f"block{g}_{b}_attention")([y, a])
            h = layers.Add(name=f"block{g}_{b}_add")([h, y])
        h = layers.Add(name=f"group{g}_add")([start, _conv(h, width, f"group{g}_conv", kernel_initializer=SMALL)])
    h = layers.Add(name="body_add")([first, _conv(h, width, "conv_body")])
    for i, step in enumerate(steps):
        h = PixelShuffle(step, name=f"up{i}_shuffle")(_conv(h, width * step**2, f"up{i}_conv"))
    return keras.Model(image, _last(h, image, scale, skip), name=name)


def rrdb(
    scale: int,
    channels: int = 3,
    width: int = 64,
    growth: int = 32,
    blocks: int = 23,
    skip: bool = True,
    name: str = "rrdb",
) -> keras.Model:
    """The generator of ESRGAN: residual in residual dense blocks, nearest-neighbour enlargement (Wang et al. 2018, section 3.1).

    Args:
        scale: enlargement, 1, 3 or a power of two.
        channels: of the picture.
        width: features of each place.
        growth: features that each of a dense block's first four convolutions adds.
        blocks: number of residual-in-residual blocks, three dense blocks each.
        skip: see the module.
        name: of the model.

    Raises:
        ValueError: a scale other than 1, 3 and powers of two.
    """
    steps = _steps(scale)
    image = keras.Input((None, None, channels), name="image")

    def leaky_conv(h, out, name):
        h = _conv(h, out, name, kernel_initializer=SMALL)
        return layers.LeakyReLU(0.2, name=f"{name}_leaky")(h)

    first = h = _conv(image, width, "conv_in")
    for i in range(blocks):
        start = h
        for j in range(3):
            known, dense = [h], f"block{i}_{j}"
            for k in range(4):
                beside = layers.Concatenate(name=f"{dense}_concat{k}")(known) if k else h
                known.append(leaky_conv(beside, growth, f"{dense}_conv{k}"))
            y = _conv(
                layers.Concatenate(name=f"{dense}_concat4")(known), width, f"{dense}_conv4", kernel_initializer=SMALL
            )
            h = layers.Add(name=f"{dense}_add")([h, layers.Rescaling(0.2, name=f"{dense}_scale")(y)])
        h = layers.Add(name=f"block{i}_add")([start, layers.Rescaling(0.2, name=f"block{i}_scale")(h)])
    h = layers.Add(name="body_add")([first, _conv(h, width, "conv_body")])
    for i, step in enumerate(steps):
        h = leaky_conv(layers.UpSampling2D(step, name=f"up{i}_nearest")(h), width, f"up{i}_conv")
    h = leaky_conv(h, width, "conv_high")
    return keras.Model(image, _last(h, image, scale, skip), name=name)


def compact_sr(
    scale: int, channels: int = 1, width: int = 32, blocks: int = 4, name: str = "compact_sr"
) -> keras.Model:
    """Our own, for two CPU cores: under 90,000 weights at the defaults, all work at low resolution, one sub-pixel convolution.

    EDSR's plan without its costly end: plain residual blocks with ReLU, which a CPU fuses with the convolution before it, a long skip
    around them, and the bicubic enlargement as the start.

    Args:
        scale: whole enlargement.
        channels: of the picture.
        width: features of each place.
        blocks: number of residual blocks.
        name: of the model.
    """
    image = keras.Input((None, None, channels), name="image")
    first = h = _conv(image, width, "conv_in")
    for i in range(blocks):
        y = _conv(h, width, f"block{i}_conv0", activation="relu", kernel_initializer="he_normal")
        h = layers.Add(name=f"block{i}_add")([h, _conv(y, width, f"block{i}_conv1", kernel_initializer=SMALL)])
    h = layers.Add(name="body_add")([first, _conv(h, width, "conv_body")])
    h = _conv(h, channels * _checked(scale) ** 2, "conv_out", kernel_initializer="zeros", dtype="float32")
    h = PixelShuffle(scale, dtype="float32", name="shuffle")(h)
    return keras.Model(image, layers.Add(dtype="float32", name="out")([_enlarged(image, scale), h]), name=name)


def compact_real_sr(
    scale: int,
    channels: int = 3,
    width: int = 48,
    blocks: tuple[int, ...] = (2, 2, 1),
    name: str = "compact_real_sr",
) -> keras.Model:
    """Our own, for small pictures that are noisy and blurred, too: `compact_denoiser`'s U-Net at the size of the picture that is given,
    whose lower resolutions see far around, then one sub-pixel convolution, added to the bicubic enlargement.

    Args:
        scale: whole enlargement.
        channels: of the picture.
        width: features at the picture's resolution; 4/3 and 2 times as many at a half and a quarter.
        blocks: residual blocks at each of at most four resolutions, on the way down and again, but for the lowest, on the way up.
        name: of the model.

    Raises:
        ValueError: blocks for no resolution, or for more than four.
    """
    image = keras.Input((None, None, channels), name="image")
    widths = compact_widths(width, blocks)
    h = PadToMultiple(2 ** (len(blocks) - 1), name="pad")(image)
    out = channels * _checked(scale) ** 2
    h = residual_unet(h, out, widths, blocks, late_skips=True, kernel_initializer="zeros")
    h = CropLike(scale, dtype="float32", name="crop")([PixelShuffle(scale, dtype="float32", name="shuffle")(h), image])
    return keras.Model(image, layers.Add(dtype="float32", name="out")([_enlarged(image, scale), h]), name=name)


def _conv(h, filters, name, size=3, **kwargs):
    return layers.Conv2D(filters, size, padding="same", name=name, **kwargs)(h)


def _prelu(h, name):
    return layers.PReLU(shared_axes=[1, 2], alpha_initializer=keras.initializers.Constant(0.25), name=name)(h)


def _enlarged(image, scale):
    return image if _checked(scale) == 1 else Upscale(scale, name="enlarged")(image)


def _last(h, image, scale, skip, size=3):
    """The last convolution, alone or added to the enlarged image."""
    start = {"kernel_initializer": "zeros"} if skip else {}
    h = _conv(h, image.shape[-1], "conv_out", size, dtype="float32", **start)
    return layers.Add(dtype="float32", name="out")([_enlarged(image, scale), h]) if skip else h


def _checked(scale):
    if not isinstance(scale, int) or scale < 1:
        raise ValueError(f"Expected a whole-numbered scale of at least 1, got {scale!r}.")
    return scale


def _steps(scale):
    """The factors of the enlargement, one after the other."""
    if _checked(scale) in (1, 3):
        return [scale] * (scale == 3)
    if scale & (scale - 1):
        raise ValueError(f"Expected scale 1, 3 or a power of two, got {scale}. Enlarge further and shrink the result.")
    return [2] * int(math.log2(scale))
