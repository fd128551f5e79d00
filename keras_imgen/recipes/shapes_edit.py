"""Pictures changed as a sentence says (InstructPix2Pix), on drawn scenes: "make the red star blue", "remove the circle"."""

from keras_imgen.data import load
from keras_imgen.models import Diffusion
from keras_imgen.networks import TextConditioned, text_encoder, unet
from keras_imgen.recipes.run import Run, first_batch, warmup_cosine
from keras_imgen.recipes.saved import network_of, whole_path
from keras_imgen.recipes.shapes_text import SHIFT, WIDTH, begin_with, captions_of
from keras_imgen.sampling.schedules import Cosine
from keras_imgen.training import ConvMuon
from keras_imgen.training.precision import fast_precision


def train(
    out: str,
    epochs: int = 5,
    batch: int = 64,
    seed: int = 0,
    steps_per_epoch: int | None = None,
    resume: bool = False,
    *,
    size: int = 32,
    start: str | None = None,
    learning_rate: float = 0.003,
) -> str:
    """The whole run, from data to report, in the folder `out`; returns the command that generates more.

    Args:
        size: of the pictures, 32 or 64 pixels.
        start: a shapes-text model of this size, with whose weights it begins, as InstructPix2Pix does with those of a text-to-image model
            (Brooks et al. 2023, section 3.2), or a shapes-edit model, with which it goes on; None begins anew.
        learning_rate: the largest, of a cosine.
        others: see `recipes`.
    """
    start = whole_path(start)
    settings = {"epochs": epochs, "batch": batch, "seed": seed, "steps_per_epoch": steps_per_epoch, "size": size}
    settings |= {"start": start, "learning_rate": learning_rate}
    run = Run("shapes-edit", out, resume, **settings)
    how = {"size": size, "batch": batch, "columns": ("image", "source", "caption")}
    data = load("shapes:edit", "train", seed=seed, **how).take(steps_per_epoch or -1)
    test = load("shapes:edit", "validation", **how)
    text = captions_of("shapes:edit")

    with fast_precision():
        widths = (32, 64, 128) if size <= 32 else (32, 64, 96, 128)
        told = {"vector_dim": WIDTH, "sequence_dim": WIDTH, "source_channels": 3}
        network = unet((size, size, 3), widths, 1, attention=(8,), positions=True, **told)
        network = TextConditioned(network, text_encoder(text, WIDTH), text)
    if start:
        begin_with(network_of("start", start, Diffusion), network)
    scales = {"guidance_scale": 1.5, "image_guidance_scale": 1.0}
    model = Diffusion(network, schedule=Cosine(SHIFT), **scales, seed=seed, name="shapes_edit")
    model.compile(ConvMuon(warmup_cosine(learning_rate, steps=epochs * len(data))))
    shown = {k: v for k, v in first_batch(test, 20).items() if k != "image"}
    model.fit(data, epochs=epochs, callbacks=run.callbacks(n=20, conditions=shown))
    return run.finish(model, test)
