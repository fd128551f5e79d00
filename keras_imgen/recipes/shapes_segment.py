"""Referring segmentation on drawn scenes: where is "the small red one on the left"?"""

import keras

from keras_imgen.data import load
from keras_imgen.models import Segmenter
from keras_imgen.networks import TextConditioned, text_encoder, unet
from keras_imgen.recipes.run import Run, command, first_batch, warmup_cosine
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
    """The whole run, from data to report, in the folder `out`; returns the command that segments pictures.

    Args:
        size: of the pictures, 32 or 64 pixels.
        others: see `recipes`.
    """
    settings = {"epochs": epochs, "batch": batch, "seed": seed, "steps_per_epoch": steps_per_epoch, "size": size}
    run = Run("shapes-segment", out, resume, **settings)
    how = {"size": size, "batch": batch, "columns": ("image", "mask", "caption")}
    data = load("shapes:segment", "train", seed=seed, **how).take(steps_per_epoch or -1)
    test = load("shapes:segment", "validation", **how)
    text = captions_of("shapes:segment", length=12)

    with fast_precision():
        widths = (32, 64, 128) if size <= 32 else (32, 64, 96, 128)
        told = {"vector_dim": WIDTH, "sequence_dim": WIDTH}
        told |= {"positions": True, "out_channels": 1, "log_snr": False}
        network = unet((size, size, 3), widths, 1, attention=(8,), **told)
        network = TextConditioned(network, text_encoder(text, WIDTH), text)
    model = Segmenter(network, seed=seed, name="shapes_segment")
    model.compile(keras.optimizers.Adam(warmup_cosine(0.001, steps=epochs * len(data))))
    shown = first_batch(test, 20)
    samples = {"images": shown["image"], "conditions": {"caption": shown["caption"]}}
    model.fit(data, epochs=epochs, validation_data=test, callbacks=run.callbacks(**samples))
    use = command("segment", run.path("model.keras"), "PICTURES", "--find", "WHAT", "--out", run.path("more"))
    return run.finish(model, test, batch=first_batch(test, 40), use=use)
