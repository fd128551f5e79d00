"""Class-conditional diffusion on the handwritten digits that scikit-learn ships (Alpaydin & Kaynak 1998), 16x16."""

import keras

from keras_imgen.data import describe, load
from keras_imgen.models import Diffusion
from keras_imgen.networks import unet
from keras_imgen.recipes.run import Run, steps

EPOCHS, BATCH, LEARNING_RATE = 40, 128, 2e-3
WIDTHS, DEPTH, ATTENTION = (32, 64), 1, (4,)
GUIDANCE, SAMPLER_STEPS, EMA = 1.5, 20, 0.999


def train(
    out: str,
    epochs: int = EPOCHS,
    batch: int = BATCH,
    seed: int = 0,
    steps_per_epoch: int | None = None,
    resume: bool = False,
) -> str:
    """The whole run, from data to report, in the folder `out`; returns the command that generates more."""
    run = Run("digits-diffusion", out, resume, epochs=epochs, batch=batch, seed=seed, steps_per_epoch=steps_per_epoch)
    keras.utils.set_random_seed(seed)

    data = load("digits", "train", batch=batch, seed=seed)
    info = describe("digits", "train")
    per_epoch = steps(info.count, batch, steps_per_epoch)

    network = unet(info.shape, WIDTHS, DEPTH, ATTENTION, num_classes=len(info.class_names))
    model = Diffusion(
        network, ema=EMA, steps=SAMPLER_STEPS, guidance_scale=GUIDANCE, seed=seed, name="digits_diffusion"
    )
    warmup = max(1, min(200, epochs * per_epoch // 10))
    rate = keras.optimizers.schedules.CosineDecay(
        0.0, max(1, epochs * per_epoch - warmup), warmup_target=LEARNING_RATE, warmup_steps=warmup
    )
    model.compile(keras.optimizers.Adam(rate))
    model.fit(data.take(per_epoch), epochs=epochs, callbacks=run.callbacks(n=40))

    test = load("digits", "test", batch=batch)
    scores = model.evaluate(test, verbose=0, return_dict=True)
    return run.finish(model, **{f"test {name}": value for name, value in scores.items()})
