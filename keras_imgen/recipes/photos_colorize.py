"""Colourisation of gray photographs: lightness to a* and b* by a U-Net (after Zhang et al. 2016), on T91 and BSDS500."""

from keras_imgen.data import degrade, degraded, patches, photos
from keras_imgen.models import Colorizer
from keras_imgen.networks import colorizer
from keras_imgen.recipes.run import Run, first_batch, warmup_cosine
from keras_imgen.training import ConvMuon
from keras_imgen.training.precision import fast_precision


def train(
    out: str,
    epochs: int = 15,
    batch: int = 8,
    seed: int = 0,
    steps_per_epoch: int | None = None,
    resume: bool = False,
) -> str:
    """The whole run, from data to report, in the folder `out`; returns the command that colours more."""
    run = Run("photos-colorize", out, resume, epochs=epochs, batch=batch, seed=seed, steps_per_epoch=steps_per_epoch)
    steps = steps_per_epoch or 500
    data = patches(photos(["t91", "bsds500:train"]), 160, batch, steps, seed=seed)
    test = patches(photos("bsd100"), 160, batch, 20, flips=False)

    with fast_precision():
        network = colorizer(width=16)
    model = Colorizer(network, seed=seed, name="photos_colorize")
    model.compile(ConvMuon(warmup_cosine(3e-3, epochs * steps)), steps_per_execution=10)
    shown = first_batch(degraded(test, degrade.Gray()))
    model.fit(data, epochs=epochs, callbacks=run.callbacks(images=shown["target"], every=5))
    return run.finish_restoration(model, test, shown)
