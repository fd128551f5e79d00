"""Blurred pictures sharpened: a residual U-Net (after DRUNet, Zhang et al. 2021), on your own pictures, or on T91 and BSDS500, damaged on
the fly."""

from functools import partial

from keras_imgen.data import degrade, degraded
from keras_imgen.models import Deblurrer
from keras_imgen.networks import drunet
from keras_imgen.recipes.photographs import photographs
from keras_imgen.recipes.run import Run, first_batch, warmup_cosine
from keras_imgen.training import ConvMuon
from keras_imgen.training.precision import fast_precision


def train(
    out: str,
    epochs: int = 15,
    batch: int = 8,
    seed: int = 0,
    steps_per_epoch: int | None = None,
    resume: bool = False,
    *,
    name: str = "deblur",
    data: str | None = None,
    size: int | None = None,
    channels: int | None = None,
    limit: int | None = None,
    widths: list[int] | None = None,
    learning_rate: float = 0.003,
) -> str:
    """The whole run, from data to report, in the folder `out`; returns the command that repairs more.

    Args:
        name: of the recipe.
        widths: see `networks.drunet`; None is 32, 64, 96.
        learning_rate: the largest, of a cosine.
        others: see `photographs` and `recipes`.
    """
    steps, widths = steps_per_epoch or 1000, widths or [32, 64, 96]
    how = {"channels": channels, "size": size, "limit": limit, "seed": seed}
    own = photographs(name, data, 96, 128, batch, steps, **how)
    given = {"epochs": epochs, "batch": batch, "seed": seed, "steps_per_epoch": steps_per_epoch}
    run = Run(name, out, resume, **given, **own.settings, widths=widths, learning_rate=learning_rate)
    blur = degrade.Chain(degrade.GaussianBlur((0.5, 3.0)), degrade.GaussianNoise((0, 5)))
    learn, test = degraded(own.learn, blur, seed), degraded(own.test, blur)

    with fast_precision():
        network = drunet(own.channels, widths=tuple(widths), blocks=1, noise_map=False)
    own.tell(f"a residual U-Net, widths {','.join(map(str, widths))}", network.count_params(), epochs, steps, batch)
    model = Deblurrer(network, objectives=["l1", "dssim"], seed=seed, name=name.replace("-", "_"))
    model.compile(ConvMuon(warmup_cosine(learning_rate, epochs * steps)), steps_per_execution=10)
    shown = first_batch(test)
    model.fit(learn, epochs=epochs, callbacks=run.callbacks(images=shown["image"], every=5))
    return run.finish(model, test, batch=shown, columns=8)


published = partial(train, name="photos-deblur", channels=3)
