"""CUT: image to image without pairs, by one generator whose patches stay recognisable."""

from enum import IntEnum
from typing import Any

import keras
from keras import ops

from keras_imgen.arguments import integer
from keras_imgen.losses import adversarial
from keras_imgen.losses.contrastive import patch_nce
from keras_imgen.models.adversarial.translation import Translation
from keras_imgen.models.calls import Pair
from keras_imgen.networks.translation import patch_heads
from keras_imgen.training import random
from keras_imgen.training.rows import like

LAYERS = ("image", "down0", "down1", "block0_add", "block4_add")  # of the paper, in a `translation_resnet` of 9 blocks


class Stream(IntEnum):
    """What CUT draws from keys."""

    PLACES = 0
    PLACES_OF_IDENTITY = 1
    FLIP = 2


@keras.saving.register_keras_serializable("keras_imgen")
class CUT(Translation):
    """Park et al. 2020, "Contrastive Learning for Unpaired Image-to-Image Translation".

    One generator and one discriminator. In place of a way back, each patch of the answer has to be more like the patch in the same place
    of the image than like others of that image, by what the generator's own encoder says of them (PatchNCE, eq. 3). FastCUT is
    `CUT(..., nce_weight=10.0, identity_weight=0.0, flip=True)`.

    Args:
        generator: from image to target of the same shape, as `networks.translation_resnet`.
        discriminator: of targets, as `networks.patchgan(shape)`.
        nce_layers: names of the generator's layers whose maps (N, h, w, C) are compared; None takes those of the paper that it has: the
            pixels, both convolutions that halve the size, the first and the fifth residual block.
        nce_weight: of the PatchNCE between images and answers (lambda_X in eq. 4).
        identity_weight: of the PatchNCE between targets and the generator's answers to them (lambda_Y), which keeps colours.
        temperature: by which cosines are divided, above 0.
        patches: places of each map that are compared, by chance; all, where there are no more.
        flip: mirror every second image, by chance, before it is translated, and its answer's maps back (section C.1).
        heads: what the maps are compared by; None makes a `networks.patch_heads` for them. Trained as a part of the generator.
        loss: see `losses.adversarial`; that of the paper's programs is least squares.
        others: see `ImageModel`; the generator and its heads alone are averaged.

    Raises:
        ValueError: a generator from one shape to another, a layer that it does not have, `temperature` or `patches` out of range.

    Learns from batches of `image` and `target` that do not belong together; `translate(images)` uses it. Logs both players' losses, `nce`
    and `identity_nce` in nats, without their weights, and the discriminator's accuracies.
    """

    logged = ("discriminator_loss", "generator_loss", "nce", "identity_nce", "real_accuracy", "fake_accuracy")
    in_pairs = False

    settings = (
        *Translation.settings,
        *(
            "generator",
            "discriminator",
            "nce_layers",
            "nce_weight",
            "identity_weight",
            "temperature",
            "patches",
            "flip",
        ),
        "heads",
        ("loss", "loss_pair"),
    )

    def __init__(
        self,
        generator: keras.Model,
        discriminator: keras.Model,
        nce_layers: tuple[str, ...] | None = None,
        nce_weight: float = 1.0,
        identity_weight: float = 1.0,
        temperature: float = 0.07,
        patches: int = 256,
        flip: bool = False,
        heads: keras.Model | None = None,
        loss: str | adversarial.AdversarialLoss = "least_squares",
        ema: float | None = 0.999,
        **kwargs: Any,
    ):
        super().__init__(ema=ema, **kwargs)
        self.generator, self.discriminator = generator, discriminator
        if self.image_shape != self.target_shape:
            raise ValueError(
                f"Expected a generator to images of the same shape, whose maps compare, got {self.image_shape} to {self.target_shape}."
            )
        if not temperature > 0:
            raise ValueError(f"Expected `temperature` above 0, got {temperature!r}.")
        self.nce_layers = _layers(generator, nce_layers)
        self.nce_weight, self.identity_weight, self.temperature = nce_weight, identity_weight, temperature
        self.patches, self.flip, self.loss_pair = integer("patches", patches, 2), flip, adversarial.get(loss)
        maps = [generator.get_layer(name).output for name in self.nce_layers]
        self.heads = heads or patch_heads(tuple(m.shape[-1] for m in maps))
        self._untracked.encoder = keras.Model(generator.input, maps)
        self._untracked.trained = Pair(generator, self.heads, name="generator_and_heads")
        self.finish()

    @property
    def players(self) -> dict[str, keras.Model]:
        return {"generator": self._untracked.trained, "discriminator": self.discriminator}

    def default_optimizers(self) -> dict[str, keras.optimizers.Optimizer]:
        return {name: keras.optimizers.Adam(2e-4, beta_1=0.5) for name in self.players}

    def nce(self, images: Any, answers: Any, keys: Any, flipped: Any = None, training: bool = False) -> Any:
        """The PatchNCE of answers to images, the mean over layers, a scalar.

        Args:
            images: (N, H, W, C) in [-1, 1].
            answers: (N, H, W, C) in [-1, 1].
            keys: (N, 2) of `training.random`, for the places.
            flipped: bool (N,), which answers are to mirrored images; None for none.
            training: whether networks are in training mode.
        """
        several = keras.tree.flatten  # Keras gives one map without its list
        of_answers, of_images = (several(self._untracked.encoder(v, training=training)) for v in (answers, images))
        if flipped is not None:
            of_answers = [ops.where(like(flipped, m), m[:, :, ::-1], m) for m in of_answers]
        places = [self._places(m, random.fold(keys, i)) for i, m in enumerate(of_images)]
        both = [[_at(m, p) for m, p in zip(maps, places)] for maps in (of_answers, of_images)]
        queries, known = (several(self.heads(v, training=training)) for v in both)
        return sum(patch_nce(q, k, self.temperature) for q, k in zip(queries, known)) / len(known)

    def _places(self, maps, keys):
        """Different places (N, S) of each row's map, None for all."""
        if None in maps.shape[1:3]:
            raise ValueError(
                "Expected batches of one size, which is known before they come: as data.patches gives them."
            )
        count = maps.shape[1] * maps.shape[2]
        return ops.top_k(random.uniform(keys, (count,)), self.patches)[1] if self.patches < count else None

    def _discriminate(self, images, training):
        return ops.cast(self.discriminator(images, training=training), "float32")

    def _generator_losses(self, x, y, keys, training):
        """(the sum, the adversarial loss, the others by name, the answers)."""
        flipped, given = None, x
        if self.flip and training:
            flipped = random.uniform(random.fold(keys, Stream.FLIP)) < 0.5
            given = ops.where(like(flipped, x), x[:, :, ::-1], x)
        fake = ops.cast(self.generator(given, training=training), "float32")
        real = self._discriminate(y, training) if self.loss_pair.pairs else None
        loss = self.loss_pair.generator(self._discriminate(fake, training), real)
        logs = {"nce": self.nce(x, fake, random.fold(keys, Stream.PLACES), flipped, training)}
        total = loss + self.nce_weight * logs["nce"]
        if self.identity_weight:
            same = self.generator(y, training=training)
            logs["identity_nce"] = self.nce(y, same, random.fold(keys, Stream.PLACES_OF_IDENTITY), training=training)
            total = total + self.identity_weight * logs["identity_nce"]
        return total, loss, logs, fake

    def update(self, batch: dict[str, Any]) -> dict[str, Any]:
        x, y = batch["image"], batch["target"]
        keys = self.next_keys(ops.shape(x)[0])
        _, g_loss, logs, fake = self.minimize(
            lambda: self._generator_losses(x, y, keys, True), self.players["generator"]
        )
        fake = ops.stop_gradient(fake)

        def discriminator_loss():
            real_logits, fake_logits = self._discriminate(y, True), self._discriminate(fake, True)
            return self.loss_pair.discriminator(real_logits, fake_logits), real_logits, fake_logits

        d_loss, real_logits, fake_logits = self.minimize(discriminator_loss, self.discriminator)
        accuracy = self.loss_pair.accuracy(real_logits, fake_logits)
        return {"discriminator_loss": d_loss, "generator_loss": g_loss, **logs, **accuracy}

    def score(self, batch: dict[str, Any]) -> dict[str, Any]:
        x, y = batch["image"], batch["target"]
        _, g_loss, logs, fake = self._generator_losses(x, y, self.score_keys(batch), False)
        real_logits, fake_logits = self._discriminate(y, False), self._discriminate(fake, False)
        d_loss = self.loss_pair.discriminator(real_logits, fake_logits)
        accuracy = self.loss_pair.accuracy(real_logits, fake_logits)
        return {"discriminator_loss": d_loss, "generator_loss": g_loss, **logs, **accuracy}


def _layers(generator, names):
    known = [layer.name for layer in generator.layers]
    names = tuple(name for name in LAYERS if name in known) if names is None else tuple(names)
    if not names or set(names) - set(known):
        raise ValueError(
            f"Expected `nce_layers` of the generator's {', '.join(known)}, got {', '.join(names) or 'none'}."
        )
    return names


def _at(maps, places):
    """The vectors (N, S, C) of maps (N, h, w, C) at places (N, S), of None at all."""
    flat = ops.reshape(maps, (ops.shape(maps)[0], -1, maps.shape[3]))
    return flat if places is None else ops.take_along_axis(flat, places[..., None], axis=1)
