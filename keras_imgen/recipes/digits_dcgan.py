"""DCGAN (Radford et al. 2016) on the handwritten digits of scikit-learn, 16x16, with DiffAugment: there are 1,500."""

import keras

from keras_imgen.data import load
from keras_imgen.models import GAN
from keras_imgen.models.adversarial import R1, DiffAugment
from keras_imgen.networks import dcgan_discriminator, dcgan_generator
from keras_imgen.recipes.run import Run, warmup_cosine
from keras_imgen.training.precision import fast_precision


def train(
    out: str,
    epochs: int = 200,
    batch: int = 64,
    seed: int = 0,
    steps_per_epoch: int | None = None,
    resume: bool = False,
) -> str:
    """The whole run, from data to report, in the folder `out`; returns the command that generates more.

    Args:
        others: see `recipes`.
    """
    run = Run("digits-dcgan", out, resume, epochs=epochs, batch=batch, seed=seed, steps_per_epoch=steps_per_epoch)
    data = load("digits", "train", size=16, batch=batch, seed=seed).take(steps_per_epoch or -1)
    test = load("digits", "test", size=16, batch=batch)

    with fast_precision():
        generator = dcgan_generator((16, 16, 1), width=32)
        discriminator = dcgan_discriminator((16, 16, 1), width=32)
    model = GAN(
        generator,
        discriminator,
        regularizers=[R1(0.1, every=4)],
        augment=DiffAugment("translation"),
        seed=seed,
        name="digits_dcgan",
    )
    rate = warmup_cosine(0.001, steps=epochs * len(data))
    model.compile(
        generator_optimizer=keras.optimizers.Adam(rate, beta_1=0.5, beta_2=0.99),
        discriminator_optimizer=keras.optimizers.Adam(rate, beta_1=0.5, beta_2=0.99),
    )
    model.fit(data, epochs=epochs, callbacks=run.callbacks(adversarial=True, n=40, every=10))
    return run.finish(model, test)
