"""Networks that take a picture apart, into content and style, and put it together again (Huang et al. 2018, "Multimodal Unsupervised
Image-to-Image Translation", appendix B)."""

import keras
from keras import layers

from keras_imgen.layers import AdaIN, GroupNorm, Upscale
from keras_imgen.networks.translation import START, check_halved, instance_norm


def content_encoder(
    image_shape: tuple[int, int, int], width: int = 64, downs: int = 2, blocks: int = 4, name: str = "content_encoder"
) -> keras.Model:
    """Images to content maps (N, H / 2^downs, W / 2^downs, width 2^downs), all of it with instance normalisation: the statistics of a
    channel are the same for all pictures, so that they hold nothing of a style.

    Args:
        image_shape: (height, width, channels), height and width divisible by 2^downs.
        width: channels at the full size, twice as many at half of it, and so on.
        downs: how often the size is halved.
        blocks: residual blocks at the lowest size.
        name: of the model.

    Raises:
        ValueError: a size that 2^downs does not divide.
    """
    check_halved(image_shape, downs=downs)
    x = keras.Input(tuple(image_shape), name="image")

    def conv(h, out, size, name, activation="relu", stride=1):
        h = layers.Conv2D(out, size, stride, "same", name=name, **START)(h)
        return instance_norm(f"{name}_norm", activation)(h)

    h = conv(x, width, 7, "conv_in")
    for i in range(downs):
        h = conv(h, width * 2 ** (i + 1), 4, f"down{i}", stride=2)
    for i in range(blocks):
        y = conv(h, h.shape[-1], 3, f"block{i}a")
        h = layers.Add(name=f"block{i}_add")([h, conv(y, h.shape[-1], 3, f"block{i}b", None)])
    return keras.Model(x, instance_norm("content")(h), name=name)


def style_encoder(
    image_shape: tuple[int, int, int], outputs: int = 8, width: int = 64, downs: int = 4, name: str = "style_encoder"
) -> keras.Model:
    """Images to vectors (N, outputs), float32, without normalisation, which would take the style away.

    Args:
        image_shape: (height, width, channels).
        outputs: length of a vector; of a `StyleVAE` twice that of a style, mean and log-variance.
        width: channels of the first level; each further one has twice as many, at most 4 width.
        downs: how often the size is halved, before the mean over all places.
        name: of the model.
    """
    x = keras.Input(tuple(image_shape), name="image")
    h = layers.Conv2D(width, 7, padding="same", activation="relu", name="conv_in")(x)
    for i in range(downs):
        out = width * 2 ** min(i + 1, 2)
        h = layers.Conv2D(out, 4, 2, "same", activation="relu", name=f"down{i}")(h)
    h = layers.GlobalAveragePooling2D(name="mean")(h)
    return keras.Model(x, layers.Dense(outputs, dtype="float32", name="style")(h), name=name)


def style_decoder(
    content_shape: tuple[int, int, int],
    style_dim: int = 8,
    channels_out: int = 3,
    ups: int = 2,
    blocks: int = 4,
    units: int = 64,
    name: str = "style_decoder",
) -> keras.Model:
    """A dict of `content` (N, h, w, C) and `style` (N, style_dim) to images (N, 2^ups h, 2^ups w, channels_out) in [-1, 1].

    The style sets mean and deviation of each channel in residual blocks (AdaIN), by a few dense layers.

    Args:
        content_shape: (h, w, C), as the `output_shape` of a `content_encoder`.
        style_dim: length of a style.
        channels_out: of the images.
        ups: how often the size is doubled; the channels are halved each time.
        blocks: residual blocks at the lowest size.
        units: of the dense layers.
        name: of the model.
    """
    content, style = keras.Input(tuple(content_shape), name="content"), keras.Input((style_dim,), name="style")
    channels = content_shape[-1]
    told = layers.Dense(units, "relu", name="style0")(style)
    told = layers.Dense(units, "relu", name="style1")(told)

    def adain(h, name):
        mean = layers.Reshape((1, 1, channels))(layers.Dense(channels, name=f"{name}_mean")(told))
        deviation = layers.Dense(channels, bias_initializer="ones", name=f"{name}_deviation")(told)
        return AdaIN(name=f"{name}_adain")(h, mean, layers.Reshape((1, 1, channels))(deviation))

    h = content
    for i in range(blocks):
        y = layers.Conv2D(channels, 3, padding="same", name=f"block{i}a", **START)(h)
        y = layers.ReLU(name=f"block{i}a_relu")(adain(y, f"block{i}a"))
        y = layers.Conv2D(channels, 3, padding="same", name=f"block{i}b", **START)(y)
        h = layers.Add(name=f"block{i}_add")([h, adain(y, f"block{i}b")])
    for i in range(ups):
        h = Upscale(2, "bilinear", keras.config.dtype_policy(), name=f"up{i}")(h)
        h = layers.Conv2D(max(channels // 2 ** (i + 1), 1), 5, padding="same", name=f"up{i}_conv", **START)(h)
        h = GroupNorm(groups=1, activation="relu", name=f"up{i}_norm")(h)  # of all channels: theirs of each would go
    h = layers.Conv2D(channels_out, 7, padding="same", activation="tanh", dtype="float32", name="conv_out", **START)(h)
    return keras.Model({"content": content, "style": style}, h, name=name)
