"""CLIP, small, on pictures with captions: what judges whether a picture shows what a text says."""

from functools import partial

from keras_imgen.data import Augment, load
from keras_imgen.metrics.retrieval import retrieval
from keras_imgen.models import CLIP
from keras_imgen.networks import TextConditioned, projection, resnet
from keras_imgen.recipes.latent_text import SIZE, reading
from keras_imgen.recipes.run import Run, first_batch, warmup_cosine
from keras_imgen.training import ConvMuon
from keras_imgen.training.precision import fast_precision

LENGTH = 128  # of a vector
MOST = 1000  # pictures by which the finished model is judged


def train(
    out: str,
    epochs: int = 10,
    batch: int = 64,
    seed: int = 0,
    steps_per_epoch: int | None = 100,
    resume: bool = False,
    *,
    name: str,
    encoder: str = "small",
    vocabulary: int | None = None,
    dropout: float = 0.0,
    augment: bool = False,
) -> str:
    """The whole run, from data to report, in the folder `out`; returns the command that makes a SavedModel of it.

    Args:
        name: of the source: "sprites" or "emoji".
        encoder: "small", a Transformer that is trained along, or "minilm", see `networks.minilm`, whose weights do not move.
        vocabulary: tokens that the small one knows, so that new words are spelled; None is the words of the captions alone.
        dropout: see `networks.resnet`.
        augment: turn, zoom, shift and recolour the pictures a little, where they are few.
        others: see `recipes`.
    """
    settings = {"epochs": epochs, "batch": batch, "seed": seed, "steps_per_epoch": steps_per_epoch}
    settings |= {"encoder": encoder, "vocabulary": vocabulary, "dropout": dropout, "augment": augment}
    run = Run(f"{name}-clip", out, resume, **settings)
    how = {"batch": batch, "columns": ("image", "caption")}
    changes = Augment(rotate=10, scale=0.15, shift=0.1) if augment else None
    data = load(name, "train", seed=seed, augment=changes, **how).take(steps_per_epoch or -1)
    watched, test = (load(name, split, limit=MOST, **how) for split in ("validation", "test"))

    text, reader = reading(name, encoder, vocabulary)
    with fast_precision():
        pictures = resnet((SIZE, SIZE, 3), LENGTH, dropout=dropout)
        texts = projection(reader.output["vector"].shape[-1], LENGTH)
    model = CLIP(
        pictures, TextConditioned(texts, reader, text, frozen=encoder == "minilm"), seed=seed, name=f"{name}_clip"
    )
    model.compile(ConvMuon(warmup_cosine(0.003, steps=epochs * len(data))))
    shown = first_batch(watched, 20)
    samples = {"images": shown["image"], "conditions": {"caption": shown["caption"]}, "every": max(1, epochs // 5)}
    model.fit(data, epochs=epochs, validation_data=watched, callbacks=run.callbacks(**samples))
    use = f"keras-imgen export {run.path('model.keras')} {run.path('exported')}"
    return run.finish(model, test, use=use, judge=lambda: judged(model, first_batch(test, MOST)))


def judged(model: CLIP, batch: dict) -> dict[str, float]:
    """`metrics.retrieval` of pictures and their captions, by name.

    Args:
        model: that has learned.
        batch: `image` and `caption`.
    """
    captions = batch["caption"]
    return retrieval(model.embed_images(batch["image"]), model.embed_texts(captions), captions)


sprites = partial(train, name="sprites")
emoji = partial(train, name="emoji", epochs=60, steps_per_epoch=None, vocabulary=2000, dropout=0.2, augment=True)
