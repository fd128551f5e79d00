"""StyleGAN2: a GAN over styles, with mixing, truncation in W and path length regularisation."""

import math
from enum import IntEnum
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_imgen.arguments import finite
from keras_imgen.conditions import given_with
from keras_imgen.inference.requests import rows
from keras_imgen.layers.pictures import to_uint8
from keras_imgen.losses import terms
from keras_imgen.models.adversarial.gan import GAN, TRUNCATION
from keras_imgen.models.adversarial.regularizers import R1
from keras_imgen.training import random
from keras_imgen.training.rows import per_row


class StyleStream(IntEnum):
    """What StyleGAN2 draws from keys beside the streams of `GAN`."""

    OTHER_LATENT = 4  # whose style is mixed in
    MIXING = 5
    NOISE = 6
    DIRECTION = 7  # y of the path length
    PATH_LENGTH = 8  # its images


@keras.saving.register_keras_serializable("keras_imgen")
class StyleGAN2(GAN):
    """StyleGAN2 (Karras et al. 2020), with ADA by `augment=AdaptiveAugment()`.

    Args:
        generator: `networks.stylegan2_generator`.
        discriminator: `networks.stylegan2_discriminator` or another.
        num_classes: of the labels; None for a model without.
        regularizers: None is R1 in one step of 16 with gamma = 0.0002 height^2 / 64 x 10, stylegan2-ada's heuristic times ten.
        style_mixing: the share of images made from two latents, in training.
        path_length_weight: of the path length regularisation (eq. 4); 0 leaves it out.
        path_length_every: with k it is computed in one step of k, where it counts k times.
        others: see `GAN`.

    Logs those of `GAN`, and `path_length`, the mean length that the regularisation holds.
    """

    settings = (*GAN.settings, "style_mixing", "path_length_weight", "path_length_every")

    def __init__(
        self,
        generator: keras.Model,
        discriminator: keras.Model,
        num_classes: int | None = None,
        regularizers: tuple | None = None,
        style_mixing: float = 0.9,
        path_length_weight: float = 2.0,
        path_length_every: int = 4,
        **kwargs: Any,
    ):
        if regularizers is None:
            regularizers = (R1(0.002 * generator.output_shape[1] ** 2 / 64, every=16),)
        self.style_mixing = style_mixing
        self.path_length_weight, self.path_length_every = path_length_weight, path_length_every
        super().__init__(generator, discriminator, num_classes, regularizers=regularizers, **kwargs)

    def finish(self) -> None:
        state = {"trainable": False, "initializer": "zeros", "aggregation": "mean"}
        self.mean_style = self.add_weight(name="mean_style", shape=(self.latent_dim,), **state)
        self.mean_path = self.add_weight(name="mean_path", shape=(), **state)
        super().finish()

    def _logged(self):
        yield from super()._logged()
        if self.path_length_weight:
            yield "path_length"

    def default_optimizers(self) -> dict[str, keras.optimizers.Optimizer]:
        return {name: keras.optimizers.Adam(2e-3, beta_1=0.0, beta_2=0.99, epsilon=1e-8) for name in self.players}

    def styles(self, keys: Any, told: dict[str, Any], mix: bool) -> tuple[Any, Any]:
        """Styles of latents from N(0, I).

        Args:
            keys: (N, 2) of `training.random`.
            told: conditions (N, ...) by name.
            mix: let a share of them change at a random layer to the style of another latent.

        Returns:
            (w of the latents (N, D), w of every layer (N, layers, D)).
        """
        count = self.generator.layer_count
        w = self.generator.map(self.latents(keys), told.get("label"))
        every = ops.repeat(w[:, None], count, axis=1)
        if not mix or not self.style_mixing:
            return w, every
        other = self.generator.map(self.latents(random.fold(keys, StyleStream.OTHER_LATENT)), told.get("label"))
        drawn = random.uniform(random.fold(keys, StyleStream.MIXING), (2,))
        at = ops.where(drawn[:, 0] < self.style_mixing, 1.0 + ops.floor(drawn[:, 1] * (count - 1)), 1.0 * count)
        later = ops.arange(count, dtype="float32")[None] >= at[:, None]
        return w, ops.where(later[..., None], other[:, None], every)

    def generated(self, keys: Any, told: dict[str, Any] | None = None, training: bool = False) -> Any:
        _, w = self.styles(keys, told or {}, training)
        return self.generator.synthesize(w, random.fold(keys, StyleStream.NOISE))

    def update(self, batch: dict[str, Any]) -> dict[str, Any]:
        logs = super().update(batch)
        keys = self.next_keys(ops.shape(batch["image"])[0])
        w = self.generator.map(self.latents(keys), batch.get("label"))
        mean = ops.copy(self.mean_style)
        self.mean_style.assign(mean + 0.005 * (ops.mean(ops.stop_gradient(w), axis=0) - mean))
        if self.path_length_weight:
            logs["path_length"] = ops.copy(self.mean_path)
        return logs

    def generator_term(self, keys: Any, told: dict[str, Any]) -> tuple[Any, Any]:
        """Path length regularisation: w_pl E(|J^T y| - a)^2 with y ~ N(0, 1)/sqrt(HW) and a the running mean of lengths (eq. 4).

        Args:
            keys: (N, 2) of `training.random`.
            told: conditions (N, ...) by name.

        Returns:
            (penalty, mean length).
        """
        _, w = self.styles(keys, told, False)
        shape = self.image_shape
        y = random.normal(random.fold(keys, StyleStream.DIRECTION), shape) / math.sqrt(shape[0] * shape[1])
        noise = random.fold(keys, StyleStream.NOISE)
        slope = self.input_gradient(lambda w: per_row(ops.sum, self.generator.synthesize(w, noise) * y), w)
        lengths = ops.sqrt(ops.mean(ops.sum(ops.square(slope), axis=-1), axis=-1) + 1e-12)
        before = ops.copy(self.mean_path)
        mean = before + 0.01 * (ops.mean(ops.stop_gradient(lengths)) - before)
        return self.path_length_weight * ops.mean(ops.square(lengths - mean)), mean

    def _generator_step(self, batch, keys):
        if not self.path_length_weight:
            return super()._generator_step(batch, keys)
        told, loss_fn = self.told(batch), self._generator_loss(batch, keys)
        iteration = terms.iteration(self._optimizer_of(self.generator))
        rows = (ops.shape(keys)[0] + 1) // 2  # half a batch, as in the paper's programs
        half, some = random.fold(keys, StyleStream.PATH_LENGTH)[:rows], {k: v[:rows] for k, v in told.items()}

        def with_path():
            total, logs, fake = loss_fn()
            term = lambda: self.generator_term(half, some)  # noqa: E731
            penalty, mean = terms.lazily(self.path_length_every, iteration, term, ops.copy(self.mean_path))
            return total + penalty, logs, fake, mean

        _, logs, fake, mean = self.minimize(with_path, self.generator)
        self.mean_path.assign(mean)
        return logs, fake

    # === Sampling ===

    def sampling_latents(self, keys: Any, truncation: Any = None) -> Any:
        return self.latents(keys)

    def images(self, latents: Any, told: dict[str, Any], keys: Any, psi: Any = None) -> Any:
        """As `GAN.images`.

        Args:
            psi: by which styles are drawn towards their mean, a scalar; None is 1.
            others: see `GAN.images`; `keys` are those of the noise.
        """
        w = self.generator.map(latents, told.get("label"))
        if psi is not None:
            w = self.mean_style + psi * (w - self.mean_style)
        return self.generator.synthesize(w, random.fold(keys, StyleStream.NOISE))

    def sample(self, seeds: Any, told: dict[str, Any], truncation: Any = None) -> Any:
        """As `GAN.sample`.

        Args:
            seeds: int32 (N,).
            told: conditions (N, ...) by name; a label of `num_classes` is drawn.
            truncation: psi, a scalar; 0 and None mean 1, all of the distribution.
        """
        keys = random.key(seeds)
        psi = None if truncation is None else ops.where(truncation > 0, truncation, 1.0)
        return to_uint8(self.images(self.latents(keys), self.drawn(keys, told), keys, psi))

    def map(
        self,
        n: int | None = None,
        labels: Any = None,
        seed: int = 0,
        *,
        seeds: Any = None,
        truncation: float | None = None,
        ema: bool = True,
    ) -> np.ndarray:
        """Styles float32 (n, latent_dim) in W: those of `generate` with the same arguments.

        Args:
            n: how many; may be left out where `labels` or `seeds` tell.
            truncation: psi, by which styles are drawn towards their mean; None is 1.
            others: see `generate`.
        """
        seeds, told = rows(self.conditions, n, given_with(labels, None), seed, seeds)

        def function(s, told, psi):
            keys = random.key(s)
            w = self.generator.map(self.latents(keys), self.drawn(keys, told).get("label"))
            return self.mean_style + ops.where(psi > 0, psi, 1.0) * (w - self.mean_style)

        return self.told_in_batches("map", function, [seeds], told, 64, (TRUNCATION.value(truncation),), ema)

    def synthesize(self, styles: Any, seeds: Any = 0, ema: bool = True) -> np.ndarray:
        """Images uint8 (N, H, W, C) from styles.

        Args:
            styles: (N, D), or (N, layers, D) with one for each layer.
            seeds: of the noise, one for all or (N,).
            ema: use averaged weights.

        Raises:
            ValueError: styles of another shape, or not finite.
        """
        styles = finite("styles", styles, shape=(np.shape(styles),))
        if styles.ndim not in (2, 3) or styles.shape[-1] != self.latent_dim:
            raise ValueError(f"Expected styles of shape (N, {self.latent_dim}), got {styles.shape}.")
        ints, _ = rows((), len(styles), {}, seeds=np.broadcast_to(seeds, (len(styles),)))

        def function(w, s):
            return to_uint8(self.generator.synthesize(w, random.fold(random.key(s), StyleStream.NOISE)))

        return self.in_batches(("synthesize", styles.ndim), function, [styles, ints], ema=ema)
