"""Photographs as prints, learned without pairs (CUT): squares of photographs, and squares of Hokusai's Great Wave."""

from typing import Any

import keras

from keras_imgen.data import patches, styled
from keras_imgen.models import CUT
from keras_imgen.networks import patchgan, translation_resnet
from keras_imgen.recipes.photos_style import absolute, photographs_and_paintings
from keras_imgen.recipes.run import Run, first_batch

PRINT = ("hokusai_great_wave_1831",)  # where none is given


def train(
    out: str,
    epochs: int = 10,
    batch: int = 2,
    seed: int = 0,
    steps_per_epoch: int | None = None,
    resume: bool = False,
    *,
    data: str | None = None,
    styles: str | None = None,
    size: int = 128,
    width: int = 24,
    learning_rate: float = 4e-4,
) -> str:
    """The whole run, from data to report, in the folder `out`; returns the command that translates more.

    Args:
        data: photographs, see `data.photos`; None is BSDS500's train split under KERAS_IMGEN_DATA.
        styles: paths of the paintings, with commas between; None is Hokusai's Great Wave under KERAS_IMGEN_DATA.
        size: of the squares, in pixels, a multiple of 4.
        width: see `networks.translation_resnet`.
        learning_rate: of both players.
        others: see `recipes`.
    """
    steps = steps_per_epoch or 400
    given = {"epochs": epochs, "batch": batch, "seed": seed, "steps_per_epoch": steps_per_epoch}
    own = absolute(data, styles)
    run = Run("photos-cut-ukiyoe", out, resume, **given, **own, size=size, width=width, learning_rate=learning_rate)

    first, rest, paintings = photographs_and_paintings(**own, usual=PRINT)
    learn, test = (unpaired(p, paintings, size, batch, n, s) for p, n, s in ((first, steps, seed), (rest, 8, seed + 1)))
    model = CUT(
        translation_resnet((None, None, 3), width=width, blocks=6),
        patchgan((None, None, 3), width=width, depth=3),
        seed=seed,
        name="photos_cut_ukiyoe",
    )
    adam = lambda: keras.optimizers.Adam(learning_rate, beta_1=0.5, beta_2=0.999)  # noqa: E731
    model.compile(generator_optimizer=adam(), discriminator_optimizer=adam())
    shown = first_batch(test, 8)
    model.fit(learn, epochs=epochs, callbacks=run.callbacks(adversarial=True, images=shown["image"]))
    return run.finish(model, test, batch=shown, columns=8)


def unpaired(pictures: list, paintings: list, size: int, batch: int, steps: int, seed: int) -> Any:
    """Batches of `image` and `target`, random squares of photographs and of paintings, which do not belong together.

    Args:
        pictures: the photographs.
        paintings: the paintings.
        size: of the squares.
        batch: how many of each.
        steps: batches of an epoch.
        seed: of what is drawn.
    """
    both = styled(patches(pictures, size, batch, steps, seed=seed, flips=False), paintings, seed)
    return both.map(lambda rows: {"image": rows["image"], "target": rows["style"]})
