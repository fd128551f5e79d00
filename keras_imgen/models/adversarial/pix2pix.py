"""Pix2Pix: image to image from pairs."""

from typing import Any

import keras
from keras import ops

from keras_imgen.losses import adversarial
from keras_imgen.models.adversarial.translation import Translation


@keras.saving.register_keras_serializable("keras_imgen")
class Pix2Pix(Translation):
    """Isola et al. 2017, "Image-to-Image Translation with Conditional Adversarial Networks".

    Args:
        generator: from image to image, as `networks.translation_unet`.
        discriminator: called with a dict of `image`, the target or the generator's, and `condition`, as
            `networks.patchgan(shape, condition_channels=...)`.
        l1_weight: of the mean absolute error (lambda in eq. 4; the paper's is 100, for errors in [-1, 1]).
        loss: see `losses.adversarial`.
        others: see `ImageModel`; the generator alone is averaged.

    Raises:
        ValueError: a discriminator of other inputs.

    Learns from batches of `image` and `target`; `translate(images)` uses it. Logs the two losses and `l1`.
    """

    logged = ("discriminator_loss", "generator_loss", "l1", "real_accuracy", "fake_accuracy")

    settings = (*Translation.settings, "generator", "discriminator", "l1_weight", ("loss", "loss_pair"))

    def __init__(
        self,
        generator: keras.Model,
        discriminator: keras.Model,
        l1_weight: float = 100.0,
        loss: str | adversarial.AdversarialLoss = "non_saturating",
        ema: float | None = 0.999,
        **kwargs: Any,
    ):
        super().__init__(ema=ema, **kwargs)
        self.generator, self.discriminator = generator, discriminator
        self.l1_weight, self.loss_pair = l1_weight, adversarial.get(loss)
        if not isinstance(discriminator.input, dict) or set(discriminator.input) != {"image", "condition"}:
            raise ValueError(
                "Expected a discriminator of 'image' and 'condition': networks.patchgan(shape, condition_channels=...)."
            )
        self.finish()

    @property
    def players(self) -> dict[str, keras.Model]:
        return {"generator": self.generator, "discriminator": self.discriminator}

    def default_optimizers(self) -> dict[str, keras.optimizers.Optimizer]:
        return {name: keras.optimizers.Adam(2e-4, beta_1=0.5) for name in self.players}

    def _discriminate(self, image, condition, training):
        return ops.cast(self.discriminator({"image": image, "condition": condition}, training=training), "float32")

    def update(self, batch: dict[str, Any]) -> dict[str, Any]:
        source, target = batch["image"], batch["target"]

        def generator_loss():
            fake = self.generator(source, training=True)
            logits = self._discriminate(fake, source, True)
            l1 = ops.mean(ops.abs(ops.cast(fake, "float32") - target))
            real = self._discriminate(target, source, True) if self.loss_pair.pairs else None
            loss = self.loss_pair.generator(logits, real)
            return loss + self.l1_weight * l1, loss, l1, fake

        # The generator first: its images then serve the discriminator as well, as in the paper's programs.
        _, g_loss, l1, fake = self.minimize(generator_loss, self.generator)
        fake = ops.stop_gradient(fake)

        def discriminator_loss():
            real_logits, fake_logits = self._discriminate(target, source, True), self._discriminate(fake, source, True)
            # Half the loss, which slows the discriminator down (section 3.3).
            return 0.5 * self.loss_pair.discriminator(real_logits, fake_logits), real_logits, fake_logits

        d_loss, real_logits, fake_logits = self.minimize(discriminator_loss, self.discriminator)
        return {
            "discriminator_loss": d_loss,
            "generator_loss": g_loss,
            "l1": l1,
            **self.loss_pair.accuracy(real_logits, fake_logits),
        }

    def score(self, batch: dict[str, Any]) -> dict[str, Any]:
        source, target = batch["image"], batch["target"]
        fake = ops.cast(self.generator(source, training=False), "float32")
        real_logits, fake_logits = self._discriminate(target, source, False), self._discriminate(fake, source, False)
        return {
            "discriminator_loss": 0.5 * self.loss_pair.discriminator(real_logits, fake_logits),
            "generator_loss": self.loss_pair.generator(fake_logits, real_logits),
            "l1": ops.mean(ops.abs(fake - target)),
            **self.loss_pair.accuracy(real_logits, fake_logits),
        }
