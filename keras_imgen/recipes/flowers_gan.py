"""A GAN on flowers, 64x64, conditional on the class: DCGAN with projection, R1 and DiffAugment, since pictures are few."""

import keras

from keras_imgen.models import GAN
from keras_imgen.models.adversarial import R1, DiffAugment
from keras_imgen.networks import dcgan_discriminator, dcgan_generator
from keras_imgen.recipes.known_pictures import known_pictures
from keras_imgen.recipes.presets import chosen
from keras_imgen.recipes.run import Run, warmup_cosine
from keras_imgen.training.precision import fast_precision

PRESETS = {
    "cpu": {
        "epochs": 60,
        "passes": 1,
        "batch": 32,
        "steps_per_execution": 1,
        "width": 32,
        "learning_rate": 0.001,
        "judged": 1000,
    },
    "gpu": {
        "epochs": 40,
        "passes": 40,
        "batch": 128,
        "steps_per_execution": 10,
        "width": 96,
        "learning_rate": 0.0005,
        "judged": 10_000,
    },
}


def train(
    out: str,
    epochs: int | None = None,
    batch: int | None = None,
    seed: int = 0,
    steps_per_epoch: int | None = None,
    resume: bool = False,
    *,
    preset: str = "cpu",
    passes: int | None = None,
    steps_per_execution: int | None = None,
    width: int | None = None,
    learning_rate: float | None = None,
    r1: float = 0.4,
    judged: int | None = None,
) -> str:
    """The whole run, from data to report, in the folder `out`; returns the command that generates more.

    Args:
        preset: the sizes where they are not given, of `PRESETS`.
        passes: how often an epoch shows each picture.
        steps_per_execution: see `compile`; on a card they are one dispatch.
        width: see `networks.dcgan_generator`.
        learning_rate: the largest, of a cosine, for both players.
        r1: gamma of the penalty.
        judged: new pictures that are compared with real ones at the end.
        others: see `recipes`.
    """
    given = {"epochs": epochs, "batch": batch, "passes": passes, "steps_per_execution": steps_per_execution}
    how = chosen(PRESETS, preset, **given, width=width, learning_rate=learning_rate, judged=judged)
    more = {"preset": preset, "seed": seed, "steps_per_epoch": steps_per_epoch, "r1": r1}
    run = Run("flowers-gan", out, resume, **more, **how)
    known = known_pictures("flowers", 64)
    group = how["steps_per_execution"]
    learn, watch, test, steps = known.batches(how["batch"], how["passes"], steps_per_epoch, group, seed)

    classes = len(known.class_names)
    with fast_precision():
        generator = dcgan_generator((64, 64, 3), width=how["width"], num_classes=classes)
        discriminator = dcgan_discriminator((64, 64, 3), how["width"], classes)
    penalty = [R1(r1, every=4)]
    model = GAN(
        generator,
        discriminator,
        classes,
        regularizers=penalty,
        augment=DiffAugment(),
        class_names=known.class_names,
        seed=seed,
        name="flowers_gan",
    )
    rate = warmup_cosine(how["learning_rate"], how["epochs"] * steps)
    model.compile(
        generator_optimizer=keras.optimizers.Adam(rate, beta_1=0.5, beta_2=0.99),
        discriminator_optimizer=keras.optimizers.Adam(rate, beta_1=0.5, beta_2=0.99),
        steps_per_execution=group,
    )
    shown = run.callbacks(adversarial=True, n=40, every=max(1, how["epochs"] // 20))
    model.fit(learn, epochs=how["epochs"], validation_data=watch, callbacks=shown)
    return run.finish(model, test, judge=lambda: known.judged(model, how["judged"]))
