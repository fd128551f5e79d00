"""A blind denoiser of clips for Gaussian noise of any sigma up to 55: five frames in two stages (FastDVDnet), on the shared clips."""

from typing import Any

import numpy as np

from keras_imgen.data import clips, windows
from keras_imgen.models import VideoRestorer
from keras_imgen.networks import video_denoiser
from keras_imgen.recipes.run import Run, command, first_batch, warmup_cosine
from keras_imgen.training import ConvMuon
from keras_imgen.training.precision import fast_precision

SHOWN = 25  # gray levels of the noise in the pictures of a report


def train(
    out: str,
    epochs: int = 14,
    batch: int = 8,
    seed: int = 0,
    steps_per_epoch: int | None = None,
    resume: bool = False,
    *,
    sigma: tuple[float, float] = (0.0, 55.0),
    size: int = 64,
    width: int = 32,
    learning_rate: float = 0.002,
) -> str:
    """The whole run, from data to report, in the folder `out`; returns the command that denoises a film.

    Args:
        sigma: of the noise in gray levels, the least and the most.
        size: of the squares that it learns from, in pixels; seven frames each.
        width: see `networks.video_denoiser`.
        learning_rate: the largest, of a cosine.
        others: see `recipes`.
    """
    steps = steps_per_epoch or 500
    given = {"epochs": epochs, "batch": batch, "seed": seed, "steps_per_epoch": steps_per_epoch}
    changes = {"sigma": list(sigma), "size": size, "width": width, "learning_rate": learning_rate}
    run = Run("clips-denoise", out, resume, **given, **changes)
    learn = windows(list(clips("clips:train").values()), 7, size, batch, steps, stride=(1, 1, 2), seed=seed)
    judged = windows(list(clips("clips:validation").values()), 11, 128, 4, 5, flips=False, seed=seed)
    with fast_precision():
        network = video_denoiser(width=width)
    model = VideoRestorer(network, tuple(sigma), seed=seed, name="clips_denoise")
    model.compile(ConvMuon(warmup_cosine(learning_rate, epochs * steps)), steps_per_execution=10)
    model.fit(learn, validation_data=judged, epochs=epochs, callbacks=run.callbacks())
    use = command("video", "restore", run.path("model.keras"), "FILM", "-o", "DENOISED")
    return run.finish(model, judged, batch=shown(judged, SHOWN), columns=8, use=use)


def shown(data: Any, sigma: float) -> dict:
    """A batch to look at: clips with Gaussian noise, rounded to uint8, and what they were.

    Args:
        data: batches of `clip`.
        sigma: of the noise, in gray levels.
    """
    clip = first_batch(data)["clip"]
    noise = np.random.default_rng(0).normal(0.0, sigma, clip.shape)
    return {"clip": np.clip(np.round(clip + noise), 0, 255).astype("uint8"), "target": clip}
