"""Class-conditional diffusion on the handwritten digits that scikit-learn ships (Alpaydin & Kaynak 1998), 16x16."""

import keras

from keras_imgen.data import load
from keras_imgen.models import Diffusion
from keras_imgen.networks import unet
from keras_imgen.recipes.run import Run, warmup_cosine
from keras_imgen.training.precision import fast_precision


def train(
    out: str,
    epochs: int = 40,
    batch: int = 64,
    seed: int = 0,
    steps_per_epoch: int | None = None,
    resume: bool = False,
) -> str:
    """The whole run, from data to report, in the folder `out`; returns the command that generates more.

    Args:
        others: see `recipes`.
    """
    run = Run("digits-diffusion", out, resume, epochs=epochs, batch=batch, seed=seed, steps_per_epoch=steps_per_epoch)
    data = load("digits", "train", size=16, batch=batch, seed=seed).take(steps_per_epoch or -1)
    test = load("digits", "test", size=16, batch=batch)

    with fast_precision():
        network = unet((16, 16, 1), widths=(32, 64), depth=1, attention=(8,), num_classes=10)
    model = Diffusion(network, guidance_scale=1.5, seed=seed, name="digits_diffusion")
    model.compile(keras.optimizers.Adam(warmup_cosine(0.003, steps=epochs * len(data))))
    model.fit(data, epochs=epochs, callbacks=run.callbacks(n=40))
    return run.finish(model, test)
