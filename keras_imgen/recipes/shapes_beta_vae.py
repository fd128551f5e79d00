"""beta-TCVAE (Chen et al. 2018) on single coloured shapes, 32x32: latent numbers that stand for place, size and colour."""

import keras

from keras_imgen.callbacks import PosteriorMonitor
from keras_imgen.data import load
from keras_imgen.models import TCVAE
from keras_imgen.models.variational.likelihoods import Gaussian
from keras_imgen.networks import conv_decoder, conv_encoder
from keras_imgen.recipes.run import Run, warmup_cosine


def train(
    out: str,
    epochs: int = 25,
    batch: int = 128,
    seed: int = 0,
    steps_per_epoch: int | None = None,
    resume: bool = False,
) -> str:
    """The whole run, from data to report, in the folder `out`; returns the command that generates more."""
    run = Run("shapes-beta-vae", out, resume, epochs=epochs, batch=batch, seed=seed, steps_per_epoch=steps_per_epoch)
    data = load("shapes:one", "train", size=32, batch=batch, seed=seed, columns=("image",)).take(steps_per_epoch or -1)
    test = load("shapes:one", "test", size=32, batch=batch, columns=("image",))

    model = TCVAE(
        conv_encoder((32, 32, 3), 2 * 10, normalization=None),
        conv_decoder((32, 32, 3), 10, normalization=None),
        likelihood=Gaussian(0.25),
        dataset_size=20_000,
        beta=10.0,
        seed=seed,
        name="shapes_beta_vae",
    )
    model.compile(keras.optimizers.Adam(warmup_cosine(0.001, steps=epochs * len(data))))
    callbacks = [PosteriorMonitor(run.path("kl.jsonl")), *run.callbacks(n=40)]
    model.fit(data, epochs=epochs, callbacks=callbacks)
    return run.finish(model, test)
