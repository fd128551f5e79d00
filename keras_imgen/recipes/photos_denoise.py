"""A blind denoiser of photographs for Gaussian noise of any sigma up to 55: a residual U-Net at half resolution, on T91 and BSDS500."""

from functools import partial

from keras_imgen.data import degrade, degraded, patches, photos
from keras_imgen.models import Denoiser
from keras_imgen.networks import compact_denoiser
from keras_imgen.recipes.run import Run, first_batch, warmup_cosine
from keras_imgen.training import ConvMuon
from keras_imgen.training.precision import fast_precision


def train(
    out: str,
    epochs: int = 20,
    batch: int = 16,
    seed: int = 0,
    steps_per_epoch: int | None = None,
    resume: bool = False,
    *,
    name: str,
    channels: int,
) -> str:
    """The whole run, from data to report, in the folder `out`; returns the command that denoises more."""
    run = Run(name, out, resume, epochs=epochs, batch=batch, seed=seed, steps_per_epoch=steps_per_epoch)
    steps = steps_per_epoch or 1000
    train_on, test_on = photos(["t91", "bsds500:train"], channels), photos("bsd100", channels)
    data = patches(train_on, 80, batch, steps, channels=channels, seed=seed)
    test = patches(test_on, 128, batch, 20, channels=channels, flips=False)

    with fast_precision():
        network = compact_denoiser(channels)
    model = Denoiser(network, sigma=(0.0, 55.0), objectives="l1", seed=seed, name=name.replace("-", "_"))
    model.compile(ConvMuon(warmup_cosine(1.5e-3, epochs * steps)), steps_per_execution=10)
    shown = first_batch(degraded(test, degrade.GaussianNoise(25)))
    model.fit(data, epochs=epochs, callbacks=run.callbacks(images=shown["image"], every=5))
    return run.finish_restoration(model, test, shown)


colour = partial(train, name="photos-denoise", channels=3)
gray = partial(train, name="photos-denoise-gray", channels=1)
