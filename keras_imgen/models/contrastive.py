"""Contrastive language-image pre-training: pictures and texts as vectors on one sphere."""

import math
from collections.abc import Mapping
from typing import Any

import keras
import numpy as np
from keras import layers, ops

from keras_imgen.conditions import Conditions, inputs_of
from keras_imgen.inference.endpoints import Endpoint, Endpoints, Pictures, Told, bound
from keras_imgen.layers.pictures import rescale
from keras_imgen.models.calls import Pair, call, conditions_of
from keras_imgen.models.image_model import ImageModel
from keras_imgen.networks.text import TextConditioned

SHARPEST = 100.0  # the largest factor of a cosine
NEVER = -1e9  # a logit of what is not compared


@keras.saving.register_keras_serializable("keras_imgen")
class CLIP(ImageModel):
    """Vectors of pictures and of texts, near each other where they belong together (Radford et al. 2021, "Learning Transferable Visual
    Models From Natural Language Supervision", CLIP): of the pictures in a batch each text has to find its own, and the other way round.

    Args:
        image_encoder: of images (N, H, W, C) in [-1, 1] to vectors (N, D), as `networks.resnet((64, 64, 3), 128)`.
        text_encoder: of texts to vectors (N, D): `networks.TextConditioned` around a network of its `vector` to D numbers, as
            `networks.projection(128, 128)`, and an encoder.
        temperature: that the cosines are divided by at the start; it is learned, and stays at or above 0.01.
        others: see `ImageModel`.

    Learns from batches of `image` and the text, and, where different texts may say the same, `identity`, whole numbers (N,). What has
    the same text, or the same identity, is not held against each other. Logs `loss`, the mean of both directions' cross-entropies over
    the batch, and `accuracy`, how often what belongs to a row is the nearest of those in the batch that it is compared with.

    Raises:
        ValueError: encoders of vectors of different lengths, no texts, a temperature outside [0.01, 1].
    """

    logged = ("loss", "accuracy")
    pictures = ("image",)
    settings = (*ImageModel.settings, "image_encoder", "text_encoder", "temperature")

    def __init__(self, image_encoder: keras.Model, text_encoder: keras.Model, temperature: float = 0.07, **kwargs: Any):
        super().__init__(**kwargs)
        if not isinstance(text_encoder, TextConditioned):
            raise ValueError(
                f"Expected `text_encoder` as networks.TextConditioned, got {type(text_encoder).__name__}: put it around "
                "networks.projection and an encoder of texts."
            )
        sizes = image_encoder.output_shape, text_encoder.network.output_shape
        if len(sizes[0]) != 2 or sizes[0] != sizes[1]:
            raise ValueError(f"Expected encoders to vectors (N, D) of one length, got {sizes[0]} and {sizes[1]}.")
        if not 1.0 / SHARPEST <= temperature <= 1.0:
            raise ValueError(f"Expected `temperature` in [{1.0 / SHARPEST}, 1], got {temperature!r}.")
        self.image_encoder, self.text_encoder, self.temperature = image_encoder, text_encoder, temperature
        self.scale = LogitScale(1.0 / temperature, dtype="float32", name="scale")
        self._untracked.pair = Pair(image_encoder, text_encoder, self.scale)
        self.finish()

    @property
    def players(self) -> dict[str, keras.Model]:
        return {"encoders": self._untracked.pair}

    @property
    def image_shape(self) -> tuple[int, int, int]:
        return tuple(self.image_encoder.input_shape[1:])

    @property
    def conditions(self) -> Conditions:
        return conditions_of(self.text_encoder, (), None)

    @property
    def second(self) -> str:
        """What y is in batches (x, y)."""
        return self.text_encoder.text.key

    @property
    def reads(self) -> tuple[str, ...]:
        return ("image", "identity", *inputs_of(self.conditions))

    # === The step ===

    def vectors_of_images(self, images: Any, training: bool = False) -> Any:
        """Unit vectors float32 (N, D).

        Args:
            images: float32 (N, H, W, C) in [-1, 1].
            training: whether the encoder is in training mode.
        """
        return unit(call(self.image_encoder, {"image": images}, training))

    def vectors_of_texts(self, told: dict[str, Any], training: bool = False) -> Any:
        """Unit vectors float32 (N, D).

        Args:
            told: tokens and their weights (N, L), by name.
            training: whether the encoder is in training mode.
        """
        return unit(call(self.text_encoder, told, training))

    def call(self, given: dict[str, Any], training: bool = False) -> Any:
        """Logits float32 (N, N), rows pictures and columns texts, from a dict of images in [-1, 1] and tokens."""
        images, texts = (
            self.vectors_of_images(given["image"], training),
            self.vectors_of_texts(self.told(given), training),
        )
        return self.scale(ops.matmul(images, ops.transpose(texts)))

    def losses(self, batch: dict[str, Any], training: bool) -> dict[str, Any]:
        """What is logged of a batch.

        Args:
            batch: tensors by key.
            training: whether the encoders are in training mode.
        """
        logits = self.call(batch, training)
        rows = ops.arange(ops.shape(logits)[0])
        same = ops.all(ops.equal(*crossed(self.told(batch)[self.second])), axis=-1)
        if "identity" in batch:
            same = ops.logical_or(same, ops.equal(*crossed(batch["identity"])))
        others = ops.not_equal(*crossed(rows))
        logits = ops.where(ops.logical_and(same, others), NEVER, logits)
        both = logits, ops.transpose(logits)
        nats = [-ops.mean(ops.diagonal(ops.log_softmax(v, axis=-1))) for v in both]
        right = [ops.mean(ops.cast(ops.equal(ops.cast(ops.argmax(v, -1), rows.dtype), rows), "float32")) for v in both]
        return {"loss": 0.5 * sum(nats), "accuracy": 0.5 * sum(right)}

    def update(self, batch: dict[str, Any]) -> dict[str, Any]:
        def losses():
            found = self.losses(batch, True)
            return found["loss"], found

        return self.minimize(losses, self.players["encoders"])[1]

    def score(self, batch: dict[str, Any]) -> dict[str, Any]:
        return self.losses(batch, False)

    def _check(self, batch):
        super()._check(batch)
        identity = batch.get("identity")
        if identity is not None and (identity.ndim != 1 or identity.dtype.kind not in "iu"):
            raise ValueError(
                f"Expected `identity` as whole numbers (N,), got {identity.dtype} of shape {identity.shape}."
            )

    # === What the finished model answers ===

    def embed_images(self, images: Any, *, batch_size: int = 64, ema: bool = True) -> np.ndarray:
        """Unit vectors float32 (N, D) of pictures; the product of two is the cosine between them.

        Args:
            images: uint8 (N, H, W, C) of the model's size.
            batch_size: pictures at a time.
            ema: use averaged weights.

        Raises:
            ValueError: pictures of another form.
        """
        return self._embed("embed_images", images, batch_size, ema)

    def embed_texts(self, texts: Any, *, batch_size: int = 64, ema: bool = True) -> np.ndarray:
        """Unit vectors float32 (N, D) of texts.

        Args:
            texts: (N,), or one.
            batch_size: texts at a time.
            ema: use averaged weights.

        Raises:
            ValueError: what is no text.
        """
        return self._embed("embed_texts", texts, batch_size, ema)

    def _embed(self, name, given, batch_size, ema):
        return self.answer(name, bound(self.endpoints()[name], (given,), {"batch_size": batch_size}), ema)

    def endpoints(self) -> Endpoints:
        def of_images(given, told):
            return self.vectors_of_images(rescale(given["images"]))

        def of_texts(given, told):
            return self.vectors_of_texts(told)

        how = {"output": "embeddings", "labelled": False}
        strings = {"signature": "embed_tokens", "short": {"embed_texts": ()}}
        texts = (Told("texts", self.second),)
        return {
            "embed_images": Endpoint((Pictures(self.image_shape),), **how, function=of_images),
            "embed_texts": Endpoint(texts, self.conditions, **how, **strings, function=of_texts),
        }

    def show(
        self, batch: Mapping[str, Any] | None = None, n: int = 16, seed: int = 0, **how: Any
    ) -> dict[str, np.ndarray]:
        """Pictures of a batch, and of these the one that is found by the text of each."""
        images = np.asarray(batch["image"])
        vectors = self.embed_texts(batch[self.second], **how), self.embed_images(images, **how)
        return {"image": images, "found": images[np.argmax(vectors[0] @ vectors[1].T, axis=1)]}


def unit(vectors: Any) -> Any:
    """Vectors (N, D) in float32, of length 1."""
    vectors = ops.cast(vectors, "float32")
    return vectors * ops.rsqrt(ops.maximum(ops.sum(ops.square(vectors), axis=-1, keepdims=True), 1e-12))


def crossed(values: Any) -> tuple[Any, Any]:
    """Values (N, ...) in shapes that broadcast to all pairs (N, N, ...)."""
    return values[:, None], values[None]


@keras.saving.register_keras_serializable("keras_imgen")
class LogitScale(layers.Layer):
    """x times a learned factor, at most `SHARPEST`.

    Args:
        start: the factor before training.
    """

    def __init__(self, start: float, **kwargs: Any):
        super().__init__(**kwargs)
        most = math.log(SHARPEST)
        self.logarithm = self.add_weight(
            name="logarithm",
            shape=(),
            initializer=keras.initializers.Constant(math.log(start)),
            constraint=lambda value: ops.minimum(value, most),
        )
        self.built = True

    def call(self, x: Any) -> Any:
        return x * ops.exp(self.logarithm)
