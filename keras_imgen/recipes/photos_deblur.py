"""Sharpens photographs that are out of focus or were moved, with a little noise: a residual U-Net, on T91 and BSDS500."""

import keras

from keras_imgen.data import degrade, degraded, patches, photos
from keras_imgen.models import Deblurrer
from keras_imgen.networks import drunet
from keras_imgen.recipes.run import Run, first_batch, warmup_cosine
from keras_imgen.training.precision import fast_precision


def train(
    out: str,
    epochs: int = 15,
    batch: int = 8,
    seed: int = 0,
    steps_per_epoch: int | None = None,
    resume: bool = False,
) -> str:
    """The whole run, from data to report, in the folder `out`; returns the command that sharpens more."""
    run = Run("photos-deblur", out, resume, epochs=epochs, batch=batch, seed=seed, steps_per_epoch=steps_per_epoch)
    steps, harm = (
        steps_per_epoch or 1000,
        degrade.Chain(degrade.GaussianBlur((0.5, 3.0)), degrade.GaussianNoise((0, 5))),
    )
    data = degraded(patches(photos(["t91", "bsds500:train"]), 96, batch, steps, seed=seed), harm, seed)
    test = degraded(patches(photos("bsd100"), 128, batch, 20, flips=False), harm)

    with fast_precision():
        network = drunet(3, widths=(32, 64, 96), blocks=1, noise_map=False)
    model = Deblurrer(network, objectives=["l1", "dssim"], seed=seed, name="photos_deblur")
    model.compile(keras.optimizers.Adam(warmup_cosine(1e-3, epochs * steps)), steps_per_execution=10)
    shown = first_batch(test)
    model.fit(data, epochs=epochs, callbacks=run.callbacks(images=shown["image"], every=5))
    return run.finish_restoration(model, test, shown)
