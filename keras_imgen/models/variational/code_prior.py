"""The second stage of a VQ-VAE: its codes one after the other."""

from typing import Any

import keras
import numpy as np
from keras import ops

from keras_imgen.arguments import finite
from keras_imgen.conditions import Conditions
from keras_imgen.inference.endpoints import Endpoint, Endpoints, Number, Seeds
from keras_imgen.models.calls import check_labels, conditions_of
from keras_imgen.models.variational.autoencoder import LatentModel
from keras_imgen.models.variational.vqvae import VQVAE
from keras_imgen.training import random


@keras.saving.register_keras_serializable("keras_imgen")
class CodePrior(LatentModel):
    """The second stage of a VQ-VAE: a network that learns its codes in raster order, each from those before it; then a generator.

    Args:
        vqvae: a trained `VQVAE`; a copy of it with averaged weights is kept and stays as it is.
        network: from codes int32 (N, h, w) to logits (N, h, w, codes) that see only what lies before, as
            `networks.pixelcnn((7, 7), 256)` or `networks.code_transformer((7, 7), 256)`; with labels from a dict of `codes` and `label`.
        num_classes: of the labels, if the network takes them; None for a model without.
        temperature: of sampling, unless `generate` says another; below 1 the likelier codes.
        others: see `ImageModel`.

    Raises:
        ValueError: a network of other logits, or that does not fit `num_classes`; a temperature of 0 or below.

    Trained by `fit` on images. Logs `loss`, the cross-entropy in nats per image, and `accuracy`, the share of codes that were the
    likeliest.
    """

    logged = ("loss", "accuracy")
    latent_dtype = "int32"

    settings = (*LatentModel.settings, "vqvae", "network", "num_classes", "temperature")

    def __init__(
        self,
        vqvae: VQVAE,
        network: keras.Model,
        num_classes: int | None = None,
        temperature: float = 1.0,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        finite("temperature", temperature, 0.0, above=True)
        inner = getattr(network, "network", network)  # of one that is told texts
        check_labels(inner, num_classes, "network")
        self._classes, self.temperature = num_classes, temperature
        self.vqvae = vqvae.for_inference()
        self.vqvae.trainable = False
        self.network = network
        wanted = (*self.latent_shape, self.vqvae.codes)
        if tuple(inner.output_shape[1:]) != wanted:
            raise ValueError(f"Expected a network of logits (N, {wanted}), got {inner.output_shape}.")
        self.finish()

    @property
    def players(self) -> dict[str, keras.Model]:
        return {"network": self.network}

    @property
    def parts(self) -> dict[str, keras.layers.Layer]:
        return {"vqvae": self.vqvae}

    @property
    def image_shape(self) -> tuple[int, int, int]:
        return self.vqvae.image_shape

    @property
    def codes(self) -> int:
        """Entries of the codebook."""
        return self.vqvae.codes

    @property
    def latent_shape(self) -> tuple[int, ...]:
        return self.vqvae.latent_shape

    @property
    def num_classes(self) -> int | None:
        return self._classes

    @property
    def conditions(self) -> Conditions:
        return conditions_of(self.network, ("codes", "image"), self.num_classes, self.class_names)

    @property
    def codec_conditions(self) -> Conditions:
        return ()  # the prior alone is told something

    def _logits(self, codes, told, training):
        given = {"codes": codes, **told} if told else codes
        return ops.cast(self.network(given, training=training), "float32")

    def update(self, batch: dict[str, Any]) -> dict[str, Any]:
        codes = self.vqvae.latents_of(batch["image"])
        _, logs = self.minimize(lambda: self._objective(codes, self.told(batch), True), self.network)
        return logs

    def score(self, batch: dict[str, Any]) -> dict[str, Any]:
        return self._objective(self.vqvae.latents_of(batch["image"]), self.told(batch), False)[1]

    def _objective(self, codes, told, training):
        logits = self._logits(codes, told, training)
        nats = keras.losses.sparse_categorical_crossentropy(codes, logits, from_logits=True)
        right = ops.mean(ops.cast(ops.argmax(logits, -1) == ops.cast(codes, "int32"), "float32"))
        loss = ops.mean(ops.sum(nats, axis=(1, 2)))
        return loss, {"loss": loss, "accuracy": right}

    def latents_of(self, images: Any, told: dict[str, Any] | None = None) -> Any:
        return self.vqvae.latents_of(images)

    def images_of(self, latents: Any, told: dict[str, Any] | None = None) -> Any:
        return self.vqvae.images_of(latents)

    def sampled(self, keys: Any, told: dict[str, Any] | None = None, temperature: float | None = None) -> Any:
        """Codes int32 (N, h, w) of new images, one after the other.

        Args:
            keys: (N, 2) of `training.random`.
            told: conditions (N, ...) by name.
            temperature: below 1 the likelier codes, a scalar; None is the model's.
        """
        temperature = self.temperature if temperature is None else temperature
        height, width = self.latent_shape
        places = ops.reshape(ops.arange(height * width, dtype="int32"), (1, height, width))

        def step(i, codes):
            logits = ops.reshape(self._logits(codes, told or {}, False), (-1, height * width, self.vqvae.codes))
            logits = ops.take(logits, i, axis=1) / temperature
            u = random.uniform(random.fold(keys, i), (self.vqvae.codes,))
            drawn = ops.cast(ops.argmax(logits - ops.log(-ops.log(u)), axis=-1), "int32")  # Gumbel's trick
            return ops.where(places == i, drawn[:, None, None], codes)

        start = ops.zeros((ops.shape(keys)[0], height, width), "int32")
        return ops.fori_loop(0, height * width, step, start)

    def generate(
        self,
        n: int | None = None,
        labels: Any = None,
        seed: int = 0,
        *,
        seeds: Any = None,
        temperature: float | None = None,
        conditions: dict[str, Any] | None = None,
        batch_size: int = 64,
        ema: bool = True,
    ) -> np.ndarray:
        """As `LatentModel.generate`.

        Args:
            temperature: below 1 the likelier codes; None is the model's.
            others: see `LatentModel.generate`.
        """
        given = {"n": n, "labels": labels, "seed": seed, "seeds": seeds, "temperature": temperature}
        return self.answer("generate", {**given, "conditions": conditions, "batch_size": batch_size}, ema)

    def endpoints(self) -> Endpoints:
        def sample(given, told):
            return self.sample(given["seeds"], told, temperature=given["temperature"])

        temperature = Number("temperature", self.temperature, 0.0, above=True)
        short = {"generate": ()}
        inputs, own = (Seeds(), temperature), {"signature": "sample", "short": short}
        return {**super().endpoints(), "generate": Endpoint(inputs, self.conditions, **own, function=sample)}
