"""Dark pictures brightened and their noise taken away, blurred ones sharpened: a residual U-Net (after DRUNet, Zhang et al. 2021), on your
own pictures, or on T91 and BSDS500, damaged on the fly."""

from functools import partial

from keras_imgen.data import degrade, degraded
from keras_imgen.models import Deblurrer, Enhancer
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
    name: str,
    kind: type,
    damage: degrade.Degradation,
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
        kind: class of the model.
        damage: what it learns to repair.
        widths: see `networks.drunet`; None is 32, 64, 96.
        learning_rate: the largest, of a cosine.
        others: see `photographs` and `recipes`.
    """
    steps, widths = steps_per_epoch or 1000, widths or [32, 64, 96]
    how = {"channels": channels, "size": size, "limit": limit, "seed": seed}
    own = photographs(name, data, 96, 128, batch, steps, **how)
    given = {"epochs": epochs, "batch": batch, "seed": seed, "steps_per_epoch": steps_per_epoch}
    run = Run(name, out, resume, **given, **own.settings, widths=widths, learning_rate=learning_rate)
    learn, test = degraded(own.learn, damage, seed), degraded(own.test, damage)

    with fast_precision():
        network = drunet(own.channels, widths=tuple(widths), blocks=1, noise_map=False)
    own.tell(f"a residual U-Net, widths {','.join(map(str, widths))}", network.count_params(), epochs, steps, batch)
    model = kind(network, objectives=["l1", "dssim"], seed=seed, name=name.replace("-", "_"))
    model.compile(ConvMuon(warmup_cosine(learning_rate, epochs * steps)), steps_per_execution=10)
    shown = first_batch(test)
    model.fit(learn, epochs=epochs, callbacks=run.callbacks(images=shown["image"], every=5))
    return run.finish(model, test, batch=shown, columns=8)


blur = degrade.Chain(degrade.GaussianBlur((0.5, 3.0)), degrade.GaussianNoise((0, 5)))
deblur_any = partial(train, name="deblur", kind=Deblurrer, damage=blur)
lowlight_any = partial(train, name="lowlight", kind=Enhancer, damage=degrade.LowLight())
deblur = partial(deblur_any, name="photos-deblur", channels=3)
lowlight = partial(lowlight_any, name="photos-lowlight", channels=3)
