"""CycleGAN: image to image without pairs."""

from typing import Any

import keras
import numpy as np
from keras import ops

from keras_imgen.losses import adversarial
from keras_imgen.models.adversarial.translation import Translation
from keras_imgen.training import random
from keras_imgen.training.rows import like


@keras.saving.register_keras_serializable("keras_imgen")
class Directions(keras.Model):
    """Two networks that are one player: `there` works from image to target, `back` from target to image."""

    def __init__(self, there: keras.Model, back: keras.Model, **kwargs: Any):
        super().__init__(**kwargs)
        self.there, self.back = there, back
        self.built = True


@keras.saving.register_keras_serializable("keras_imgen")
class CycleGAN(Translation):
    """Zhu et al. 2017, "Unpaired Image-to-Image Translation using Cycle-Consistent Adversarial Networks".

    Args:
        generator: from image to target, as `networks.translation_resnet`.
        inverse: from target to image.
        discriminator: of targets, as `networks.patchgan(shape)`.
        inverse_discriminator: of images.
        cycle_weight: of E|F(G(x)) - x| + E|G(F(y)) - y| (lambda in eq. 3).
        identity_weight: of E|G(y) - y| + E|F(x) - x| (section 5.2), which keeps colours; needs equal channels. The paper's is half of
            `cycle_weight`, where it is used.
        buffer: how many generated images are kept; the discriminators see one of them in place of every second new one (section 4).
        loss: see `losses.adversarial`; the paper's is least squares.
        others: see `ImageModel`; the generators alone are averaged.

    Raises:
        ValueError: `identity_weight` for images of two shapes, a negative `buffer`, one for discriminators of any size.

    Learns from batches of `image` and `target` that do not belong together; `translate(images)` and `translate_back(targets)` use it.
    The compile arguments `generator_optimizer` and `discriminator_optimizer` are for both networks of a kind.
    """

    logged = ("discriminator_loss", "generator_loss", "cycle", "identity")
    in_pairs = False

    settings = (
        *Translation.settings,
        ("generator", "generators.there"),
        ("inverse", "generators.back"),
        ("discriminator", "discriminators.there"),
        ("inverse_discriminator", "discriminators.back"),
        "cycle_weight",
        "identity_weight",
        "buffer",
        ("loss", "loss_pair"),
    )

    def __init__(
        self,
        generator: keras.Model,
        inverse: keras.Model,
        discriminator: keras.Model,
        inverse_discriminator: keras.Model,
        cycle_weight: float = 10.0,
        identity_weight: float = 0.0,
        buffer: int = 50,
        loss: str | adversarial.AdversarialLoss = "least_squares",
        ema: float | None = 0.999,
        **kwargs: Any,
    ):
        super().__init__(ema=ema, **kwargs)
        self.generators = Directions(generator, inverse, name="generators")
        self.discriminators = Directions(discriminator, inverse_discriminator, name="discriminators")
        self.cycle_weight, self.identity_weight, self.buffer = cycle_weight, identity_weight, buffer
        self.loss_pair = adversarial.get(loss)
        if identity_weight and self.image_shape != self.target_shape:
            raise ValueError(
                f"identity_weight needs images of one shape, got {self.image_shape} and {self.target_shape}."
            )
        if buffer < 0:
            raise ValueError(f"Expected `buffer` of at least 0 images, got {buffer!r}.")
        if buffer:
            shapes = {
                "targets": _known(self.target_shape, discriminator.input_shape[1:]),
                "images": _known(self.image_shape, inverse_discriminator.input_shape[1:]),
            }
            if any(None in shape for shape in shapes.values()):
                raise ValueError(
                    "Expected generators or discriminators of one size, in which images are kept, or buffer=0."
                )
            state = {"trainable": False, "initializer": "zeros", "aggregation": "only_first_replica"}
            self.kept = {k: self.add_weight(name=f"kept_{k}", shape=(buffer, *v), **state) for k, v in shapes.items()}
            self.seen = self.add_weight(name="seen", shape=(), **state)
        self.finish()

    @property
    def players(self) -> dict[str, keras.Model]:
        return {"generator": self.generators, "discriminator": self.discriminators}

    @property
    def translator(self) -> keras.Model:
        return self.generators.there

    @property
    def inverse(self) -> keras.Model | None:
        return self.generators.back

    def default_optimizers(self) -> dict[str, keras.optimizers.Optimizer]:
        return {name: keras.optimizers.Adam(2e-4, beta_1=0.5) for name in self.players}

    def update(self, batch: dict[str, Any]) -> dict[str, Any]:
        x, y = batch["image"], batch["target"]
        x_keys, y_keys = (self.next_keys(ops.shape(v)[0]) for v in (x, y))
        there, back = self.generators.there, self.generators.back
        discriminate, discriminate_back = self.discriminators.there, self.discriminators.back
        distance = lambda a, b: ops.mean(ops.abs(ops.cast(a, "float32") - ops.cast(b, "float32")))  # noqa: E731

        def generator_loss():
            fake_y, fake_x = there(x, training=True), back(y, training=True)
            loss = self.loss_pair.generator(discriminate(fake_y, training=True), self._real(discriminate, y))
            loss = loss + self.loss_pair.generator(
                discriminate_back(fake_x, training=True), self._real(discriminate_back, x)
            )
            cycle = distance(back(fake_y, training=True), x) + distance(there(fake_x, training=True), y)
            identity = ops.zeros(())
            if self.identity_weight:
                identity = distance(there(y, training=True), y) + distance(back(x, training=True), x)
            total = loss + self.cycle_weight * cycle + self.identity_weight * identity
            return total, loss, cycle, identity, fake_y, fake_x

        _, g_loss, cycle, identity, fake_y, fake_x = self.minimize(generator_loss, self.generators)
        fake_y, fake_x = ops.stop_gradient(fake_y), ops.stop_gradient(fake_x)
        if self.buffer:
            seen = ops.copy(self.seen)
            fake_y = self._exchange("targets", ops.cast(fake_y, "float32"), seen, y_keys)
            fake_x = self._exchange("images", ops.cast(fake_x, "float32"), seen, x_keys)
            self.seen.assign(ops.minimum(seen + ops.cast(ops.shape(x)[0], "float32"), 1.0 * self.buffer))

        def discriminator_loss():
            loss = self.loss_pair.discriminator(discriminate(y, training=True), discriminate(fake_y, training=True))
            return loss + self.loss_pair.discriminator(
                discriminate_back(x, training=True), discriminate_back(fake_x, training=True)
            )

        d_loss = self.minimize(discriminator_loss, self.discriminators)
        return {"discriminator_loss": d_loss, "generator_loss": g_loss, "cycle": cycle, "identity": identity}

    def _real(self, discriminate, images):
        return discriminate(images, training=True) if self.loss_pair.pairs else None

    def _exchange(self, name, images, seen, keys):
        """What the discriminator sees in place of new images (Shrivastava et al. 2017): they are themselves, and fill the buffer up; once
        it is full every second one is kept, by chance, and takes the place of another, which is seen in its stead."""
        kept, size = self.kept[name], self.buffer
        u = random.uniform(keys, (2,))
        order = ops.arange(ops.shape(images)[0], dtype="int32")
        filling = ops.cast(seen, "int32") + order < size
        # A different place for every row: a random start, then one after the other.
        places = ops.where(filling, ops.cast(seen, "int32") + order, (ops.cast(u[0, 0] * size, "int32") + order) % size)
        full = ops.logical_and(seen >= size, order < size)
        swap = ops.logical_or(filling, ops.logical_and(full, u[:, 1] < 0.5))
        before = ops.convert_to_tensor(kept)
        old = ops.take(before, places % size, axis=0)
        chosen = ops.cast(ops.one_hot(places, size), "float32") * ops.cast(swap, "float32")[:, None]
        written = ops.tensordot(ops.transpose(chosen), images, axes=1)
        kept.assign(ops.where(like(ops.sum(chosen, axis=0), images) > 0, written, before))
        return ops.where(like(ops.logical_and(swap, ops.logical_not(filling)), images), old, images)

    def score(self, batch: dict[str, Any]) -> dict[str, Any]:
        x, y = batch["image"], batch["target"]
        there, back = self.generators.there, self.generators.back
        fake_y, fake_x = there(x, training=False), back(y, training=False)
        discriminate, discriminate_back = self.discriminators.there, self.discriminators.back
        d = self.loss_pair.discriminator(discriminate(y), discriminate(fake_y)) + self.loss_pair.discriminator(
            discriminate_back(x), discriminate_back(fake_x)
        )
        g = self.loss_pair.generator(discriminate(fake_y), discriminate(y)) + self.loss_pair.generator(
            discriminate_back(fake_x), discriminate_back(x)
        )
        cycle = ops.mean(ops.abs(back(fake_y) - x)) + ops.mean(ops.abs(there(fake_x) - y))
        found = {"discriminator_loss": d, "generator_loss": g, "cycle": cycle}
        if self.identity_weight:
            found["identity"] = ops.mean(ops.abs(there(y) - y)) + ops.mean(ops.abs(back(x) - x))
        return found

    def translate_back(self, targets: Any, batch_size: int = 32, ema: bool = True) -> np.ndarray:
        """uint8 images (N, H, W, C) of the first kind from images of the second; as `translate`.

        Args:
            targets: (N, H, W, C), uint8 or floats in [-1, 1].
            others: see `translate`.
        """
        return self._translate(self.inverse, targets, batch_size, ema)


def _known(shape, other):
    """A shape whose sides may be any, where another knows them."""
    return tuple(b if a is None else a for a, b in zip(shape, other))
