"""Networks that turn images into the features that distributions are compared in. Their names say which weights they hold."""

import hashlib
import os
from collections.abc import Callable
from dataclasses import dataclass

import keras
import numpy as np
from PIL import Image

from keras_imgen.data.image_io import with_channels

# Where the package's own classifiers lie: beside the package in a checkout, inside it in a wheel.
_PACKAGE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
_SHIPPED = (os.path.join(os.path.dirname(_PACKAGE), "saved_models"), os.path.join(_PACKAGE, "saved_models"))


_ROWS = (32, 256)


@dataclass(frozen=True)
class Extractor:
    """Images uint8 (N, H, W, C) of any size -> (features (N, D) float32, class probabilities (N, K)).

    Images get the network's channels, then its size by Pillow's bicubic filter on each channel in floating point, clipped to
    [0, 255] and not rounded: the resizing of clean-fid (Parmar et al. 2022), antialiased.

    Args:
        name: of the network.
        digest: of its weights; identifies it together with the name.
        size: (height, width) that the network takes.
        channels: that it takes.
        network: maps [0, 255] to [features, logits].
    """

    name: str
    digest: str
    size: tuple[int, int]
    channels: int
    network: keras.Model

    @property
    def identity(self) -> str:
        """`name@digest`."""
        return f"{self.name}@{self.digest}"

    def __call__(self, images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(features (N, D), class probabilities (N, K)) of images uint8 (N, H, W, C).

        Raises:
            ValueError: another type or shape.
        """
        if images.dtype != np.uint8 or images.ndim != 4:
            raise ValueError(f"Expected uint8 images (N, H, W, C), got {images.dtype} of shape {images.shape}.")
        inputs = bicubic(with_channels(images, self.channels), self.size)
        rows = next(
            (n for n in _ROWS if n >= len(inputs)), len(inputs)
        )  # few sizes: the graph is compiled once for each
        padding = np.zeros((rows - len(inputs), *inputs.shape[1:]), "float32")
        outputs = self.network.predict_on_batch(np.concatenate([inputs, padding]))
        features, logits = (v[: len(inputs)] for v in outputs)
        logits = logits - logits.max(1, keepdims=True)
        probabilities = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
        return features.reshape(len(images), -1), probabilities

    @property
    def resizer(self) -> str:
        """How images get the network's size, in words."""
        return f"Pillow bicubic in float to {self.size[0]}x{self.size[1]}, where the size differs"

    def named(self, distance: str) -> str:
        """ "Fréchet" -> "FID" or "Fréchet classifier distance [name@digest]": the short names are kept for Inception-v3."""
        if self.name == INCEPTION:
            return {"Fréchet": "FID", "kernel": "KID"}.get(distance, distance)
        long = {
            "Fréchet": "Fréchet classifier distance",
            "kernel": "Kernel classifier distance",
            "Inception score": "Classifier score",
        }
        return f"{long.get(distance, distance)} [{self.identity}]"


def bicubic(images: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """uint8 (N, H, W, C) -> float32 (N, *size, C) in [0, 255], by Pillow on float planes."""
    if images.shape[1:3] == tuple(size):
        return images.astype("float32")
    out = np.empty((len(images), *size, images.shape[-1]), "float32")
    for k, image in enumerate(images):
        for c in range(images.shape[-1]):
            plane = Image.fromarray(image[..., c].astype("float32"), mode="F")
            out[k, ..., c] = np.asarray(plane.resize((size[1], size[0]), Image.Resampling.BICUBIC))
    return np.clip(out, 0.0, 255.0)


INCEPTION = "inceptionv3"


def inception(weights: str | None = "imagenet") -> Extractor:
    """Inception-v3 of `keras.applications`, 2048 features after its last average (Szegedy et al. 2016).

    Its ImageNet weights are Keras' own, not those of the graph of 2015 that published FIDs come from: compare its FID
    with others that this extractor gave.

    Args:
        weights: "imagenet" downloads them once; a path to a weights file with the top; None: random, for tests.

    Raises:
        FileNotFoundError: the weights are not here and cannot be downloaded.
    """
    try:
        network = keras.applications.InceptionV3(weights=weights, classifier_activation=None)
    except Exception as error:
        if weights is None or "fetch" not in str(error).lower():
            raise
        raise FileNotFoundError(
            "The ImageNet weights of Inception-v3 are not on this machine and could not be downloaded, so there is no FID. "
            "Connect once and run this again, pass the path of inception_v3_weights_tf_dim_ordering_tf_kernels.h5, or judge "
            "with another extractor: efficientnet-lite0, digits-lenet, fashion-lenet, or a classifier of your own."
        ) from None
    image = keras.Input((299, 299, 3))
    inner = keras.Model(network.input, [network.get_layer("avg_pool").output, network.output])
    return _made(INCEPTION, keras.Model(image, inner(image / 127.5 - 1.0)), (299, 299), 3)


def efficientnet() -> Extractor:
    """EfficientNet-Lite0, 1280 features, from weights/efficientnet_lite0_imagenet_f16.npz under KERAS_IMGEN_DATA.

    Raises:
        FileNotFoundError: the file is not there.
    """
    from keras_imgen.networks import efficientnet_lite0

    return _made(
        "efficientnet-lite0",
        efficientnet_lite0("imagenet"),
        (224, 224),
        3,
    )


def classifier(path: str, name: str | None = None) -> Extractor:
    """A saved Keras classifier of images in [0, 255]: its logits, and as features the input of its last layer.

    Args:
        path: of the .keras file.
        name: of the extractor; by default the model's.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: not one image in, one row of logits out.
    """
    if not os.path.isfile(path):
        raise FileNotFoundError(f"There is no classifier {path}.")
    model = keras.saving.load_model(path, compile=False)
    if len(model.inputs) != 1 or len(model.outputs) != 1 or len(model.input_shape) != 4 or len(model.output_shape) != 2:
        raise ValueError(f"Expected {path} to map images (N, H, W, C) to logits (N, classes).")
    height, width, channels = model.input_shape[1:]
    network = keras.Model(model.input, [model.layers[-1].input, model.output])
    return _made(name or model.name.replace("_", "-"), network, (height, width), channels)


def _shipped(name: str) -> Callable[[], Extractor]:
    def load():
        for folder in _SHIPPED:
            path = os.path.join(folder, name, "model.keras")
            if os.path.isfile(path):
                return classifier(path, name)
        recipe = name.replace("lenet", "classifier")
        raise FileNotFoundError(
            f"The classifier {name} is not in this installation. Train it with `keras-imgen train {recipe}` and pass "
            f"its model.keras as the extractor."
        )

    return load


EXTRACTORS: dict[str, Callable[[], Extractor]] = {
    INCEPTION: inception,
    "efficientnet-lite0": efficientnet,
    "digits-lenet": _shipped("digits-lenet"),
    "fashion-lenet": _shipped("fashion-lenet"),
}
FOR_SOURCE = {"digits": "digits-lenet", "fashion_mnist": "fashion-lenet"}


def get(extractor: "str | Extractor") -> Extractor:
    """An extractor by its name, or from the path of a classifier that ends in .keras.

    Raises:
        ValueError: an unknown name.
        FileNotFoundError: its weights are not there; the message says how to get them.
    """
    if isinstance(extractor, Extractor):
        return extractor
    if extractor in EXTRACTORS:
        return EXTRACTORS[extractor]()
    if str(extractor).endswith(".keras"):
        return classifier(extractor)
    raise ValueError(
        f"There is no extractor {extractor!r}. Choose one of {', '.join(EXTRACTORS)}, or a path to a .keras classifier."
    )


def _made(name, network, size, channels) -> Extractor:
    digest = hashlib.sha256()
    for v in network.weights:
        digest.update(np.ascontiguousarray(keras.ops.convert_to_numpy(v)).tobytes())
    return Extractor(name, digest.hexdigest()[:4], tuple(size), channels, network)
