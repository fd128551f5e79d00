"""CycleGAN (Zhu et al. 2017) between shapes on black and shapes on white, 32x32: two sets of pictures without pairs."""

import keras

from keras_imgen.data import unpaired
from keras_imgen.models import CycleGAN
from keras_imgen.networks import patchgan, translation_resnet
from keras_imgen.recipes.run import Run


def train(
    out: str,
    epochs: int = 6,
    batch: int = 8,
    seed: int = 0,
    steps_per_epoch: int | None = None,
    resume: bool = False,
) -> str:
    """The whole run, from data to report, in the folder `out`; returns the command that translates more.

    Args:
        others: see `recipes`.
    """
    run = Run("shapes-cyclegan", out, resume, epochs=epochs, batch=batch, seed=seed, steps_per_epoch=steps_per_epoch)
    sides = {"image": (0, 20), "target": (235, 255), "size": 32, "batch": batch, "seed": seed}  # on black, on white
    data = unpaired("shapes", "train", **sides).take(steps_per_epoch or -1)
    test = unpaired("shapes", "test", **sides)

    model = CycleGAN(
        translation_resnet((32, 32, 3), width=16, blocks=3),
        translation_resnet((32, 32, 3), width=16, blocks=3),
        patchgan((32, 32, 3), width=16, depth=2),
        patchgan((32, 32, 3), width=16, depth=2),
        identity_weight=0.5,
        seed=seed,
        name="shapes_cyclegan",
    )
    model.compile(
        generator_optimizer=keras.optimizers.Adam(4e-4, beta_1=0.5),
        discriminator_optimizer=keras.optimizers.Adam(4e-4, beta_1=0.5),
    )
    shown = next(iter(test))["image"].numpy()
    model.fit(data, epochs=epochs, callbacks=run.callbacks(adversarial=True, images=shown))
    return run.finish(model, test, columns=8, rows=6)
