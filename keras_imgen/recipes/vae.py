"""A VAE on any pictures, conditional on their classes where there are any, and a mixture of Gaussians fitted to its latents."""

import keras
import numpy as np

from keras_imgen.arguments import integer
from keras_imgen.callbacks import PosteriorMonitor
from keras_imgen.models import VAE
from keras_imgen.networks import conv_decoder, conv_encoder
from keras_imgen.recipes.own_pictures import halves, own_pictures
from keras_imgen.recipes.run import Run, warmup_cosine
from keras_imgen.training.precision import fast_precision


def train(
    out: str,
    epochs: int | None = None,
    batch: int | None = None,
    seed: int = 0,
    steps_per_epoch: int | None = None,
    resume: bool = False,
    *,
    data: str | None = None,
    size: int | None = None,
    channels: int | None = None,
    conditional: bool | None = None,
    flip: bool | None = None,
    limit: int | None = None,
    width: int = 32,
    latent_dim: int | None = None,
    beta: float = 1.0,
    components: int | None = None,
    learning_rate: float = 0.002,
) -> str:
    """The whole run, from data to report, in the folder `out`; returns the command that generates more.

    Args:
        width: see `networks.conv_encoder`.
        latent_dim: None is 16 below 24 pixels, else 32.
        beta: see `models.VAE`.
        components: of the mixture, of each class; None is one for 50 pictures, at most 20.
        learning_rate: the largest, of a cosine.
        others: see `own_pictures` and `recipes`.
    """
    how = {"seed": seed, "conditional": conditional, "flip": flip, "limit": limit}
    own = own_pictures(data, size, channels, works=halves, **how)
    epochs, batch, steps = own.plan(
        epochs, batch, steps_per_epoch, 64 if own.size <= 64 else 16, 8_000 if own.size <= 32 else 5_000
    )
    latent_dim = (16 if own.size < 24 else 32) if latent_dim is None else latent_dim
    least = len(own.images) if own.labels is None else int(np.bincount(own.labels).min())
    components = max(1, min(20, least // 50)) if components is None else integer("components", components, 1, least)
    run = Run(
        "vae",
        out,
        resume,
        epochs=epochs,
        batch=batch,
        seed=seed,
        steps_per_epoch=steps_per_epoch,
        **own.settings,
        width=width,
        latent_dim=latent_dim,
        beta=beta,
        components=components,
        learning_rate=learning_rate,
    )
    learn, test = own.batches(batch, steps, seed)

    with fast_precision():
        encoder = conv_encoder(own.image_shape, 2 * latent_dim, width, own.num_classes)
        decoder = conv_decoder(own.image_shape, latent_dim, width, num_classes=own.num_classes)
    weights = encoder.count_params() + decoder.count_params()
    own.tell(f"a convolutional VAE for {own.size} pixels, width {width}, {latent_dim} latent numbers", weights, False)
    model = VAE(
        encoder, decoder, own.num_classes, beta=beta, ema=0.99, class_names=own.class_names, seed=seed, name="vae"
    )
    model.compile(keras.optimizers.Adam(warmup_cosine(learning_rate, epochs * steps)))
    shown = {k: v[:20] for k, v in own.test.items()}
    grid = {"images": shown["image"], "labels": shown.get("label"), "every": max(1, epochs // 20)}
    model.fit(learn, epochs=epochs, callbacks=[PosteriorMonitor(run.path("kl.jsonl")), *run.callbacks(**grid)])
    arrays = {"image": own.images} if own.labels is None else {"image": own.images, "label": own.labels}
    model.fit_sampler(arrays, "gmm", components=components, seed=seed)
    return run.finish(model, test)
