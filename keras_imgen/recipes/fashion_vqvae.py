"""A VQ-VAE on Fashion-MNIST, 28x28, as 7x7 codes, then a gated PixelCNN that learns them class by class."""

import keras

from keras_imgen import load_model
from keras_imgen.data import load
from keras_imgen.models import VQVAE, CodePrior
from keras_imgen.networks import pixelcnn, vq_decoder, vq_encoder
from keras_imgen.recipes.run import Run, first_batch, warmup_cosine
from keras_imgen.training.precision import fast_precision


def train(
    out: str,
    epochs: int = 12,
    batch: int = 128,
    seed: int = 0,
    steps_per_epoch: int | None = None,
    resume: bool = False,
) -> str:
    """The whole run, from data to report, in the folder `out`; returns the command that generates more.

    Args:
        others: see `recipes`.
    """
    run = Run("fashion-vqvae", out, resume, epochs=epochs, batch=batch, seed=seed, steps_per_epoch=steps_per_epoch)
    data = load("fashion_mnist", "train", batch=batch, seed=seed).take(steps_per_epoch or -1)
    test = load("fashion_mnist", "test", batch=batch)

    first = run.stage("vqvae")
    if first is not None:
        with fast_precision():
            encoder, decoder = vq_encoder((28, 28, 1)), vq_decoder((28, 28, 1))
        vqvae = VQVAE(encoder, decoder, codes=256, seed=seed, name="fashion_vqvae")
        vqvae.compile(keras.optimizers.Adam(warmup_cosine(0.002, steps=epochs * len(data))))
        shown = first_batch(test, 20)["image"]
        vqvae.fit(data, epochs=epochs, callbacks=first.callbacks(images=shown))
        first.finish(vqvae, test)

    vqvae = load_model(run.path("vqvae", "model.keras"))
    prior = pixelcnn(vqvae.latent_shape, vqvae.codes, num_classes=10, dropout=0.1)
    model = CodePrior(vqvae, prior, num_classes=10, class_names=test.class_names, seed=seed, name="fashion_vqvae_prior")
    model.compile(keras.optimizers.Adam(warmup_cosine(0.001, steps=epochs * len(data))))
    model.fit(data, epochs=epochs, callbacks=run.callbacks(n=40))
    return run.finish(model, test)
