"""A small classifier of Fashion-MNIST, 28x28: the judge of generated ones."""

import keras

from keras_imgen.data import load
from keras_imgen.networks import lenet
from keras_imgen.recipes.run import Run, as_pairs, judging, warmup_cosine


def train(
    out: str,
    epochs: int = 8,
    batch: int = 64,
    seed: int = 0,
    steps_per_epoch: int | None = None,
    resume: bool = False,
) -> str:
    """The whole run, from data to report, in the folder `out`; returns the command that judges with it.

    Args:
        others: see `recipes`.
    """
    run = Run("fashion-classifier", out, resume, epochs=epochs, batch=batch, seed=seed, steps_per_epoch=steps_per_epoch)
    data = load("fashion_mnist", "train", size=28, batch=batch, seed=seed).take(steps_per_epoch or -1)
    test = load("fashion_mnist", "test", size=28, batch=batch)

    model = lenet((28, 28, 1), num_classes=10, name="fashion_lenet")
    model.compile(
        keras.optimizers.Adam(warmup_cosine(0.002, steps=epochs * len(data))),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )
    model.fit(as_pairs(data), epochs=epochs, callbacks=run.callbacks())
    return run.finish(model, as_pairs(test), use=judging(run.path("model.keras"), "fashion_mnist", 28))
