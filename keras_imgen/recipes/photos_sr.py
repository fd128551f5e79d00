"""Super-resolution of photographs by a small residual network on their luma (after EDSR, Lim et al. 2017), on T91 and BSDS500."""

from functools import partial

import keras

from keras_imgen.data import degrade, degraded, patches, photos
from keras_imgen.models import SuperResolution
from keras_imgen.networks import compact_sr
from keras_imgen.recipes.run import Run, first_batch, warmup_cosine
from keras_imgen.training.precision import fast_precision


def train(
    out: str,
    epochs: int = 20,
    batch: int = 16,
    seed: int = 0,
    steps_per_epoch: int | None = None,
    resume: bool = False,
    *,
    scale: int,
) -> str:
    """The whole run, from data to report, in the folder `out`; returns the command that enlarges more."""
    name = f"photos-sr-x{scale}"
    run = Run(name, out, resume, epochs=epochs, batch=batch, seed=seed, steps_per_epoch=steps_per_epoch)
    steps, shrink = steps_per_epoch or 1000, degrade.Downscale(scale)
    train_on, test_on = photos(["t91", "bsds500:train"], channels=1), photos("bsd100", channels=1)
    data = degraded(patches(train_on, 40 * scale, batch, steps, channels=1, seed=seed), shrink, seed)
    test = degraded(patches(test_on, 48 * scale, batch, 20, channels=1, flips=False), shrink)

    with fast_precision():
        network = compact_sr(scale, channels=1)
    model = SuperResolution(network, scale, seed=seed, name=f"photos_sr_x{scale}")
    model.compile(keras.optimizers.Adam(warmup_cosine(1e-3, epochs * steps)), steps_per_execution=10)
    shown = first_batch(test)
    model.fit(data, epochs=epochs, callbacks=run.callbacks(images=shown["image"], every=5))
    return run.finish_restoration(model, test, shown)


x2, x3, x4 = (partial(train, scale=scale) for scale in (2, 3, 4))
