"""Colourisation of gray pictures: lightness to a* and b* by a U-Net (after Zhang et al. 2016), on your own pictures, or on T91 and
BSDS500."""

from functools import partial

from keras_imgen.data import degrade, degraded
from keras_imgen.models import Colorizer
from keras_imgen.networks import colorizer
from keras_imgen.recipes.photographs import photographs
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
    *,
    name: str = "colorize",
    data: str | None = None,
    size: int | None = None,
    limit: int | None = None,
    width: int = 16,
    learning_rate: float = 0.003,
) -> str:
    """The whole run, from data to report, in the folder `out`; returns the command that colours more.

    Args:
        name: of the recipe.
        width: see `networks.colorizer`.
        learning_rate: the largest, of a cosine.
        others: see `photographs` and `recipes`.
    """
    steps = steps_per_epoch or 500
    own = photographs(name, data, 160, 160, batch, steps, size=size, limit=limit, seed=seed)
    given = {"epochs": epochs, "batch": batch, "seed": seed, "steps_per_epoch": steps_per_epoch}
    run = Run(name, out, resume, **given, **own.settings, width=width, learning_rate=learning_rate)

    with fast_precision():
        network = colorizer(width=width)
    own.tell(f"a U-Net from lightness to colour, width {width}", network.count_params(), epochs, steps, batch)
    model = Colorizer(network, seed=seed, name=name.replace("-", "_"))
    model.compile(ConvMuon(warmup_cosine(learning_rate, epochs * steps)), steps_per_execution=10)
    shown = first_batch(degraded(own.test, degrade.Gray()))
    model.fit(own.learn, epochs=epochs, callbacks=run.callbacks(images=shown["target"], every=5))
    return run.finish(model, own.test, batch=shown, columns=8)


published = partial(train, name="photos-colorize")
