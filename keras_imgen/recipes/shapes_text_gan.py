"""Text-to-image by a GAN, in one network call, on drawn scenes of coloured shapes: captions that do not belong count as fake."""

import keras

from keras_imgen.data import load
from keras_imgen.data.sources import Request, find
from keras_imgen.models import TextGAN
from keras_imgen.networks import TextConditioned, text_discriminator, text_encoder, text_generator
from keras_imgen.recipes.run import Run, warmup_cosine
from keras_imgen.recipes.shapes_text import UNSEEN, WIDTH, captions_of, judged
from keras_imgen.training import ConvMuon
from keras_imgen.training.precision import fast_precision


def train(
    out: str,
    epochs: int = 4,
    batch: int = 64,
    seed: int = 0,
    steps_per_epoch: int | None = None,
    resume: bool = False,
    *,
    size: int = 32,
) -> str:
    """The whole run, from data to report, in the folder `out`; returns the command that generates more.

    Args:
        size: of the pictures, 32 or 64 pixels.
        others: see `recipes`.
    """
    settings = {"epochs": epochs, "batch": batch, "seed": seed, "steps_per_epoch": steps_per_epoch, "size": size}
    run = Run("shapes-text-gan", out, resume, **settings)
    how = {"size": size, "batch": batch, "columns": ("image", "caption")}
    data = load("shapes:text", "train", seed=seed, **how).take(steps_per_epoch or -1)
    test = load("shapes:text", "validation", **how)
    text = captions_of("shapes:text")
    unseen = [row[0] for row in find("shapes:text", Request("test")).captions[:UNSEEN]]

    with fast_precision():
        shape, widths = (size, size, 3), (32, 64, 128) if size <= 32 else (32, 64, 96, 128)
        players = text_generator(shape, widths=widths), text_discriminator(shape, widths)
        players = [TextConditioned(network, text_encoder(text, WIDTH), text) for network in players]
    how = {"loss": "hinge", "regularizers": (), "shared_fakes": True}
    model = TextGAN(*players, **how, seed=seed, name="shapes_text_gan")
    rate = lambda largest: warmup_cosine(largest, steps=epochs * len(data))  # noqa: E731
    model.compile(
        generator_optimizer=ConvMuon(rate(0.002)),
        discriminator_optimizer=keras.optimizers.Adam(rate(0.001), beta_1=0.0, beta_2=0.99),
    )
    model.fit(data, epochs=epochs, callbacks=run.callbacks(adversarial=True, n=40))
    return run.finish(model, test, judge=lambda: judged(model, unseen))
