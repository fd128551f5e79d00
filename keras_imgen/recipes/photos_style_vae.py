"""Content and style as two latents (StyleVAE), learned from squares of photographs and paintings."""

from keras_imgen.data import patches
from keras_imgen.data.styled import at_least
from keras_imgen.models import StyleVAE
from keras_imgen.models.restoration.objectives import Perceptual, Style
from keras_imgen.networks import content_encoder, style_decoder, style_encoder
from keras_imgen.recipes.photos_style import EIGHT, absolute, photographs_and_paintings
from keras_imgen.recipes.run import Run, first_batch, warmup_cosine
from keras_imgen.training import ConvMuon
from keras_imgen.training.precision import fast_precision

STYLE = 8  # numbers of a style
KL = 5.0  # fifty times that of the pixels alone: the terms of style count many times, and styles are to be drawn, too


def train(
    out: str,
    epochs: int = 10,
    batch: int = 4,
    seed: int = 0,
    steps_per_epoch: int | None = None,
    resume: bool = False,
    *,
    data: str | None = None,
    styles: str | None = None,
    size: int = 96,
    width: int = 24,
    learning_rate: float = 0.002,
) -> str:
    """The whole run, from data to report, in the folder `out`; returns the command that makes more.

    Args:
        data: photographs, see `data.photos`; None is BSDS500's train split under KERAS_IMGEN_DATA.
        styles: paths of the paintings, with commas between; None is those of photos-style-eight.
        size: of the squares, in pixels, a multiple of 16.
        width: of the networks' first level.
        learning_rate: the largest, of a cosine.
        others: see `recipes`.
    """
    steps = steps_per_epoch or 400
    given = {"epochs": epochs, "batch": batch, "seed": seed, "steps_per_epoch": steps_per_epoch}
    own = absolute(data, styles)
    run = Run("photos-style-vae", out, resume, **given, **own, size=size, width=width, learning_rate=learning_rate)

    first, rest, paintings = photographs_and_paintings(**own, usual=EIGHT)
    paintings = [at_least(one, size) for one in paintings]
    learn, test = (
        patches([*p, *paintings * max(1, len(p) // len(paintings))], size, batch, n, seed=s, flips=False)
        for p, n, s in ((first, steps, seed), (rest, 8, seed + 1))
    )  # half of them paintings: each takes the style of the one before
    with fast_precision():
        coders = content_encoder((None, None, 3), width, 2, 3), style_encoder((None, None, 3), 2 * STYLE, width, 4)
        decoder = style_decoder((None, None, 4 * width), STYLE, 3, 2, 3)
    terms = {"content_objectives": (Perceptual(0.2),), "style_objectives": (Style(0.3),)}
    how = {"kl_weight": KL, "seed": seed, "name": "photos_style_vae"}
    model = StyleVAE(*coders, decoder, objectives=("l1",), **terms, **how)
    model.compile(ConvMuon(warmup_cosine(learning_rate, epochs * steps)))
    shown = first_batch(test, 8)
    model.fit(learn, epochs=epochs, callbacks=run.callbacks(images=shown["image"], n=8))
    return run.finish(model, test, batch=shown, columns=8, rows=4)
