"""Super-resolution by a small residual network, by default on the luma (after EDSR, Lim et al. 2017), on your own pictures, or on T91 and
BSDS500."""

from functools import partial

import keras

from keras_imgen.data import degrade, degraded
from keras_imgen.models import SuperResolution
from keras_imgen.networks import compact_sr
from keras_imgen.recipes.photographs import photographs
from keras_imgen.recipes.run import Run, first_batch, warmup_cosine
from keras_imgen.training.precision import fast_precision


def train(
    out: str,
    epochs: int = 20,
    batch: int = 16,
    seed: int = 0,
    steps_per_epoch: int | None = None,
    resume: bool = False,
    *,
    name: str = "super-resolution",
    data: str | None = None,
    size: int | None = None,
    channels: int = 1,
    limit: int | None = None,
    scale: int = 2,
    width: int = 32,
    blocks: int = 4,
    learning_rate: float = 0.001,
) -> str:
    """The whole run, from data to report, in the folder `out`; returns the command that enlarges more.

    Args:
        name: of the recipe.
        channels: 1 learns the luma, which serves pictures of all kinds; 3 colours.
        scale: 2, 3 or 4.
        width: see `networks.compact_sr`.
        blocks: see `networks.compact_sr`.
        learning_rate: the largest, of a cosine.
        others: see `photographs` and `recipes`.
    """
    steps, shrink = steps_per_epoch or 1000, degrade.Downscale(scale)
    how = {"channels": channels, "size": size, "limit": limit, "seed": seed, "multiple": scale}
    own = photographs(name, data, 40 * scale, 48 * scale, batch, steps, **how)
    changes = {"scale": scale, "width": width, "blocks": blocks, "learning_rate": learning_rate}
    given = {"epochs": epochs, "batch": batch, "seed": seed, "steps_per_epoch": steps_per_epoch}
    run = Run(name, out, resume, **given, **own.settings, **changes)
    learn, test = degraded(own.learn, shrink, seed), degraded(own.test, shrink)

    with fast_precision():
        network = compact_sr(scale, channels, width, blocks)
    own.tell(f"residual blocks, enlarging by {scale}", network.count_params(), epochs, steps, batch)
    model = SuperResolution(
        network, scale, seed=seed, name=f"{name.removesuffix(f'-x{scale}').replace('-', '_')}_x{scale}"
    )
    model.compile(keras.optimizers.Adam(warmup_cosine(learning_rate, epochs * steps)), steps_per_execution=10)
    shown = first_batch(test)
    model.fit(learn, epochs=epochs, callbacks=run.callbacks(images=shown["image"], every=5))
    return run.finish(model, test, batch=shown, columns=8)


x2, x3, x4 = (partial(train, name=f"photos-sr-x{scale}", channels=1, scale=scale) for scale in (2, 3, 4))
