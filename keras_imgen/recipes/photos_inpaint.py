"""Inpainting of photographs by a small residual U-Net, on BSDS500, with holes of four kinds, half of them irregular."""

from keras_imgen.data import degrade, degraded, patches, photos
from keras_imgen.models import Inpainter
from keras_imgen.networks import compact_inpainter
from keras_imgen.recipes.run import Run, first_batch, warmup_cosine
from keras_imgen.training import ConvMuon
from keras_imgen.training.precision import fast_precision


def train(
    out: str,
    epochs: int = 18,
    batch: int = 4,
    seed: int = 0,
    steps_per_epoch: int | None = None,
    resume: bool = False,
) -> str:
    """The whole run, from data to report, in the folder `out`; returns the command that paints more."""
    run = Run("photos-inpaint", out, resume, epochs=epochs, batch=batch, seed=seed, steps_per_epoch=steps_per_epoch)
    steps = steps_per_epoch or 1000
    holes = degrade.Holes(["irregular"] * 3 + ["boxes", "strokes", "text"], (0.1, 0.4))
    data = degraded(patches(photos("bsds500:train"), 256, batch, steps, seed=seed), holes, seed)
    test = degraded(patches(photos("bsd100"), 256, batch, 20, flips=False), degrade.Holes(share=0.25))

    with fast_precision():
        network = compact_inpainter()
    model = Inpainter(network, ["l1", "mse"], seed=seed, name="photos_inpaint")
    model.compile(ConvMuon(warmup_cosine(1e-3, epochs * steps)), steps_per_execution=10)
    shown = first_batch(test)
    grid = {"images": shown["image"], "masks": shown["mask"], "every": 5}
    model.fit(data, epochs=epochs, callbacks=run.callbacks(**grid))
    return run.finish_restoration(model, test, shown)
