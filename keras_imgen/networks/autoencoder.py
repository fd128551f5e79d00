"""Encoders and decoders, mirror images of each other.

An encoder is called with images (N, H, W, C), or with a dict of `image` and `label` (N,), and gives numbers (N, outputs); a decoder with
latents (N, latent_dim), or `latent` and `label`, and gives (N, H, W, factor x C), float32, without a last activation.
"""

import math

import keras
from keras import layers

from keras_imgen.layers import LabelPlanes
from keras_imgen.networks import adversarial as common


def mlp_encoder(
    image_shape: tuple[int, int, int],
    outputs: int,
    widths: tuple[int, ...] = (512, 512),
    num_classes: int | None = None,
    name: str = "mlp_encoder",
) -> keras.Model:
    """Dense layers with SiLU: images to numbers (N, outputs).

    Args:
        image_shape: (height, width, channels).
        outputs: the number of latents, or twice that for mean and log-variance.
        widths: of the hidden layers.
        num_classes: adds the input `label`, one-hot beside the image.
        name: of the model.
    """
    inputs = _image_and_label(image_shape, num_classes)
    h = layers.Flatten(name="flatten")(inputs["image"])
    if num_classes is not None:
        one_hot = layers.CategoryEncoding(num_classes, output_mode="one_hot", name="one_hot")(inputs["label"])
        h = layers.Concatenate(name="image_and_label")([h, one_hot])
    for i, width in enumerate(widths):
        h = layers.Dense(width, activation="silu", kernel_initializer="he_normal", name=f"dense{i}")(h)
    return keras.Model(common.plain(inputs), layers.Dense(outputs, dtype="float32", name="out")(h), name=name)


def mlp_decoder(
    image_shape: tuple[int, int, int],
    latent_dim: int,
    widths: tuple[int, ...] = (512, 512),
    factor: int = 1,
    num_classes: int | None = None,
    name: str = "mlp_decoder",
) -> keras.Model:
    """Dense layers with SiLU: latents to pictures (N, H, W, factor x C).

    Args:
        image_shape: (height, width, channels).
        latent_dim: the number of latents.
        widths: of the hidden layers.
        factor: output channels for one of the image, see `likelihoods`.
        num_classes: adds the input `label`, one-hot beside the latent.
        name: of the model.
    """
    inputs = common.generator_inputs(latent_dim, num_classes)
    h = common.latent_and_label(inputs, num_classes)
    for i, width in enumerate(widths):
        h = layers.Dense(width, activation="silu", kernel_initializer="he_normal", name=f"dense{i}")(h)
    shape = (*image_shape[:2], factor * image_shape[2])
    h = layers.Dense(math.prod(shape), dtype="float32", name="out")(h)
    return keras.Model(common.plain(inputs), layers.Reshape(shape, dtype="float32", name="reshape")(h), name=name)


def conv_encoder(
    image_shape: tuple[int, int, int],
    outputs: int,
    width: int = 32,
    num_classes: int | None = None,
    normalization: str | None = "batch",
    name: str = "conv_encoder",
) -> keras.Model:
    """Convolutions of size 4 with stride 2 down to 4 to 15 pixels, then a dense layer.

    Args:
        image_shape: (height, width, channels), 16 to 128 pixels a side, such as 28, 32, 64.
        outputs: the number of latents, or twice that for mean and log-variance.
        width: channels of the first level; each further one has twice as many, at most 8 width.
        num_classes: adds the input `label`, as one-hot planes beside the image.
        normalization: "batch" or None.
        name: of the model.

    Raises:
        ValueError: a size that cannot be halved down to 4..15.
    """
    common.check_normalization(normalization, ("batch", None))
    times, _ = common.levels(image_shape)
    inputs = _image_and_label(image_shape, num_classes)
    h = inputs["image"]
    if num_classes is not None:
        planes = LabelPlanes(num_classes, *image_shape[:2], name="label_planes")(inputs["label"])
        h = layers.Concatenate(name="image_and_label")([h, planes])
    for i in range(times):
        out = width * 2 ** min(i, 3)
        h = layers.Conv2D(out, 4, 2, "same", kernel_initializer="he_normal", name=f"conv{i}")(h)
        h = common.normalization(normalization, f"norm{i}")(h)
        h = layers.Activation("silu", name=f"silu{i}")(h)
    h = layers.Flatten(name="flatten")(h)
    return keras.Model(common.plain(inputs), layers.Dense(outputs, dtype="float32", name="out")(h), name=name)


