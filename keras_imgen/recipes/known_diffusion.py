"""Class-conditional diffusion on CIFAR-10, 32x32, and on flowers, 64x64: small on a CPU, and what ten minutes of a card give."""

from functools import partial

import keras

from keras_imgen.models import Diffusion
from keras_imgen.networks import unet
from keras_imgen.recipes.known_pictures import known_pictures
from keras_imgen.recipes.presets import chosen
from keras_imgen.recipes.run import Run, warmup_cosine
from keras_imgen.training.precision import fast_precision

SIZES = {"cifar10": 32, "flowers": 64}
CPU = {"passes": 1, "steps_per_execution": 1, "depth": 1, "dropout": 0.0, "learning_rate": 0.002, "judged": 1000}
GPU = {"steps_per_execution": 10, "depth": 2, "dropout": 0.1, "learning_rate": 0.0005, "judged": 10_000}
PRESETS = {
    "cifar10": {
        "cpu": {**CPU, "epochs": 6, "batch": 64, "widths": [32, 64, 96], "attention": [8]},
        "gpu": {**GPU, "epochs": 10, "passes": 10, "batch": 256, "widths": [128, 256, 256, 256], "attention": [16, 8]},
    },
    "flowers": {
        "cpu": {**CPU, "epochs": 30, "batch": 32, "widths": [16, 32, 64, 96], "attention": [8]},
        "gpu": {**GPU, "epochs": 12, "passes": 25, "batch": 128, "widths": [64, 128, 256, 256], "attention": [16, 8]},
    },
}


def train(
    out: str,
    epochs: int | None = None,
    batch: int | None = None,
    seed: int = 0,
    steps_per_epoch: int | None = None,
    resume: bool = False,
    *,
    name: str,
    preset: str = "cpu",
    passes: int | None = None,
    steps_per_execution: int | None = None,
    widths: list[int] | None = None,
    depth: int | None = None,
    attention: list[int] | None = None,
    dropout: float | None = None,
    learning_rate: float | None = None,
    guidance_scale: float = 1.5,
    judged: int | None = None,
) -> str:
    """The whole run, from data to report, in the folder `out`; returns the command that generates more.

    Args:
        name: of the set of pictures.
        preset: the sizes where they are not given, of `PRESETS`.
        passes: how often an epoch shows each picture.
        steps_per_execution: see `compile`; on a card they are one dispatch.
        widths: see `networks.unet`.
        depth: see `networks.unet`.
        attention: see `networks.unet`.
        dropout: see `networks.unet`.
        learning_rate: the largest, of a cosine.
        guidance_scale: see `models.Diffusion`.
        judged: new pictures that are compared with real ones at the end.
        others: see `recipes`.
    """
    given = {"epochs": epochs, "batch": batch, "passes": passes, "steps_per_execution": steps_per_execution}
    given |= {"widths": widths, "depth": depth, "attention": attention, "dropout": dropout}
    how = chosen(PRESETS[name], preset, **given, learning_rate=learning_rate, judged=judged)
    more = {"preset": preset, "seed": seed, "steps_per_epoch": steps_per_epoch, "guidance_scale": guidance_scale}
    run = Run(f"{name}-diffusion", out, resume, **more, **how)
    known = known_pictures(name, SIZES[name])
    group = how["steps_per_execution"]
    learn, watch, test, steps = known.batches(how["batch"], how["passes"], steps_per_epoch, group, seed)

    shape, classes = (SIZES[name], SIZES[name], 3), len(known.class_names)
    with fast_precision():
        network = unet(shape, how["widths"], how["depth"], how["attention"], classes, dropout=how["dropout"])
    told = {"guidance_scale": guidance_scale, "class_names": known.class_names}
    model = Diffusion(network, **told, seed=seed, name=f"{name}_diffusion")
    rate = warmup_cosine(how["learning_rate"], how["epochs"] * steps)
    model.compile(keras.optimizers.Adam(rate), steps_per_execution=group)
    model.fit(learn, epochs=how["epochs"], validation_data=watch, callbacks=run.callbacks(n=40))
    return run.finish(model, test, judge=lambda: known.judged(model, how["judged"]))


cifar10 = partial(train, name="cifar10")
flowers = partial(train, name="flowers")
