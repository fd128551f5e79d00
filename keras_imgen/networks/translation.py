"""Networks from image to image, the discriminator that judges patches, and heads that compare them."""

import keras
from keras import layers

from keras_imgen.layers import GroupNorm, Upscale
from keras_imgen.layers.initial import normal

START = {"kernel_initializer": normal(0.02)}


def instance_norm(name: str, activation: str | None = None):
    """Instance normalisation: a group for every channel."""
    return GroupNorm(groups=1 << 20, activation=activation, name=name)


def check_halved(image_shape: tuple[int, int, int], **times: int) -> None:
    """Refuse a size that cannot be halved so often.

    Args:
        image_shape: (height, width, channels); a height and width of None may be any.
        **times: how often, under the name that messages call it.

    Raises:
        ValueError: a height or width that a power of 2 does not divide.
    """
    ((name, count),) = times.items()
    sides = image_shape[:2]
    if any(side is not None and side % 2**count for side in sides):
        raise ValueError(
            f"Expected a height and width divisible by {2**count} for {name}={count}, got {'x'.join(map(str, sides))}."
        )


def translation_unet(
    image_shape: tuple[int, int, int],
    channels_out: int | None = None,
    width: int = 64,
    depth: int = 4,
    dropout: float = 0.5,
    name: str = "translation_unet",
) -> keras.Model:
    """The U-Net of pix2pix (Isola et al. 2017, section 6.1.1): images (N, H, W, C) to images (N, H, W, channels_out) in [-1, 1].

    Args:
        image_shape: (height, width, channels), height and width divisible by 2^depth; or None, for any that are.
        channels_out: by default those of `image_shape`.
        width: channels of the first level; each further one has twice as many, at most 8 width.
        depth: how often the size is halved.
        dropout: rate in [0, 1) in the two lowest levels of the way up.
        name: of the model.

    Raises:
        ValueError: a size that 2^depth does not divide.
    """
    check_halved(image_shape, depth=depth)
    channels = image_shape[-1]
    x = keras.Input(tuple(image_shape), name="image")
    h, skips = x, []
    for i in range(depth):
        h = layers.Conv2D(width * 2 ** min(i, 3), 4, 2, "same", name=f"down{i}", **START)(h)
        if 0 < i < depth - 1:  # not where a channel may have a single place left
            h = instance_norm(f"down{i}_norm")(h)
        h = layers.LeakyReLU(0.2, name=f"down{i}_leaky")(h)
        skips.append(h)
    skips.pop()
    for i in reversed(range(1, depth)):
        h = layers.Conv2DTranspose(width * 2 ** min(i - 1, 3), 4, 2, "same", name=f"up{i}", **START)(h)
        h = instance_norm(f"up{i}_norm", "relu")(h)
        if dropout and i >= depth - 2:
            h = layers.Dropout(dropout, name=f"up{i}_dropout")(h)
        h = layers.Concatenate(name=f"up{i}_concat")([h, skips.pop()])
    h = layers.Conv2DTranspose(
        channels_out or channels, 4, 2, "same", activation="tanh", dtype="float32", name="up0", **START
    )(h)
    return keras.Model(x, h, name=name)


def translation_resnet(
    image_shape: tuple[int, int, int],
    channels_out: int | None = None,
    width: int = 64,
    blocks: int = 6,
    downs: int = 2,
    name: str = "translation_resnet",
) -> keras.Model:
    """The generator of CycleGAN (Johnson et al. 2016; Zhu et al. 2017, section 7.2): down, residual blocks, up, where pictures are enlarged
    and then convolved: transposed convolutions leave a grid (Odena et al. 2016, "Deconvolution and Checkerboard Artifacts").

    Images (N, H, W, C) to images (N, H, W, channels_out) in [-1, 1].

    Args:
        image_shape: (height, width, channels), height and width divisible by 2^downs; or None, for any that are.
        channels_out: by default those of `image_shape`.
        width: channels at the full size, twice as many at half of it, and so on.
        blocks: residual blocks at the lowest size.
        downs: how often the size is halved.
        name: of the model.

    Raises:
        ValueError: a size that 2^downs does not divide.
    """
    check_halved(image_shape, downs=downs)
    channels = image_shape[-1]
    x = keras.Input(tuple(image_shape), name="image")

    def conv(h, out, size, name, activation="relu", stride=1):
        h = layers.Conv2D(out, size, stride, "same", name=name, **START)(h)
        return instance_norm(f"{name}_norm", activation)(h)

    h = conv(x, width, 7, "conv_in")
    for i in range(downs):
        h = conv(h, width * 2 ** (i + 1), 3, f"down{i}", stride=2)
    out = width * 2**downs
    for i in range(blocks):
        y = conv(h, out, 3, f"block{i}a")
        h = layers.Add(name=f"block{i}_add")([h, conv(y, out, 3, f"block{i}b", None)])
    for i in reversed(range(downs)):
        h = Upscale(2, "bilinear", keras.config.dtype_policy(), name=f"up{i}_larger")(h)
        h = conv(h, width * 2**i, 3, f"up{i}")
    h = layers.Conv2D(
        channels_out or channels, 7, padding="same", activation="tanh", dtype="float32", name="conv_out", **START
    )(h)
    return keras.Model(x, h, name=name)


def patchgan(
    image_shape: tuple[int, int, int],
    condition_channels: int | None = None,
    width: int = 64,
    depth: int = 3,
    name: str = "patchgan",
) -> keras.Model:
    """The PatchGAN discriminator (Isola et al. 2017, section 3.2.2): a logit for every patch, (N, h, w, 1).

    Called with an image, or, with `condition_channels`, with a dict of `image` and `condition` of the same size.

    Args:
        image_shape: (height, width, channels); a height and width of None may be any.
        condition_channels: channels of the input `condition`; None takes none.
        width: channels of the first level; each further one has twice as many, at most 8 width.
        depth: how often the size is halved; the patch has 70 pixels for depth 3, 34 for 2, 16 for 1.
        name: of the model.
    """
    image = keras.Input(tuple(image_shape), name="image")
    inputs, h = image, image
    if condition_channels:
        inputs = {"image": image, "condition": keras.Input((*image_shape[:2], condition_channels), name="condition")}
        h = layers.Concatenate(name="pair")([inputs["condition"], image])
    for i in range(depth + 1):
        stride = 2 if i < depth else 1
        h = layers.Conv2D(width * 2 ** min(i, 3), 4, stride, "same", name=f"conv{i}", **START)(h)
        if i:
            h = instance_norm(f"conv{i}_norm")(h)
        h = layers.LeakyReLU(0.2, name=f"conv{i}_leaky")(h)
    h = layers.Conv2D(1, 4, padding="same", dtype="float32", name="logits", **START)(h)
    return keras.Model(inputs, h, name=name)


def patch_heads(channels: tuple[int, ...], units: int = 256, name: str = "patch_heads") -> keras.Model:
    """What patches are compared by in contrastive translation (Park et al. 2020, section 3): for each of several maps two dense layers of
    their own, then unit length. Called with a list of vectors (N, S, C), of S places each, it gives a list of (N, S, units).

    Args:
        channels: C of each of the maps.
        units: of the vectors.
        name: of the model.
    """
    maps = [keras.Input((None, c), name=f"map{i}") for i, c in enumerate(channels)]
    found = []
    for i, h in enumerate(maps):
        h = layers.Dense(units, "relu", name=f"head{i}_hidden")(h)
        h = layers.Dense(units, name=f"head{i}_out")(h)
        found.append(layers.UnitNormalization(dtype="float32", name=f"head{i}_unit")(h))
    return keras.Model(maps, found, name=name)
