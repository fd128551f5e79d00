"""What generators and discriminators have in common: their inputs and the discriminator's head.

A generator is called with a dict of `latent` (N, D) and, if it is conditional, `label` (N,), and makes float32 images
(N, H, W, C) in [-1, 1]. A discriminator is called with `image` and `label`, and gives logits (N, 1), or a dict of `logits` and
`class_logits` (N, classes) if it is an auxiliary classifier too.
"""

from collections.abc import Callable
from typing import Any

import keras
from keras import layers

from keras_imgen.layers import LabelPlanes, SpectralConv2D, SpectralDense

CONDITIONING = ("concat", "projection", "auxiliary")


def generator_inputs(latent_dim: int, num_classes: int | None) -> dict:
    """The symbolic inputs of a generator, by name: `latent`, and `label` where there are classes."""
    found = {"latent": keras.Input((latent_dim,), name="latent")}
    if num_classes is not None:
        found["label"] = keras.Input((), dtype="int32", name="label")
    return found


def plain(inputs: dict) -> Any:
    """One input as it is, several as a dict."""
    return inputs if len(inputs) > 1 else next(iter(inputs.values()))


def latent_and_label(inputs: dict, num_classes: int | None) -> Any:
    """(N, D) or, with labels, (N, D + classes): the latent beside the one-hot label."""
    if num_classes is None:
        return inputs["latent"]
    one_hot = layers.CategoryEncoding(num_classes, output_mode="one_hot", name="one_hot")(inputs["label"])
    return layers.Concatenate(name="latent_and_label")([inputs["latent"], one_hot])


def discriminator_inputs(
    image_shape: tuple[int, int, int], num_classes: int | None, conditioning: str
) -> tuple[dict, Any]:
    """(the symbolic inputs by name, what the first layer sees: the image, with label planes if `conditioning` is "concat").

    Args:
        image_shape: (height, width, channels).
        num_classes: adds the input `label`.
        conditioning: "concat", "projection" or "auxiliary".

    Raises:
        ValueError: another `conditioning`.
    """
    if conditioning not in CONDITIONING:
        raise ValueError(f"Expected `conditioning` to be one of {', '.join(CONDITIONING)}, got {conditioning!r}.")
    inputs = {"image": keras.Input(tuple(image_shape), name="image")}
    seen = inputs["image"]
    if num_classes is not None:
        inputs["label"] = keras.Input((), dtype="int32", name="label")
        if conditioning == "concat":
            planes = LabelPlanes(num_classes, *image_shape[:2], name="label_planes")(inputs["label"])
            seen = layers.Concatenate(name="image_and_label")([seen, planes])
    return inputs, seen


def head(features: Any, inputs: dict, num_classes: int | None, conditioning: str, spectral: bool = False) -> Any:
    """Logits from features, in float32.

    "projection" adds the product of the features with an embedding of the label (Miyato & Koyama 2018, eq. 3); "auxiliary" adds
    logits of the classes (AC-GAN, Odena et al. 2017).

    Args:
        features: (N, F).
        inputs: the symbolic inputs, as of `discriminator_inputs`.
        num_classes: number of classes, None without labels.
        conditioning: "concat", "projection" or "auxiliary".
        spectral: whether the last layer has spectral normalisation.

    Returns:
        (N, 1), or with "auxiliary" a dict of `logits` (N, 1) and `class_logits` (N, num_classes).
    """
    dense = SpectralDense if spectral else layers.Dense
    if num_classes is None or conditioning == "concat":
        return dense(1, dtype="float32", name="logits")(features)
    if conditioning == "projection":
        logits = dense(1, dtype="float32", name="logits_of_image")(features)
        embedded = layers.Embedding(num_classes, features.shape[-1], name="label_embedding")(inputs["label"])
        product = layers.Dot(axes=-1, dtype="float32", name="projection")([features, embedded])
        return layers.Add(dtype="float32", name="logits")([logits, product])
    # The label is an input like the others', and not looked at: the head must find it out.
    return {
        "logits": dense(1, dtype="float32", name="logits")(features),
        "class_logits": layers.Dense(num_classes, dtype="float32", name="class_logits")(features),
    }


def normalization(kind: str | None, name: str) -> Callable[[Any], Any]:
    """A layer of that name, or the identity for another kind than "batch"."""
    if kind == "batch":
        return layers.BatchNormalization(momentum=0.9, name=name)
    return lambda x: x


def check_normalization(kind: str | None, allowed: tuple[str | None, ...]) -> None:
    """Check that a kind of normalisation is among the allowed.

    Raises:
        ValueError: it is not.
    """
    if kind not in allowed:
        raise ValueError(f"Expected `normalization` to be one of {', '.join(map(repr, allowed))}, got {kind!r}.")


def convolution(spectral: bool) -> type:
    """The class of layers, with spectral normalisation or without."""
    return SpectralConv2D if spectral else layers.Conv2D


def levels(image_shape: tuple[int, int, int]) -> tuple[int, tuple[int, int]]:
    """(how often the size is halved, the smallest (height, width)): down to 4 or to an odd number above it.

    Raises:
        ValueError: a size that cannot be halved down to 4..15.
    """
    height, width = image_shape[:2]
    times = 0
    while height % 2 == 0 and width % 2 == 0 and min(height, width) > 4:
        height, width, times = height // 2, width // 2, times + 1
    if times == 0 or max(height, width) > 15:
        raise ValueError(
            f"Expected a height and width that can be halved down to 4..15, got {image_shape[0]}x{image_shape[1]}."
        )
    return times, (height, width)
