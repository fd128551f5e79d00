"""Variational autoencoders: one bound on the likelihood, and what has been changed in it."""

from enum import IntEnum
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_imgen.arguments import integer
from keras_imgen.conditions import given_with
from keras_imgen.inference.requests import rows, told
from keras_imgen.layers.pictures import rescale
from keras_imgen.losses import divergence, terms
from keras_imgen.models.variational import likelihoods
from keras_imgen.models.variational.autoencoder import Autoencoder
from keras_imgen.training import random

ACTIVE = 0.01  # nats of KL from which on a latent number is counted as used


class Stream(IntEnum):
    """What VAEs draw from keys beside the noise of `Autoencoder`."""

    POSTERIOR = 0
    IMPORTANCE = 1  # the draws of the importance-weighted bound
    PRIOR = 3  # what InfoVAE compares with
    NEW_IMAGES = 4  # of VAEGAN's prior


@keras.saving.register_keras_serializable("keras_imgen")
class VAE(Autoencoder):
    """Variational autoencoder (Kingma & Welling 2014; Rezende et al. 2014), conditional if its networks take labels (Sohn et al. 2015).

    The loss is `reconstruction + beta KL`, in nats per image; the negative evidence lower bound (ELBO) for beta = 1.

    Args:
        encoder: images to 2 D numbers, mean and log-variance, as `networks.conv_encoder((28, 28, 1), 2 * 16)`.
        decoder: latents (N, D) to the likelihood's parameters, as `networks.conv_decoder((28, 28, 1), 16)`; with
            "discretized_logistic" two channels for one: `factor=2`.
        num_classes: of the labels, if the networks take them; None for a model without.
        likelihood: "gaussian" (one learned sigma), "bernoulli", "discretized_logistic", or a `likelihoods.Likelihood`.
        beta: of the KL (Higgins et al. 2017); a number, or a schedule of the step for annealing:
            `keras.optimizers.schedules.PolynomialDecay(0.0, 5000, 1.0)`.
        capacity: None, or C: the KL's term is `beta |KL - C|` (Burgess et al. 2018, eq. 8), a number or a schedule.
        free_bits: nats of every latent number's KL, on average over the batch, that cost nothing (Kingma et al. 2016, eq. 15).
        others: see `Autoencoder`.

    Logs `loss`, `reconstruction` (-log p(x|z)) and `kl`, in nats per image; `bits_per_dimension` of the ELBO, whatever beta is (not with
    "bernoulli", which is no likelihood of gray levels);
    `active_units`, how many latent numbers have a KL above 0.01 nats, of a moving average that `kl_per_dimension` gives.
    """

    logged = ("loss", "reconstruction", "kl", "bits_per_dimension", "active_units")
    outputs = 2

    settings = (*Autoencoder.settings, "likelihood", "beta", "capacity", "free_bits")

    def __init__(
        self,
        encoder: keras.Model,
        decoder: keras.Model,
        num_classes: int | None = None,
        likelihood: Any = "gaussian",
        beta: Any = 1.0,
        capacity: Any = None,
        free_bits: float = 0.0,
        **kwargs: Any,
    ):
        self._likelihood = likelihoods.get(likelihood)
        self.beta, self.capacity, self.free_bits = beta, capacity, free_bits
        if self._likelihood.discrete is None:
            self.logged = tuple(name for name in type(self).logged if name != "bits_per_dimension")
        super().__init__(encoder, decoder, num_classes, **kwargs)

    def finish(self) -> None:
        self.likelihood = self._likelihood
        state = {"trainable": False, "initializer": "zeros", "aggregation": "mean"}
        self._kl_average = self.add_weight(name="kl_average", shape=self.latent_shape, **state)
        # The step that schedules are read at, in evaluation too: JAX does not hand the optimizer to it.
        self._step = self.add_weight(name="step", shape=(), **state)
        super().finish()

    @property
    def factor(self) -> int:
        return self._likelihood.factor

    @property
    def trained(self) -> list[keras.layers.Layer]:
        return [self.encoder, self.decoder, self._likelihood]

    @property
    def kl_per_dimension(self) -> np.ndarray:
        """KL of every latent number (D,), nats, averaged over the last twenty steps or so."""
        return np.array(self._kl_average)

    # === The step ===

    def update(self, batch: dict[str, Any]) -> dict[str, Any]:
        keys = self.next_keys(ops.shape(batch[self.pictures[0]])[0])
        self._step.assign(ops.cast(terms.iteration(self.optimizer), "float32"))
        _, logs, kl = self.minimize(lambda: self.objective(batch, keys, True), self.players["autoencoder"])
        return {**logs, "active_units": self._active(kl)}

    def _active(self, kl):
        """Moves the average of the KL (D,) on; how many are used."""
        before = ops.copy(self._kl_average)
        now = ops.where(ops.any(before > 0), before + 0.05 * (kl - before), kl)
        self._kl_average.assign(now)
        return ops.sum(ops.cast(now > ACTIVE, "float32"))

    def objective(self, batch: dict[str, Any], keys: Any, training: bool) -> tuple[Any, dict[str, Any], Any]:
        """What the model is trained for.

        Args:
            others: see `Autoencoder.objective`.

        Returns:
            (loss, scalars to log, KL of every latent number (D,)).
        """
        x, told = batch[self.pictures[0]], self.told(batch)
        mean, log_variance = self.posterior(self._noisy(x, keys) if training else x, told, training)
        z = self.reparameterized(mean, log_variance, keys)
        nll = -ops.mean(self.likelihood.log_prob(x, self._decode(z, told, training)))
        kl = ops.mean(divergence.kl_normal(mean, log_variance), axis=0)
        term, logs = self.regularizer(kl, z, mean, log_variance, keys)
        logs = {"loss": nll + term, "reconstruction": nll, "kl": ops.sum(kl), **logs}
        return nll + term, {**logs, **self._bits(nll + logs["kl"])}, kl

    def regularizer(self, kl: Any, z: Any, mean: Any, log_variance: Any, keys: Any) -> tuple[Any, dict[str, Any]]:
        """The loss besides the reconstruction.

        Args:
            kl: of every latent number, (D,), nats, the mean over the batch.
            z: a draw of each posterior, (N, D).
            mean: of the posteriors, (N, D).
            log_variance: of the posteriors, (N, D).
            keys: (N, 2) of `training.random`.

        Returns:
            (a scalar, scalars to log).
        """
        total = ops.sum(ops.maximum(kl, self.free_bits)) if self.free_bits else ops.sum(kl)
        if self.capacity is not None:
            total = ops.abs(total - self._now(self.capacity))
        return self._now(self.beta) * total, {}

    def _now(self, value):
        return terms.at(value, ops.copy(self._step))

    def _bits(self, nats):
        discrete = self.likelihood.discrete
        if discrete is None:
            return {}
        return {"bits_per_dimension": likelihoods.bits_per_dimension(nats, self.image_shape, discrete)}

    # === Latents and images ===

    def posterior(self, images: Any, told: dict[str, Any] | None = None, training: bool = False) -> tuple[Any, Any]:
        """q(z|x) of images.

        Args:
            images: (N, H, W, C), float32 in [-1, 1].
            told: conditions (N, ...) by name.
            training: whether the encoder is in training mode.

        Returns:
            (means, log-variances), (N, D) each.
        """
        mean, log_variance = ops.split(self._code(images, told, training), 2, axis=-1)
        return mean, ops.clip(log_variance, -20.0, 10.0)

    def reparameterized(self, mean: Any, log_variance: Any, keys: Any) -> Any:
        """One draw (N, D) of each posterior, through which gradients pass.

        Args:
            mean: (N, D).
            log_variance: (N, D).
            keys: (N, 2) of `training.random`.
        """
        spread = ops.exp(0.5 * log_variance)
        return mean + spread * random.normal(random.fold(keys, Stream.POSTERIOR), self.latent_shape)

    def posteriors(self, images: Any, told: dict[str, Any] | None = None) -> tuple[Any, Any]:
        mean, log_variance = self.posterior(images, told)
        return mean, ops.exp(0.5 * log_variance)

    def latents_of(self, images: Any, told: dict[str, Any] | None = None) -> Any:
        return self.posterior(images, told)[0]

    def images_of(self, latents: Any, told: dict[str, Any] | None = None) -> Any:
        return self.likelihood.mean(self._decode(latents, told, False))

    # === Likelihood ===

    def log_weights(
        self,
        x: Any,
        mean: Any,
        log_variance: Any,
        told: dict[str, Any] | None,
        keys: Any,
        samples: int,
        training: bool = False,
    ) -> Any:
        """log p(x, z) - log q(z|x) of draws of z from each image's posterior: (N, samples), nats.

        Args:
            x: images (N, H, W, C), float32 in [-1, 1].
            mean: of the posteriors, (N, D).
            log_variance: of the posteriors, (N, D).
            told: conditions (N, ...) by name.
            keys: (N, 2) of `training.random`.
            samples: draws for each image.
            training: whether the decoder is in training mode.
        """
        noise = random.normal(random.fold(keys, Stream.IMPORTANCE), (samples, *self.latent_shape))
        z = mean[:, None] + ops.exp(0.5 * log_variance)[:, None] * noise
        prior = ops.sum(divergence.log_normal(z) - divergence.log_normal(z, mean[:, None], log_variance[:, None]), -1)

        def repeated(v):
            return ops.repeat(v, samples, axis=0)

        every = {k: repeated(v) for k, v in (told or {}).items()}
        output = self._decode(ops.reshape(z, (-1, *self.latent_shape)), every, training)
        return ops.reshape(self.likelihood.log_prob(repeated(x), output), (-1, samples)) + prior

    def log_likelihood(
        self,
        images: Any,
        labels: Any = None,
        *,
        samples: int = 128,
        seed: int = 0,
        batch_size: int = 16,
        conditions: Any = None,
    ) -> np.ndarray:
        """log p(x) of images, nats (N,): the importance-weighted bound (Burda et al. 2016, eq. 8), which rises to it as `samples` grows.
        Of a Gaussian likelihood it is the log-density of images in [-1, 1].

        Args:
            samples: draws for each image, 1 or more.
            seed: of the first image's draws; image k has `seed + k`.
            others: see `encode`.

        Raises:
            ValueError: images of another shape or range; labels missing, or outside the range; `samples` below 1.
        """
        images = self._images(images)
        given = told(self.conditions, len(images), given_with(labels, conditions))
        seeds, _ = rows((), len(images), {}, seed)
        integer("samples", samples, 1)

        def bound(images, seeds, told):
            x = rescale(images)
            weights = self.log_weights(x, *self.posterior(x, told), told, random.key(seeds), samples)
            return ops.logsumexp(weights, axis=1) - np.log(samples).astype("float32")

        name = ("log_likelihood", samples, str(images.dtype))
        return self.told_in_batches(name, bound, [images, seeds], given, batch_size)


