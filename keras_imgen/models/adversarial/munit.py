"""MUNIT: image to image without pairs, in many styles."""

from enum import IntEnum
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_imgen.inference.endpoints import Endpoint, Endpoints, Pictures, RowSeeds, bound
from keras_imgen.layers.pictures import rescale, to_uint8
from keras_imgen.losses import adversarial
from keras_imgen.models.adversarial.cyclegan import Directions
from keras_imgen.models.adversarial.translation import Translation
from keras_imgen.models.calls import Pair
from keras_imgen.training import random


class Stream(IntEnum):
    """The styles that MUNIT draws from keys."""

    OF_TARGETS = 0
    OF_IMAGES = 1


class Domain(keras.Model):
    """The networks that know pictures of one kind, as a part of a player.

    Args:
        content_encoder: images (N, H, W, C) to content (N, h, w, c), which both kinds share.
        style_encoder: images to styles (N, D) of this kind.
        decoder: called with a dict of `content` and `style`.
    """

    def __init__(self, content_encoder: keras.Model, style_encoder: keras.Model, decoder: keras.Model, **kwargs: Any):
        super().__init__(**kwargs)
        self.content_encoder, self.style_encoder, self.decoder = content_encoder, style_encoder, decoder
        self.built = True

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """(height, width, channels)."""
        return tuple(self.content_encoder.input_shape[1:])

    @property
    def style_dim(self) -> int:
        """Length of a style."""
        return int(self.style_encoder.output_shape[-1])

    def drawn(self, keys: Any) -> Any:
        """Styles (N, D) of the prior N(0, I), for keys (N, 2) of `training.random`."""
        return random.normal(keys, (self.style_dim,))

    def apart(self, images: Any, training: bool = False) -> tuple[Any, Any]:
        """(content, styles) of images in [-1, 1], float32."""
        found = self.content_encoder(images, training=training), self.style_encoder(images, training=training)
        return tuple(ops.cast(v, "float32") for v in found)

    def together(self, content: Any, style: Any, training: bool = False) -> Any:
        """Images float32 (N, H, W, C) in [-1, 1].

        Args:
            content: (N, h, w, c), of either kind.
            style: (N, D), of this kind.
            training: whether the decoder is in training mode.
        """
        return ops.cast(self.decoder({"content": content, "style": style}, training=training), "float32")


