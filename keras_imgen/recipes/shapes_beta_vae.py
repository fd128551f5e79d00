"""A beta-VAE (Higgins et al. 2017) on single coloured shapes, 32x32: latent numbers that stand for place, size and colour.

Beta begins large, so that the latents first agree on a few things, each in a number of its own, and sinks while details are learned.
"""

import keras

from keras_imgen.callbacks import PosteriorMonitor
from keras_imgen.data import load
from keras_imgen.models import VAE
from keras_imgen.models.variational.likelihoods import Gaussian
from keras_imgen.networks import conv_decoder, conv_encoder
from keras_imgen.recipes.run import Run, warmup_cosine
from keras_imgen.training.precision import fast_precision


def train(
    out: str,
    epochs: int = 30,
    batch: int = 128,
    seed: int = 0,
    steps_per_epoch: int | None = None,
    resume: bool = False,
) -> str:
    """The whole run, from data to report, in the folder `out`; returns the command that generates more.

    Args:
        others: see `recipes`.
    """
    run = Run("shapes-beta-vae", out, resume, epochs=epochs, batch=batch, seed=seed, steps_per_epoch=steps_per_epoch)
    data = load("shapes:one", "train", size=32, batch=batch, seed=seed, columns=("image",)).take(steps_per_epoch or -1)
    test = load("shapes:one", "test", size=32, batch=batch, columns=("image",))

    steps = epochs * len(data)
    with fast_precision():
        encoder = conv_encoder((32, 32, 3), 2 * 10, normalization=None)
        decoder = conv_decoder((32, 32, 3), 10, normalization=None)
    model = VAE(
        encoder,
        decoder,
        likelihood=Gaussian(0.25),
        beta=keras.optimizers.schedules.PolynomialDecay(80.0, max(1, steps * 4 // 5), 8.0),
        seed=seed,
        name="shapes_beta_vae",
    )
    model.compile(keras.optimizers.Adam(warmup_cosine(0.001, steps=steps)))
    callbacks = [PosteriorMonitor(run.path("kl.jsonl")), *run.callbacks(n=40)]
    model.fit(data, epochs=epochs, callbacks=callbacks)
    return run.finish(model, test)
