"""StyleGAN2 with adaptive augmentation (Karras et al. 2020) on any pictures, conditional on their classes where there are any."""

import keras

from keras_imgen.models import StyleGAN2
from keras_imgen.models.adversarial import R1, AdaptiveAugment
from keras_imgen.networks import stylegan2_discriminator, stylegan2_generator
from keras_imgen.recipes.own_pictures import own_pictures, power_of_two
from keras_imgen.recipes.run import Run


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
    width: int = 16,
    largest: int = 64,
    latent_dim: int = 128,
    colour: bool = False,
    r1: float | None = None,
    learning_rate: float = 0.0025,
    jit_compile: bool = True,
) -> str:
    """The whole run, from data to report, in the folder `out`; returns the command that generates more.

    Args:
        width: see `networks.stylegan2_generator`.
        largest: see `networks.stylegan2_generator`.
        latent_dim: see `networks.stylegan2_generator`.
        colour: let ADA change colours too.
        r1: gamma of the penalty in the first two thirds of the steps, a tenth of it then; None is 5 at 32 pixels, and grows with their
            number.
        learning_rate: for both players.
        jit_compile: its many small operations are joined by XLA; the first step takes a minute.
        others: see `own_pictures` and `recipes`.
    """
    how = {"seed": seed, "conditional": conditional, "flip": flip, "limit": limit}
    own = own_pictures(data, size, channels, works=power_of_two, **how)
    epochs, batch, steps = own.plan(
        epochs, batch, steps_per_epoch, 32 if own.size <= 64 else 8, 10_000 if own.size <= 32 else 5_000
    )
    r1 = 5.0 * max(1.0, (own.size / 32) ** 2) if r1 is None else r1
    run = Run(
        "stylegan2",
        out,
        resume,
        epochs=epochs,
        batch=batch,
        seed=seed,
        steps_per_epoch=steps_per_epoch,
        **own.settings,
        width=width,
        largest=largest,
        latent_dim=latent_dim,
        colour=colour,
        r1=r1,
        learning_rate=learning_rate,
        jit_compile=jit_compile,
    )
    learn, test = own.batches(batch, steps, seed)

    # See the recipe shapes-stylegan2: a strong penalty while pictures are crude, a weak one for their edges.
    gamma = keras.optimizers.schedules.PiecewiseConstantDecay([int(0.65 * epochs * steps)], [r1, r1 / 10])
    how = {"width": width, "largest": largest, "num_classes": own.num_classes}
    generator = stylegan2_generator(own.image_shape, latent_dim, **how)
    discriminator = stylegan2_discriminator(own.image_shape, **how)
    weights = generator.count_params() + discriminator.count_params()
    own.tell(f"StyleGAN2 for {own.size} pixels, {width} channels at 32, with adaptive augmentation", weights)
    model = StyleGAN2(
        generator,
        discriminator,
        own.num_classes,
        style_mixing=0.0,
        path_length_weight=0.0,
        regularizers=[R1(gamma, every=16)],
        augment=AdaptiveAugment(colour=colour),
        class_names=own.class_names,
        seed=seed,
        name="stylegan2",
    )
    model.compile(
        generator_optimizer=keras.optimizers.Adam(learning_rate, beta_1=0.0, beta_2=0.99),
        discriminator_optimizer=keras.optimizers.Adam(learning_rate, beta_1=0.0, beta_2=0.99),
        jit_compile=jit_compile,
    )
    model.fit(learn, epochs=epochs, callbacks=run.callbacks(adversarial=True, n=40, every=max(1, epochs // 20)))
    return run.finish(model, test)
