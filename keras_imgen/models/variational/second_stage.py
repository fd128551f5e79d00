"""The sampler of latents that is a VAE itself."""

import math
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_imgen.arguments import integer
from keras_imgen.models.variational.samplers import SAMPLERS, LatentSampler, draw
from keras_imgen.models.variational.vae import VAE
from keras_imgen.networks import mlp_decoder, mlp_encoder
from keras_imgen.training import random


@keras.saving.register_keras_serializable("keras_imgen.samplers")
class SecondStage(LatentSampler):
    """A second VAE, on the latents of the first, which learns how their aggregate differs from N(0, I) (two-stage VAE, Dai & Wipf 2019).

    Args:
        dim: numbers of a latent.
        width: of its three hidden layers.
        epochs: of its training, in batches of 256.
    """

    def __init__(self, dim: int, width: int = 256, epochs: int = 60, **kwargs: Any):
        super().__init__(dim, **kwargs)
        self.width, self.epochs = integer("width", width, 1), integer("epochs", epochs, 1)
        sizes = [dim, width, width, width, dim]
        self.kernels = [self._table(f"kernel{i}", a, b) for i, (a, b) in enumerate(zip(sizes[:-1], sizes[1:]))]
        self.biases = [self._table(f"bias{i}", b) for i, b in enumerate(sizes[1:])]
        self.center, self.spread = self._table("center", dim), self._table("spread", dim)
        self.sigma = self._table("sigma")

    def fit(self, mean: np.ndarray, std: np.ndarray, seed: int) -> LatentSampler:
        drawn = draw(mean, std, seed)
        center = drawn.mean(0)
        spread = 1.05 * np.abs(drawn - center).max(0) + 1e-12  # into [-1, 1], as images are
        shape, widths = (1, 1, self.dim), (self.width,) * 3
        second = VAE(mlp_encoder(shape, 2 * self.dim, widths), mlp_decoder(shape, self.dim, widths), seed=seed)
        rng = np.random.default_rng(seed)
        for v in second.trainable_variables:  # the same start for the same seed, whatever else has been built
            if len(v.shape) == 2:
                v.assign(rng.normal(size=v.shape) * np.sqrt((2 if v.shape[1] == self.width else 1) / v.shape[0]))
        rate = keras.optimizers.schedules.CosineDecay(1e-3, self.epochs * math.ceil(len(drawn) / 256))
        second.compile(keras.optimizers.Adam(rate))
        scaled = ((drawn - center) / spread).astype("float32")
        second.fit(scaled[:, None, None], batch_size=256, epochs=self.epochs, verbose=0)
        decoder = second.for_inference().decoder.trainable_variables
        for mine, its in zip([v for pair in zip(self.kernels, self.biases) for v in pair], decoder, strict=True):
            mine.assign(its)
        self.center.assign(center)
        self.spread.assign(spread)
        self.sigma.assign(np.exp(float(second.likelihood.log_sigma)))
        return self

    def call(self, keys: Any) -> Any:
        h = random.normal(random.fold(keys, 0), (self.dim,))
        for i, (kernel, bias) in enumerate(zip(self.kernels, self.biases)):
            h = ops.matmul(h if i == 0 else ops.silu(h), kernel) + bias
        h = h + self.sigma * random.normal(random.fold(keys, 1), (self.dim,))
        return self.center + self.spread * h

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "width": self.width, "epochs": self.epochs}


SAMPLERS["second_stage"] = SecondStage
