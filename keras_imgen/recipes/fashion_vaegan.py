"""A VAE-GAN (Larsen et al. 2016) on Fashion-MNIST, 28x28: reconstructions that are sharp."""

import keras

from keras_imgen.data import load
from keras_imgen.models import VAEGAN
from keras_imgen.networks import conv_encoder, dcgan_discriminator, dcgan_generator
from keras_imgen.recipes.run import Run, warmup_cosine
from keras_imgen.training.precision import fast_precision


def train(
    out: str,
    epochs: int = 15,
    batch: int = 64,
    seed: int = 0,
    steps_per_epoch: int | None = None,
    resume: bool = False,
) -> str:
    """The whole run, from data to report, in the folder `out`; returns the command that generates more.

    Args:
        others: see `recipes`.
    """
    run = Run("fashion-vaegan", out, resume, epochs=epochs, batch=batch, seed=seed, steps_per_epoch=steps_per_epoch)
    data = load("fashion_mnist", "train", batch=batch, seed=seed).take(steps_per_epoch or -1)
    test = load("fashion_mnist", "test", batch=batch)

    with fast_precision():
        encoder = conv_encoder((28, 28, 1), 2 * 32)
        decoder = dcgan_generator((28, 28, 1), 32, width=32)
        discriminator = dcgan_discriminator((28, 28, 1), width=32, normalization="spectral")
    model = VAEGAN(
        encoder,
        decoder,
        discriminator,
        seed=seed,
        name="fashion_vaegan",
    )
    optimizers = {
        f"{player}_optimizer": keras.optimizers.Adam(
            warmup_cosine(0.001, steps=epochs * len(data)), beta_1=0.5, beta_2=0.99
        )
        for player in model.players
    }
    model.compile(**optimizers)
    model.fit(data, epochs=epochs, callbacks=run.callbacks(adversarial=True, n=40))
    model.fit_sampler(data, "gmm", components=20, seed=seed)
    return run.finish(model, test)
