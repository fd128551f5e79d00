"""DCGAN (Radford et al. 2016) on any pictures, conditional on their classes where there are any; with DiffAugment where they are few."""

import keras

from keras_imgen.models import GAN
from keras_imgen.models.adversarial import R1, DiffAugment
from keras_imgen.networks import dcgan_discriminator, dcgan_generator
from keras_imgen.recipes.own_pictures import halves, own_pictures
from keras_imgen.recipes.run import Run, warmup_cosine
from keras_imgen.training.precision import fast_precision

MANY = 20_000  # pictures that a discriminator of this size does not learn by heart


def train(
    out: str,
    epochs: int | None = None,
    batch: int | None = None,
    seed: int = 0,
    steps_per_epoch: int | None = None,
    resume: bool = False,
    *,
    data: str | None = None,
    size: int | None = None,
    channels: int | None = None,
    conditional: bool | None = None,
    flip: bool | None = None,
    limit: int | None = None,
    width: int = 32,
    latent_dim: int = 128,
    augment: str | None = None,
    r1: float | None = None,
    learning_rate: float = 0.001,
) -> str:
    """The whole run, from data to report, in the folder `out`; returns the command that generates more.

    Args:
        width: see `networks.dcgan_generator`.
        latent_dim: see `networks.dcgan_generator`.
        augment: the policy of `DiffAugment`, or "off"; None is all of it with fewer than 20,000 pictures.
        r1: gamma of the penalty; None is 0.1 at 32 pixels, and grows with their number.
        learning_rate: the largest, of a cosine, for both players.
        others: see `own_pictures` and `recipes`.
    """
    how = {"seed": seed, "conditional": conditional, "flip": flip, "limit": limit}
    own = own_pictures(data, size, channels, works=halves, **how)
    epochs, batch, steps = own.plan(
        epochs, batch, steps_per_epoch, 64 if own.size <= 32 else 32 if own.size <= 64 else 8, 8_000
    )
    policy = augment or ("colour,translation,cutout" if len(own.images) < MANY else "off")
    r1 = 0.1 * max(1.0, (own.size / 32) ** 2) if r1 is None else r1
    run = Run(
        "gan",
        out,
        resume,
        epochs=epochs,
        batch=batch,
        seed=seed,
        steps_per_epoch=steps_per_epoch,
        **own.settings,
        width=width,
        latent_dim=latent_dim,
        augment=policy,
        r1=r1,
        learning_rate=learning_rate,
    )
    learn, test = own.batches(batch, steps, seed)

    with fast_precision():
        generator = dcgan_generator(own.image_shape, latent_dim, width, own.num_classes)
        discriminator = dcgan_discriminator(own.image_shape, width, own.num_classes)
    weights = generator.count_params() + discriminator.count_params()
    own.tell(f"DCGAN for {own.size} pixels, width {width}, DiffAugment {policy}", weights)
    model = GAN(
        generator,
        discriminator,
        own.num_classes,
        regularizers=[R1(r1, every=4)] if r1 else (),
        augment=None if policy == "off" else DiffAugment(policy),
        class_names=own.class_names,
        seed=seed,
        name="gan",
    )
    rate = warmup_cosine(learning_rate, epochs * steps)
    model.compile(
        generator_optimizer=keras.optimizers.Adam(rate, beta_1=0.5, beta_2=0.99),
        discriminator_optimizer=keras.optimizers.Adam(rate, beta_1=0.5, beta_2=0.99),
    )
    model.fit(learn, epochs=epochs, callbacks=run.callbacks(adversarial=True, n=40, every=max(1, epochs // 20)))
    return run.finish(model, test)
