"""A small classifier of the handwritten digits that scikit-learn ships, 16x16: the judge of generated ones."""

import keras

from keras_imgen.data import Augment, load
from keras_imgen.networks import lenet
from keras_imgen.recipes.run import Run, as_pairs, judging, warmup_cosine


def train(
    out: str,
    epochs: int = 30,
    batch: int = 64,
    seed: int = 0,
    steps_per_epoch: int | None = None,
    resume: bool = False,
) -> str:
    """The whole run, from data to report, in the folder `out`; returns the command that judges with it.

    Args:
        others: see `recipes`.
    """
    run = Run("digits-classifier", out, resume, epochs=epochs, batch=batch, seed=seed, steps_per_epoch=steps_per_epoch)
    changes = Augment(rotate=10, scale=0.1, shift=0.05)
    data = load("digits", "train", size=16, batch=batch, seed=seed, augment=changes).take(steps_per_epoch or -1)
    test = load("digits", "test", size=16, batch=batch)

    model = lenet((16, 16, 1), num_classes=10, name="digits_lenet")
    model.compile(
        keras.optimizers.Adam(warmup_cosine(0.002, steps=epochs * len(data))),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )
    model.fit(as_pairs(data), epochs=epochs, callbacks=run.callbacks())
    return run.finish(model, as_pairs(test), use=judging(run.path("model.keras"), "digits", 16))
