"""EfficientNet-Lite0 (Tan & Le 2019; the Lite variants: no squeeze-excite, ReLU6), and its published ImageNet weights."""

import keras
import numpy as np
from keras import layers

from keras_imgen.data.files import data_file

PUBLISHED = "efficientnet_lite0_imagenet_f16.npz"
# Of each stage: repeats, kernel, stride, expansion, channels.
STAGES = (
    (1, 3, 1, 1, 16),
    (2, 3, 2, 6, 24),
    (2, 5, 2, 6, 40),
    (3, 3, 2, 6, 80),
    (3, 5, 1, 6, 112),
    (4, 5, 2, 6, 192),
    (1, 3, 1, 6, 320),
)


def efficientnet_lite0(weights: str | None = None, num_classes: int = 1000) -> keras.Model:
    """Images (N, 224, 224, 3) in [0, 255] -> [features (N, 1280), class logits (N, num_classes)].

    Args:
        weights: "imagenet" for the published ones under KERAS_IMGEN_DATA, or an npz file with PyTorch's names and layouts
            (`_blocks.0._depthwise_conv.weight`, ...); None: random.
        num_classes: number of classes; of the published weights 1000.

    Raises:
        ValueError: the file lacks an array or one has another shape.
        FileNotFoundError: the published weights are not there.
    """
    image = keras.Input((None, None, 3), name="image")
    x = layers.Rescaling(1 / 128, -127 / 128)(image)

    def norm(x, name, active=True):
        x = layers.BatchNormalization(epsilon=1e-3, momentum=0.99, name=name)(x)
        return layers.ReLU(6.0)(x) if active else x

    x = layers.Conv2D(32, 3, 2, padding="same", use_bias=False, name="_conv_stem")(x)
    x = norm(x, "_bn0")
    number = 0
    for repeats, kernel, stride, expansion, channels in STAGES:
        for i in range(repeats):
            y, name = x, f"_blocks.{number}."
            if expansion > 1:
                y = layers.Conv2D(x.shape[-1] * expansion, 1, use_bias=False, name=f"{name}_expand_conv")(y)
                y = norm(y, f"{name}_bn0")
            strides = stride if i == 0 else 1
            y = layers.DepthwiseConv2D(kernel, strides, padding="same", use_bias=False, name=f"{name}_depthwise_conv")(
                y
            )
            y = norm(y, f"{name}_bn1")
            y = layers.Conv2D(channels, 1, use_bias=False, name=f"{name}_project_conv")(y)
            y = norm(y, f"{name}_bn2", active=False)
            x = layers.Add()([x, y]) if strides == 1 and x.shape[-1] == channels else y
            number += 1
    x = layers.Conv2D(1280, 1, use_bias=False, name="_conv_head")(x)
    features = layers.GlobalAveragePooling2D(name="features")(norm(x, "_bn1"))
    model = keras.Model(image, [features, layers.Dense(num_classes, name="_fc")(features)], name="efficientnet_lite0")
    if weights:
        _read(model, data_file("weights", PUBLISHED) if weights == "imagenet" else weights)
    return model


def _read(model: keras.Model, path: str) -> None:
    """PyTorch's OIHW kernels to HWIO (depthwise: HWIO of I channels), its dense weights transposed."""
    turned = {layers.Conv2D: (2, 3, 1, 0), layers.DepthwiseConv2D: (2, 3, 0, 1), layers.Dense: (1, 0)}
    with np.load(path, allow_pickle=False) as file:
        for layer in model.layers:
            if isinstance(layer, layers.BatchNormalization):
                names = ("weight", "bias", "running_mean", "running_var")
            elif type(layer) in turned:
                names = ("weight", "bias") if isinstance(layer, layers.Dense) else ("weight",)
            else:
                continue
            if missing := [n for n in names if f"{layer.name}.{n}" not in file]:
                raise ValueError(f"{path} is not a file of EfficientNet-Lite0: it has no {layer.name}.{missing[0]}.")
            arrays = [file[f"{layer.name}.{n}"].astype("float32") for n in names]
            if type(layer) in turned:
                arrays[0] = arrays[0].transpose(turned[type(layer)])
            layer.set_weights(arrays)
