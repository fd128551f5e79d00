"""Zero-DCE (Guo et al. 2020) on photographs darkened a little or much: it brightens without ever having seen a target."""

import keras

from keras_imgen.data import degrade, degraded, patches, photos
from keras_imgen.models import ZeroDCE
from keras_imgen.networks import zero_dce
from keras_imgen.recipes.run import Run, first_batch, warmup_cosine


def train(
    out: str,
    epochs: int = 5,
    batch: int = 8,
    seed: int = 0,
    steps_per_epoch: int | None = None,
    resume: bool = False,
) -> str:
    """The whole run, from data to report, in the folder `out`; returns the command that enhances more."""
    run = Run("photos-zero-dce", out, resume, epochs=epochs, batch=batch, seed=seed, steps_per_epoch=steps_per_epoch)
    steps = steps_per_epoch or 400
    darken = degrade.LowLight(gamma=(1.0, 3.0), gain=(0.3, 1.0), photons=5000, read=0.5)
    data = degraded(patches(photos(["t91", "bsds500:train"]), 96, batch, steps, seed=seed), darken, seed)
    test = degraded(patches(photos("bsd100"), 128, batch, 20, flips=False), darken)

    model = ZeroDCE(zero_dce(), seed=seed, name="photos_zero_dce")
    model.compile(keras.optimizers.Adam(warmup_cosine(5e-4, epochs * steps), clipnorm=0.1))
    shown = first_batch(test)
    model.fit(data.map(lambda b: {"image": b["image"]}), epochs=epochs, callbacks=run.callbacks(images=shown["image"]))
    return run.finish_restoration(model, test, shown)
