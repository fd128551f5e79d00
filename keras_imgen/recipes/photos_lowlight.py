"""Light for dark photographs: gains that keep lamps, windows and the sky, and the noise of the dark taken away, on your own pictures, or
on T91 and BSDS500, darkened in linear light."""

from functools import partial

from keras_imgen.data import degrade, degraded
from keras_imgen.models import Enhancer
from keras_imgen.networks import lowlight_unet
from keras_imgen.recipes.photographs import photographs
from keras_imgen.recipes.run import Run, first_batch, warmup_cosine
from keras_imgen.training import ConvMuon
from keras_imgen.training.precision import fast_precision


def damage(channels: int = 3) -> degrade.Degradation:
    """Too dark by 0 to 5 stops, with lamps, then taken by a camera and kept as JPEG; of ten pictures two stay as they are, in good light.

    Args:
        channels: 1 or 3; cameras take pictures in colour.
    """
    camera = degrade.Camera(soften=(0.0, 0.7), sharpen=(0.0, 0.5)) if channels == 3 else degrade.GaussianNoise((0, 8))
    harm = degrade.Chain(
        degrade.Darkness(),
        degrade.Sometimes(camera, 0.85),
        degrade.Sometimes(degrade.JPEG((60, 98)), 0.5),
    )
    return degrade.Sometimes(harm, 0.8)


def train(
    out: str,
    epochs: int = 7,
    batch: int = 8,
    seed: int = 0,
    steps_per_epoch: int | None = None,
    resume: bool = False,
    *,
    name: str = "lowlight",
    data: str | None = None,
    size: int | None = None,
    channels: int | None = None,
    limit: int | None = None,
    width: int = 32,
    learning_rate: float = 0.002,
) -> str:
    """The whole run, from data to report, in the folder `out`; returns the command that brightens more.

    Args:
        name: of the recipe.
        width: see `networks.lowlight_unet`.
        learning_rate: the largest, of a cosine.
        others: see `photographs` and `recipes`.
    """
    steps = steps_per_epoch or 1000
    how = {"channels": channels, "size": size, "limit": limit, "seed": seed, "halves": True}
    own = photographs(name, data, 128, 192, batch, steps, **how)
    given = {"epochs": epochs, "batch": batch, "seed": seed, "steps_per_epoch": steps_per_epoch}
    run = Run(name, out, resume, **given, **own.settings, width=width, learning_rate=learning_rate)
    harm = damage(own.channels)
    learn, test = degraded(own.learn, harm, seed), degraded(own.test, harm)

    with fast_precision():
        network = lowlight_unet(own.channels, width)
    own.tell("a U-Net that finds gains and noise", network.count_params(), epochs, steps, batch)
    model = Enhancer(network, overlap=128, seed=seed, name=name.replace("-", "_"))
    model.compile(ConvMuon(warmup_cosine(learning_rate, epochs * steps)), steps_per_execution=10)
    shown = first_batch(test)
    model.fit(learn, epochs=epochs, callbacks=run.callbacks(images=shown["image"], every=2))
    return run.finish(model, test, batch=shown, columns=8)


published = partial(train, name="photos-lowlight", channels=3)
