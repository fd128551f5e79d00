"""Super-resolution of photographs as they come, noisy, blurred, out of JPEG files: by Real-ESRGAN's chain (Wang et al. 2021) and by a
camera's, for the pixels; or from such a model on against a discriminator. On your own pictures, or on T91 and BSDS500."""

from functools import partial

import keras

from keras_imgen import load_model
from keras_imgen.data import degrade, degraded
from keras_imgen.models import SuperResolution
from keras_imgen.models.restoration.objectives import L1, Perceptual
from keras_imgen.networks import compact_real_sr, patchgan
from keras_imgen.recipes.photographs import photographs
from keras_imgen.recipes.photos_restore import TAKEN
from keras_imgen.recipes.run import Run, first_batch, warmup_cosine
from keras_imgen.recipes.saved import whole_path
from keras_imgen.training import ConvMuon
from keras_imgen.training.precision import fast_precision


def damage(scale: int) -> degrade.Degradation:
    """In three of ten batches Real-ESRGAN's chain, in the others out of focus, smaller, and taken by a camera.

    Args:
        scale: by which the pictures get smaller.
    """
    blur = degrade.Sometimes(degrade.Defocus((0.5, 0.75 * scale)), 0.6)
    return degrade.Either(degrade.RealESRGAN(scale), degrade.Chain(blur, degrade.Downscale(scale), TAKEN), 0.3)


def train(
    out: str,
    epochs: int = 6,
    batch: int = 12,
    seed: int = 0,
    steps_per_epoch: int | None = None,
    resume: bool = False,
    *,
    name: str,
    scale: int,
    data: str | None = None,
    size: int | None = None,
    limit: int | None = None,
    width: int = 48,
    learning_rate: float = 0.0015,
    start: str | None = None,
) -> str:
    """The whole run, from data to report, in the folder `out`; returns the command that enlarges more.

    Args:
        name: of the recipe.
        scale: 2, 3 or 4.
        width: see `networks.compact_real_sr`.
        learning_rate: the largest, of a cosine; against a discriminator of both players, constant.
        start: a model of this recipe, from which this one goes on against a discriminator (ESRGAN, Wang et al. 2018): sharper, and further
            from the truth; learning_rate=0.0002 is usual then. None trains for the pixels.
        others: see `photographs` and `recipes`.

    Raises:
        ValueError: `start` is no model of this scale.
    """
    steps, harm = steps_per_epoch or 1000, damage(scale)
    how = {"size": size, "limit": limit, "seed": seed, "multiple": scale}
    own = photographs(name, data, 48 * scale, 64 * scale, batch, steps, **how)
    start = whole_path(start)
    changes = {"scale": scale, "width": width, "learning_rate": learning_rate, "start": start}
    given = {"epochs": epochs, "batch": batch, "seed": seed, "steps_per_epoch": steps_per_epoch}
    run = Run(name, out, resume, **given, **own.settings, **changes)
    learn, test = degraded(own.learn, harm, seed), degraded(own.test, harm)

    if start is None:
        with fast_precision():
            network = compact_real_sr(scale, width=width)
        model = SuperResolution(network, scale, consistent=False, seed=seed, name=name.replace("-", "_"))
        model.compile(ConvMuon(warmup_cosine(learning_rate, epochs * steps)), steps_per_execution=10)
    else:
        model = _against(load_model(start), scale, learning_rate, seed, name.replace("-", "_"))
    own.tell("a residual U-Net, enlarging at its end", model.network.count_params(), epochs, steps, batch)
    shown = first_batch(test)
    model.fit(learn, epochs=epochs, callbacks=run.callbacks(start is not None, images=shown["image"], every=2))
    return run.finish(model, test, batch=shown, columns=8)


def _against(before, scale, learning_rate, seed, name):
    if not isinstance(before, SuperResolution) or before.scale != scale:
        raise ValueError(f"Expected `start` as a model of super-resolution by {scale}, got {before.name}.")
    model = SuperResolution(
        before.for_inference().network,
        scale,
        [L1(1.0), Perceptual(0.1)],
        discriminator=patchgan((None, None, 3), width=32, depth=2),
        adversarial_weight=0.01,
        consistent=False,  # with noise and blocks no answer should agree
        seed=seed,
        name=f"{name}_gan",
    )
    rates = {f"{player}_optimizer": keras.optimizers.Adam(learning_rate, beta_1=0.5) for player in model.players}
    model.compile(**rates)
    return model


x2, x4 = (partial(train, name=f"photos-restore-x{scale}", scale=scale) for scale in (2, 4))
