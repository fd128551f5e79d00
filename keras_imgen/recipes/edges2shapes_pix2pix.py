"""Pix2Pix (Isola et al. 2017) from coloured outlines to filled shapes on black, 32x32: the pairs are made on the fly."""

from typing import Any

import keras

from keras_imgen.data import load
from keras_imgen.data.edges import edges
from keras_imgen.data.unpaired import with_corner
from keras_imgen.libraries import needs_tensorflow
from keras_imgen.models import Pix2Pix
from keras_imgen.networks import patchgan, translation_unet
from keras_imgen.recipes.run import Run
from keras_imgen.training.precision import fast_precision


def train(
    out: str,
    epochs: int = 12,
    batch: int = 16,
    seed: int = 0,
    steps_per_epoch: int | None = None,
    resume: bool = False,
) -> str:
    """The whole run, from data to report, in the folder `out`; returns the command that translates more.

    Args:
        others: see `recipes`.
    """
    run = Run(
        "edges2shapes-pix2pix", out, resume, epochs=epochs, batch=batch, seed=seed, steps_per_epoch=steps_per_epoch
    )
    data = pairs("train", batch, seed).take(steps_per_epoch or -1)
    test = pairs("test", batch, seed)

    with fast_precision():
        generator = translation_unet((32, 32, 3), width=32, depth=4, dropout=0.0)
        discriminator = patchgan((32, 32, 3), condition_channels=3, width=32, depth=2)
    model = Pix2Pix(
        generator,
        discriminator,
        seed=seed,
        name="edges2shapes_pix2pix",
    )
    model.compile(
        generator_optimizer=keras.optimizers.Adam(6e-4, beta_1=0.5),
        discriminator_optimizer=keras.optimizers.Adam(6e-4, beta_1=0.5),
    )
    shown = next(iter(test))["image"].numpy()
    model.fit(data, epochs=epochs, callbacks=run.callbacks(adversarial=True, images=shown))
    return run.finish(model, test, columns=8, rows=6)


def pairs(split: str, batch: int, seed: int) -> Any:
    """Batches of `image`, the outlines, and `target`, the picture.

    Args:
        split: of the shapes.
        batch: pairs of a batch.
        seed: of their order.

    Raises:
        ModuleNotFoundError: TensorFlow is not installed.
    """
    needs_tensorflow("The recipe edges2shapes-pix2pix")
    data = load("shapes", split, size=32, batch=batch, seed=seed, columns=("image",)).unbatch()
    data = data.filter(with_corner(0, 20)).batch(
        batch, drop_remainder=True
    )  # the others' background is not in their outlines
    return data.map(lambda b: {"image": edges(b["image"]), "target": b["image"]}).prefetch(2)
