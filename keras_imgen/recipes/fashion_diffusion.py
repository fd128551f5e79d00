"""Class-conditional diffusion on Fashion-MNIST (Xiao et al. 2017), 28x28; `data.load` says where it is sought."""

import keras

from keras_imgen.data import load
from keras_imgen.models import Diffusion
from keras_imgen.networks import unet
from keras_imgen.recipes.run import Run, warmup_cosine
from keras_imgen.training.precision import fast_precision


def train(
    out: str,
    epochs: int = 8,
    batch: int = 64,
    seed: int = 0,
    steps_per_epoch: int | None = None,
    resume: bool = False,
) -> str:
    """The whole run, from data to report, in the folder `out`; returns the command that generates more.

    Args:
        others: see `recipes`.
    """
    run = Run("fashion-diffusion", out, resume, epochs=epochs, batch=batch, seed=seed, steps_per_epoch=steps_per_epoch)
    data = load("fashion_mnist", "train", batch=batch, seed=seed).take(steps_per_epoch or -1)
    test = load("fashion_mnist", "test", batch=batch)

    with fast_precision():
        network = unet((28, 28, 1), widths=(32, 64, 96), depth=1, attention=(7,), num_classes=10)
    model = Diffusion(network, guidance_scale=1.5, class_names=test.class_names, seed=seed, name="fashion_diffusion")
    model.compile(keras.optimizers.Adam(warmup_cosine(0.002, steps=epochs * len(data))))
    model.fit(data, epochs=epochs, callbacks=run.callbacks(n=40))
    return run.finish(model, test)
