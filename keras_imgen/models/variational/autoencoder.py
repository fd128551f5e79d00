"""Autoencoders: an encoder to a few numbers, a decoder back, and a distribution of those numbers to generate from."""

from collections.abc import Mapping
from enum import IntEnum
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_imgen.arguments import integer
from keras_imgen.conditions import Conditions, arguments, given_with, inputs_of, num_classes
from keras_imgen.data import prepared
from keras_imgen.inference.endpoints import Endpoint, Endpoints, Latents, Pictures, Seeds
from keras_imgen.inference.requests import checked_latents, told
from keras_imgen.layers.pictures import rescale, to_uint8
from keras_imgen.losses import divergence
from keras_imgen.models import batches
from keras_imgen.models.calls import Pair, call, check_labels, conditions_of, inputs
from keras_imgen.models.image_model import ImageModel
from keras_imgen.models.variational import samplers
from keras_imgen.training import random
from keras_imgen.training.rows import per_row


class Stream(IntEnum):
    """What autoencoders draw from keys. `vae.Stream` has those of VAEs."""

    LATENT = 0
    PRIOR = 1  # what WAE compares with
    PROJECTION = 2  # of RAE's Jacobian
    NOISE = 7


class LatentModel(ImageModel):
    """What models with an encoder and a decoder have in common: encode, decode, reconstruct, generate, export.

    A subclass gives `latents_of`, `images_of` and `sampled` in tensors. `latent_shape`, `latent_dtype` are those of one image's latent.
    """

    latent_dtype = "float32"

    @property
    def latent_shape(self) -> tuple[int, ...]:
        """Of the latents of one image."""
        raise NotImplementedError

    @property
    def reads(self) -> tuple[str, ...]:
        return (self.pictures[0], *inputs_of(self.conditions))

    @property
    def codec_conditions(self) -> Conditions:
        """What encoding and decoding are told."""
        return self.conditions

    @property
    def codec_classes(self) -> int | None:
        """The number of labels that encoding and decoding take, None if they take none."""
        return num_classes(self.codec_conditions)

    def latents_of(self, images: Any, told: dict[str, Any] | None = None) -> Any:
        """Latents (N, *latent_shape) of images.

        Args:
            images: (N, H, W, C), float32 in [-1, 1].
            told: conditions (N, ...) by name.
        """
        raise NotImplementedError

    def images_of(self, latents: Any, told: dict[str, Any] | None = None) -> Any:
        """float32 images (N, H, W, C) in [-1, 1] of latents.

        Args:
            latents: (N, *latent_shape).
            told: conditions (N, ...) by name.
        """
        raise NotImplementedError

    def sampled(self, keys: Any, told: dict[str, Any] | None = None) -> Any:
        """Latents (N, *latent_shape) of new images.

        Args:
            keys: (N, 2) of `training.random`.
            told: conditions (N, ...) by name.
        """
        raise NotImplementedError

    def call(self, images: Any, training: bool = False) -> Any:
        """Reconstructions, float32, of images or of a dict of `image` and conditions."""
        batch = self.as_dict(images)
        told = self.told(batch)
        return self.images_of(self.latents_of(batch[self.pictures[0]], told), told)

    # === As the codec of a model that learns its latents ===

    @property
    def map_shape(self) -> tuple[int, int, int]:
        """(h, w, D) of the map of numbers that one image is."""
        return (1, 1, *self.latent_shape)

    def to_map(self, images: Any) -> Any:
        """Maps float32 (N, h, w, D) of images float32 (N, H, W, C) in [-1, 1]."""
        return ops.reshape(self.latents_of(images), (-1, *self.map_shape))

    def from_map(self, maps: Any) -> Any:
        """Images float32 (N, H, W, C) in [-1, 1] of maps (N, h, w, D)."""
        return self.images_of(ops.reshape(maps, (-1, *self.latent_shape)))

    # === In tensors: what the methods below compile and `export` writes ===

    def encoded(self, images: Any, told: dict[str, Any] | None = None) -> Any:
        """Latents (N, *latent_shape) of images.

        Args:
            images: (N, H, W, C), uint8 or float32 in [-1, 1].
            told: conditions (N, ...) by name.
        """
        return self.latents_of(rescale(images), told)

    def decoded(self, latents: Any, told: dict[str, Any] | None = None) -> Any:
        """uint8 images (N, H, W, C) of latents.

        Args:
            latents: (N, *latent_shape).
            told: conditions (N, ...) by name.
        """
        return to_uint8(self.images_of(latents, told))

    def reconstructed(self, images: Any, told: dict[str, Any] | None = None) -> Any:
        """uint8 images (N, H, W, C) after encoding and decoding.

        Args:
            images: (N, H, W, C), uint8 or float32 in [-1, 1].
            told: conditions (N, ...) by name.
        """
        return self.decoded(self.encoded(images, told), told)

    def sample(self, seeds: Any, told: dict[str, Any], **how: Any) -> Any:
        """uint8 images (N, H, W, C) by their seeds.

        Args:
            seeds: int32 (N,).
            told: conditions (N, ...) by name; a label of `num_classes` is drawn.
            **how: passed on to `sampled`.
        """
        keys = random.key(seeds)
        told = self.drawn(keys, told)
        return self.decoded(self.sampled(random.fold(keys, Stream.LATENT), told, **how), told)

    # === For users: NumPy in, NumPy out ===

    def encode(
        self, images: Any, labels: Any = None, batch_size: int = 64, ema: bool = True, *, conditions: Any = None
    ) -> np.ndarray:
        """Latents (N, *latent_shape) of images; of a VAE the posterior means.

        Args:
            images: (N, H, W, C) of the model's size, uint8 or floats in [-1, 1].
            labels: int or ints (N,), of a model that is conditional on them; short for `conditions={"label": ...}`.
            batch_size: images at a time.
            ema: use averaged weights.
            conditions: what else the networks are told, by name, see `keras_imgen.conditions`.

        Raises:
            ValueError: images of another shape or range; labels missing, or outside the range.
        """
        return self._apply("encoded", self._images(images), given_with(labels, conditions), batch_size, ema)

    def decode(
        self, latents: Any, labels: Any = None, batch_size: int = 64, ema: bool = True, *, conditions: Any = None
    ) -> np.ndarray:
        """uint8 images (N, H, W, C) of latents.

        Args:
            latents: (N, *latent_shape).
            others: see `encode`.

        Raises:
            ValueError: latents of another shape, codes outside the codebook; labels missing, or outside the range.
        """
        latents = checked_latents(latents, self.latent_shape, getattr(self, "codes", None))
        return self._apply("decoded", latents, given_with(labels, conditions), batch_size, ema)

    def reconstruct(
        self, images: Any, labels: Any = None, batch_size: int = 64, ema: bool = True, *, conditions: Any = None
    ) -> np.ndarray:
        """uint8 images (N, H, W, C) after encoding and decoding.

        Args:
            others: see `encode`.

        Raises:
            ValueError: as `encode`.
        """
        return self._apply("reconstructed", self._images(images), given_with(labels, conditions), batch_size, ema)

    def generate(
        self,
        n: int | None = None,
        labels: Any = None,
        seed: int = 0,
        *,
        seeds: Any = None,
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
            conditions: what else the networks are told, by name, of one row for all images or n; see `keras_imgen.conditions`.
            batch_size: images made at a time.
            ema: use averaged weights.

        Raises:
            ValueError: labels or conditions that the model does not know.
        """
        given = {"n": n, "labels": labels, "seed": seed, "seeds": seeds, "conditions": conditions}
        return self.answer("generate", {**given, "batch_size": batch_size}, ema)

    def _images(self, images):
        images = np.asarray(images)
        if images.dtype.kind == "f":
            images = images.astype("float32")
        if len(images):
            batches.check({self.pictures[0]: images}, self.image_shape, None, key=self.pictures[0])
        return images

    def _apply(self, name, array, given, batch_size, ema):
        rows = told(self.codec_conditions, len(array), given)
        name, function = (name, str(array.dtype)), getattr(self, name)
        return self.told_in_batches(name, function, [array], rows, batch_size, ema=ema)

    def endpoints(self) -> Endpoints:
        images, latents = Pictures(self.image_shape), Latents(self.latent_shape, getattr(self, "codes", None))

        def coding(function, one, name, output="images"):
            run = lambda given, told: function(given[name], told)  # noqa: E731
            return Endpoint((one,), self.codec_conditions, output, function=run)

        return {
            "generate": Endpoint(
                (Seeds(),), self.conditions, function=lambda given, told: self.sample(given["seeds"], told)
            ),
            "encode": coding(self.encoded, images, "images", "latents"),
            "decode": coding(self.decoded, latents, "latents"),
            "reconstruct": coding(self.reconstructed, images, "images"),
        }

    def show(
        self, batch: Mapping[str, Any] | None = None, n: int = 16, seed: int = 0, **how: Any
    ) -> dict[str, np.ndarray]:
        key = self.pictures[0]
        if key not in (batch or {}):
            return super().show(batch, n, seed, **how)
        told = arguments({k: v for k, v in batch.items() if k in inputs_of(self.codec_conditions)})
        return {key: batch[key], "reconstruction": self.reconstruct(batch[key], **told, **how)}


@keras.saving.register_keras_serializable("keras_imgen")
class Autoencoder(LatentModel):
    """Squared error alone; with `noise` a denoising autoencoder (Vincent et al. 2010), whose `reconstruct` takes noise away.

    Args:
        encoder: images to latents (N, D), as `networks.conv_encoder((28, 28, 1), 16)`.
        decoder: latents to images, as `networks.conv_decoder((28, 28, 1), 16)`.
        num_classes: of the labels, if the networks take them; None for a model without.
        noise: standard deviation of Gaussian noise on the input in training, for images in [-1, 1].
        sampler: the distribution of latents that `generate` draws from; None is N(0, I). `fit_sampler` learns one.
        others: see `ImageModel`.

    Raises:
        ValueError: networks that do not fit each other, a negative `noise`.

    Logs `reconstruction`, the squared error summed over an image and halved, in nats of a unit Gaussian, and `loss`.
    """

    logged = ("loss", "reconstruction")
    outputs = 1  # of the encoder, for one latent number
    factor = 1  # channels of the decoder's output for one of the image

    settings = (*LatentModel.settings, "encoder", "decoder", "num_classes", "noise", "sampler")

    def __init__(
        self,
        encoder: keras.Model,
        decoder: keras.Model,
        num_classes: int | None = None,
        noise: float = 0.0,
        sampler: samplers.LatentSampler | None = None,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        if noise < 0:
            raise ValueError(f"Expected `noise` of at least 0, got {noise!r}.")
        self.encoder, self.decoder, self._classes, self.noise = encoder, decoder, num_classes, noise
        check_labels(encoder, num_classes, "encoder")
        check_labels(decoder, num_classes, "decoder")
        given, wanted = encoder.output_shape[-1], self.outputs * self.latent_shape[0]
        if len(encoder.output_shape) != 2 or given != wanted:
            raise ValueError(
                f"Expected an encoder of {wanted} numbers for a decoder of {self.latent_shape[0]} latents, "
                f"got {encoder.output_shape}."
            )
        wanted = (*self.image_shape[:-1], self.image_shape[-1] * self.factor)
        if tuple(decoder.output_shape[1:]) != wanted:
            raise ValueError(
                f"Expected a decoder of images {wanted} ({self.factor} channels for one of the image), got "
                f"{tuple(decoder.output_shape[1:])}."
            )
        self.sampler = sampler or samplers.Normal(self.latent_shape[0])
        self._untracked.pair = Pair(*self.trained)
        self.finish()

    @property
    def trained(self) -> list[keras.layers.Layer]:
        """What the one optimizer trains."""
        return [self.encoder, self.decoder]

    @property
    def players(self) -> dict[str, keras.Model]:
        return {"autoencoder": self._untracked.pair}

    @property
    def parts(self) -> dict[str, keras.layers.Layer]:
        return {"sampler": self.sampler}

    @property
    def image_shape(self) -> tuple[int, int, int]:
        return tuple(inputs(self.encoder)["image"].shape[1:])

    @property
    def num_classes(self) -> int | None:
        return self._classes

    @property
    def conditions(self) -> Conditions:
        classes = self.num_classes, self.class_names
        found = conditions_of(self.encoder, ("image",), *classes)
        return (*found, *(c for c in conditions_of(self.decoder, ("latent",), *classes) if c not in found))

    @property
    def latent_shape(self) -> tuple[int, ...]:
        return (int(inputs(self.decoder)["latent"].shape[-1]),)

    # === The step ===

    def update(self, batch: dict[str, Any]) -> dict[str, Any]:
        keys = self.next_keys(ops.shape(batch[self.pictures[0]])[0])
        _, logs = self.minimize(lambda: self.objective(batch, keys, True), self.players["autoencoder"])
        return logs

    def score(self, batch: dict[str, Any]) -> dict[str, Any]:
        return self.objective(batch, self.score_keys(batch), False)[1]

    def objective(self, batch: dict[str, Any], keys: Any, training: bool) -> tuple[Any, dict[str, Any]]:
        """What the model is trained for.

        Args:
            batch: images in [-1, 1] and conditions, by key.
            keys: (N, 2) of `training.random`.
            training: whether networks are in training mode, and images noisy.

        Returns:
            (loss, scalars to log).
        """
        x, told = batch[self.pictures[0]], self.told(batch)
        z = self._code(self._noisy(x, keys) if training else x, told, training)
        error = 0.5 * ops.mean(per_row(ops.sum, ops.square(x - self._decode(z, told, training))))
        penalty, logs = self.penalty(z, keys, told, training)
        return error + penalty, {"loss": error + penalty, "reconstruction": error, **logs}

    def penalty(self, z: Any, keys: Any, told: dict[str, Any], training: bool) -> tuple[Any, dict[str, Any]]:
        """What the loss has besides the error.

        Args:
            z: latents (N, D).
            keys: (N, 2) of `training.random`.
            told: conditions (N, ...) by name.
            training: whether networks are in training mode.

        Returns:
            (a scalar, scalars to log).
        """
        return 0.0, {}

    def _noisy(self, x, keys):
        return x + self.noise * random.normal(random.fold(keys, Stream.NOISE), self.image_shape) if self.noise else x

    def _code(self, x, told, training):
        return ops.cast(call(self.encoder, {"image": x, **(told or {})}, training), "float32")

    def _decode(self, z, told, training):
        return ops.cast(call(self.decoder, {"latent": z, **(told or {})}, training), "float32")

    # === Latents and images ===

    def latents_of(self, images: Any, told: dict[str, Any] | None = None) -> Any:
        return self._code(images, told, False)

    def images_of(self, latents: Any, told: dict[str, Any] | None = None) -> Any:
        return self._decode(latents, told, False)

    def sampled(self, keys: Any, told: dict[str, Any] | None = None) -> Any:
        return self.sampler(keys, told["label"]) if isinstance(self.sampler, samplers.PerClass) else self.sampler(keys)

    def posteriors(self, images: Any, told: dict[str, Any] | None = None) -> tuple[Any, Any]:
        """Of the latents; the standard deviations of a deterministic encoder are 0.

        Args:
            images: (N, H, W, C), float32 in [-1, 1].
            told: conditions (N, ...) by name.

        Returns:
            (means, standard deviations), (N, D) each.
        """
        z = self.latents_of(images, told)
        return z, ops.zeros_like(z)

    def fit_sampler(
        self, x: Any, sampler: str | samplers.LatentSampler = "gmm", seed: int = 0, **kwargs: Any
    ) -> samplers.LatentSampler:
        """Learn the distribution of the latents of images, which `generate` then draws from: ex-post density estimation. Of a
        conditional model that of each class.

        Args:
            x: images (N, H, W, C), a dict or a data set of batches, as for `fit`.
            sampler: "normal" for N(0, I), "gmm" (`components=10`), "aggregate" (`components=1000`), "second_stage"
                (`width=256, epochs=60`), see `variational.samplers`.
            seed: of the fit.
            **kwargs: passed on to the sampler of that name.

        Returns:
            The sampler. It is saved and exported with the model.

        Raises:
            ValueError: an unknown name, too few images, none of some class.
        """

        def make():
            if isinstance(sampler, str):
                return samplers.get(sampler, *self.latent_shape, **kwargs)
            return type(sampler).from_config(sampler.get_config())

        integer("seed", seed, 0, 2**32 - 1)
        make()  # what is wrong with it is said before the images are encoded
        x = self._checked(x)
        data = [x] if prepared.is_array(x) else (self.as_dict(b) for b in x)
        mean, std, classes = [], [], []

        def posteriors(images, told):
            return ops.concatenate(self.posteriors(rescale(images), told), -1)

        for batch in data:
            images = np.asarray(batch[self.pictures[0]])
            rows = told(self.conditions, len(images), {k: batch[k] for k in inputs_of(self.conditions) if k in batch})
            name = ("posteriors", str(images.dtype))
            both = self.told_in_batches(name, posteriors, [images], rows, len(images), fill=False)
            classes.append(rows.get("label", np.zeros(len(images), int)))
            mean.append(both[:, : self.latent_shape[0]])
            std.append(both[:, self.latent_shape[0] :])
        mean, std, classes = (np.concatenate(v) for v in (mean, std, classes))
        own = [classes == k for k in range(self.num_classes or 1)]
        if missing := [k for k, rows in enumerate(own) if not rows.any()]:
            raise ValueError(f"Expected images of all {self.num_classes} classes, got none of {missing}.")
        fitted = [make().fit(mean[rows], std[rows], seed) for rows in own]
        self._tracker.untrack(self.sampler)  # or Keras would go on saving the one before
        self.sampler = fitted[0] if self.num_classes is None else samplers.PerClass(fitted)
        self._compiled_functions.clear()
        return self.sampler


@keras.saving.register_keras_serializable("keras_imgen")
class RAE(Autoencoder):
    """Regularized autoencoder (Ghosh et al. 2020, "From Variational to Deterministic Autoencoders", eq. 11): to be given a sampler by
    `fit_sampler(x, "gmm")`.

    Args:
        latent_weight: of half the squared length of the latents.
        decoder_weight: of the decoder's regularizer.
        decoder_penalty: "l2", half the squared length of its weights, or "gradient", half the squared norm of its Jacobian, estimated
            by one random projection for each image (unbiased).
        others: see `Autoencoder`.

    Raises:
        ValueError: another `decoder_penalty`.

    Logs those of `Autoencoder`.
    """

    settings = (*Autoencoder.settings, "latent_weight", "decoder_weight", "decoder_penalty")

    def __init__(
        self,
        encoder: keras.Model,
        decoder: keras.Model,
        num_classes: int | None = None,
        latent_weight: float = 1e-2,
        decoder_weight: float = 1e-3,
        decoder_penalty: str = "l2",
        **kwargs: Any,
    ):
        if decoder_penalty not in ("l2", "gradient"):
            raise ValueError(f"Expected `decoder_penalty` 'l2' or 'gradient', got {decoder_penalty!r}.")
        self.latent_weight, self.decoder_weight, self.decoder_penalty = latent_weight, decoder_weight, decoder_penalty
        super().__init__(encoder, decoder, num_classes, **kwargs)

    def penalty(self, z: Any, keys: Any, told: dict[str, Any], training: bool) -> tuple[Any, dict[str, Any]]:
        total = self.latent_weight * 0.5 * ops.mean(ops.sum(ops.square(z), -1))
        if self.decoder_penalty == "l2":
            weights = [v for v in self.decoder.trainable_variables if len(v.shape) > 1]
            squares = sum(ops.sum(ops.square(ops.cast(v, "float32"))) for v in weights)
            return total + self.decoder_weight * 0.5 * squares, {}
        direction = random.normal(random.fold(keys, Stream.PROJECTION), self.image_shape)
        # Not in training mode, where batch norm ties the images of a batch together and would learn from them twice.
        slope = self.input_gradient(lambda h: direction * self._decode(h, told, False), z)
        return total + self.decoder_weight * 0.5 * ops.mean(ops.sum(ops.square(slope), -1)), {}


@keras.saving.register_keras_serializable("keras_imgen")
class WAE(Autoencoder):
    """Wasserstein autoencoder with an MMD penalty (Tolstikhin et al. 2018, algorithm 2): all latents together are to be N(0, I).

    Args:
        mmd_weight: of `divergence.mmd` between latents and the prior (the paper's lambda; for errors summed over the image and halved).
        others: see `Autoencoder`.

    Logs those of `Autoencoder` and `mmd`.
    """

    logged = ("loss", "reconstruction", "mmd")

    settings = (*Autoencoder.settings, "mmd_weight")

    def __init__(
        self,
        encoder: keras.Model,
        decoder: keras.Model,
        num_classes: int | None = None,
        mmd_weight: float = 100.0,
        **kwargs: Any,
    ):
        self.mmd_weight = mmd_weight
        super().__init__(encoder, decoder, num_classes, **kwargs)

    def penalty(self, z: Any, keys: Any, told: dict[str, Any], training: bool) -> tuple[Any, dict[str, Any]]:
        distance = divergence.mmd(z, random.normal(random.fold(keys, Stream.PRIOR), self.latent_shape))
        return self.mmd_weight * distance, {"mmd": distance}
