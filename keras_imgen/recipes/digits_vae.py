"""A conditional VAE on handwritten digits, 16x16, with the discretized logistic likelihood, and a mixture for each class's latents."""

import keras

from keras_imgen.callbacks import PosteriorMonitor
from keras_imgen.data import load
from keras_imgen.models import VAE
from keras_imgen.networks import conv_decoder, conv_encoder
from keras_imgen.recipes.run import Run, warmup_cosine


def train(
    out: str,
    epochs: int = 80,
    batch: int = 64,
    seed: int = 0,
    steps_per_epoch: int | None = None,
    resume: bool = False,
) -> str:
    """The whole run, from data to report, in the folder `out`; returns the command that generates more.

    Args:
        others: see `recipes`.
    """
    run = Run("digits-vae", out, resume, epochs=epochs, batch=batch, seed=seed, steps_per_epoch=steps_per_epoch)
    digits = load("digits", "train", size=16, batch=batch, seed=seed)
    data = digits.take(steps_per_epoch or -1)
    test = load("digits", "test", size=16, batch=batch)

    model = VAE(
        conv_encoder((16, 16, 1), 2 * 16, num_classes=10),
        conv_decoder((16, 16, 1), 16, factor=2, num_classes=10),
        num_classes=10,
        likelihood="discretized_logistic",
        ema=0.99,
        seed=seed,
        name="digits_vae",
    )
    model.compile(keras.optimizers.Adam(warmup_cosine(0.002, steps=epochs * len(data))))
    callbacks = [PosteriorMonitor(run.path("kl.jsonl")), *run.callbacks(n=40)]
    model.fit(data, epochs=epochs, callbacks=callbacks)
    model.fit_sampler(digits, "gmm", components=2, seed=seed)
    return run.finish(model, test)