@keras.saving.register_keras_serializable("keras_imgen")
class IWAE(VAE):
    """Importance weighted autoencoder (Burda et al. 2016, eq. 8): a tighter bound, from several draws of each posterior.

    Args:
        samples: draws for each image (the paper's k); the decoder's work grows with it.
        others: see `VAE`. The bound has no KL of its own to weigh, so that `beta`, `capacity` and `free_bits` are refused.

    Raises:
        ValueError: `samples` below 1, what is refused.

    Logs those of `VAE`; `loss` is the bound, of which `bits_per_dimension` tells too.
    """

    settings = (*VAE.settings, "samples")

    def __init__(
        self,
        encoder: keras.Model,
        decoder: keras.Model,
        num_classes: int | None = None,
        samples: int = 8,
        **kwargs: Any,
    ):
        if samples < 1:
            raise ValueError(f"Expected `samples` of at least 1, got {samples!r}.")
        self.samples = samples
        super().__init__(encoder, decoder, num_classes, **kwargs)
        if self.beta != 1.0 or self.capacity is not None or self.free_bits:
            raise ValueError("IWAE has one bound: beta, capacity and free_bits do not apply.")

    def objective(self, batch: dict[str, Any], keys: Any, training: bool) -> tuple[Any, dict[str, Any], Any]:
        x, told = batch[self.pictures[0]], self.told(batch)
        mean, log_variance = self.posterior(self._noisy(x, keys) if training else x, told, training)
        weights = self.log_weights(x, mean, log_variance, told, keys, self.samples, training)
        bound = -ops.mean(ops.logsumexp(weights, axis=1)) + np.log(self.samples).astype("float32")
        kl = ops.mean(divergence.kl_normal(mean, log_variance), axis=0)
        reconstruction = -ops.mean(weights) - ops.sum(kl)
        logs = {"loss": bound, "reconstruction": reconstruction, "kl": ops.sum(kl)}
        return bound, {**logs, **self._bits(bound)}, kl


