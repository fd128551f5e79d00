"""A small classifier of the seven attributes of characters of pixel art, 64x64: the judge of generated ones."""

from typing import Any

import keras
from keras import layers

from keras_imgen.data import load
from keras_imgen.data.sources.sprites import ATTRIBUTES
from keras_imgen.networks import resnet
from keras_imgen.recipes.run import Run, warmup_cosine
from keras_imgen.training import ConvMuon

SHAPE = (64, 64, 3)


def train(
    out: str,
    epochs: int = 5,
    batch: int = 32,
    seed: int = 0,
    steps_per_epoch: int | None = 300,
    resume: bool = False,
) -> str:
    """The whole run, from data to report, in the folder `out`; returns the command that judges with it.

    Args:
        others: see `recipes`.
    """
    run = Run("sprites-classifier", out, resume, epochs=epochs, batch=batch, seed=seed, steps_per_epoch=steps_per_epoch)
    how = {"batch": batch, "columns": ("image", *ATTRIBUTES)}
    data = load("sprites", "train", seed=seed, **how).take(steps_per_epoch or -1)
    test = load("sprites", "test", limit=4000, **how)

    image = keras.Input(SHAPE, name="image")
    features = resnet(SHAPE, 128)(layers.Rescaling(1 / 127.5, -1.0)(image))
    heads = {name: layers.Dense(len(kinds), dtype="float32", name=name) for name, kinds in ATTRIBUTES.items()}
    model = keras.Model(image, {name: head(features) for name, head in heads.items()}, name="sprites_classifier")
    model.compile(
        ConvMuon(warmup_cosine(0.003, steps=epochs * len(data))),
        loss={name: keras.losses.SparseCategoricalCrossentropy(from_logits=True) for name in heads},
        metrics={name: "accuracy" for name in heads},
    )
    model.fit(as_answers(data), epochs=epochs, callbacks=run.callbacks())
    use = f"python -m benchmarks.retrieval CLIP MODEL --data sprites --classifier {run.path('model.keras')}"
    return run.finish(model, as_answers(test), use=use)


def as_answers(data: Any) -> Any:
    """Batches as dicts -> (image, attributes by name), which `fit` of a plain Keras model takes."""
    return data.map(lambda batch: (batch["image"], {name: batch[name] for name in ATTRIBUTES}))
