"""Photographs as they come restored, in their size: a camera's noise, JPEG, slight blur, and Gaussian noise, by one blind network; or the
blocks of JPEG alone. On your own pictures, or on T91 and BSDS500."""

from functools import partial

import keras

from keras_imgen import load_model
from keras_imgen.data import degrade, degraded
from keras_imgen.models import Denoiser
from keras_imgen.networks import compact_denoiser
from keras_imgen.recipes.photographs import photographs
from keras_imgen.recipes.run import Run, first_batch, warmup_cosine
from keras_imgen.recipes.saved import whole_path
from keras_imgen.training import ConvMuon
from keras_imgen.training.precision import fast_precision

TAKEN = degrade.Chain(  # from the light to the file, as cameras and phones make it, at the size of the file
    degrade.Sometimes(degrade.Camera(), 0.9),
    degrade.Sometimes(degrade.ChromaNoise((1, 8)), 0.2),
    degrade.Sometimes(degrade.Banding((0.3, 2.0)), 0.1),
    degrade.Shuffled(  # as it goes through apps and websites
        degrade.Sometimes(degrade.Rescaled((0.7, 1.4)), 0.3),
        degrade.Sometimes(degrade.JPEG((40, 98)), 0.6),
        degrade.Sometimes(degrade.JPEG((60, 98)), 0.3),
    ),
)
DAMAGES = {
    "restore": degrade.Chain(degrade.Sometimes(degrade.Defocus((0.5, 1.4)), 0.3), TAKEN),
    "deblock": degrade.JPEG((10, 90)),
}


def train(
    out: str,
    epochs: int = 10,
    batch: int = 16,
    seed: int = 0,
    steps_per_epoch: int | None = None,
    resume: bool = False,
    *,
    name: str = "restore",
    data: str | None = None,
    size: int | None = None,
    limit: int | None = None,
    gaussian_share: float = 0.5,
    width: int = 48,
    learning_rate: float = 0.0015,
    start: str | None = None,
) -> str:
    """The whole run, from data to report, in the folder `out`; returns the command that restores more.

    Args:
        name: of the recipe, of which the last word tells the damage.
        gaussian_share: see `models.Denoiser`.
        width: see `networks.compact_denoiser`.
        learning_rate: the largest, of a cosine.
        start: a `Denoiser` of this width and of 3 channels, such as saved_models/photos-denoise/model.keras: the new one begins with its
            weights, and needs fewer epochs. None begins anew.
        others: see `photographs` and `recipes`.

    Raises:
        ValueError: `start` is no such denoiser.
    """
    steps, damage = steps_per_epoch or 1000, DAMAGES[name.rpartition("-")[2]]
    own = photographs(name, data, 80, 128, batch, steps, size=size, limit=limit, seed=seed)
    start = whole_path(start)
    changes = {"gaussian_share": gaussian_share, "width": width, "learning_rate": learning_rate, "start": start}
    given = {"epochs": epochs, "batch": batch, "seed": seed, "steps_per_epoch": steps_per_epoch}
    run = Run(name, out, resume, **given, **own.settings, **changes)
    learn, test = degraded(own.learn, damage, seed), degraded(own.test, damage)

    with fast_precision():
        network = compact_denoiser(3, width)
    if start:
        begin_with(load_model(start), network)
    own.tell("a residual U-Net at half the resolution", network.count_params(), epochs, steps, batch)
    model = Denoiser(network, objectives="l1", gaussian_share=gaussian_share, seed=seed, name=name.replace("-", "_"))
    model.compile(ConvMuon(warmup_cosine(learning_rate, epochs * steps)), steps_per_execution=10)
    shown = first_batch(test)
    model.fit(learn, epochs=epochs, callbacks=run.callbacks(images=shown["image"], every=5))
    return run.finish(model, test, batch=shown, columns=8)


def begin_with(before: keras.Model, network: keras.Model) -> None:
    """Take over all weights of another denoiser.

    Args:
        before: a trained `Denoiser`.
        network: of this recipe.

    Raises:
        ValueError: networks that are not alike.
    """
    given = before.for_inference().network if isinstance(before, Denoiser) else None
    if given is None or [w.shape for w in given.weights] != [w.shape for w in network.weights]:
        wanted = f"{network.count_params():,} weights"
        raise ValueError(
            f"Expected as `start` a Denoiser with the network of this recipe, of {wanted}, got {before.name}."
        )
    network.set_weights(given.get_weights())


restore = partial(train, name="photos-restore")
deblock_any = partial(train, name="deblock", epochs=5, gaussian_share=0.0)
deblock = partial(deblock_any, name="photos-deblock")