@keras.saving.register_keras_serializable("keras_imgen")
class TCVAE(VAE):
    """beta-TCVAE (Chen et al. 2018, eq. 4): beta weighs the total correlation of the latents alone, for disentangled ones.

    Args:
        dataset_size: how many images there are to learn from, for the estimate of the latents' joint density.
        beta: of the total correlation; a number or a schedule.
        others: see `VAE`. The KL is taken apart, so that what limits all of it, `capacity` and `free_bits`, is refused.

    Raises:
        ValueError: `dataset_size` below 1, what is refused.

    Logs those of `VAE` and `total_correlation`, in nats.
    """

    logged = (*VAE.logged, "total_correlation")

    settings = (*VAE.settings, "dataset_size")

    def __init__(
        self,
        encoder: keras.Model,
        decoder: keras.Model,
        num_classes: int | None = None,
        *,
        dataset_size: int,
        beta: Any = 6.0,
        **kwargs: Any,
    ):
        if dataset_size < 1:
            raise ValueError(f"Expected `dataset_size` of at least 1 image, got {dataset_size!r}.")
        if kwargs.get("capacity") is not None or kwargs.get("free_bits"):
            raise ValueError("TCVAE has no KL as a whole: capacity and free_bits do not apply.")
        self.dataset_size = dataset_size
        super().__init__(encoder, decoder, num_classes, beta=beta, **kwargs)

    def regularizer(self, kl: Any, z: Any, mean: Any, log_variance: Any, keys: Any) -> tuple[Any, dict[str, Any]]:
        information, correlation, own = divergence.total_correlation(z, mean, log_variance, self.dataset_size)
        return information + self._now(self.beta) * correlation + own, {"total_correlation": correlation}


