"""Diffusion on drawn scenes of coloured shapes, 32x32, conditional on the shape of the first thing in the caption."""

import keras

from keras_imgen.data import load
from keras_imgen.models import Diffusion
from keras_imgen.networks import unet
from keras_imgen.recipes.run import Run, warmup_cosine
from keras_imgen.training.precision import fast_precision


def train(
    out: str,
    epochs: int = 10,
    batch: int = 64,
    seed: int = 0,
    steps_per_epoch: int | None = None,
    resume: bool = False,
) -> str:
    """The whole run, from data to report, in the folder `out`; returns the command that generates more.

    Args:
        others: see `recipes`.
    """
    run = Run("shapes-diffusion", out, resume, epochs=epochs, batch=batch, seed=seed, steps_per_epoch=steps_per_epoch)
    data = load("shapes", "train", size=32, batch=batch, seed=seed, columns=("image", "label")).take(
        steps_per_epoch or -1
    )
    test = load("shapes", "test", size=32, batch=batch, columns=("image", "label"))

    with fast_precision():
        network = unet((32, 32, 3), widths=(32, 64, 96), depth=1, attention=(8,), num_classes=6)
    model = Diffusion(network, guidance_scale=1.5, class_names=test.class_names, seed=seed, name="shapes_diffusion")
    model.compile(keras.optimizers.Adam(warmup_cosine(0.002, steps=epochs * len(data))))
    model.fit(data, epochs=epochs, callbacks=run.callbacks(n=40))
    return run.finish(model, test)
