"""GANs that are told texts, and pictures and texts: pairs that do not belong together are fake, and pictures and texts find each other."""

from dataclasses import replace
from typing import Any

import keras
from keras import ops

from keras_imgen.arguments import finite
from keras_imgen.conditions import pictures_of
from keras_imgen.inference.endpoints import Endpoints
from keras_imgen.losses.contrastive import info_nce
from keras_imgen.models.adversarial.gan import GAN
from keras_imgen.models.calls import call, inputs
from keras_imgen.networks.text import TextConditioned
from keras_imgen.training.rows import like

VECTORS = ("image_vector", "text_vector")


@keras.saving.register_keras_serializable("keras_imgen")
class TextGAN(GAN):
    """A GAN that is told texts, with a matching-aware discriminator (GAN-CLS, Reed et al. 2016, "Generative adversarial text to image
    synthesis", section 4.2) and contrastive losses (XMC-GAN, Zhang et al. 2021, "Cross-modal contrastive learning for text-to-image
    generation", section 4).

    Each player has a text encoder of its own, trained with it. The discriminator sees real pictures with their texts as real, and as fake
    generated ones with theirs, and real ones with the text of the row before; where that says the same, the row's generated picture
    counts once more in its place.

    Args:
        generator: `networks.TextConditioned` around a network as `networks.text_generator`.
        discriminator: the same around one as `networks.text_discriminator`: it gives logits, or a dict of `logits`, `image_vector` and
            `text_vector`, which contrastive losses need. It reads the generator's texts.
        matching_weight: of the loss of real pictures and their texts against real pictures and other texts, at least 0.
        contrastive_weight: of `losses.contrastive.info_nce`, which the discriminator learns from real pictures and the generator from its
            own, at least 0.
        temperature: of this, above 0.
        others: see `GAN`.

    Raises:
        ValueError: a player that texts are not encoded for, players of different texts, a discriminator without vectors for a
            `contrastive_weight` above 0, `augment` of pictures that are made from others; see `GAN`, too.

    Learns from batches of `image` and the text's key, `caption`. Logs what `GAN` does, `mismatch_loss` and `mismatch_accuracy` (the share
    of real pictures with another text that the discriminator calls fake), and `contrastive_loss`, of real pictures, and
    `generated_contrastive_loss`.
    """

    settings = (*GAN.settings, "matching_weight", "contrastive_weight", "temperature")

    def __init__(
        self,
        generator: keras.Model,
        discriminator: keras.Model,
        matching_weight: float = 1.0,
        contrastive_weight: float = 1.0,
        temperature: float = 0.1,
        **kwargs: Any,
    ):
        for name, network in (("generator", generator), ("discriminator", discriminator)):
            if not isinstance(network, TextConditioned):
                raise ValueError(f"Expected networks.TextConditioned(...) as the {name}, got {type(network).__name__}.")
        if generator.text != discriminator.text:
            raise ValueError("Expected a generator and a discriminator of the same text: give both the same `Text`.")
        if generator.encoder is discriminator.encoder:
            raise ValueError(
                "Expected an encoder of its own for each player: one that both share would be saved once and read by none."
            )
        finite("matching_weight", matching_weight, 0.0)
        finite("contrastive_weight", contrastive_weight, 0.0)
        finite("temperature", temperature, 0.0, above=True)
        self.matching_weight, self.contrastive_weight = float(matching_weight), float(contrastive_weight)
        self.temperature = float(temperature)
        output = discriminator.network.output
        if self.contrastive_weight and not (isinstance(output, dict) and set(VECTORS) <= set(output)):
            raise ValueError(
                f"Expected a discriminator that gives {' and '.join(VECTORS)} for contrastive losses: as networks.text_discriminator, or "
                "contrastive_weight=0."
            )
        super().__init__(generator, discriminator, **kwargs)
        if self.augment is not None and pictures_of(self.conditions):
            raise ValueError("`augment` does not apply to pictures made from others: it would move them apart.")

    def _logged(self):
        yield from super()._logged()
        if self.matching_weight:
            yield from ("mismatch_loss", "mismatch_accuracy")
        if self.contrastive_weight:
            yield from ("contrastive_loss", "generated_contrastive_loss")

    @property
    def second(self) -> str:
        """What y is, in batches (x, y)."""
        return self.generator.text.key

    def discriminate(self, images: Any, told: dict[str, Any] | None = None, training: bool = False) -> tuple[Any, Any]:
        """What the discriminator says.

        Args:
            images: (N, H, W, C) as it sees them, in [-1, 1].
            told: conditions (N, ...) by name, texts as tokens or as its encoder makes them.
            training: whether it is in training mode.

        Returns:
            (logits, a dict of the vectors of image and text or None).
        """
        found = call(self.discriminator, {"image": images, **(told or {})}, training)
        return (found["logits"], {k: found[k] for k in VECTORS}) if isinstance(found, dict) else (found, None)

    def _judged(self, real, fake, told, training=True):
        same, told = self._same(told), self.discriminator.encode(told, training)
        pairs = [(real, told), (fake, told)]
        if self.matching_weight:
            pairs.append((real, {**told, **{k: _rolled(told[k]) for k in self.discriminator.takes}}))
        if self.joint:
            images = ops.concatenate([image for image, _ in pairs])
            logits, vectors = self.discriminate(images, _joined([text for _, text in pairs]), training)
            logits = ops.split(logits, len(pairs))
            vectors = vectors and {k: ops.split(v, len(pairs))[0] for k, v in vectors.items()}
        else:
            found = [self.discriminate(*pair, training) for pair in pairs]
            logits, vectors = [one for one, _ in found], found[0][1]
        more = {}
        if self.matching_weight:
            other = ops.where(like(ops.diagonal(_rolled(same)), logits[1]), logits[1], logits[2])
            more["mismatch_loss"] = self.matching_weight, self.loss_pair.discriminator(logits[0], other)
            more["mismatch_accuracy"] = 0.0, self.loss_pair.accuracy(logits[0], other)["fake_accuracy"]
        if self.contrastive_weight:
            more["contrastive_loss"] = self.contrastive_weight, self._contrastive(vectors, same)
        return logits[0], logits[1], more

    def _same(self, told):
        """Which of the texts of a batch say the same: bool (N, N)."""
        rows = [told[k] for k in self.discriminator.text.inputs()]
        equal = [ops.all(ops.equal(v[:, None], v[None]), axis=-1) for v in rows]
        return ops.logical_and(*equal)

    def _contrastive(self, vectors, same):
        return info_nce(*(vectors[k] for k in VECTORS), same, self.temperature)

    def _generator_terms(self, loss, real, fake, told, more):
        if not self.contrastive_weight:
            return loss, {}
        contrastive = self._contrastive(more, self._same(told))
        return loss + self.contrastive_weight * contrastive, {"generated_contrastive_loss": contrastive}

    def score(self, batch: dict[str, Any]) -> dict[str, Any]:
        told, real = self.told(batch), batch[self.pictures[0]]
        fake = self.generated(self.score_keys(batch), told)
        terms = self._judged(real, fake, told, False)[2]
        _, logs = self._generator_terms(0.0, real, fake, told, self.discriminate(fake, told)[1])
        return {**super().score(batch), **{k: term for k, (_, term) in terms.items()}, **logs}

    def endpoints(self) -> Endpoints:
        generate = super().endpoints()["generate"]
        return {"generate": replace(generate, signature="sample", short={"generate": ("truncation",)})}


