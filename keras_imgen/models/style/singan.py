"""SinGAN: a generator for each size of one picture, which learn one after the other against a discriminator of patches."""

from collections.abc import Sequence
from enum import IntEnum
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_imgen.arguments import finite, integer
from keras_imgen.inference.canvas import Canvas
from keras_imgen.inference.endpoints import Endpoint, Endpoints, Seeds
from keras_imgen.layers.pictures import to_uint8
from keras_imgen.losses import adversarial, terms
from keras_imgen.models.adversarial.regularizers import GradientPenalty, Regularizer, discriminator_step
from keras_imgen.models.calls import Pair
from keras_imgen.models.image_model import ImageModel
from keras_imgen.models.style.pyramid import Pyramid, resized
from keras_imgen.training import random


class Stream(IntEnum):
    """What is drawn from keys in a step."""

    DISCRIMINATOR = 0
    GENERATOR = 1
    REGULARIZERS = 2


@keras.saving.register_keras_serializable("keras_imgen")
class SinGAN(ImageModel):
    """Generators of one picture, the coarsest from noise alone: x_k = b_k + G_k(b_k + noise_k z), b_k being x_(k-1) enlarged.

    `fit` takes batches that repeat the picture, at its finest size. With `callbacks.Growth` the levels learn one after the other, the last
    few of them together (ConSinGAN); without it the finest alone is judged. A level that has not learned yet enlarges.

    Args:
        generators: one for each level, the coarsest first, at least two, see `networks.singan_generator`.
        discriminator: of pictures of any size, see `networks.singan_discriminator`; it goes on from level to level.
        image_shape: (height, width, channels) of the picture.
        factor: between a level and the next, in (1, 4].
        noise: the standard deviation of what each finer level is given besides, one number for all, or (levels - 1,). The paper's is a
            tenth of what the level has beyond the one before, see `style.pyramid.detail`.
        together: how many of the last levels learn at a time; those before them stand still. SinGAN's is 1, ConSinGAN's 3.
        loss: see `losses.adversarial`.
        regularizers: terms of the discriminator's loss, see `regularizers`; None is a gradient penalty of weight 1, () is none.
        reconstruction_weight: of the mean squared error of what is made of one fixed noise, which is to be the picture itself.
        others: see `ImageModel`; the generators alone are averaged.

    Raises:
        ValueError: numbers outside their range, `noise` of another length.

    Sources: Shaham et al. 2019, "SinGAN"; Hinz et al. 2021, "Improved Techniques for Training Single-Image GANs" (ConSinGAN).
    """

    settings = (
        *ImageModel.settings,
        "generators",
        "discriminator",
        "image_shape",
        "factor",
        "noise",
        "together",
        ("loss", "loss_pair"),
        "regularizers",
        "reconstruction_weight",
    )

    def __init__(
        self,
        generators: Sequence[keras.Model],
        discriminator: keras.Model,
        image_shape: tuple[int, int, int],
        factor: float = 1.4,
        noise: float | Sequence[float] = 0.1,
        together: int = 3,
        loss: str | adversarial.AdversarialLoss = "wasserstein",
        regularizers: tuple[Regularizer, ...] | None = None,
        reconstruction_weight: float = 10.0,
        ema: float | None = 0.99,
        **kwargs: Any,
    ):
        self.loss_pair = adversarial.get(loss)
        self.regularizers = (
            (GradientPenalty(1.0),) if regularizers is None else terms.checked(regularizers, "regularizers")
        )
        names = ("discriminator_loss", "generator_loss", "reconstruction", "real_accuracy", "fake_accuracy")
        self.logged = (*names, *(term.name for term in self.regularizers))
        super().__init__(ema=ema, **kwargs)
        self._pyramid = Pyramid(tuple(image_shape[:2]), factor, len(generators))
        self.factor, self.levels, self._image_shape = self._pyramid.factor, self._pyramid.levels, tuple(image_shape)
        noise = finite("noise", noise, 0.0, 10.0, shape=((), (self.levels - 1,)))
        self.noise = tuple(float(one) for one in np.broadcast_to(noise, (self.levels - 1,)))
        self.together = integer("together", together, 1)
        self.reconstruction_weight = float(finite("reconstruction_weight", reconstruction_weight, 0.0))
        self.generator, self.discriminator = Pair(*generators, name="generator"), discriminator
        self.logit_means = self.add_weight(name="logit_means", shape=(2,), initializer="zeros", trainable=False)
        self._level = self.levels - 1
        self.finish()

    @property
    def generators(self) -> list[keras.Model]:
        """Those of the levels, the coarsest first."""
        return list(self.generator.networks)

    @property
    def players(self) -> dict[str, keras.Model]:
        return {"generator": self.generator, "discriminator": self.discriminator}

    @property
    def averaged_players(self) -> tuple[str, ...]:
        return ("generator",)

    def default_optimizers(self) -> dict[str, keras.optimizers.Optimizer]:
        return {name: keras.optimizers.Adam(5e-4, beta_1=0.5, beta_2=0.9) for name in self.players}

    @property
    def image_shape(self) -> tuple[int, int, int]:
        return self._image_shape

    @property
    def reads(self) -> tuple[str, ...]:
        return ("image",)

    @property
    def level(self) -> int:
        """The level that learns, 0 for the coarsest."""
        return self._level

    @level.setter
    def level(self, level: int) -> None:
        self._level = integer("level", level, 0, self.levels - 1)
        self.train_function = self.test_function = None  # they know one level

    # === The step ===

    def update(self, batch: dict[str, Any]) -> dict[str, Any]:
        real = self._pyramid.of(batch["image"])[self.level]
        keys = self.next_keys(ops.shape(real)[0])
        fake = ops.stop_gradient(self._made(random.fold(keys, Stream.DISCRIMINATOR)))

        def critic(images, training=False):
            return self._judged(images, training) / float(np.sqrt(np.prod(real.shape[1:3])))

        both = lambda: (self._judged(real, True), self._judged(fake, True), {})  # noqa: E731
        logs, _, _ = discriminator_step(self, real, fake, both, critic, random.fold(keys, Stream.REGULARIZERS))

        def loss_fn():
            made = self._judged(self._made(random.fold(keys, Stream.GENERATOR)), True)
            loss = self.loss_pair.generator(made, self._judged(real, True) if self.loss_pair.pairs else None)
            error = self._error(real)
            return loss + self.reconstruction_weight * error, loss, error

        _, loss, error = self.minimize(loss_fn, self.generator)
        return {**logs, "generator_loss": loss, "reconstruction": error}

    def score(self, batch: dict[str, Any]) -> dict[str, Any]:
        real = self._pyramid.of(batch["image"])[self.level]
        on_real, on_fake = self._judged(real, False), self._judged(self._made(self.score_keys(batch), False), False)
        return {
            "discriminator_loss": self.loss_pair.discriminator(on_real, on_fake),
            "generator_loss": self.loss_pair.generator(on_fake, on_real),
            "reconstruction": self._error(real, False),
            **self.loss_pair.accuracy(on_real, on_fake),
        }

    def _judged(self, images, training):
        return ops.cast(self.discriminator(images, training=training), "float32")

    def _noise(self, keys, level, shape):
        drawn = random.normal(random.fold(keys, level), shape)
        return drawn if level == 0 else self.noise[level - 1] * drawn

    def _made(self, keys, training=True, reconstruct=False):
        """Pictures of the level that learns, through which gradients reach the last levels; or of the one fixed noise."""
        x = None
        for k in range(self.level + 1):
            below = None if x is None else self._pyramid.enlarged(x, k)
            shape = (*self._pyramid.sizes[k], self.image_shape[-1])
            z = None if reconstruct and k else self._noise(keys, k, shape)
            x = self._refined(k, below, z, training)
            if training and k <= self.level - self.together:
                x = ops.stop_gradient(x)
        return x

    def _refined(self, level, below, noise, training):
        given = noise if below is None else below if noise is None else below + noise
        added = ops.cast(self.generators[level](given, training=training), "float32")
        return added if below is None else below + added

    def _error(self, real, training=True):
        """Of the picture that is made of the fixed noise."""
        fixed = random.key(ops.convert_to_tensor(np.array([self.seed & 0x7FFFFFFF], "int32")))
        return ops.mean(ops.square(self._made(fixed, training, True) - real))

    def call(self, images: Any, training: bool = False) -> Any:
        """The discriminator's logits (N, H, W, 1) of images (N, H, W, C) in [-1, 1]."""
        return self._judged(images, training)

    # === Sampling ===

    def sample(self, seeds: Any, matrices: dict[str, Any]) -> Any:
        """New pictures uint8 (N, H, W, C) in tensors: what `generate` compiles and `export` writes.

        Args:
            seeds: int32 (N,).
            matrices: see `canvas.Canvas`.
        """
        keys, x = random.key(seeds), None
        for k in range(self.levels):
            below = None if x is None else resized(x, matrices[f"down_{k}"], matrices[f"across_{k}"])
            of = [ops.shape(matrices[f"{name}_{max(k, 1)}"])[0 if k else 1] for name in ("down", "across")]
            x = self._refined(k, below, self._noise(keys, k, (*of, self.image_shape[-1])), False)
        return to_uint8(x)

    def endpoints(self) -> Endpoints:
        def sample(given, told):
            return self.sample(given["seeds"], {k: v for k, v in given.items() if k != "seeds"})

        inputs = (Seeds(), Canvas(self.image_shape[:2], self.factor, self.levels))
        how = {"signature": "sample", "short": {"generate": ()}, "labelled": False, "batch_size": 8, "fill": False}
        return {"generate": Endpoint(inputs, **how, function=sample)}
