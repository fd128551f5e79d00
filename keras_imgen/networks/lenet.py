"""A small classifier of small images, after LeNet-5 (LeCun et al. 1998)."""

import keras
from keras import layers


def lenet(image_shape: tuple[int, int, int], num_classes: int, features: int = 64, name: str = "lenet") -> keras.Model:
    """Images (N, H, W, C) in [0, 255] -> class logits (N, num_classes); the layer "features" (N, features) comes before them.

    Two pairs of 3x3 convolutions with batch normalisation, 32 and 64 wide, each halved by a maximum; then two dense layers.

    Args:
        image_shape: (height, width, channels), 8 pixels or more on each side.
        num_classes: number of classes.
        features: numbers of the layer before the logits.
        name: of the model.

    Raises:
        ValueError: fewer than 8 pixels on a side.
    """
    height, width, _ = image_shape
    if min(height, width) < 8:
        raise ValueError(f"Expected images of 8 pixels or more on each side, got {height}x{width}.")
    image = keras.Input(image_shape, name="image")
    x = layers.Rescaling(1 / 127.5, -1.0)(image)
    for i, wide in enumerate((32, 64)):
        for j in range(2):
            x = layers.Conv2D(wide, 3, padding="same", use_bias=False, name=f"conv{i}_{j}")(x)
            x = layers.Activation("relu")(layers.BatchNormalization(name=f"norm{i}_{j}")(x))
        x = layers.MaxPooling2D(2)(x)
    x = layers.Flatten()(x)
    x = layers.Dense(features, activation="relu", name="features")(x)
    return keras.Model(image, layers.Dense(num_classes, dtype="float32", name="logits")(x), name=name)