def conv_decoder(
    image_shape: tuple[int, int, int],
    latent_dim: int,
    width: int = 32,
    factor: int = 1,
    num_classes: int | None = None,
    normalization: str | None = "batch",
    name: str = "conv_decoder",
) -> keras.Model:
    """The mirror image of `conv_encoder`: a dense layer, then transposed convolutions.

    Args:
        image_shape: (height, width, channels), 16 to 128 pixels a side, such as 28, 32, 64.
        latent_dim: the number of latents.
        width: channels of the last level; each one before has twice as many, at most 8 width.
        factor: output channels for one of the image, see `likelihoods`.
        num_classes: adds the input `label`, one-hot beside the latent.
        normalization: "batch" or None.
        name: of the model.

    Raises:
        ValueError: a size that cannot be halved down to 4..15.
    """
    common.check_normalization(normalization, ("batch", None))
    times, (h0, w0) = common.levels(image_shape)
    widths = [width * 2 ** min(i, 3) for i in reversed(range(times))]
    inputs = common.generator_inputs(latent_dim, num_classes)
    h = common.latent_and_label(inputs, num_classes)
    h = layers.Dense(h0 * w0 * widths[0], kernel_initializer="he_normal", name="dense")(h)
    h = layers.Reshape((h0, w0, widths[0]), name="reshape")(h)
    for i in range(times):
        h = common.normalization(normalization, f"norm{i}")(h)
        h = layers.Activation("silu", name=f"silu{i}")(h)
        out = widths[min(i + 1, times - 1)]
        h = layers.Conv2DTranspose(out, 4, 2, "same", kernel_initializer="he_normal", name=f"conv{i}")(h)
    h = layers.Activation("silu", name="silu_out")(h)
    h = layers.Conv2D(factor * image_shape[-1], 3, padding="same", dtype="float32", name="conv_out")(h)
    return keras.Model(common.plain(inputs), h, name=name)


def vq_encoder(
    image_shape: tuple[int, int, int],
    dim: int = 32,
    width: int = 64,
    levels: int = 2,
    blocks: int = 2,
    name: str = "vq_encoder",
) -> keras.Model:
    """Images to a map of vectors (N, H / 2^levels, W / 2^levels, dim), as in VQ-VAE (van den Oord et al. 2017, section 4.1).

    Args:
        image_shape: (height, width, channels).
        dim: length of the vectors.
        width: channels of the residual blocks.
        levels: how often the size is halved.
        blocks: number of residual blocks.
        name: of the model.

    Raises:
        ValueError: a size that is no multiple of 2^levels.
    """
    _divisible(image_shape, levels)
    inputs = keras.Input(tuple(image_shape), name="image")
    h = inputs
    for i in range(levels):
        out = width // 2 if i < levels - 1 else width
        h = layers.Conv2D(out, 4, 2, "same", activation="relu", kernel_initializer="he_normal", name=f"down{i}")(h)
    h = layers.Conv2D(width, 3, padding="same", kernel_initializer="he_normal", name="conv")(h)
    h = _residual(h, width, blocks)
    return keras.Model(inputs, layers.Conv2D(dim, 1, dtype="float32", name="out")(h), name=name)


def vq_decoder(
    image_shape: tuple[int, int, int],
    dim: int = 32,
    width: int = 64,
    levels: int = 2,
    blocks: int = 2,
    name: str = "vq_decoder",
) -> keras.Model:
    """The mirror image of `vq_encoder`: a map of vectors to images (N, H, W, C).

    Args:
        image_shape: (height, width, channels).
        dim: length of the vectors.
        width: channels of the residual blocks.
        levels: how often the size is doubled.
        blocks: number of residual blocks.
        name: of the model.

    Raises:
        ValueError: a size that is no multiple of 2^levels.
    """
    height, wide = _divisible(image_shape, levels)
    inputs = keras.Input((height, wide, dim), name="image")
    h = layers.Conv2D(width, 3, padding="same", kernel_initializer="he_normal", name="conv")(inputs)
    h = _residual(h, width, blocks)
    for i in range(levels - 1):
        h = layers.Conv2DTranspose(
            width // 2, 4, 2, "same", activation="relu", kernel_initializer="he_normal", name=f"up{i}"
        )(h)
    h = layers.Conv2DTranspose(image_shape[-1], 4, 2, "same", dtype="float32", name="out")(h)
    return keras.Model(inputs, h, name=name)


def _image_and_label(image_shape, num_classes):
    inputs = {"image": keras.Input(tuple(image_shape), name="image")}
    if num_classes is not None:
        inputs["label"] = keras.Input((), dtype="int32", name="label")
    return inputs


def _residual(h, width, blocks):
    for i in range(blocks):
        r = layers.ReLU(name=f"block{i}_relu")(h)
        r = layers.Conv2D(
            width // 2, 3, padding="same", activation="relu", kernel_initializer="he_normal", name=f"block{i}_conv"
        )(r)
        h = layers.Add(name=f"block{i}")([h, layers.Conv2D(width, 1, name=f"block{i}_out")(r)])
    return layers.ReLU(name="relu_out")(h)


def _divisible(image_shape, levels):
    height, width = image_shape[:2]
    if levels < 1 or height % 2**levels or width % 2**levels:
        raise ValueError(f"Expected a height and width that are multiples of {2**levels}, got {height}x{width}.")
    return height // 2**levels, width // 2**levels
