"""Pictures changed as a sentence says by a GAN, in one network call, on drawn scenes: "make the red star blue", "remove the circle"."""

import keras

from keras_imgen.data import load
from keras_imgen.models import MultimodalGAN
from keras_imgen.networks import TextConditioned, text_discriminator, text_encoder, text_generator
from keras_imgen.recipes.run import Run, first_batch, warmup_cosine
from keras_imgen.recipes.shapes_text import WIDTH, captions_of
from keras_imgen.training.precision import fast_precision


def train(
    out: str,
    epochs: int = 3,
    batch: int = 64,
    seed: int = 0,
    steps_per_epoch: int | None = None,
    resume: bool = False,
    *,
    size: int = 32,
) -> str:
    """The whole run, from data to report, in the folder `out`; returns the command that edits more.

    Args:
        size: of the pictures, 32 or 64 pixels.
        others: see `recipes`.
    """
    settings = {"epochs": epochs, "batch": batch, "seed": seed, "steps_per_epoch": steps_per_epoch, "size": size}
    run = Run("shapes-edit-gan", out, resume, **settings)
    how = {"size": size, "batch": batch, "columns": ("image", "source", "caption")}
    data = load("shapes:edit", "train", seed=seed, **how).take(steps_per_epoch or -1)
    test = load("shapes:edit", "validation", **how)
    text = captions_of("shapes:edit")

    with fast_precision():
        shape, widths = (size, size, 3), (32, 64, 128) if size <= 32 else (32, 64, 96, 128)
        players = [make(shape, widths=widths, source_channels=3) for make in (text_generator, text_discriminator)]
        players = [TextConditioned(network, text_encoder(text, WIDTH), text) for network in players]
    how = {"loss": "hinge", "regularizers": (), "shared_fakes": True}
    model = MultimodalGAN(*players, **how, seed=seed, name="shapes_edit_gan")
    rate = warmup_cosine(0.001, steps=epochs * len(data))
    model.compile(
        generator_optimizer=keras.optimizers.Adam(rate, beta_1=0.0, beta_2=0.99),
        discriminator_optimizer=keras.optimizers.Adam(rate, beta_1=0.0, beta_2=0.99),
    )
    shown = {k: v for k, v in first_batch(test, 20).items() if k != "image"}
    model.fit(data, epochs=epochs, callbacks=run.callbacks(adversarial=True, n=20, conditions=shown))
    return run.finish(model, test)
