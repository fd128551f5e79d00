"""Text-to-image on drawn scenes of coloured shapes: a text encoder and a U-Net with cross-attention, trained together."""

import numpy as np

from keras_imgen.data import load
from keras_imgen.data.sources import Request, find
from keras_imgen.metrics import caption_accuracy
from keras_imgen.models import Diffusion
from keras_imgen.networks import TextConditioned, copy_weights, text_encoder, unet
from keras_imgen.recipes.run import Run, warmup_cosine
from keras_imgen.recipes.saved import network_of, whole_path
from keras_imgen.sampling.schedules import Cosine
from keras_imgen.text import Text, Tokenizer
from keras_imgen.training import ConvMuon
from keras_imgen.training.precision import fast_precision

WIDTH = 128  # of the text's vectors
SHIFT = -1.5  # of the log-SNR: what is where in a flat picture is decided under much noise
UNSEEN = 500  # captions by which the finished model is judged


def train(
    out: str,
    epochs: int = 10,
    batch: int = 64,
    seed: int = 0,
    steps_per_epoch: int | None = None,
    resume: bool = False,
    *,
    size: int = 32,
    cross_attention: bool = True,
    start: str | None = None,
    learning_rate: float = 0.003,
) -> str:
    """The whole run, from data to report, in the folder `out`; returns the command that generates more.

    Args:
        size: of the pictures, 32 or 64 pixels.
        cross_attention: whether the U-Net attends to the words; without it is told their mean alone.
        start: a model that this recipe made with the same `size`, with whose averaged weights it begins; None begins anew.
        learning_rate: the largest, of a cosine.
        others: see `recipes`.
    """
    start = whole_path(start)
    run = Run(
        "shapes-text",
        out,
        resume,
        epochs=epochs,
        batch=batch,
        seed=seed,
        steps_per_epoch=steps_per_epoch,
        size=size,
        cross_attention=cross_attention,
        start=start,
        learning_rate=learning_rate,
    )
    how = {"size": size, "batch": batch, "columns": ("image", "caption")}
    data = load("shapes:text", "train", seed=seed, **how).take(steps_per_epoch or -1)
    test = load("shapes:text", "validation", **how)
    text = captions_of("shapes:text")
    unseen = [row[0] for row in find("shapes:text", Request("test")).captions[:UNSEEN]]

    with fast_precision():
        widths = (32, 64, 128) if size <= 32 else (32, 64, 96, 128)
        sequence = WIDTH if cross_attention else None
        told = {"vector_dim": WIDTH, "sequence_dim": sequence}
        network = unet((size, size, 3), widths, 1, attention=(8,), positions=True, **told)
        network = TextConditioned(network, text_encoder(text, WIDTH), text)
    if start:
        begin_with(network_of("start", start, Diffusion), network)
    model = Diffusion(network, schedule=Cosine(SHIFT), guidance_scale=2.5, seed=seed, name="shapes_text")
    model.compile(ConvMuon(warmup_cosine(learning_rate, steps=epochs * len(data))))
    model.fit(data, epochs=epochs, callbacks=run.callbacks(n=40))
    return run.finish(model, test, judge=lambda: judged(model, unseen))


def judged(model: Diffusion, captions: list[str]) -> dict[str, float]:
    """`metrics.caption_accuracy` of pictures of these captions, by name.

    Args:
        model: that is told captions.
        captions: of scenes.
    """
    found = caption_accuracy(captions, model.generate(conditions={"caption": captions}))
    return {f"held-out captions, {name}": value for name, value in found.items()}


def captions_of(source: str, length: int = 24) -> Text:
    """The text condition of a source's captions: their words, and ten that training has not seen, as examples.

    Args:
        source: with the splits train and test.
        length: tokens of a text.
    """
    every, unseen = (find(source, Request(split)).captions for split in ("train", "test"))
    tokenizer = Tokenizer.of((caption for row in every for caption in row), length)
    return Text(tokenizer, prompts=tuple(row[0] for row in unseen[:10]))


def begin_with(before: TextConditioned, network: TextConditioned) -> None:
    """Take over the weights of a network that is told texts. If the new one alone is told a picture, too, what it sees of that counts
    nothing yet; of the words those that both know are the same.

    Args:
        before: of shapes-text, or of what `network` is of.
        network: of the same widths.

    Raises:
        ValueError: a network of another kind or of other sizes.
    """
    alike = isinstance(before, TextConditioned) and before.text.tokenizer.length == network.text.tokenizer.length
    alike = alike and _shapes(before) == _shapes(network)
    if not alike or (added := _seen(network) - _seen(before)) < 0:
        raise ValueError("Expected as `start` a model that shapes-text made, of the same size as this one's pictures.")
    copy_weights(before.network, network.network)
    kernel, bias = before.network.get_layer("conv_in").get_weights()
    network.network.get_layer("conv_in").set_weights([np.pad(kernel, ((0, 0), (0, 0), (0, added), (0, 0))), bias])
    copy_weights(before.encoder, network.encoder)
    known, words = before.text.tokenizer.number, network.text.tokenizer.number
    given, embedding = (one.encoder.get_layer("embedding") for one in (before, network))
    rows, learned = np.array(embedding.tokens), np.array(given.tokens)
    for word in words.keys() & known.keys():
        rows[words[word]] = learned[known[word]]
    embedding.tokens.assign(rows)
    embedding.places.assign(given.places)


def _seen(network):
    """Channels of the noise and of what is seen beside it."""
    return network.network.get_layer("conv_in").kernel.shape[2]


def _shapes(network):
    """Of all weights but those that depend on the words and on what is seen beside the noise."""
    every = {
        f"{layer.name} {v.name}": v.shape
        for part in (network.network, network.encoder)
        for layer in part.layers
        for v in layer.weights
    }
    return {k: v for k, v in every.items() if k.split()[0] not in ("conv_in", "embedding")}
