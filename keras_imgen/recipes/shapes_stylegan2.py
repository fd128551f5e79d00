"""StyleGAN2 with adaptive augmentation (Karras et al. 2020) on drawn scenes of coloured shapes, 32x32.

The networks are small enough for a CPU: after 40 epochs (800,000 pictures, three hours on one core) backgrounds, colours, places and
numbers of shapes are right, and outlines are discs and ovals with first corners, not yet squares, stars and hearts.
"""

import keras

from keras_imgen.data import load
from keras_imgen.models import StyleGAN2
from keras_imgen.models.adversarial import R1, AdaptiveAugment
from keras_imgen.networks import stylegan2_discriminator, stylegan2_generator
from keras_imgen.recipes.run import Run


def train(
    out: str,
    epochs: int = 40,
    batch: int = 32,
    seed: int = 0,
    steps_per_epoch: int | None = None,
    resume: bool = False,
) -> str:
    """The whole run, from data to report, in the folder `out`; returns the command that generates more.

    Args:
        others: see `recipes`.
    """
    run = Run("shapes-stylegan2", out, resume, epochs=epochs, batch=batch, seed=seed, steps_per_epoch=steps_per_epoch)
    data = load("shapes", "train", size=32, batch=batch, seed=seed, columns=("image",)).take(steps_per_epoch or -1)
    test = load("shapes", "test", size=32, batch=batch, columns=("image",))

    # A strong penalty while shapes are blobs, a weak one for their edges: with the weak one alone the discriminator wins at once.
    steps = steps_per_epoch or len(data)
    gamma = keras.optimizers.schedules.PiecewiseConstantDecay([int(0.65 * epochs * steps)], [5.0, 0.5])
    model = StyleGAN2(
        stylegan2_generator((32, 32, 3), width=16, largest=64),
        stylegan2_discriminator((32, 32, 3), width=16, largest=64),
        style_mixing=0.0,  # without mixing and path lengths, as Karras et al. 2020 train on CIFAR-10
        path_length_weight=0.0,
        regularizers=[R1(gamma, every=16)],
        augment=AdaptiveAugment(colour=False),
        seed=seed,
        name="shapes_stylegan2",
    )
    model.compile(
        generator_optimizer=keras.optimizers.Adam(0.0025, beta_1=0.0, beta_2=0.99),
        discriminator_optimizer=keras.optimizers.Adam(0.0025, beta_1=0.0, beta_2=0.99),
        jit_compile=True,  # it has many small operations, which XLA joins; the first step takes a minute
    )
    model.fit(data, epochs=epochs, callbacks=run.callbacks(adversarial=True, n=40))
    return run.finish(model, test)
