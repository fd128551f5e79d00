"""Scratches and dust in films: found, and painted by the frames around, learned from the shared clips, and from photographs set in motion,
with synthetic damage."""

import numpy as np

from keras_imgen.data import clips, degrade, degraded, joined, moving, photos, windows
from keras_imgen.inference.pixels import LUMA
from keras_imgen.models import FilmRepairer
from keras_imgen.networks import film_repairer
from keras_imgen.recipes.run import Run, command, first_batch, warmup_cosine
from keras_imgen.training import ConvMuon
from keras_imgen.training.precision import fast_precision

FRAMES = 9


def train(
    out: str,
    epochs: int = 12,
    batch: int = 8,
    seed: int = 0,
    steps_per_epoch: int | None = None,
    resume: bool = False,
    *,
    size: int = 64,
    width: int = 32,
    speed: float = 40.0,
    learning_rate: float = 0.002,
) -> str:
    """The whole run, from data to report, in the folder `out`; returns the command that repairs a film.

    Args:
        size: of the squares that it learns from, in pixels; nine frames each.
        width: see `networks.film_repairer`.
        speed: of the photographs, which are half of a batch, rounded down; see `data.moving`.
        learning_rate: the largest, of a cosine.
        others: see `recipes`.
    """
    steps = steps_per_epoch or 500
    given = {"epochs": epochs, "batch": batch, "seed": seed, "steps_per_epoch": steps_per_epoch}
    changes = {"size": size, "width": width, "speed": speed, "learning_rate": learning_rate}
    run = Run("clips-repair", out, resume, **given, **changes)
    every = list(clips("clips:train").values())
    every += [gray(clip) for clip in every]  # old films
    learn = windows(every, FRAMES, size, (batch + 1) // 2, steps, stride=(1, 1, 2, 3), borders=0.25, seed=seed)
    if batch > 1:
        still = photos("bsds500:train")
        how = {"frames": FRAMES, "speed": speed, "layers": 6, "plain": 0.5, "borders": 0.25, "seed": seed}
        learn = joined(learn, moving(still, size, batch // 2, steps, **how))
    learn = degraded(learn, degrade.Scratches(lines=(0, 1), blotches=(0, 3), hairs=(0, 0.5)), seed)
    judged = windows(list(clips("clips:validation").values()), 11, 128, 4, 5, flips=False, seed=seed)
    judged = degraded(judged, degrade.Scratches())
    with fast_precision():
        network = film_repairer(width=width)
    model = FilmRepairer(network, seed=seed, name="clips_repair")
    model.compile(ConvMuon(warmup_cosine(learning_rate, epochs * steps)), steps_per_execution=10)
    model.fit(learn, validation_data=judged, epochs=epochs, callbacks=run.callbacks())
    use = command("video", "restore", run.path("model.keras"), "FILM", "-o", "REPAIRED")
    return run.finish(model, judged, batch=first_batch(judged), columns=8, use=use)


def gray(clip: np.ndarray) -> np.ndarray:
    """A clip without colours, uint8 (F, H, W, 3)."""
    luma = np.round(clip @ LUMA).astype("uint8")
    return np.repeat(luma[..., None], 3, -1)
