"""Dark photographs brightened and their noise taken away, blurred ones sharpened: a residual U-Net (after DRUNet, Zhang et al. 2021) on
T91 and BSDS500, damaged on the fly."""

from functools import partial

from keras_imgen.data import degrade, degraded, patches, photos
from keras_imgen.models import Deblurrer, Enhancer
from keras_imgen.networks import drunet
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
) -> str:
    """The whole run, from data to report, in the folder `out`; returns the command that repairs more."""
    run = Run(name, out, resume, epochs=epochs, batch=batch, seed=seed, steps_per_epoch=steps_per_epoch)
    steps = steps_per_epoch or 1000
    data = degraded(patches(photos(["t91", "bsds500:train"]), 96, batch, steps, seed=seed), damage, seed)
    test = degraded(patches(photos("bsd100"), 128, batch, 20, flips=False), damage)

    with fast_precision():
        network = drunet(3, widths=(32, 64, 96), blocks=1, noise_map=False)
    model = kind(network, objectives=["l1", "dssim"], seed=seed, name=name.replace("-", "_"))
    model.compile(ConvMuon(warmup_cosine(3e-3, epochs * steps)), steps_per_execution=10)
    shown = first_batch(test)
    model.fit(data, epochs=epochs, callbacks=run.callbacks(images=shown["image"], every=5))
    return run.finish_restoration(model, test, shown)


blur = degrade.Chain(degrade.GaussianBlur((0.5, 3.0)), degrade.GaussianNoise((0, 5)))
deblur = partial(train, name="photos-deblur", kind=Deblurrer, damage=blur)
lowlight = partial(train, name="photos-lowlight", kind=Enhancer, damage=degrade.LowLight())
