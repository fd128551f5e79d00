"""Colour for gray pictures."""

import keras
from keras import layers

from keras_imgen.layers import CropLike, PadToMultiple


def colorizer(width: int = 32, depth: int = 4, name: str = "colorizer") -> keras.Model:
    """A U-Net from lightness to colour in CIELAB (Zhang et al. 2016, "Colorful Image Colorization"; Isola et al. 2017).

    L / 50 - 1, (N, H, W, 1) in [-1, 1], -> a and b over 110, (N, H, W, 2) in about [-1, 1], float32, not clipped, for every H, W >= 1.
    It starts with gray. No layer looks at the picture as a whole, so that tiles of a large one agree.

    Args:
        width: features of the first level; each further one has twice as many, at most 8 width.
        depth: number of levels below the first, each half the size: 4 see well over a hundred pixels around.
        name: of the model.
    """
    lightness = keras.Input((None, None, 1), name="image")
    widths = [width * 2 ** min(i, 3) for i in range(depth + 1)]

    def block(h, out, name):
        for i in range(2):
            h = layers.Conv2D(
                out, 3, 1, "same", activation="relu", kernel_initializer="he_normal", name=f"{name}_conv{i}"
            )(h)
        return h

    h, skips = PadToMultiple(2**depth, name="pad")(lightness), []
    for i in range(depth):
        h = block(h, widths[i], f"down{i}")
        skips.append(h)
        h = layers.MaxPooling2D(2, name=f"down{i}_half")(h)
    h = block(h, widths[depth], "lowest")
    for i in reversed(range(depth)):
        h = layers.Conv2DTranspose(widths[i], 2, 2, name=f"up{i}_double")(h)
        h = block(layers.Concatenate(name=f"up{i}_concat")([h, skips[i]]), widths[i], f"up{i}")
    h = layers.Conv2D(2, 3, padding="same", kernel_initializer="zeros", dtype="float32", name="conv_out")(h)
    return keras.Model(lightness, CropLike(dtype="float32", name="crop")([h, lightness]), name=name)
