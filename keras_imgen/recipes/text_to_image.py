"""Text-to-image on any pictures with captions: a text encoder, small and trained along, or MiniLM, and a U-Net with cross-attention."""

from itertools import chain

import keras

from keras_imgen.models import Diffusion
from keras_imgen.networks import TextConditioned, minilm, text_encoder, unet
from keras_imgen.recipes.diffusion import usual_widths
from keras_imgen.recipes.own_pictures import halves, own_pictures
from keras_imgen.recipes.run import Run, warmup_cosine
from keras_imgen.text import Text, Tokenizer
from keras_imgen.training.precision import fast_precision

LONGEST = 64  # tokens of a caption


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
    flip: bool | None = None,
    limit: int | None = None,
    encoder: str = "small",
    vocabulary: int = 8000,
    widths: list[int] | None = None,
    depth: int = 1,
    attention: list[int] | None = None,
    dropout: float | None = None,
    guidance_scale: float = 3.0,
    learning_rate: float = 0.001,
) -> str:
    """The whole run, from data to report, in the folder `out`; returns the command that generates more.

    Args:
        encoder: "small", a Transformer that is trained along, or "minilm", see `networks.minilm`, whose weights do not move.
        vocabulary: words, and pieces of words, that the small one knows.
        widths: see `networks.unet`; None is by the size.
        depth: see `networks.unet`.
        attention: see `networks.unet`; None is at the lowest resolution.
        dropout: see `networks.unet`; None is 0.1 where pictures are few, else none.
        guidance_scale: see `models.Diffusion`.
        learning_rate: the largest, of a cosine.
        others: see `own_pictures` and `recipes`.
    """
    if encoder not in ("small", "minilm"):
        raise ValueError(f"Expected an encoder of small or minilm, got {encoder!r}.")
    own = own_pictures(data, size, channels, seed=seed, flip=flip, limit=limit, captioned=True, works=halves)
    usual_batch, steps = max(4, min(64, 64 * 32 * 32 // own.size**2)), 10_000
    epochs, batch, steps = own.plan(epochs, batch, steps_per_epoch, usual_batch, steps)
    widths = widths or usual_widths(own.size)
    attention = [own.size >> (len(widths) - 1)] if attention is None else attention
    dropout = dropout if dropout is not None else 0.1 if own.few else 0.0
    run = Run(
        "text-to-image",
        out,
        resume,
        epochs=epochs,
        batch=batch,
        seed=seed,
        steps_per_epoch=steps_per_epoch,
        **own.settings,
        encoder=encoder,
        vocabulary=vocabulary,
        widths=widths,
        depth=depth,
        attention=attention,
        dropout=dropout,
        guidance_scale=guidance_scale,
        learning_rate=learning_rate,
    )
    learn, test = own.batches(batch, steps, seed)

    prompts = tuple(row[0] for row in own.test["captions"] if row)[:10]
    with fast_precision():
        if encoder == "minilm":
            text, reader = minilm(LONGEST)
            text = Text(text.tokenizer, prompts=prompts)
        else:
            words = list(chain.from_iterable(own.captions))
            known = Tokenizer.of(words, size=vocabulary)
            text = Text(Tokenizer(known.vocabulary, min(known.length, LONGEST)), prompts=prompts)
            reader = text_encoder(text)
        told = reader.output["sequence"].shape[-1]
        network = unet(own.image_shape, widths, depth, attention, vector_dim=told, sequence_dim=told, dropout=dropout)
        network = TextConditioned(network, reader, text, frozen=encoder == "minilm")
    own.tell(f"a text encoder ({encoder}) and a U-Net, widths {','.join(map(str, widths))}", network.count_params())
    model = Diffusion(network, guidance_scale=guidance_scale, seed=seed, name="text_to_image")
    model.compile(keras.optimizers.Adam(warmup_cosine(learning_rate, epochs * steps)))
    model.fit(learn, epochs=epochs, callbacks=run.callbacks(n=40, every=max(1, epochs // 20)))
    return run.finish(model, test)
