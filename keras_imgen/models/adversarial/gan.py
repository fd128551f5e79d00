"""GAN: two players, one of the adversarial losses, and terms that keep the game stable."""

from enum import IntEnum
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_imgen.arguments import integer
from keras_imgen.conditions import Conditions, counts, encoded, given_with, inputs_of
from keras_imgen.inference.endpoints import Endpoint, Endpoints, Number, Seeds
from keras_imgen.inference.requests import rows
from keras_imgen.layers.pictures import to_uint8
from keras_imgen.losses import adversarial, terms
from keras_imgen.models.adversarial.augment import alike
from keras_imgen.models.adversarial.regularizers import R1, GradientPenalty, Regularizer, discriminator_step
from keras_imgen.models.calls import call, check_labels, conditions_of, inner, inputs
from keras_imgen.models.image_model import ImageModel, rows_are_independent
from keras_imgen.training import backend, random
from keras_imgen.training.rows import per_row, strided

TRUNCATION = Number("truncation", 0.0, 0.0, above=True)  # 0, which nobody can ask for, is none


class Stream(IntEnum):
    """What a GAN draws from keys: the random streams of a step, and of an image. `StyleGAN2` has more."""

    LATENT = 0
    AUGMENT_REAL = 1
    AUGMENT_FAKE = 2
    REGULARIZERS = 3


