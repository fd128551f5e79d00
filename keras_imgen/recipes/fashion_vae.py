"""A VAE on Fashion-MNIST, 28x28, and a mixture of Gaussians fitted to its latents, from which it generates."""

import keras

from keras_imgen.callbacks import PosteriorMonitor
from keras_imgen.data import load
from keras_imgen.models import VAE
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
    run = Run("fashion-vae", out, resume, epochs=epochs, batch=batch, seed=seed, steps_per_epoch=steps_per_epoch)
    data = load("fashion_mnist", "train", batch=batch, seed=seed).take(steps_per_epoch or -1)
    test = load("fashion_mnist", "test", batch=batch)

    with fast_precision():
        encoder, decoder = conv_encoder((28, 28, 1), 2 * 16), conv_decoder((28, 28, 1), 16)
    model = VAE(encoder, decoder, seed=seed, name="fashion_vae")
    model.compile(keras.optimizers.Adam(warmup_cosine(0.002, steps=epochs * len(data))))
    callbacks = [PosteriorMonitor(run.path("kl.jsonl")), *run.callbacks(n=40)]
    model.fit(data, epochs=epochs, callbacks=callbacks)
    model.fit_sampler(data, "gmm", components=20, seed=seed)
    return run.finish(model, test)
