"""Text-to-image in latents (Rombach et al. 2022): a VQ-VAE from 64 to 16 pixels, then a U-Net that is told captions in its latents."""

from functools import partial
from itertools import chain

import keras

from keras_imgen import load_model
from keras_imgen.data import load
from keras_imgen.data.sources import Request, find
from keras_imgen.models import VQVAE, Diffusion
from keras_imgen.networks import TextConditioned, minilm, text_encoder, unet, vq_decoder, vq_encoder
from keras_imgen.recipes.run import Run, first_batch, warmup_cosine
from keras_imgen.sampling.schedules import Cosine
from keras_imgen.text import Text, Tokenizer
from keras_imgen.training import ConvMuon
from keras_imgen.training.precision import fast_precision

SIZE = 64
WIDTH = 96  # of the text's vectors


def train(
    out: str,
    epochs: int = 8,
    batch: int = 32,
    seed: int = 0,
    steps_per_epoch: int | None = 500,
    resume: bool = False,
    *,
    name: str,
    encoder: str = "small",
    vocabulary: int | None = None,
    codec_epochs: int = 5,
    codes: int = 512,
    dim: int = 8,
    widths: tuple[int, int] = (48, 96),
    dropout: float = 0.0,
    shift: float = -1.0,
    guidance_scale: float = 2.0,
) -> str:
    """The whole run, from data to report, in the folder `out`; returns the command that generates more.

    Args:
        name: of the source: "sprites" or "emoji".
        encoder: "small", a Transformer that is trained along, or "minilm", see `networks.minilm`, whose weights do not move.
        vocabulary: tokens that the small one knows, so that new words are spelled; None is the words of the captions alone.
        codec_epochs: of the VQ-VAE.
        codes: see `models.VQVAE`.
        dim: see `networks.vq_encoder`.
        widths: see `networks.unet`.
        dropout: see `networks.unet`.
        shift: of the schedule's log-SNR, see `Cosine`.
        guidance_scale: see `models.Diffusion`.
        others: see `recipes`.
    """
    settings = {"epochs": epochs, "batch": batch, "seed": seed, "steps_per_epoch": steps_per_epoch}
    settings |= {"encoder": encoder, "vocabulary": vocabulary, "codec_epochs": codec_epochs, "codes": codes, "dim": dim}
    settings |= {"widths": list(widths), "dropout": dropout, "shift": shift, "guidance_scale": guidance_scale}
    run = Run(f"{name}-text", out, resume, **settings)
    how = {"batch": batch, "columns": ("image", "caption")}
    data = load(name, "train", seed=seed, **how).take(steps_per_epoch or -1)
    test = load(name, "validation", limit=2000, **how)
    text, reader = reading(name, encoder, vocabulary)

    first = run.stage("vqvae")
    if first is not None:
        shape = (SIZE, SIZE, 3)
        with fast_precision():
            coder, decoder = vq_encoder(shape, dim), vq_decoder(shape, dim)
        codec = VQVAE(coder, decoder, codes=codes, seed=seed, name=f"{name}_vqvae")
        codec.compile(keras.optimizers.Adam(warmup_cosine(0.002, steps=codec_epochs * len(data))))
        shown = first.callbacks(images=first_batch(test, 20)["image"], every=max(1, codec_epochs // 10))
        codec.fit(data, epochs=codec_epochs, callbacks=shown)
        first.finish(codec, test)

    codec = load_model(run.path("vqvae", "model.keras"))
    with fast_precision():
        told = reader.output["sequence"].shape[-1]
        how = {"attention": (8,), "vector_dim": told, "sequence_dim": told, "dropout": dropout, "positions": True}
        network = TextConditioned(unet(codec.map_shape, widths, 1, **how), reader, text, frozen=encoder == "minilm")
    schedule = Cosine(shift)
    model = Diffusion(network, schedule, codec=codec, guidance_scale=guidance_scale, seed=seed, name=f"{name}_text")
    model.fit_latents(data)
    model.compile(ConvMuon(warmup_cosine(0.003, steps=epochs * len(data))))
    model.fit(data, epochs=epochs, callbacks=run.callbacks(n=40, every=max(1, epochs // 10)))
    return run.finish(model, test)


def reading(name: str, encoder: str, vocabulary: int | None = None) -> tuple[Text, keras.Model]:
    """(the text condition of a source's captions, with ten that training has not seen as examples; what reads it).

    Args:
        name: of the source, with the splits train and test.
        encoder: "small" or "minilm".
        vocabulary: see `train`.

    Raises:
        ValueError: another encoder.
    """
    if encoder not in ("small", "minilm"):
        raise ValueError(f"Expected an encoder of small or minilm, got {encoder!r}.")
    every, unseen = (find(name, Request(split)).captions for split in ("train", "test"))
    known = Tokenizer.of(chain.from_iterable(every), size=vocabulary)
    prompts = tuple(row[0] for row in unseen[:10])
    with fast_precision():
        if encoder == "minilm":
            text, reader = minilm(known.length + 4)
            return Text(text.tokenizer, prompts=prompts), reader
        text = Text(known, prompts=prompts)
        return text, text_encoder(text, WIDTH)


sprites = partial(train, name="sprites")
emoji = partial(train, name="emoji", epochs=60, codec_epochs=60, vocabulary=2000, dropout=0.1)
