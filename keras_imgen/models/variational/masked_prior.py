"""The second stage of a VQ-VAE: its codes in a few steps, many at a time."""

import math
from enum import IntEnum
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_imgen.arguments import finite, integer
from keras_imgen.inference.endpoints import Endpoint, Endpoints, Number, Seeds
from keras_imgen.models.variational.code_prior import CodePrior
from keras_imgen.models.variational.vqvae import VQVAE
from keras_imgen.networks.text import TextConditioned
from keras_imgen.training import random
from keras_imgen.training.rows import like

SURE = 1e9  # of a code that is known


class Stream(IntEnum):
    """What is drawn from the keys of a batch."""

    SHARE = 0
    ORDER = 1
    DROPOUT = 2


@keras.saving.register_keras_serializable("keras_imgen")
class MaskedPrior(CodePrior):
    """A network that fills in masked codes, each from all others, and makes pictures from nothing but masks in a few steps (Chang et al.
    2022, "MaskGIT: Masked Generative Image Transformer"; told texts, Chang et al. 2023, "Muse").

    In training a share cos(pi r / 2) of the codes of an image is masked, r uniform in [0, 1). In each of the steps of `generate` all codes
    that are masked are drawn at once; the surest are kept, so many that a share cos(pi t / 2) stays masked at t = step / steps.

    Args:
        vqvae: a trained `VQVAE`; a copy of it with averaged weights is kept and stays as it is.
        network: from a dict of `codes` int32 (N, h, w), where the number of codes stands for a mask, and of conditions, to logits (N, h, w,
            codes), as `networks.masked_transformer`, with `networks.TextConditioned` around it for texts.
        num_classes: of the labels, if the network takes them, with num_classes for no label; None for a model without.
        temperature: of drawing codes, above 0, unless `generate` says another.
        choice_temperature: at least 0: of the noise, falling from step to step, in the order in which codes are kept; 0 keeps the surest.
        steps: of `generate`, at least 1.
        guidance_scale: of `generate`: 1 is the conditional model, above it its logits are led away from those without conditions.
        label_dropout: the share of images of which no condition is told in training, in [0, 1).
        others: see `ImageModel`.

    Raises:
        ValueError: a network of other logits, or that does not fit `num_classes`; a number outside its range.

    Trained by `fit` on images. Logs `loss`, the cross-entropy in nats per masked code, and `accuracy`, the share of them that were the
    likeliest.
    """

    settings = (*CodePrior.settings, "choice_temperature", "steps", "guidance_scale", "label_dropout")

    def __init__(
        self,
        vqvae: VQVAE,
        network: keras.Model,
        num_classes: int | None = None,
        temperature: float = 1.0,
        choice_temperature: float = 4.5,
        steps: int = 8,
        guidance_scale: float = 1.0,
        label_dropout: float = 0.1,
        **kwargs: Any,
    ):
        super().__init__(vqvae, network, num_classes, temperature, **kwargs)
        self.choice_temperature = float(finite("choice_temperature", choice_temperature, 0.0))
        self.steps, self.guidance_scale = integer("steps", steps, 1), float(finite("guidance_scale", guidance_scale))
        if not 0.0 <= label_dropout < 1.0:
            raise ValueError(f"Expected `label_dropout` in [0, 1), got {label_dropout!r}.")
        self.label_dropout = label_dropout

    # === The step ===

    def update(self, batch: dict[str, Any]) -> dict[str, Any]:
        codes = self.vqvae.latents_of(batch["image"])
        keys, told = self.next_keys(ops.shape(codes)[0]), self.told(batch)
        if self.label_dropout and told:
            left_out = random.uniform(random.fold(keys, Stream.DROPOUT)) < self.label_dropout
            nulls = self.nulls(told)
            told = {k: ops.where(like(left_out, v), nulls[k], v) for k, v in told.items()}
        masked = self.masked(keys)
        return self.minimize(lambda: self.errors(codes, masked, told, True), self.network)[1]

    def score(self, batch: dict[str, Any]) -> dict[str, Any]:
        codes = self.vqvae.latents_of(batch["image"])
        return self.errors(codes, self.masked(self.score_keys(batch)), self.told(batch), False)[1]

    def masked(self, keys: Any) -> Any:
        """Which codes are masked, bool (N, h, w): a share cos(pi r / 2), at least one.

        Args:
            keys: (N, 2) of `training.random`.
        """
        share = ops.cos(0.5 * math.pi * random.uniform(random.fold(keys, Stream.SHARE)))
        places = math.prod(self.latent_shape)
        count = ops.maximum(ops.ceil(share * places), 1.0)
        order = ops.argsort(random.uniform(random.fold(keys, Stream.ORDER), (places,)), axis=-1)
        return ops.reshape(ops.cast(order, "float32") < count[:, None], (-1, *self.latent_shape))

    def errors(self, codes: Any, masked: Any, told: dict[str, Any], training: bool) -> tuple[Any, dict[str, Any]]:
        """What the network is trained for.

        Args:
            codes: int32 (N, h, w).
            masked: bool (N, h, w).
            told: conditions (N, ...) by name.
            training: whether the network is in training mode.

        Returns:
            (the loss, the logs).
        """
        logits = self._logits(ops.where(masked, self.codes, codes), told, training)
        nats = keras.losses.sparse_categorical_crossentropy(codes, logits, from_logits=True)
        right = ops.cast(ops.argmax(logits, -1) == ops.cast(codes, "int32"), "float32")
        weight = ops.cast(masked, "float32")
        loss, accuracy = (ops.sum(v * weight) / ops.sum(weight) for v in (nats, right))
        return loss, {"loss": loss, "accuracy": accuracy}

    def _logits(self, codes, told, training):
        return ops.cast(self.network({"codes": codes, **told}, training=training), "float32")

    # === Sampling ===

    def sampled(
        self,
        keys: Any,
        told: dict[str, Any] | None = None,
        temperature: Any = None,
        choice_temperature: Any = None,
        steps: Any = None,
        guidance_scale: Any = None,
    ) -> Any:
        """Codes int32 (N, h, w) of new images.

        Args:
            keys: (N, 2) of `training.random`.
            told: conditions (N, ...) by name.
            temperature: of drawing codes, a scalar; None is the model's, and so of the others.
            choice_temperature: of the order in which they are kept.
            steps: how many.
            guidance_scale: 1 is the conditional model.
        """
        own = (self.temperature, self.choice_temperature, self.steps, self.guidance_scale)
        given = (temperature, choice_temperature, steps, guidance_scale)
        temperature, noise, steps, scale = (ops.cast(a if b is None else b, "float32") for a, b in zip(own, given))
        told, places, count = dict(told or {}), math.prod(self.latent_shape), ops.shape(keys)[0]
        nulls = self.nulls(told)
        if isinstance(self.network, TextConditioned):  # a text is encoded once, not in every step
            told, nulls = (self.network.encode(one) for one in (told, nulls))
        both = {k: ops.concatenate([v, nulls[k]]) for k, v in told.items()}

        def logits_of(codes):
            maps = ops.reshape(codes, (-1, *self.latent_shape))

            def guided():
                found = self._logits(ops.concatenate([maps, maps]), both, False)
                cond, without = ops.split(found, 2)
                return without + scale * (cond - without)

            plain = lambda: self._logits(maps, told, False)  # noqa: E731
            found = ops.cond(scale != 1.0, guided, plain) if told else plain()
            return ops.reshape(found, (-1, places, self.codes))

        def gumbel(number, shape):
            return -ops.log(-ops.log(random.uniform(random.fold(keys, number), shape)))

        def step(i, codes):
            hidden = codes == self.codes
            logits = logits_of(codes) / temperature
            drawn = ops.cast(ops.argmax(logits + gumbel(2 * i, (places, self.codes)), axis=-1), "int32")
            chance = ops.log_softmax(logits, axis=-1)
            sure = ops.squeeze(ops.take_along_axis(chance, drawn[..., None], axis=-1), -1)
            passed = ops.cast(i + 1, "float32") / steps
            sure = sure + noise * (1.0 - passed) * gumbel(2 * i + 1, (places,))
            sure = ops.where(hidden, sure, SURE)
            # The least sure are masked again; at least one code is new in each step, and at the end none is masked.
            left = ops.minimum(
                ops.floor(ops.cos(0.5 * math.pi * passed) * places + 1e-3),
                ops.cast(ops.sum(hidden, axis=-1), "float32") - 1.0,
            )
            left = ops.where(passed >= 1.0, 0.0, ops.maximum(left, 0.0))
            rank = ops.cast(ops.argsort(ops.argsort(sure, axis=-1), axis=-1), "float32")
            known = ops.where(hidden, drawn, codes)
            return ops.where(rank < left[:, None], self.codes, known)

        start = ops.full((count, places), self.codes, dtype="int32")
        found = ops.fori_loop(0, ops.cast(steps, "int32"), step, start)
        return ops.reshape(found, (-1, *self.latent_shape))

    def generate(
        self,
        n: int | None = None,
        labels: Any = None,
        seed: int = 0,
        *,
        seeds: Any = None,
        temperature: float | None = None,
        choice_temperature: float | None = None,
        steps: int | None = None,
        guidance_scale: float | None = None,
        conditions: dict[str, Any] | None = None,
        batch_size: int = 64,
        ema: bool = True,
    ) -> np.ndarray:
        """New images, uint8 (n, height, width, channels); without conditions, of the model that is told nothing.

        Args:
            n: how many; may be left out where `labels`, `conditions` or `seeds` tell.
            labels: int or ints (n,); short for `conditions={"label": ...}`.
            seed: image k has the seed `seed + k`. The same seed is the same image in any batch.
            seeds: those of the images (n,), in place of `seed`.
            temperature: of drawing codes, above 0; None is the model's, and so of the next three.
            choice_temperature: of the order in which they are kept, at least 0.
            steps: how many, at least 1.
            guidance_scale: 1 is the conditional model.
            conditions: what the network is told, by name, of one row for all images or n; see `keras_imgen.conditions`.
            batch_size: images made at a time.
            ema: use averaged weights.

        Raises:
            ValueError: labels or conditions that the model does not know, a number outside its range.
        """
        steps = None if steps is None else integer("steps", steps, 1)
        own = {"temperature": temperature, "choice_temperature": choice_temperature, "steps": steps}
        given = {"n": n, "labels": labels, "seed": seed, "seeds": seeds, **own, "guidance_scale": guidance_scale}
        return self.answer("generate", {**given, "conditions": conditions, "batch_size": batch_size}, ema)

    def endpoints(self) -> Endpoints:
        numbers = (
            Number("temperature", self.temperature, 0.0, above=True),
            Number("choice_temperature", self.choice_temperature, 0.0),
            Number("steps", self.steps, 1.0),
            Number("guidance_scale", self.guidance_scale),
        )

        def sample(given, told):
            return self.sample(given["seeds"], told, **{one.name: given[one.name] for one in numbers})

        own = {"signature": "sample", "short": {"generate": ("guidance_scale",)}, "null": True}
        inputs = (Seeds(), *numbers)
        return {**super().endpoints(), "generate": Endpoint(inputs, self.conditions, **own, function=sample)}

    def drawn(self, keys: Any, told: dict[str, Any]) -> dict[str, Any]:
        return told  # it can be told nothing
