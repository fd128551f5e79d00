"""Super-resolution by 4 against a discriminator (SRGAN, Ledig et al. 2017; relativistic as in ESRGAN, Wang et al. 2018): first
for the pixels alone, then for features and the discriminator too."""

import keras

from keras_imgen import load_model
from keras_imgen.data import degrade, degraded
from keras_imgen.models import SuperResolution
from keras_imgen.models.restoration.objectives import L1, Perceptual
from keras_imgen.networks import edsr, patchgan
from keras_imgen.recipes.photographs import photographs
from keras_imgen.recipes.run import Run, first_batch, warmup_cosine
from keras_imgen.training import ConvMuon
from keras_imgen.training.precision import fast_precision


def train(
    out: str,
    epochs: int = 10,
    batch: int = 8,
    seed: int = 0,
    steps_per_epoch: int | None = None,
    resume: bool = False,
    *,
    data: str | None = None,
    size: int | None = None,
    limit: int | None = None,
) -> str:
    """The whole run, from data to report, in the folder `out`; returns the command that enlarges more.

    Args:
        others: see `photographs` and `recipes`.
    """
    steps, shrink = steps_per_epoch or 1000, degrade.Downscale(4)
    how = {"size": size, "limit": limit, "seed": seed, "multiple": 4}
    own = photographs("photos-srgan-x4", data, 128, 192, batch, steps, **how)
    given = {"epochs": epochs, "batch": batch, "seed": seed, "steps_per_epoch": steps_per_epoch}
    run = Run("photos-srgan-x4", out, resume, **given, **own.settings)
    learn, test = degraded(own.learn, shrink, seed), degraded(own.test, shrink)
    shown = first_batch(test)

    first = run.stage("pixels")  # None once it is finished
    if first is not None:
        with fast_precision():
            network = edsr(4, width=48, blocks=6)
        own.tell("EDSR, then against a discriminator of patches", network.count_params(), epochs, steps, batch)
        model = SuperResolution(network, 4, seed=seed, name="photos_sr_x4_pixels")
        model.compile(ConvMuon(warmup_cosine(2e-3, epochs * steps)), steps_per_execution=10)
        model.fit(learn, epochs=epochs, callbacks=first.callbacks(images=shown["image"], every=5))
        first.finish(model, test, batch=shown, columns=8)

    network = load_model(run.path("pixels", "model.keras")).for_inference().network
    model = SuperResolution(
        network,
        4,
        [L1(1.0), Perceptual(0.1)],
        discriminator=patchgan((None, None, 3), width=32, depth=2),
        adversarial_weight=0.01,  # the terms' gradients are then of one size
        seed=seed,
        name="photos_srgan_x4",
    )
    model.compile(
        network_optimizer=keras.optimizers.Adam(2e-4, beta_1=0.5),
        discriminator_optimizer=keras.optimizers.Adam(2e-4, beta_1=0.5),
    )
    model.fit(learn, epochs=epochs, callbacks=run.callbacks(adversarial=True, images=shown["image"]))
    return run.finish(model, test, batch=shown, columns=8)