@keras.saving.register_keras_serializable("keras_imgen")
class MultimodalGAN(TextGAN):
    """A `TextGAN` that makes a picture from another one and what a text says to do with it: an editor by instructions.

    The discriminator sees the picture that was given, what was made of it, and the instruction; that of another row is fake there too. The
    generator learns beside it from the mean absolute error to what should come out, as `Pix2Pix` does (Isola et al. 2017, eq. 4).

    Args:
        generator: as of `TextGAN`, with a picture among its inputs, as `networks.text_generator(..., source_channels=3)`.
        discriminator: as of `TextGAN`, with the same picture among its inputs.
        l1_weight: of the mean absolute error in [-1, 1], at least 0.
        others: see `TextGAN`; `augment` does not apply.

    Raises:
        ValueError: players that take no picture, or different ones; see `TextGAN`, too.

    Learns from batches of `image`, what should come out, `source`, uint8, and `caption`, the instruction. Logs what `TextGAN` does, and
    `l1`.
    """

    settings = (*TextGAN.settings, "l1_weight")

    def __init__(self, generator: keras.Model, discriminator: keras.Model, l1_weight: float = 10.0, **kwargs: Any):
        finite("l1_weight", l1_weight, 0.0)
        self.l1_weight = float(l1_weight)
        super().__init__(generator, discriminator, **kwargs)
        given = pictures_of(self.conditions)
        if not given or not set(given) <= set(inputs(discriminator)):
            raise ValueError(
                f"Expected a generator and a discriminator that take a picture, got {', '.join(given) or 'none'} of the generator and "
                f"{', '.join(inputs(discriminator))} of the discriminator: make both with source_channels=... ."
            )

    def _logged(self):
        yield from (*super()._logged(), "l1")

    def _generator_terms(self, loss, real, fake, told, more):
        total, logs = super()._generator_terms(loss, real, fake, told, more)
        l1 = ops.mean(ops.abs(ops.cast(fake, "float32") - real))
        return total + self.l1_weight * l1, {**logs, "l1": l1}


def _rolled(rows):
    """Every row in the place of the one before it."""
    return ops.concatenate([rows[-1:], rows[:-1]])


def _joined(several):
    """Rows of several dicts, one after the other."""
    return {k: ops.concatenate([one[k] for one in several]) for k in several[0]}
