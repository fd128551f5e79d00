"""Inpainting by a small residual U-Net, with holes of four kinds, half of them irregular, on your own pictures, or on BSDS500."""

from functools import partial

from keras_imgen.data import degrade, degraded
from keras_imgen.models import Inpainter
from keras_imgen.networks import compact_inpainter
from keras_imgen.recipes.photographs import photographs
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
    *,
    name: str = "inpaint",
    data: str | None = None,
    size: int | None = None,
    channels: int | None = None,
    limit: int | None = None,
    share: tuple[float, float] = (0.1, 0.4),
    widths: list[int] | None = None,
    learning_rate: float = 0.001,
) -> str:
    """The whole run, from data to report, in the folder `out`; returns the command that paints more.

    Args:
        name: of the recipe.
        share: of the pixels that are missing, the least and the most.
        widths: see `networks.compact_inpainter`; None is 48, 64, 80, 96.
        learning_rate: the largest, of a cosine.
        others: see `photographs` and `recipes`.
    """
    steps, widths = steps_per_epoch or 1000, widths or [48, 64, 80, 96]
    how = {"channels": channels, "size": size, "limit": limit, "seed": seed, "published": ("bsds500:train",)}
    own = photographs(name, data, 256, 256, batch, steps, **how)
    changes = {"share": list(share), "widths": widths, "learning_rate": learning_rate}
    given = {"epochs": epochs, "batch": batch, "seed": seed, "steps_per_epoch": steps_per_epoch}
    run = Run(name, out, resume, **given, **own.settings, **changes)
    holes = degrade.Holes(["irregular"] * 3 + ["boxes", "strokes", "text"], tuple(share))
    learn, test = degraded(own.learn, holes, seed), degraded(own.test, degrade.Holes(share=0.25))

    with fast_precision():
        network = compact_inpainter(own.channels, tuple(widths))
    own.tell("a residual U-Net at half the resolution, on a smooth fill", network.count_params(), epochs, steps, batch)
    model = Inpainter(network, ["l1", "mse"], seed=seed, name=name.replace("-", "_"))
    model.compile(ConvMuon(warmup_cosine(learning_rate, epochs * steps)), steps_per_execution=10)
    shown = first_batch(test)
    grid = {"images": shown["image"], "masks": shown["mask"], "every": 5}
    model.fit(learn, epochs=epochs, callbacks=run.callbacks(**grid))
    return run.finish(model, test, batch=shown, columns=8)


published = partial(train, name="photos-inpaint", channels=3)
