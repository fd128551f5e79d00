"""Text-to-image on drawn scenes as a few codes: a VQ-VAE, then a Transformer that fills in masked codes by the text (MaskGIT, Muse)."""

import keras

from keras_imgen import load_model
from keras_imgen.data import load
from keras_imgen.data.sources import Request, find
from keras_imgen.models import VQVAE, MaskedPrior
from keras_imgen.networks import TextConditioned, masked_transformer, text_encoder, vq_decoder, vq_encoder
from keras_imgen.recipes.run import Run, first_batch, warmup_cosine
from keras_imgen.recipes.shapes_text import UNSEEN, WIDTH, captions_of, judged
from keras_imgen.training import ConvMuon
from keras_imgen.training.precision import fast_precision


def train(
    out: str,
    epochs: int = 8,
    batch: int = 64,
    seed: int = 0,
    steps_per_epoch: int | None = None,
    resume: bool = False,
    *,
    size: int = 32,
    codes: int = 128,
    depth: int = 6,
) -> str:
    """The whole run, from data to report, in the folder `out`; returns the command that generates more. The VQ-VAE takes a quarter of the
    epochs.

    Args:
        size: of the pictures, 32 or 64 pixels.
        codes: see `models.VQVAE`.
        depth: see `networks.masked_transformer`.
        others: see `recipes`.
    """
    settings = {"epochs": epochs, "batch": batch, "seed": seed, "steps_per_epoch": steps_per_epoch, "size": size}
    run = Run("shapes-text-tokens", out, resume, **settings, codes=codes, depth=depth)
    how = {"size": size, "batch": batch, "columns": ("image", "caption")}
    data = load("shapes:text", "train", seed=seed, **how).take(steps_per_epoch or -1)
    test = load("shapes:text", "validation", **how)

    first = run.stage("vqvae")
    if first is not None:
        with fast_precision():
            shape, levels = (size, size, 3), 2 if size <= 32 else 3
            encoder, decoder = (make(shape, width=48, levels=levels) for make in (vq_encoder, vq_decoder))
        vqvae = VQVAE(encoder, decoder, codes=codes, seed=seed, name="shapes_vqvae")
        short = max(1, epochs // 4)
        vqvae.compile(keras.optimizers.Adam(warmup_cosine(0.002, steps=short * len(data))))
        vqvae.fit(data, epochs=short, callbacks=first.callbacks(images=first_batch(test, 20)["image"]))
        first.finish(vqvae, test)

    vqvae = load_model(run.path("vqvae", "model.keras"))
    text = captions_of("shapes:text")
    unseen = [row[0] for row in find("shapes:text", Request("test")).captions[:UNSEEN]]
    with fast_precision():
        told = {"vector_dim": WIDTH, "sequence_dim": WIDTH}
        network = masked_transformer(vqvae.latent_shape, codes, 128, depth, dropout=0.0, **told)
        network = TextConditioned(network, text_encoder(text, WIDTH), text)
    model = MaskedPrior(vqvae, network, guidance_scale=2.0, seed=seed, name="shapes_text_tokens")
    model.compile(ConvMuon(warmup_cosine(0.003, steps=epochs * len(data))))
    model.fit(data, epochs=epochs, callbacks=run.callbacks(n=40))
    return run.finish(model, test, judge=lambda: judged(model, unseen))
