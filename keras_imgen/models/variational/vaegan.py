"""VAE-GAN: a VAE whose likelihood is measured by the features of a discriminator."""

from typing import Any

import keras
import numpy as np
from keras import ops

from keras_imgen.losses import adversarial, divergence, terms
from keras_imgen.models.calls import call, check_labels
from keras_imgen.models.variational.vae import VAE, Stream
from keras_imgen.training import random
from keras_imgen.training.rows import per_row


@keras.saving.register_keras_serializable("keras_imgen")
class VAEGAN(VAE):
    """Larsen et al. 2016, "Autoencoding beyond pixels using a learned similarity metric", algorithm 1.

    Args:
        encoder: images to 2 D numbers, as `networks.conv_encoder((28, 28, 1), 2 * 64)`.
        decoder: latents to images in [-1, 1], as `networks.dcgan_generator((28, 28, 1), 64)`.
        discriminator: as `networks.dcgan_discriminator((28, 28, 1), normalization="spectral")`.
        num_classes: of the labels, if the networks take them; None for a model without.
        feature: the discriminator's layer whose output tells how alike two images are.
        feature_weight: of that error in the decoder's loss (the paper's gamma), which the adversarial one is added to.
        loss: see `losses.adversarial`.
        others: see `VAE`; `beta`, `capacity` and `free_bits` are of the KL in the encoder's loss, of which the paper has all; encoder
            and decoder are averaged. A `likelihood` is refused: the discriminator's features are in its place.

    Raises:
        ValueError: a `likelihood`, networks that do not fit each other, a discriminator that tells classes.

    Logs the losses of the three players, `kl` and `feature_error` in nats per image, `pixel_error`, the squared error summed over an image
    and halved, and the discriminator's `real_accuracy` and `fake_accuracy`.
    """

    logged = (
        *("encoder_loss", "decoder_loss", "discriminator_loss", "kl", "feature_error", "pixel_error"),
        *("real_accuracy", "fake_accuracy", "active_units"),
    )

    settings = (
        *(name for name in VAE.settings if name != "likelihood"),
        "discriminator",
        "feature",
        "feature_weight",
        ("loss", "loss_pair"),
    )

    def __init__(
        self,
        encoder: keras.Model,
        decoder: keras.Model,
        discriminator: keras.Model,
        num_classes: int | None = None,
        feature: str = "flatten",
        feature_weight: float = 0.1,
        loss: str = "non_saturating",
        **kwargs: Any,
    ):
        if "likelihood" in kwargs:
            raise ValueError("A VAEGAN's `likelihood` is its discriminator's: another does not apply.")
        if isinstance(discriminator.output, dict):
            raise ValueError('Expected a discriminator of logits alone: conditioning="projection" or "concat".')
        self._discriminator = discriminator
        self.feature, self.feature_weight, self.loss_pair = feature, feature_weight, adversarial.get(loss)
        check_labels(discriminator, num_classes, "discriminator")
        super().__init__(encoder, decoder, num_classes, likelihood="gaussian", **kwargs)

    def finish(self) -> None:
        self.discriminator = self._discriminator
        output = self.discriminator.get_layer(self.feature).output
        self._untracked.featured = keras.Model(self.discriminator.input, [output, self.discriminator.output])
        super().finish()

    @property
    def players(self) -> dict[str, keras.Model]:
        return {"encoder": self.encoder, "decoder": self.decoder, "discriminator": self._discriminator}

    @property
    def averaged_players(self) -> tuple[str, ...]:
        return ("encoder", "decoder")

    def default_optimizers(self) -> dict[str, keras.optimizers.Optimizer]:
        return {name: keras.optimizers.Adam(5e-4, beta_1=0.5, beta_2=0.99) for name in self.players}

    def _discriminate(self, images, told, training):
        """(features, logits), float32."""
        found = call(self._untracked.featured, {"image": images, **told}, training)
        return tuple(ops.cast(v, "float32") for v in found)

    def update(self, batch: dict[str, Any]) -> dict[str, Any]:
        x, told = batch[self.pictures[0]], self.told(batch)
        keys = self.next_keys(ops.shape(x)[0])
        self._step.assign(ops.cast(terms.iteration(self._optimizer_of(self.encoder)), "float32"))
        prior = random.normal(random.fold(keys, Stream.NEW_IMAGES), self.latent_shape)

        def encoder_loss():
            mean, log_variance = self.posterior(self._noisy(x, keys), told, True)
            kl = ops.mean(divergence.kl_normal(mean, log_variance), axis=0)
            z = self.reparameterized(mean, log_variance, keys)
            error = _distance(self._discriminate(self._decode(z, told, True), told, True)[0], real_features)
            term, _ = self.regularizer(kl, z, mean, log_variance, keys)
            return term + error, kl, error, z

        real_features = ops.stop_gradient(self._discriminate(x, told, True)[0])
        e_loss, kl, error, z = self.minimize(encoder_loss, self.encoder)
        z = ops.stop_gradient(z)

        def decoder_loss():
            again, new = self._decode(z, told, True), self._decode(prior, told, True)
            features, logits = self._discriminate(again, told, True)
            _, new_logits = self._discriminate(new, told, True)
            real = self._discriminate(x, told, True)[1] if self.loss_pair.pairs else None
            fooled = 0.5 * (self.loss_pair.generator(logits, real) + self.loss_pair.generator(new_logits, real))
            return self.feature_weight * _distance(features, real_features) + fooled, again, new

        d_loss, again, new = self.minimize(decoder_loss, self.decoder)
        fakes = [ops.stop_gradient(v) for v in (again, new)]

        def discriminator_loss():
            real = self._discriminate(x, told, True)[1]
            fake = [self._discriminate(v, told, True)[1] for v in fakes]
            return 0.5 * sum(self.loss_pair.discriminator(real, f) for f in fake), real, ops.concatenate(fake)

        loss, real, fake = self.minimize(discriminator_loss, self._discriminator)
        logs = {"encoder_loss": e_loss, "decoder_loss": d_loss, "discriminator_loss": loss, "kl": ops.sum(kl)}
        logs = {**logs, "feature_error": error, "pixel_error": _distance(again, x)}
        return {**logs, **self.loss_pair.accuracy(real, fake), "active_units": self._active(kl)}

    def score(self, batch: dict[str, Any]) -> dict[str, Any]:
        x, told = batch[self.pictures[0]], self.told(batch)
        keys = self.score_keys(batch)
        mean, log_variance = self.posterior(x, told)
        again = self._decode(self.reparameterized(mean, log_variance, keys), told, False)
        (real_features, real), (features, fake) = (self._discriminate(v, told, False) for v in (x, again))
        kl = ops.mean(ops.sum(divergence.kl_normal(mean, log_variance), -1))
        logs = {"kl": kl, "feature_error": _distance(features, real_features), "pixel_error": _distance(again, x)}
        return {**logs, **self.loss_pair.accuracy(real, fake)}

    def log_likelihood(self, *args: Any, **kwargs: Any) -> np.ndarray:
        """Refused.

        Raises:
            TypeError: always.
        """
        raise TypeError("A VAEGAN measures likeness by its discriminator's features: it has no likelihood of images.")


def _distance(a, b):
    return 0.5 * ops.mean(per_row(ops.sum, ops.square(a - ops.stop_gradient(b))))
