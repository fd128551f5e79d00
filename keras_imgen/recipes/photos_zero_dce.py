"""Zero-DCE (Guo et al. 2020) on photographs darkened a little or much: it brightens without ever having seen a target."""

import keras

from keras_imgen.data import degrade, degraded
from keras_imgen.models import ZeroDCE
from keras_imgen.networks import zero_dce
from keras_imgen.recipes.photographs import photographs
from keras_imgen.recipes.run import Run, first_batch, warmup_cosine


def train(
    out: str,
    epochs: int = 5,
    batch: int = 8,
    seed: int = 0,
    steps_per_epoch: int | None = None,
    resume: bool = False,
    *,
    data: str | None = None,
    size: int | None = None,
    limit: int | None = None,
) -> str:
    """The whole run, from data to report, in the folder `out`; returns the command that enhances more.

    Args:
        others: see `photographs` and `recipes`.
    """
    steps = steps_per_epoch or 400
    darken = degrade.LowLight(gamma=(1.0, 3.0), gain=(0.3, 1.0), photons=5000, read=0.5)
    own = photographs("photos-zero-dce", data, 96, 128, batch, steps, size=size, limit=limit, seed=seed)
    given = {"epochs": epochs, "batch": batch, "seed": seed, "steps_per_epoch": steps_per_epoch}
    run = Run("photos-zero-dce", out, resume, **given, **own.settings)
    learn, test = degraded(own.learn, darken, seed), degraded(own.test, darken)

    model = ZeroDCE(zero_dce(), seed=seed, name="photos_zero_dce")
    own.tell("seven convolutions that give curves", model.network.count_params(), epochs, steps, batch)
    model.compile(keras.optimizers.Adam(warmup_cosine(5e-4, epochs * steps), clipnorm=0.1))
    shown = first_batch(test)
    model.fit(learn.map(lambda b: {"image": b["image"]}), epochs=epochs, callbacks=run.callbacks(images=shown["image"]))
    return run.finish(model, test, batch=shown, columns=8)
