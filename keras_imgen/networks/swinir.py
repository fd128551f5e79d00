"""Super-resolution by attention in windows."""

import keras
from keras import layers

from keras_imgen.layers import CropLike, PadToMultiple, PixelShuffle, Upscale, WindowAttention
from keras_imgen.layers.initial import truncated_normal

START = {"kernel_initializer": truncated_normal(0.02)}


def swinir_light(
    scale: int,
    channels: int = 3,
    width: int = 60,
    depths: tuple[int, ...] = (6, 6, 6, 6),
    heads: int = 6,
    window: int = 8,
    mlp_ratio: int = 2,
    skip: bool = True,
    name: str = "swinir_light",
) -> keras.Model:
    """The lightweight SwinIR (Liang et al. 2021, "SwinIR: Image Restoration Using Swin Transformer"), without stochastic depth.

    Images (N, H, W, C) in [-1, 1] -> (N, scale H, scale W, C), float32, not clipped, for every H, W >= 1: the picture is padded to whole
    windows inside.

    Args:
        scale: whole enlargement.
        channels: of the picture.
        width: features of each place, a multiple of `heads`.
        depths: attention blocks of each residual group; every other one has its windows shifted by half a window.
        heads: of attention.
        window: side of the windows, in pixels.
        mlp_ratio: hidden features of a block's dense layers, in widths.
        skip: add what the network gives to `Upscale(image)` and start as it; ours, no weights. False: as published.
        name: of the model.

    Raises:
        ValueError: a width that `heads` does not divide, a scale below 1.
    """
    if not isinstance(scale, int) or scale < 1:
        raise ValueError(f"Expected a whole-numbered scale of at least 1, got {scale!r}.")
    image = keras.Input((None, None, channels), name="image")
    first = layers.Conv2D(width, 3, padding="same", name="conv_in")(PadToMultiple(window, name="pad")(image))
    norm = lambda name: layers.LayerNormalization(epsilon=1e-5, name=name)  # noqa: E731
    h = norm("norm_in")(first)
    for g, depth in enumerate(depths):
        start = h
        for i in range(depth):
            block = f"group{g}_{i}"
            y = norm(f"{block}_norm0")(h)
            y = WindowAttention(heads, window, window // 2 * (i % 2), name=f"{block}_attention")(y)
            h = layers.Add(name=f"{block}_add0")([h, y])
            y = layers.Dense(mlp_ratio * width, activation="gelu", name=f"{block}_dense0", **START)(
                norm(f"{block}_norm1")(h)
            )
            h = layers.Add(name=f"{block}_add1")([h, layers.Dense(width, name=f"{block}_dense1", **START)(y)])
        y = layers.Conv2D(width, 3, padding="same", name=f"group{g}_conv")(h)
        h = layers.Add(name=f"group{g}_add")([start, y])
    y = layers.Conv2D(width, 3, padding="same", name="conv_body")(norm("norm_out")(h))
    h = layers.Add(name="body_add")([first, y])
    last = {"kernel_initializer": "zeros"} if skip else {}
    h = layers.Conv2D(channels * scale**2, 3, padding="same", dtype="float32", name="conv_out", **last)(h)
    h = PixelShuffle(scale, dtype="float32", name="shuffle")(h)
    h = CropLike(scale, dtype="float32", name="crop")([h, image])
    if skip:
        enlarged = image if scale == 1 else Upscale(scale, name="enlarged")(image)
        h = layers.Add(dtype="float32", name="out")([enlarged, h])
    return keras.Model(image, h, name=name)
