"""A small residual network (He et al. 2016, "Identity Mappings in Deep Residual Networks") that sees a picture as some numbers."""

import keras
from keras import layers

from keras_imgen.layers import GroupNorm


def resnet(
    image_shape: tuple[int, int, int],
    outputs: int,
    widths: tuple[int, ...] = (32, 64, 128),
    depth: int = 1,
    dropout: float = 0.0,
    name: str = "resnet",
) -> keras.Model:
    """Images (N, H, W, C) in [-1, 1] to numbers float32 (N, outputs), without a last activation.

    Pre-activation blocks with group normalisation, so that a picture's numbers do not depend on the others of its batch, then the mean
    over all places.

    Args:
        image_shape: (height, width, channels), which 2^len(widths) divides.
        outputs: how many numbers: classes, or the length of a vector.
        widths: channels at each resolution, each half of the one before; the first is half of the image's.
        depth: residual blocks at each resolution.
        dropout: rate in [0, 1) of the last numbers.
        name: of the model.

    Raises:
        ValueError: a size that cannot be halved so often.
    """
    height, across, _ = image_shape
    stride = 2 ** len(widths)
    if height % stride or across % stride:
        raise ValueError(
            f"Expected a height and width divisible by {stride} for {len(widths)} widths, got {height}x{across}."
        )

    def convolution(out, strides, name):
        return layers.Conv2D(out, 3, strides, "same", use_bias=False, kernel_initializer="he_normal", name=name)

    image = keras.Input(tuple(image_shape), name="image")
    h = convolution(widths[0], 2, "conv_in")(image)
    for level, out in enumerate(widths):
        for i in range(depth):
            at, strides = f"block{level}_{i}", 2 if level and not i else 1
            y = GroupNorm(activation="silu", name=f"{at}_norm1")(h)
            if h.shape[-1] != out or strides > 1:
                h = layers.AveragePooling2D(strides, name=f"{at}_pool")(h) if strides > 1 else h
                h = layers.Conv2D(out, 1, use_bias=False, name=f"{at}_skip")(h)
            y = convolution(out, strides, f"{at}_conv1")(y)
            y = GroupNorm(activation="silu", name=f"{at}_norm2")(y)
            h = layers.Add(name=f"{at}_add")([h, convolution(out, 1, f"{at}_conv2")(y)])
    h = GroupNorm(activation="silu", name="norm_out")(h)
    h = layers.GlobalAveragePooling2D(name="features")(h)
    h = layers.Dropout(dropout, name="dropout")(h) if dropout else h
    return keras.Model(image, layers.Dense(outputs, dtype="float32", name="out")(h), name=name)
