"""WGAN-GP (Gulrajani et al. 2017) on Fashion-MNIST, 28x28: a batch of 320 is five critic steps on 64 images each."""

import keras

from keras_imgen.data import load
from keras_imgen.models import WGAN
from keras_imgen.networks import dcgan_discriminator, dcgan_generator
from keras_imgen.recipes.run import Run
from keras_imgen.training.precision import fast_precision


def train(
    out: str,
    epochs: int = 20,
    batch: int = 320,
    seed: int = 0,
    steps_per_epoch: int | None = None,
    resume: bool = False,
) -> str:
    """The whole run, from data to report, in the folder `out`; returns the command that generates more.

    Args:
        others: see `recipes`.
    """
    run = Run("fashion-wgan-gp", out, resume, epochs=epochs, batch=batch, seed=seed, steps_per_epoch=steps_per_epoch)
    data = load("fashion_mnist", "train", batch=batch, seed=seed).take(steps_per_epoch or -1)
    test = load("fashion_mnist", "test", batch=batch)

    with fast_precision():
        generator = dcgan_generator((28, 28, 1), width=32)
        critic = dcgan_discriminator((28, 28, 1), width=32)
    model = WGAN(
        generator,
        critic,
        seed=seed,
        name="fashion_wgan_gp",
    )
    model.compile(
        generator_optimizer=keras.optimizers.Adam(5e-4, beta_1=0.0, beta_2=0.9),
        discriminator_optimizer=keras.optimizers.Adam(5e-4, beta_1=0.0, beta_2=0.9),
    )
    model.fit(data, epochs=epochs, callbacks=run.callbacks(adversarial=True, n=40))
    return run.finish(model, test)
