"""A blind denoiser for Gaussian noise of any sigma up to 55, a residual U-Net at half resolution, on your own pictures, or on T91 and
BSDS500."""

from functools import partial

from keras_imgen.data import degrade, degraded
from keras_imgen.models import Denoiser
from keras_imgen.networks import compact_denoiser
from keras_imgen.recipes.photographs import photographs
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
    name: str = "denoise",
    data: str | None = None,
    size: int | None = None,
    channels: int | None = None,
    limit: int | None = None,
    sigma: tuple[float, float] = (0.0, 55.0),
    width: int = 48,
    learning_rate: float = 0.0015,
) -> str:
    """The whole run, from data to report, in the folder `out`; returns the command that denoises more.

    Args:
        name: of the recipe.
        sigma: of the noise in gray levels, the least and the most.
        width: see `networks.compact_denoiser`.
        learning_rate: the largest, of a cosine.
        others: see `photographs` and `recipes`.
    """
    steps = steps_per_epoch or 1000
    how = {"channels": channels, "size": size, "limit": limit, "seed": seed}
    own = photographs(name, data, 80, 128, batch, steps, **how)
    changes = {"sigma": list(sigma), "width": width, "learning_rate": learning_rate}
    given = {"epochs": epochs, "batch": batch, "seed": seed, "steps_per_epoch": steps_per_epoch}
    run = Run(name, out, resume, **given, **own.settings, **changes)

    with fast_precision():
        network = compact_denoiser(own.channels, width)
    own.tell("a residual U-Net at half the resolution", network.count_params(), epochs, steps, batch)
    model = Denoiser(network, sigma=tuple(sigma), objectives="l1", seed=seed, name=name.replace("-", "_"))
    model.compile(ConvMuon(warmup_cosine(learning_rate, epochs * steps)), steps_per_execution=10)
    shown = first_batch(degraded(own.test, degrade.GaussianNoise(min(25, sigma[1]))))
    model.fit(own.learn, epochs=epochs, callbacks=run.callbacks(images=shown["image"], every=5))
    return run.finish(model, own.test, batch=shown, columns=8)


colour = partial(train, name="photos-denoise", channels=3)
gray = partial(train, name="photos-denoise-gray", channels=1)
