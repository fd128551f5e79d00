"""Trained classifiers as trunks: a picture's maps, in which contents and styles are compared."""

from collections.abc import Callable
from typing import Any

import keras
from keras import ops

from keras_imgen.arguments import shown
from keras_imgen.networks.efficientnet_lite import efficientnet_lite0
from keras_imgen.networks.squeezenet import BGR, squeezenet11

OUTPUTS = (0, 1, 2, 4, 6)  # of SqueezeNet's, the default trunk's


def style_trunk(name: str = "squeezenet", smooth: bool = False) -> keras.Model:
    """Images (N, H, W, 3) in [0, 255] -> maps of five layers, from a half to a sixteenth or less of the size: a trunk for style transfer.

    Where SqueezeNet and VGG pick every other place by strides or by the largest, the trunk averages: the gradient in the picture then has
    no grid (Gatys et al. 2016, section 2.1; Zhang 2019, "Making Convolutional Networks Shift-Invariant Again"). EfficientNet-Lite0 keeps
    its strides: it is here to judge.

    Args:
        name: "squeezenet" (SqueezeNet 1.1), "efficientnet-lite0", with the ImageNet weights under KERAS_IMGEN_DATA; "vgg16" or "vgg19" with
            those that Keras downloads once.
        smooth: whether activations pass through a softmax over each map's numbers, which takes away the few high peaks of trunks with
            residual connections (Wang et al. 2021, "Rethinking and Improving the Robustness of Image Style Transfer", SWAG).

    Returns:
        A model that is not trained.

    Raises:
        ValueError: an unknown name.
        FileNotFoundError: the weights are not here.
    """
    if name not in TRUNKS:
        raise ValueError(f"Expected `name` as one of {', '.join(TRUNKS)}, got {shown(name)}.")
    image, maps = TRUNKS[name]()
    if smooth:
        maps = [Smooth(name=f"smooth{k}")(m) for k, m in enumerate(maps)]
    model = keras.Model(image, maps, name=name.replace("-", "_"))
    model.trainable = False
    return model


@keras.saving.register_keras_serializable("keras_imgen")
class Smooth(keras.layers.Layer):
    """Softmax over all numbers of each map (N, h, w, c), times their count, so that their mean is 1."""

    def call(self, x: Any) -> Any:
        shape = ops.shape(x)
        flat = ops.reshape(ops.cast(x, "float32"), (shape[0], -1))
        size = ops.cast(shape[1] * shape[2] * shape[3], "float32")
        return ops.reshape(ops.softmax(flat / (ops.std(flat, axis=-1, keepdims=True) + 1e-6), axis=-1) * size, shape)


def _squeezenet():
    model = squeezenet11("imagenet", averaged=True)
    return model.input, [model.outputs[k] for k in OUTPUTS]


def _efficientnet():
    model = efficientnet_lite0("imagenet")
    blocks = {0: 1, 2: 3, 4: 5, 10: 11, 15: None}  # the last of each size, tapped where the next begins
    inputs = {layer.name: layer.input for layer in model.layers}
    last = inputs["_conv_head"]
    return model.input, [
        last if after is None else inputs[f"_blocks.{after}._expand_conv"] for after in blocks.values()
    ]


def _vgg(make: Callable[..., keras.Model]):
    def build():
        try:
            model = make(include_top=False, weights="imagenet")
        except Exception as error:
            if "fetch" not in str(error).lower():
                raise
            raise FileNotFoundError(
                f"The ImageNet weights of {make.__name__} are not on this machine and could not be downloaded. Connect once and run "
                "this again, or take the trunk squeezenet or efficientnet-lite0."
            ) from None
        image = x = keras.Input((None, None, 3), name="image")
        x = BGR(dtype="float32", name="bgr")(x)
        maps = []
        for layer in model.layers[1:]:
            x = keras.layers.AveragePooling2D(2)(x) if isinstance(layer, keras.layers.MaxPooling2D) else layer(x)
            if layer.name.endswith("_conv1"):
                maps.append(x)
        return image, maps

    return build


TRUNKS: dict[str, Callable[[], tuple[Any, list[Any]]]] = {
    "squeezenet": _squeezenet,
    "efficientnet-lite0": _efficientnet,
    "vgg16": _vgg(keras.applications.VGG16),
    "vgg19": _vgg(keras.applications.VGG19),
}
