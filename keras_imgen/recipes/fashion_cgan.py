"""A class-conditional GAN on Fashion-MNIST, 28x28: DCGAN with spectral norm, projection and the hinge loss."""

import keras

from keras_imgen.data import load
from keras_imgen.models import GAN
from keras_imgen.networks import dcgan_discriminator, dcgan_generator
from keras_imgen.recipes.run import Run, warmup_cosine
from keras_imgen.training.precision import fast_precision


def train(
    out: str,
    epochs: int = 30,
    batch: int = 64,
    seed: int = 0,
    steps_per_epoch: int | None = None,
    resume: bool = False,
) -> str:
    """The whole run, from data to report, in the folder `out`; returns the command that generates more.

    Args:
        others: see `recipes`.
    """
    run = Run("fashion-cgan", out, resume, epochs=epochs, batch=batch, seed=seed, steps_per_epoch=steps_per_epoch)
    data = load("fashion_mnist", "train", batch=batch, seed=seed).take(steps_per_epoch or -1)
    test = load("fashion_mnist", "test", batch=batch)

    with fast_precision():
        generator = dcgan_generator((28, 28, 1), width=32, num_classes=10)
        discriminator = dcgan_discriminator((28, 28, 1), width=32, num_classes=10, normalization="spectral")
    model = GAN(
        generator,
        discriminator,
        10,
        loss="hinge",
        regularizers=(),
        class_names=test.class_names,
        seed=seed,
        name="fashion_cgan",
    )
    rate = warmup_cosine(0.001, steps=epochs * len(data))
    model.compile(
        generator_optimizer=keras.optimizers.Adam(rate, beta_1=0.0, beta_2=0.99),
        discriminator_optimizer=keras.optimizers.Adam(rate, beta_1=0.0, beta_2=0.99),
    )
    model.fit(data, epochs=epochs, callbacks=run.callbacks(adversarial=True, n=40))
    return run.finish(model, test)
