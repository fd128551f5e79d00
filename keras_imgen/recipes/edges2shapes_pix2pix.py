"""Pix2Pix (Isola et al. 2017) from outlines to coloured shapes, 32x32: the pairs are made on the fly."""

from keras_imgen.data import load
from keras_imgen.data.edges import edges
from keras_imgen.models import Pix2Pix
from keras_imgen.networks import patchgan, translation_unet
from keras_imgen.recipes.run import Run


def train(
    out: str,
    epochs: int = 6,
    batch: int = 16,
    seed: int = 0,
    steps_per_epoch: int | None = None,
    resume: bool = False,
) -> str:
    """The whole run, from data to report, in the folder `out`; returns the command that translates more."""
    run = Run(
        "edges2shapes-pix2pix", out, resume, epochs=epochs, batch=batch, seed=seed, steps_per_epoch=steps_per_epoch
    )
    data = pairs("train", batch, seed).take(steps_per_epoch or -1)
    test = pairs("test", batch, seed)

    model = Pix2Pix(
        translation_unet((32, 32, 1), 3, width=32, depth=4),
        patchgan((32, 32, 3), condition_channels=1, width=32, depth=2),
        seed=seed,
        name="edges2shapes_pix2pix",
    )
    model.compile()
    shown = next(iter(test))["image"].numpy()
    model.fit(data, epochs=epochs, callbacks=run.callbacks(adversarial=True, images=shown))
    return run.finish_translation(model, test, pairs=True)


def pairs(split: str, batch: int, seed: int):
    """Batches of `image`, the outlines, and `target`, the picture."""
    data = load("shapes", split, size=32, batch=batch, seed=seed, columns=("image",))
    return data.map(lambda b: {"image": edges(b["image"]), "target": b["image"]})
