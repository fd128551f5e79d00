"""Networks that see a picture's maps at several sizes, and that paint a picture from such maps."""

import os

import keras
from keras import layers

from keras_imgen.networks.squeezenet import BGR, FIRES, squeezenet11
from keras_imgen.networks.transfer import copy_weights

LEVELS = ("conv1", "fire3", "fire5")  # at 1/2, 1/4 and 1/8 of the size


def adain_encoder(weights: str | os.PathLike | None = "imagenet", name: str = "adain_encoder") -> keras.Model:
    """The first layers of SqueezeNet 1.1: float images (N, H, W, 3) in [-1, 1], sides divisible by 8, -> a list of maps at 1/2 (64
    channels), 1/4 (128) and 1/8 (256) of the size, of numbers of about 1. It is not trained any further.

    Args:
        weights: "imagenet" for the published ones under KERAS_IMGEN_DATA; None: random.
        name: of the model.

    Raises:
        FileNotFoundError: the weights are not there.
    """
    image = keras.Input((None, None, 3), name="image")
    x = layers.Rescaling(127.5, 127.5, dtype="float32", name="rescaling")(image)
    x = layers.Conv2D(64, 3, 2, "same", activation="relu", name="conv1")(BGR(dtype="float32", name="bgr")(x))
    maps = {"conv1": x}
    for number, narrow, wide in FIRES[:4]:
        if number in (2, 4):
            x = layers.MaxPooling2D(3, 2, "same", name=f"pool{number}")(x)
        fire = f"fire{number}"
        x = layers.Conv2D(narrow, 1, activation="relu", name=f"{fire}_squeeze1x1")(x)
        one = layers.Conv2D(wide, 1, activation="relu", name=f"{fire}_expand1x1")(x)
        three = layers.Conv2D(wide, 3, padding="same", activation="relu", name=f"{fire}_expand3x3")(x)
        x = layers.Concatenate(name=fire)([one, three])
        maps[fire] = x
    scaled = [layers.Rescaling(1 / 32, name=f"{level}_scaled")(maps[level]) for level in LEVELS]  # to about 1
    model = keras.Model(image, scaled, name=name)
    if weights is not None:
        copy_weights(squeezenet11(weights), model)
    model.trainable = False
    return model


def adain_decoder(
    channels: tuple[int, ...] = (64, 128, 256), width: int = 32, blocks: int = 2, name: str = "adain_decoder"
) -> keras.Model:
    """Paints a picture from maps: a list of (N, H/2, W/2, c0), (N, H/4, W/4, c1), ... -> float32 (N, H, W, 3) in [-1.2, 1.2].

    From the smallest maps up, each size with residual blocks, joined by the maps of the next; nothing is normalised, so that what lies far
    away does not change a place. Each enlargement repeats places and convolves, which leaves no grid (Odena et al. 2016).

    Args:
        channels: of the maps, from the largest on.
        width: channels of the largest size; twice as many at each half, at most 4 width.
        blocks: residual blocks at each size but the largest.
        name: of the model.
    """
    given = [keras.Input((None, None, c), name=f"maps{k}") for k, c in enumerate(channels)]

    def conv(h, out, name, size=3, **how):
        return layers.Conv2D(out, size, padding="same", kernel_initializer="he_normal", name=name, **how)(h)

    h = None
    for level in reversed(range(len(channels))):
        out = width * 2 ** min(level, 2)
        if h is None:
            h = given[level]
        else:
            h = layers.UpSampling2D(2, name=f"up{level}")(h)
            h = layers.Concatenate(name=f"join{level}")([h, given[level]])
        h = conv(h, out, f"in{level}", activation="silu")
        for i in range(blocks if level else 1):
            y = conv(h, out, f"block{level}_{i}a", activation="silu")
            y = layers.Conv2D(out, 3, padding="same", kernel_initializer="zeros", name=f"block{level}_{i}b")(y)
            h = layers.Add(name=f"block{level}_{i}")([h, y])
    h = layers.UpSampling2D(2, name="up")(conv(h, width // 2, "narrow", activation="silu"))
    h = layers.Conv2D(
        3, 5, padding="same", activation="tanh", kernel_initializer="zeros", dtype="float32", name="conv_out"
    )(h)
    return keras.Model(given, layers.Rescaling(1.2, dtype="float32", name="range")(h), name=name)
