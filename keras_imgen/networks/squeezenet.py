"""SqueezeNet 1.1 (Iandola et al. 2016) up to its last fire module, and its published ImageNet weights."""

from typing import Any

import keras
from keras import layers, ops

from keras_imgen.data.files import data_file

PUBLISHED = "squeezenet11_imagenet_notop.h5"
FIRES = ((2, 16, 64), (3, 16, 64), (4, 32, 128), (5, 32, 128), (6, 48, 192), (7, 48, 192), (8, 64, 256), (9, 64, 256))
TAPS = ("conv1", "fire3", "fire5", "fire6", "fire7", "fire8", "fire9")


def squeezenet11(weights: str | None = None, averaged: bool = False) -> keras.Model:
    """Images (N, H, W, 3) in [0, 255], 32 pixels or more -> seven maps, after the layers in `TAPS`: those that LPIPS compares.

    Args:
        weights: "imagenet" for the published ones under KERAS_IMGEN_DATA, or an h5 file in the form of Keras 1 (groups named as the layers,
            each with a kernel and a bias); None: random.
        averaged: whether maps get smaller by the mean of 2x2 places, each of which counts once, in place of the largest of 3x3, which
            overlap, and of every other place.

    Raises:
        ValueError: the file has no such layer or other shapes.
        FileNotFoundError: the published weights are not there.
    """
    image = keras.Input((None, None, 3), name="image")
    x = BGR(dtype="float32", name="bgr")(image)
    pool = layers.AveragePooling2D(2) if averaged else layers.MaxPooling2D(3, 2)
    x = layers.Conv2D(64, 3, 1 if averaged else 2, activation="relu", name="conv1")(x)
    if averaged:
        x = pool(x)
    maps = [x]
    for number, narrow, wide in FIRES:
        if number in (2, 4, 6):
            x = pool(x)
        name = f"fire{number}"
        x = layers.Conv2D(narrow, 1, activation="relu", name=f"{name}_squeeze1x1")(x)
        one = layers.Conv2D(wide, 1, activation="relu", name=f"{name}_expand1x1")(x)
        three = layers.Conv2D(wide, 3, padding="same", activation="relu", name=f"{name}_expand3x3")(x)
        x = layers.Concatenate(name=name)([one, three])
        if name in TAPS:
            maps.append(x)
    model = keras.Model(image, maps, name="squeezenet11")
    if weights:
        _read(model, data_file("weights", PUBLISHED) if weights == "imagenet" else weights)
    return model


@keras.saving.register_keras_serializable("keras_imgen")
class BGR(layers.Layer):
    """RGB in [0, 255] -> BGR about the means of ImageNet."""

    def call(self, x: Any) -> Any:
        return ops.flip(x, axis=-1) - ops.convert_to_tensor([103.939, 116.779, 123.68])


def _read(model: keras.Model, path: str) -> None:
    import h5py

    with h5py.File(path) as file:
        for layer in model.layers:
            if not isinstance(layer, layers.Conv2D):
                continue
            name = layer.name.replace("_", "/", 1)
            if name not in file:
                raise ValueError(f"{path} is not a file of SqueezeNet 1.1: it has no layer {name}.")
            group = file[name]
            layer.set_weights([group[n][()] for n in group.attrs["weight_names"]])
