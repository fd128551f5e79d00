"""Light for dark pictures, learned without bright ones."""

from typing import Any

import keras
from keras import layers

from keras_imgen.layers.initial import normal


def zero_dce(width: int = 32, iterations: int = 8, name: str = "zero_dce") -> keras.Model:
    """Images (N, H, W, 3) in [-1, 1] to the maps of `light_curves`, (N, H, W, 3 iterations) in [-1, 1], float32, for every H, W >= 1.

    Seven convolutions with symmetric skips (Guo et al. 2020, "Zero-Reference Deep Curve Estimation", 79,416 weights).

    Args:
        width: features of each place.
        iterations: how often the curve is applied, each time by three maps.
        name: of the model.
    """
    image = keras.Input((None, None, 3), name="image")

    def conv(h, i, out=width, activation="relu", **kwargs):
        kwargs |= {"padding": "same", "activation": activation, "kernel_initializer": normal(0.02)}
        return layers.Conv2D(out, 3, name=f"conv{i}", **kwargs)(h)

    one = conv(image, 1)
    two = conv(one, 2)
    three = conv(two, 3)
    four = conv(three, 4)
    five = conv(layers.Concatenate(name="concat5")([three, four]), 5)
    six = conv(layers.Concatenate(name="concat6")([two, five]), 6)
    both = layers.Concatenate(name="concat7")([one, six])
    return keras.Model(image, conv(both, 7, 3 * iterations, "tanh", dtype="float32"), name=name)


def light_curves(image: Any, maps: Any) -> Any:
    """`image` (N, H, W, C) in [-1, 1] with its light changed by `maps` (N, H, W, iterations C) in [-1, 1], in [-1, 1] again.

    For each group A of C maps, u <- u + A u (1 - u) on [0, 1] (Guo et al. 2020, equation 3), here in terms of x = 2u - 1:
    x <- x + A (1 - x^2) / 2. Black and white stay what they are.

    Raises:
        ValueError: a number of maps that is no multiple of the image's channels.
    """
    channels, count = image.shape[-1], maps.shape[-1]
    if count % channels:
        raise ValueError(f"Expected a number of maps that is a multiple of the {channels} channels, got {count}.")
    for i in range(0, count, channels):
        image = image + maps[..., i : i + channels] * (1.0 - image * image) * 0.5
    return image
