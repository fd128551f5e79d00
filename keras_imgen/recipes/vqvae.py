"""A VQ-VAE on any pictures, as small maps of codes, then a gated PixelCNN that learns them, class by class where there are classes."""

import keras

from keras_imgen import load_model
from keras_imgen.models import VQVAE, CodePrior
from keras_imgen.networks import pixelcnn, vq_decoder, vq_encoder
from keras_imgen.recipes.own_pictures import multiple_of_four, own_pictures
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
    codes: int = 256,
    width: int = 64,
    prior_width: int = 64,
    prior_depth: int = 6,
    dropout: float | None = None,
    learning_rate: float = 0.002,
) -> str:
    """The whole run, from data to report, in the folder `out`; returns the command that generates more.

    Args:
        codes: see `models.VQVAE`.
        width: see `networks.vq_encoder`.
        prior_width: `width` of `networks.pixelcnn`.
        prior_depth: `depth` of `networks.pixelcnn`.
        dropout: see `networks.pixelcnn`; None is 0.3 where pictures are few, else 0.1.
        learning_rate: the largest, of a cosine; the prior's is half of it.
        others: see `own_pictures` and `recipes`.
    """
    how = {"seed": seed, "conditional": conditional, "flip": flip, "limit": limit}
    own = own_pictures(data, size, channels, works=multiple_of_four, **how)
    epochs, batch, steps = own.plan(epochs, batch, steps_per_epoch, 64 if own.size <= 32 else 16, 4_000)
    levels = 3 if own.size > 64 and own.size % 8 == 0 else 2
    dropout = dropout if dropout is not None else 0.3 if own.few else 0.1
    run = Run(
        "vqvae",
        out,
        resume,
        epochs=epochs,
        batch=batch,
        seed=seed,
        steps_per_epoch=steps_per_epoch,
        **own.settings,
        codes=codes,
        width=width,
        prior_width=prior_width,
        prior_depth=prior_depth,
        dropout=dropout,
        learning_rate=learning_rate,
    )
    learn, test = own.batches(batch, steps, seed)
    shape, every = own.image_shape, max(1, epochs // 20)

    first = run.stage("vqvae")
    if first is not None:
        with fast_precision():
            encoder, decoder = (make(shape, width=width, levels=levels) for make in (vq_encoder, vq_decoder))
        side = own.size >> levels
        weights = encoder.count_params() + decoder.count_params()
        own.tell(f"a VQ-VAE from {own.size} pixels to {side}x{side} of {codes} codes, then a PixelCNN", weights)
        vqvae = VQVAE(encoder, decoder, codes=codes, seed=seed, name="vqvae")
        vqvae.compile(keras.optimizers.Adam(warmup_cosine(learning_rate, epochs * steps)))
        vqvae.fit(learn, epochs=epochs, callbacks=first.callbacks(images=own.test["image"][:20], every=every))
        first.finish(vqvae, test)

    vqvae = load_model(run.path("vqvae", "model.keras"))
    prior = pixelcnn(vqvae.latent_shape, codes, prior_width, prior_depth, own.num_classes, dropout)
    model = CodePrior(vqvae, prior, own.num_classes, class_names=own.class_names, seed=seed, name="vqvae_prior")
    model.compile(keras.optimizers.Adam(warmup_cosine(learning_rate / 2, epochs * steps)))
    model.fit(learn, epochs=epochs, callbacks=run.callbacks(n=40, every=every))
    return run.finish(model, test)