@keras.saving.register_keras_serializable("keras_imgen")
class GAN(ImageModel):
    """A generator and a discriminator (Goodfellow et al. 2014), conditional if the generator takes labels.

    The generator is a `keras.Model` called with a dict of `latent` (N, D) and, if it is conditional, `label` (N,), or with the latent
    alone; the discriminator with a dict of `image` (N, H, W, C) and `label`, or with the image alone. See `networks`: `mlp_...`,
    `dcgan_...`, `resnet_gan_...`; how labels enter is the discriminator's `conditioning`.

    Args:
        generator: the player that makes images.
        discriminator: the player that judges them.
        num_classes: of the labels; None for a model without.
        loss: see `losses.adversarial`: "non_saturating", "minimax", "least_squares", "hinge", "wasserstein", "relativistic".
        regularizers: terms of the discriminator's loss, see `regularizers`; None is R1, () is none.
        critic_steps: steps of the discriminator for each one of the generator. A batch is cut into as many parts, one for each, so that
            every step sees other images; make the batch that much larger.
        augment: None, `DiffAugment()` or `AdaptiveAugment()`, for small data.
        auxiliary_weight: of the cross-entropy of the classes, for a discriminator with `conditioning="auxiliary"`.
        shared_fakes: the generator steps first, and its images serve the discriminator too: one generator pass in place of two.
            Another algorithm, with less work: the discriminator learns from images of the generator before its step.
        others: see `ImageModel`; the generator alone is averaged.

    Raises:
        ValueError: players that do not fit `num_classes`, `critic_steps` below 1, or above 1 with `shared_fakes`.

    Logs: the losses, each term by its name, `real_accuracy` and `fake_accuracy` (shares that the discriminator gets right; 0.5 if it
    guesses, 1 if the generator has lost), `diversity` (how far generated images of a batch are apart, relative to real ones; 0 if the
    generator has collapsed to one image), and `augment_p` of ADA.
    """

    settings = (
        *ImageModel.settings,
        "generator",
        "discriminator",
        "num_classes",
        ("loss", "loss_pair"),
        "regularizers",
        "critic_steps",
        "augment",
        "auxiliary_weight",
        "shared_fakes",
    )

    def __init__(
        self,
        generator: keras.Model,
        discriminator: keras.Model,
        num_classes: int | None = None,
        loss: str | adversarial.AdversarialLoss = "non_saturating",
        regularizers: tuple[Regularizer, ...] | None = None,
        critic_steps: int = 1,
        augment: Any = None,
        auxiliary_weight: float = 1.0,
        shared_fakes: bool = False,
        ema: float | None = 0.999,
        **kwargs: Any,
    ):
        self.loss_pair = adversarial.get(loss)
        self.regularizers = (R1(),) if regularizers is None else terms.checked(regularizers, "regularizers")
        self.adaptive = hasattr(augment, "next_state")
        self.auxiliary = not isinstance(discriminator, keras.Sequential) and "class_logits" in _outputs(discriminator)
        self.logged = tuple(self._logged())
        super().__init__(ema=ema, **kwargs)
        if critic_steps < 1:
            raise ValueError(f"Expected `critic_steps` of at least 1, got {critic_steps!r}.")
        if shared_fakes and critic_steps > 1:
            raise ValueError("shared_fakes=True needs critic_steps=1: there is one set of fakes in a step.")
        self.generator, self.discriminator, self._classes = generator, discriminator, num_classes
        self.critic_steps, self.augment, self.auxiliary_weight = critic_steps, augment, auxiliary_weight
        self.shared_fakes = shared_fakes
        check_labels(generator, num_classes, "generator")
        if None in self.image_shape:
            raise ValueError(f"Expected a generator of images of a fixed size, got {self.image_shape}.")
        state = {"trainable": False, "aggregation": "mean"}
        self.logit_means = self.add_weight(name="logit_means", shape=(2,), initializer="zeros", **state)
        self.augment_state = None
        if self.adaptive:
            start = self.augment.start()
            self.augment_state = self.add_weight(
                name="augment_state",
                shape=start.shape,
                initializer=lambda shape, dtype: ops.convert_to_tensor(start),
                **state,
            )
        self.joint = rows_are_independent(discriminator)
        self.finish()

    def _logged(self):
        yield from ("discriminator_loss", "generator_loss", "real_accuracy", "fake_accuracy", "diversity")
        yield from (term.name for term in self.regularizers)
        if self.auxiliary:
            yield "class_loss"
        if self.adaptive:
            yield "augment_p"

    # === The players ===

    @property
    def players(self) -> dict[str, keras.Model]:
        return {"generator": self.generator, "discriminator": self.discriminator}

    @property
    def averaged_players(self) -> tuple[str, ...]:
        return ("generator",)

    def default_optimizers(self) -> dict[str, keras.optimizers.Optimizer]:
        return {name: keras.optimizers.Adam(2e-4, beta_1=0.5) for name in self.players}

    @property
    def image_shape(self) -> tuple[int, int, int]:
        return tuple(inner(self.generator).output_shape[1:])

    @property
    def num_classes(self) -> int | None:
        return self._classes

    @property
    def conditions(self) -> Conditions:
        return conditions_of(self.generator, ("latent", "keys"), self.num_classes, self.class_names)

    @property
    def reads(self) -> tuple[str, ...]:
        return (self.pictures[0], *inputs_of(self.conditions))

    @property
    def latent_dim(self) -> int:
        """How many numbers a latent has."""
        return int(inputs(self.generator)["latent"].shape[-1])

    def generated(self, keys: Any, told: dict[str, Any] | None = None, training: bool = False) -> Any:
        """Images float32 (N, H, W, C) of the generator, from latents of N(0, I), and what else it takes by chance.

        Args:
            keys: (N, 2) of `training.random`.
            told: conditions (N, ...) by name.
            training: whether the generator is in training mode.
        """
        return call(self.generator, {"latent": self.latents(keys), **(told or {})}, training)

    def latents(self, keys: Any, truncation: Any = None) -> Any:
        """Latents (N, latent_dim) of N(0, I).

        Args:
            keys: (N, 2) of `training.random`.
            truncation: t, a scalar, for latents within [-t, t] (BigGAN, Brock et al. 2019, section 3.1); None is all of them.
        """
        drawn = random.normal(random.fold(keys, Stream.LATENT), (self.latent_dim,))
        if truncation is None:
            return drawn
        # The normal distribution's quantile of a number within its share: the same image, drawn in as t falls.
        share = ops.erf(truncation / np.sqrt(2.0).astype("float32"))
        return np.sqrt(2.0).astype("float32") * ops.erfinv(share * ops.erf(drawn / np.sqrt(2.0).astype("float32")))

    def discriminate(self, images: Any, told: dict[str, Any] | None = None, training: bool = False) -> tuple[Any, Any]:
        """What the discriminator says.

        Args:
            images: (N, H, W, C) as it sees them, in [-1, 1].
            told: conditions (N, ...) by name.
            training: whether it is in training mode.

        Returns:
            (logits, logits of the classes or None).
        """
        found = call(self.discriminator, {"image": images, **(told or {})}, training)
        return (found["logits"], found["class_logits"]) if isinstance(found, dict) else (found, None)

    # === The step ===

    def update(self, batch: dict[str, Any]) -> dict[str, Any]:
        logs = {}
        if self.shared_fakes:
            keys = self.next_keys(ops.shape(batch[self.pictures[0]])[0])
            logs, fake = self._generator_step(batch, keys)
            logs.update(self._discriminator_step(batch, keys, ops.stop_gradient(fake)))
            return logs
        for i in range(self.critic_steps):
            part = {k: strided(v, i, self.critic_steps) for k, v in batch.items()} if self.critic_steps > 1 else batch
            keys = self.next_keys(ops.shape(part[self.pictures[0]])[0])
            fake = ops.stop_gradient(self.generated(random.fold(keys, Stream.LATENT), self.told(part), True))
            logs.update(self._discriminator_step(part, keys, fake))
        return {**logs, **self._generator_step(part, self.next_keys(ops.shape(part[self.pictures[0]])[0]))[0]}

    def _augmented(self, images, keys):
        if self.augment is None:
            return images
        share = self.augment_state[0] if self.adaptive else None
        return alike(lambda images, keys: self.augment(images, keys, share), images, keys)

    def _discriminator_step(self, batch, keys, fake):
        told = self.told(batch)
        diversity = _spread(fake) / (_spread(batch[self.pictures[0]]) + 1e-6)
        real = self._augmented(batch[self.pictures[0]], random.fold(keys, Stream.AUGMENT_REAL))
        fake = self._augmented(fake, random.fold(keys, Stream.AUGMENT_FAKE))

        def critic(images, training=False):
            return self.discriminate(images, told, training)[0]

        keys = random.fold(keys, Stream.REGULARIZERS)
        judged = lambda: self._judged(real, fake, told)  # noqa: E731
        logs, (real_logits, fake_logits), now = discriminator_step(self, real, fake, judged, critic, keys)
        logs["diversity"] = diversity
        if self.adaptive:
            signs = ops.sign(real_logits - self.loss_pair.middle(now[0], now[1]))
            seen = ops.stack([ops.sum(signs), ops.cast(ops.size(signs), "float32")])
            seen = backend.sum_over_replicas(seen)
            state = self.augment.next_state(ops.copy(self.augment_state), seen[0], seen[1])
            self.augment_state.assign(state)
            logs["augment_p"] = state[0]
        return logs

    def _judged(self, real, fake, told):
        """(logits of real images, of generated ones, further terms of the discriminator's loss as (weight, scalar) by name)."""
        (real_logits, real_classes), (fake_logits, fake_classes) = self._both(real, fake, told)
        if real_classes is None:
            return real_logits, fake_logits, {}
        crossed = [_cross_entropy(told["label"], c) for c in (real_classes, fake_classes)]
        return real_logits, fake_logits, {"class_loss": (self.auxiliary_weight, 0.5 * (crossed[0] + crossed[1]))}

    def _both(self, real, fake, told):
        """The discriminator on real and generated images: in one pass, unless its batch norm or minibatch std would mix the two."""
        if not self.joint:
            return self.discriminate(real, told, True), self.discriminate(fake, told, True)
        twice = {k: ops.concatenate([v, v]) for k, v in told.items()}
        logits, classes = self.discriminate(ops.concatenate([real, fake]), twice, True)
        classes = (None, None) if classes is None else ops.split(classes, 2)
        return tuple(zip(ops.split(logits, 2), classes))

    def _generator_step(self, batch, keys):
        """(logs, images)."""
        _, logs, fake = self.minimize(self._generator_loss(batch, keys), self.generator)
        return logs, fake

    def _generator_loss(self, batch, keys):
        told = self.told(batch)

        def loss_fn():
            fake = self.generated(random.fold(keys, Stream.LATENT), told, True)
            logits, more = self.discriminate(self._augmented(fake, random.fold(keys, Stream.AUGMENT_FAKE)), told, True)
            real = None
            if self.loss_pair.pairs:
                real = self._augmented(batch[self.pictures[0]], random.fold(keys, Stream.AUGMENT_REAL))
                real = self.discriminate(real, told, True)[0]
            loss = self.loss_pair.generator(logits, real)
            total, logs = self._generator_terms(loss, batch[self.pictures[0]], fake, told, more)
            return total, {"generator_loss": loss, **logs}, fake

        return loss_fn

    def _generator_terms(self, loss, real, fake, told, more):
        """(the generator's loss with further terms, what is logged of these), given what the discriminator says besides logits."""
        if more is not None:
            loss = loss + self.auxiliary_weight * _cross_entropy(told["label"], more)
        return loss, {}

    def score(self, batch: dict[str, Any]) -> dict[str, Any]:
        told, keys = self.told(batch), self.score_keys(batch)
        fake = self.generated(keys, told)
        (real_logits, _), (fake_logits, _) = (
            self.discriminate(batch[self.pictures[0]], told),
            self.discriminate(fake, told),
        )
        return {
            "discriminator_loss": self.loss_pair.discriminator(real_logits, fake_logits),
            "generator_loss": self.loss_pair.generator(fake_logits, real_logits),
            **self.loss_pair.accuracy(real_logits, fake_logits),
            "diversity": _spread(fake) / (_spread(batch[self.pictures[0]]) + 1e-6),
        }

    # === Sampling ===

    def sample(self, seeds: Any, told: dict[str, Any], truncation: Any = None) -> Any:
        """Images uint8 (N, H, W, C) in tensors: what `generate` compiles and `export` writes.

        Args:
            seeds: int32 (N,).
            told: conditions (N, ...) by name; a label of `num_classes` is drawn.
            truncation: a scalar, 0 for none; or None.
        """
        keys = random.key(seeds)
        return to_uint8(self.images(self.sampling_latents(keys, truncation), self.drawn(keys, told), keys))

    def sampling_latents(self, keys: Any, truncation: Any = None) -> Any:
        """The latents of images.

        Args:
            keys: (N, 2) of `training.random`.
            truncation: a bound, a scalar, 0 for none; or None.
        """
        if truncation is None:
            return self.latents(keys)
        return ops.where(truncation > 0, self.latents(keys, ops.maximum(truncation, 1e-3)), self.latents(keys))

    def images(self, latents: Any, told: dict[str, Any], keys: Any) -> Any:
        """Images float32 (N, H, W, C) in [-1, 1].

        Args:
            latents: (N, D).
            told: conditions (N, ...) by name.
            keys: (N, 2), of what else the generator takes by chance.
        """
        return call(self.generator, {"latent": latents, **told, "keys": keys}, False)

    def call(self, latents: Any, training: bool = False) -> Any:
        """Images of the generator from latents (N, D), or a dict of its inputs."""
        return call(self.generator, latents if isinstance(latents, dict) else {"latent": latents}, training)

    def generate(
        self,
        n: int | None = None,
        labels: Any = None,
        seed: int = 0,
        *,
        seeds: Any = None,
        truncation: float | None = None,
        conditions: dict[str, Any] | None = None,
        batch_size: int = 64,
        ema: bool = True,
    ) -> np.ndarray:
        """New images, uint8 (n, height, width, channels).

        Args:
            n: how many; may be left out where `labels`, `conditions` or `seeds` tell.
            labels: int or ints (n,) for a conditional model; None draws them. Short for `conditions={"label": ...}`.
            seed: image k has the seed `seed + k`. The same seed is the same image in any batch.
            seeds: those of the images (n,), in place of `seed`.
            truncation: latents within [-t, t]: fewer odd images, less variety (Brock et al. 2019). None: all of N(0, I).
            conditions: what else the generator is told, by name, of one row for all images or n; see `keras_imgen.conditions`.
            batch_size: images made at a time.
            ema: use averaged weights.

        Raises:
            ValueError: labels outside the range, truncation <= 0.
        """
        given = {"n": n, "labels": labels, "seed": seed, "seeds": seeds, "truncation": truncation}
        return self.answer("generate", {**given, "conditions": conditions, "batch_size": batch_size}, ema)

    def interpolate(
        self, start: int, stop: int, frames: int = 16, label: int | None = None, **kwargs: Any
    ) -> np.ndarray:
        """Images uint8 (frames, H, W, C) on the way from one seed to another, both included.

        Args:
            start: the first seed.
            stop: the last seed.
            others: see `walk`.
        """
        return self.walk([start, stop], frames, label, **kwargs)

    def walk(
        self,
        seeds: Any,
        frames: int = 16,
        label: int | None = None,
        loop: bool = False,
        conditions: dict[str, Any] | None = None,
        batch_size: int = 64,
        ema: bool = True,
    ) -> np.ndarray:
        """A walk through the latent space: uint8 images from each seed to the next, `frames` for every part.

        Latents go along great circles (slerp, White 2016), on which their length is what the generator knows. For a film:
        `data.save_video("walk.gif", model.walk([1, 2, 3], loop=True))`.

        Args:
            seeds: two or more.
            frames: images for every part, two or more.
            label: int for a conditional model; None draws the first seed's.
            loop: go back to the first seed.
            conditions: what else the generator is told, the same all the way.
            batch_size: images made at a time.
            ema: use averaged weights.

        Raises:
            ValueError: fewer than two seeds or frames, conditions of several rows.
        """
        from keras_imgen.models.adversarial.latent import path

        integer("frames", frames, 2)
        given = given_with(label if label is None else integer("label", label), conditions)
        if conditions and counts(self.conditions, encoded(self.conditions, given)):
            raise ValueError("Expected conditions of one row, the same all the way.")
        ints, told = rows(self.conditions, None, given, seeds=seeds, null=False)
        ints = np.append(ints, ints[:1]) if loop else ints
        if len(ints) < 2:
            raise ValueError(f"Expected at least two seeds, got {len(ints)}.")
        pairs, share = path(len(ints), frames, loop)
        told = {k: np.repeat(v[:1], len(share), axis=0) for k, v in told.items()}

        def function(starts, stops, share, told):
            first, second = random.key(starts), random.key(stops)
            latents = self.between(first, second, share)
            fixed = ops.broadcast_to(random.key(ints[:1]), ops.shape(first))  # of the noise, and of a drawn label
            return to_uint8(self.images(latents, self.drawn(fixed, told), fixed))

        arrays = [ints[pairs[:, 0]], ints[pairs[:, 1]], share.astype("float32")]
        return self.told_in_batches(("walk", int(ints[0])), function, arrays, told, batch_size, ema=ema)

    def between(self, first: Any, second: Any, share: Any) -> Any:
        """Latents (N, D) on the way between those of two keys.

        Args:
            first: keys (N, 2).
            second: keys (N, 2).
            share: of the way, (N,) in [0, 1].
        """
        from keras_imgen.models.adversarial.latent import slerp

        return slerp(self.latents(first), self.latents(second), share)

    # === Saving and serving ===

    def endpoints(self) -> Endpoints:
        def sample(given, told):
            return self.sample(given["seeds"], told, given["truncation"])

        return {"generate": Endpoint((Seeds(), TRUNCATION), self.conditions, function=sample)}


