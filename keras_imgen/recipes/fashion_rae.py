"""A regularized autoencoder (Ghosh et al. 2020) on Fashion-MNIST, 28x28, and a mixture of Gaussians fitted to its latents."""

import keras

from keras_imgen.data import load
from keras_imgen.models import RAE
from keras_imgen.networks import conv_decoder, conv_encoder
from keras_imgen.recipes.run import Run, warmup_cosine
from keras_imgen.training.precision import fast_precision


def train(
    out: str,
    epochs: int = 20,
    batch: int = 128,
    seed: int = 0,
    steps_per_epoch: int | None = None,
    resume: bool = False,
) -> str:
    """The whole run, from data to report, in the folder `out`; returns the command that generates more.

    Args:
        others: see `recipes`.
    """
    run = Run("fashion-rae", out, resume, epochs=epochs, batch=batch, seed=seed, steps_per_epoch=steps_per_epoch)
    data = load("fashion_mnist", "train", batch=batch, seed=seed).take(steps_per_epoch or -1)
    test = load("fashion_mnist", "test", batch=batch)

    with fast_precision():
        encoder, decoder = conv_encoder((28, 28, 1), 16), conv_decoder((28, 28, 1), 16)
    model = RAE(encoder, decoder, seed=seed, name="fashion_rae")
    model.compile(keras.optimizers.Adam(warmup_cosine(0.002, steps=epochs * len(data))))
    model.fit(data, epochs=epochs, callbacks=run.callbacks(n=40))
    model.fit_sampler(data, "gmm", components=20, seed=seed)
    return run.finish(model, test)