@keras.saving.register_keras_serializable("keras_imgen")
class InfoVAE(VAE):
    """InfoVAE with MMD (Zhao et al. 2019, "InfoVAE", eq. 6): less of every image's KL, more of the divergence of all latents together.

    Args:
        alpha: the KL has the weight 1 - alpha.
        mmd_weight: of `divergence.mmd` between latents and the prior (the paper's alpha + lambda - 1).
        others: see `VAE`.

    Logs those of `VAE` and `mmd`.
    """

    logged = (*VAE.logged, "mmd")

    settings = (*VAE.settings, "alpha", "mmd_weight")

    def __init__(
        self,
        encoder: keras.Model,
        decoder: keras.Model,
        num_classes: int | None = None,
        alpha: float = 0.5,
        mmd_weight: float = 100.0,
        **kwargs: Any,
    ):
        self.alpha, self.mmd_weight = alpha, mmd_weight
        super().__init__(encoder, decoder, num_classes, **kwargs)

    def regularizer(self, kl: Any, z: Any, mean: Any, log_variance: Any, keys: Any) -> tuple[Any, dict[str, Any]]:
        distance = divergence.mmd(z, random.normal(random.fold(keys, Stream.PRIOR), self.latent_shape))
        term, _ = super().regularizer(kl, z, mean, log_variance, keys)
        return (1.0 - self.alpha) * term + self.mmd_weight * distance, {"mmd": distance}
