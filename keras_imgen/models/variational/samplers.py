"""Distributions of latents to generate from, fitted to a trained encoder: ex-post density estimation (Ghosh et al. 2020, RAE)."""

from typing import Any

import keras
import numpy as np
from keras import ops

from keras_imgen.arguments import integer
from keras_imgen.training import random


class LatentSampler(keras.layers.Layer):
    """Base: latents (N, dim) for keys (N, 2) of `training.random`; its numbers are weights, saved and exported with the model.

    Args:
        dim: numbers of a latent.
    """

    def __init__(self, dim: int, **kwargs: Any):
        super().__init__(trainable=False, **kwargs)
        self.dim = dim
        self.built = True

    def _table(self, name: str, *shape: int):
        return self.add_weight(name=name, shape=shape, initializer="zeros", trainable=False, autocast=False)

    def fit(self, mean: np.ndarray, std: np.ndarray, seed: int) -> "LatentSampler":
        """Learn from the posteriors N(mean, std^2) of M images.

        Args:
            mean: (M, dim).
            std: (M, dim); 0 for deterministic encoders.
            seed: of what is drawn.

        Returns:
            Itself.

        Raises:
            ValueError: too few images.
        """
        return self

    def call(self, keys: Any) -> Any:
        raise NotImplementedError

    def get_config(self) -> dict[str, Any]:
        return {"name": self.name, "dim": self.dim}


@keras.saving.register_keras_serializable("keras_imgen.samplers")
class Normal(LatentSampler):
    """N(0, I)."""

    def call(self, keys: Any) -> Any:
        return random.normal(keys, (self.dim,))


@keras.saving.register_keras_serializable("keras_imgen.samplers")
class GaussianMixture(LatentSampler):
    """A mixture of Gaussians with full covariances, fitted by scikit-learn's EM to one draw of each posterior.

    Args:
        dim: numbers of a latent.
        components: of the mixture.
    """

    def __init__(self, dim: int, components: int = 10, **kwargs: Any):
        super().__init__(dim, **kwargs)
        self.components = components = integer("components", components, 1)
        self.cumulative = self._table("cumulative", components)
        self.means = self._table("means", components, dim)
        self.factors = self._table("factors", components, dim, dim)

    def fit(self, mean: np.ndarray, std: np.ndarray, seed: int) -> "LatentSampler":
        from sklearn.mixture import GaussianMixture as Mixture

        drawn = draw(mean, std, seed)
        _enough(drawn, self.components, "components")
        if len(drawn) == 1:  # its own posterior, of which scikit-learn would see no spread
            self.cumulative.assign([1.0])
            self.means.assign(mean)
            self.factors.assign(np.diag(std[0])[None])
            return self
        found = Mixture(self.components, reg_covar=1e-6 * drawn.var() + 1e-12, random_state=seed).fit(drawn)
        self.cumulative.assign(np.cumsum(found.weights_))
        self.means.assign(found.means_)
        self.factors.assign(np.linalg.cholesky(found.covariances_))
        return self

    def call(self, keys: Any) -> Any:
        u = random.uniform(random.fold(keys, 0))
        k = ops.sum(ops.cast(u[:, None] > self.cumulative[None, :-1], "int32"), -1)
        noise = random.normal(random.fold(keys, 1), (self.dim, 1))
        return ops.take(self.means, k, axis=0) + ops.matmul(ops.take(self.factors, k, axis=0), noise)[..., 0]

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "components": self.components}


@keras.saving.register_keras_serializable("keras_imgen.samplers")
class AggregatePosterior(LatentSampler):
    """A mixture of the posteriors of so many training images: VampPrior's form (Tomczak & Welling 2018, eq. 9) with images that are drawn
    rather than learned. For deterministic encoders a kernel density estimate with Scott's bandwidth h along the principal axes, its
    centres drawn in by sqrt(1 - h^2), which keeps the covariance (West 1993).

    Args:
        dim: numbers of a latent.
        components: how many images.
    """

    def __init__(self, dim: int, components: int = 1000, **kwargs: Any):
        super().__init__(dim, **kwargs)
        self.components = components = integer("components", components, 1)
        self.means, self.stds = self._table("means", components, dim), self._table("stds", components, dim)
        self.kernel = self._table("kernel", dim, dim)

    def fit(self, mean: np.ndarray, std: np.ndarray, seed: int) -> "LatentSampler":
        _enough(mean, self.components, "components")
        chosen = np.random.default_rng(seed).choice(len(mean), self.components, replace=False)
        means, kernel = mean[chosen], np.zeros((self.dim, self.dim))
        if not std.any():
            width = self.components ** (-1.0 / (self.dim + 4))
            means = means.mean(0) + np.sqrt(1 - width**2) * (means - means.mean(0))
            covariance = np.cov(mean, rowvar=False).reshape(self.dim, self.dim) + 1e-6 * mean.var() * np.eye(self.dim)
            kernel = width * np.linalg.cholesky(covariance)
        self.kernel.assign(kernel)
        self.means.assign(means)
        self.stds.assign(std[chosen])
        return self

    def call(self, keys: Any) -> Any:
        k = random.integers(random.fold(keys, 0), self.components)
        noise = random.normal(random.fold(keys, 1), (self.dim,))
        own = ops.take(self.stds, k, axis=0) * noise
        return ops.take(self.means, k, axis=0) + own + ops.matmul(noise, ops.transpose(self.kernel))

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "components": self.components}


@keras.saving.register_keras_serializable("keras_imgen.samplers")
class PerClass(LatentSampler):
    """A sampler for each label: what latents of a class do not share with those of others, N(0, I) does not know either.

    Args:
        samplers: one for each of the labels 0, 1, ...
    """

    def __init__(self, samplers: list[LatentSampler], **kwargs: Any):
        super().__init__(**{**kwargs, "dim": samplers[0].dim})
        self.samplers = list(samplers)

    def call(self, keys: Any, labels: Any) -> Any:
        every = ops.stack([sampler(keys) for sampler in self.samplers], axis=1)
        return ops.take_along_axis(every, labels[:, None, None], axis=1)[:, 0]

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "samplers": [keras.saving.serialize_keras_object(s) for s in self.samplers]}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "PerClass":
        return cls(**{**config, "samplers": [keras.saving.deserialize_keras_object(s) for s in config["samplers"]]})


SAMPLERS = {  # and "second_stage", which is made of a VAE and lies in a file of its own
    "normal": Normal,
    "gmm": GaussianMixture,
    "aggregate": AggregatePosterior,
}


def get(sampler: str, dim: int, **kwargs: Any) -> LatentSampler:
    """A sampler of latents by its name.

    Args:
        sampler: "normal", "gmm", "aggregate" or "second_stage".
        dim: numbers of a latent.
        **kwargs: what the sampler takes.

    Raises:
        ValueError: an unknown name.
    """
    if sampler not in SAMPLERS:
        raise ValueError(f"Unknown latent sampler {sampler!r}. Expected one of: {', '.join(SAMPLERS)}.")
    return SAMPLERS[sampler](dim, **kwargs)


def draw(mean: np.ndarray, std: np.ndarray, seed: int) -> np.ndarray:
    """One latent (M, dim) of each posterior N(mean, std^2).

    Args:
        mean: (M, dim).
        std: (M, dim).
        seed: of the draws.
    """
    return mean + std * np.random.default_rng(seed).standard_normal(mean.shape)


def _enough(rows, count: int, what: str) -> None:
    if len(rows) < count:
        raise ValueError(f"Expected at least {count} images for as many {what}, got {len(rows)}.")
