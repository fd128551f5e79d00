"""Text-to-image on drawn scenes of coloured shapes: a text encoder and a U-Net with cross-attention, trained together."""

from keras_imgen.data import load
from keras_imgen.data.sources import Request, find
from keras_imgen.metrics import caption_accuracy
from keras_imgen.models import Diffusion
from keras_imgen.networks import TextConditioned, text_encoder, unet
from keras_imgen.recipes.run import Run, warmup_cosine
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
) -> str:
    """The whole run, from data to report, in the folder `out`; returns the command that generates more.

    Args:
        size: of the pictures, 32 or 64 pixels.
        cross_attention: whether the U-Net attends to the words; without it is told their mean alone.
        others: see `recipes`.
    """
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
    model = Diffusion(network, schedule=Cosine(SHIFT), guidance_scale=3.0, seed=seed, name="shapes_text")
    model.compile(ConvMuon(warmup_cosine(0.003, steps=epochs * len(data))))
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