@keras.saving.register_keras_serializable("keras_imgen")
class MUNIT(Translation):
    """Huang et al. 2018, "Multimodal Unsupervised Image-to-Image Translation".

    Images and targets have content in common and styles of their own, N(0, I): an image becomes a target by a style of targets, drawn or
    taken from one of them.

    Args:
        content_encoder: of images, as `networks.content_encoder(shape)`.
        style_encoder: of images, as `networks.style_encoder(shape, 8)`.
        decoder: to images, as `networks.style_decoder((h, w, c), 8)`.
        discriminator: of images, as `networks.patchgan(shape)`.
        target_content_encoder: of targets; content of the same shape.
        target_style_encoder: of targets.
        target_decoder: to targets.
        target_discriminator: of targets.
        reconstruction_weight: of the mean absolute error of images and targets encoded and decoded (lambda_x in eq. 5).
        content_weight: of that of the content of translations, encoded again (lambda_c).
        style_weight: of that of their styles (lambda_s).
        loss: see `losses.adversarial`; the paper's is least squares.
        others: see `ImageModel`; the discriminators are not averaged.

    Raises:
        ValueError: networks that do not fit each other.

    Learns from batches of `image` and `target` that do not belong together. Logs the two players' losses and `reconstruction`, `content`
    and `style` without their weights, each the sum for both kinds.
    """

    logged = ("discriminator_loss", "generator_loss", "reconstruction", "content", "style")
    in_pairs = False

    settings = (
        *Translation.settings,
        *((name, f"of_images.{name}") for name in ("content_encoder", "style_encoder", "decoder")),
        ("discriminator", "discriminators.back"),
        *((f"target_{name}", f"of_targets.{name}") for name in ("content_encoder", "style_encoder", "decoder")),
        ("target_discriminator", "discriminators.there"),
        *("reconstruction_weight", "content_weight", "style_weight"),
        ("loss", "loss_pair"),
    )

    def __init__(
        self,
        content_encoder: keras.Model,
        style_encoder: keras.Model,
        decoder: keras.Model,
        discriminator: keras.Model,
        target_content_encoder: keras.Model,
        target_style_encoder: keras.Model,
        target_decoder: keras.Model,
        target_discriminator: keras.Model,
        reconstruction_weight: float = 10.0,
        content_weight: float = 1.0,
        style_weight: float = 1.0,
        loss: str | adversarial.AdversarialLoss = "least_squares",
        ema: float | None = 0.999,
        **kwargs: Any,
    ):
        super().__init__(ema=ema, **kwargs)
        self.of_images = Domain(content_encoder, style_encoder, decoder, name="of_images")
        self.of_targets = Domain(target_content_encoder, target_style_encoder, target_decoder, name="of_targets")
        self.discriminators = Directions(target_discriminator, discriminator, name="discriminators")
        self.reconstruction_weight, self.content_weight = reconstruction_weight, content_weight
        self.style_weight, self.loss_pair = style_weight, adversarial.get(loss)
        content = tuple(content_encoder.output_shape[1:])
        for of, kind in ((self.of_images, "images"), (self.of_targets, "targets")):
            given = of.decoder.input if isinstance(of.decoder.input, dict) else {}
            found = {k: tuple(v.shape[1:]) for k, v in given.items()}
            found |= {
                "encoder": tuple(of.content_encoder.output_shape[1:]),
                "decoder": tuple(of.decoder.output_shape[1:]),
            }
            wanted = {"content": content, "style": (of.style_dim,), "encoder": content, "decoder": of.image_shape}
            if found != wanted:
                raise ValueError(f"Expected networks of {kind} that fit, of shapes {wanted}, got {found}.")
        self._untracked.generators = Pair(self.of_images, self.of_targets, name="generators")
        self.finish()

    @property
    def players(self) -> dict[str, keras.Model]:
        return {"generator": self._untracked.generators, "discriminator": self.discriminators}

    @property
    def image_shape(self) -> tuple[int, int, int]:
        return self.of_images.image_shape

    @property
    def target_shape(self) -> tuple[int, int, int]:
        return self.of_targets.image_shape

    def default_optimizers(self) -> dict[str, keras.optimizers.Optimizer]:
        return {name: keras.optimizers.Adam(1e-4, beta_1=0.5) for name in self.players}

    # === The step ===

    def _discriminate(self, discriminator, images, training):
        return ops.cast(discriminator(images, training=training), "float32")

    def _generator_losses(self, x, y, keys, training):
        """(the sum, the adversarial loss, the others by name, (answers to x, to y))."""
        fakes, logs = [], {"reconstruction": 0.0, "content": 0.0, "style": 0.0}
        sides = (
            (x, self.of_images, self.of_targets, Stream.OF_TARGETS),
            (y, self.of_targets, self.of_images, Stream.OF_IMAGES),
        )
        for images, own, other, stream in sides:
            content, style = own.apart(images, training)
            drawn = other.drawn(random.fold(keys, stream))
            fake = other.together(content, drawn, training)
            fakes.append(fake)
            again = dict(zip(("content", "style"), other.apart(fake, training)))
            logs["reconstruction"] += _distance(own.together(content, style, training), images)
            logs["content"] += _distance(again["content"], content)
            logs["style"] += _distance(again["style"], drawn)
        loss = 0.0
        for discriminator, fake, real in self._judged(x, y, *fakes):
            real = self._discriminate(discriminator, real, training) if self.loss_pair.pairs else None
            loss = loss + self.loss_pair.generator(self._discriminate(discriminator, fake, training), real)
        total = loss + self.reconstruction_weight * logs["reconstruction"]
        total = total + self.content_weight * logs["content"] + self.style_weight * logs["style"]
        return total, loss, logs, tuple(fakes)

    def _judged(self, x, y, fake_y, fake_x):
        return (self.discriminators.there, fake_y, y), (self.discriminators.back, fake_x, x)

    def _discriminator_loss(self, x, y, fakes, training):
        return sum(
            self.loss_pair.discriminator(*(self._discriminate(discriminator, v, training) for v in (real, fake)))
            for discriminator, fake, real in self._judged(x, y, *fakes)
        )

    def update(self, batch: dict[str, Any]) -> dict[str, Any]:
        x, y = batch["image"], batch["target"]
        keys = self.next_keys(ops.shape(x)[0])
        _, g_loss, logs, fakes = self.minimize(
            lambda: self._generator_losses(x, y, keys, True), self.players["generator"]
        )
        fakes = [ops.stop_gradient(v) for v in fakes]
        d_loss = self.minimize(lambda: self._discriminator_loss(x, y, fakes, True), self.discriminators)
        return {"discriminator_loss": d_loss, "generator_loss": g_loss, **logs}

    def score(self, batch: dict[str, Any]) -> dict[str, Any]:
        x, y = batch["image"], batch["target"]
        _, g_loss, logs, fakes = self._generator_losses(x, y, self.score_keys(batch), False)
        d_loss = self._discriminator_loss(x, y, fakes, False)
        return {"discriminator_loss": d_loss, "generator_loss": g_loss, **logs}

    # === Using ===

    def call(self, inputs: Any, training: bool = False) -> Any:
        """float32 targets in the mean style, 0, from float32 images in [-1, 1]."""
        content = self.of_images.apart(inputs, training)[0]
        return self.of_targets.together(content, ops.zeros((ops.shape(inputs)[0], self.of_targets.style_dim)), training)

    def endpoints(self) -> Endpoints:
        def of(own, other, argument):
            def drawn(given, told):
                content = own.apart(rescale(given[argument]))[0]
                return to_uint8(other.together(content, other.drawn(random.key(given["seeds"]))))

            def like(given, told):
                content, style = own.apart(rescale(given[argument]))[0], other.apart(rescale(given["styles"]))[1]
                return to_uint8(other.together(content, style))

            how = {"labelled": False, "batch_size": 32, "fill": False}
            images = Pictures(own.image_shape, argument, argument)
            styles = Pictures(other.image_shape, "styles", "styles")
            return Endpoint((images, RowSeeds()), **how, function=drawn), Endpoint(
                (images, styles), **how, function=like
            )

        names = "translate", "translate_like", "translate_back", "translate_back_like"
        there, back = of(self.of_images, self.of_targets, "images"), of(self.of_targets, self.of_images, "targets")
        return dict(zip(names, (*there, *back)))

    def _answer(self, name, images, styles, seed, batch_size, ema):
        endpoint, given = (name, {"seed": seed}) if styles is None else (f"{name}_like", {"styles": styles})
        argument = next(iter(self.endpoints()[endpoint].parameters().parameters))
        given |= {argument: images, "batch_size": batch_size}
        return self.answer(endpoint, bound(self.endpoints()[endpoint], (), given), ema)

    def translate(
        self, images: Any, batch_size: int = 32, *, styles: Any = None, seed: int = 0, ema: bool = True
    ) -> np.ndarray:
        """Targets that images become, uint8 (N, H, W, channels).

        Args:
            images: uint8 (N, H, W, C).
            batch_size: images at a time.
            styles: uint8 (N, H, W, channels), targets whose styles are taken, each by the image in its row; None draws styles.
            seed: image k gets the style of the seed `seed + k`.
            ema: use averaged weights.

        Raises:
            ValueError: images of another form, not as many `styles`.
        """
        return self._answer("translate", images, styles, seed, batch_size, ema)

    def translate_like(self, images: Any, styles: Any, batch_size: int = 32, *, ema: bool = True) -> np.ndarray:
        """`translate` in the styles of given targets.

        Args:
            others: see `translate`.
        """
        return self._answer("translate", images, styles, 0, batch_size, ema)

    def translate_back(
        self, targets: Any, batch_size: int = 32, *, styles: Any = None, seed: int = 0, ema: bool = True
    ) -> np.ndarray:
        """Images that targets become, uint8 (N, H, W, C); as `translate`.

        Args:
            targets: uint8 (N, H, W, channels).
            styles: uint8 (N, H, W, C), images whose styles are taken; None draws styles.
            others: see `translate`.

        Raises:
            ValueError: targets of another form, not as many `styles`.
        """
        return self._answer("translate_back", targets, styles, seed, batch_size, ema)

    def translate_back_like(self, targets: Any, styles: Any, batch_size: int = 32, *, ema: bool = True) -> np.ndarray:
        """`translate_back` in the styles of given images.

        Args:
            others: see `translate_back`.
        """
        return self._answer("translate_back", targets, styles, 0, batch_size, ema)


def _distance(a, b):
    return ops.mean(ops.abs(ops.cast(a, "float32") - ops.cast(b, "float32")))