@keras.saving.register_keras_serializable("keras_imgen")
class WGAN(GAN):
    """WGAN-GP (Gulrajani et al. 2017): the Wasserstein loss, a gradient penalty of 10, five critic steps for one of the generator.

    Its discriminator is a critic: no batch norm.

    Args:
        others: see `GAN`, with these defaults.
    """

    def __init__(
        self,
        generator: keras.Model,
        discriminator: keras.Model,
        num_classes: int | None = None,
        regularizers: tuple[Regularizer, ...] | None = None,
        critic_steps: int = 5,
        loss: str | adversarial.AdversarialLoss = "wasserstein",
        **kwargs: Any,
    ):
        regularizers = (GradientPenalty(),) if regularizers is None else regularizers
        super().__init__(generator, discriminator, num_classes, loss, regularizers, critic_steps, **kwargs)

    def default_optimizers(self) -> dict[str, keras.optimizers.Optimizer]:
        return {name: keras.optimizers.Adam(1e-4, beta_1=0.0, beta_2=0.9) for name in self.players}


def _spread(images):
    """Mean distance of neighbours in the batch, per number."""
    x = ops.cast(images, "float32")
    return ops.mean(ops.sqrt(per_row(ops.mean, ops.square(x - ops.roll(x, 1, axis=0))) + 1e-12))


def _outputs(network):
    found = inner(network).output
    return found if isinstance(found, dict) else {}


def _cross_entropy(labels, logits):
    return ops.mean(keras.losses.sparse_categorical_crossentropy(labels, ops.cast(logits, "float32"), from_logits=True))
