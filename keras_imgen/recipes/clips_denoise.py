"""A blind denoiser of clips for Gaussian noise of any sigma up to 55, as it is and as films keep it, on the shared clips: five frames
that are laid on each other along their motion, by trained models of pictures and of motion; or in two stages without (FastDVDnet)."""

from functools import partial
from typing import Any

import numpy as np

from keras_imgen.data import clips, degrade, degraded, windows
from keras_imgen.libraries import needs_av
from keras_imgen.models import Denoiser, VideoRestorer
from keras_imgen.networks import aligned_denoiser, video_denoiser
from keras_imgen.recipes.run import Run, command, first_batch, warmup_cosine
from keras_imgen.recipes.saved import aligned_network, whole_path
from keras_imgen.training import ConvMuon
from keras_imgen.training.precision import fast_precision

CODED = (12, 26)  # constant rate factors: noise that is coded more coarsely is mostly gone
SHOWN = 25  # gray levels of the noise in the pictures of a report


def train(
    out: str,
    epochs: int | None = None,
    batch: int = 8,
    seed: int = 0,
    steps_per_epoch: int | None = None,
    resume: bool = False,
    *,
    sigma: tuple[float, float] = (0.0, 55.0),
    coded: float = 0.5,
    start: str | None = None,
    flow: str | None = None,
    size: int | None = None,
    width: int | None = None,
    learning_rate: float | None = None,
) -> str:
    """The whole run, from data to report, in the folder `out`; returns the command that denoises a film.

    Args:
        epochs: of 500 steps; None is 6 with `start`, else 14.
        sigma: of the noise in gray levels, the least and the most.
        coded: share of the clips that are written in H.264 after the noise, as films are; 0 needs no PyAV.
        start: the file of a `Denoiser` with a `networks.compact_denoiser` of this `width`, as of photos-restore or photos-denoise: then the
            network is `networks.aligned_denoiser`, which begins with it, and needs `flow`. None is `networks.video_denoiser`.
        flow: the file of a `FrameInterpolator`, as of the recipe clips-interpolate, that finds the motion.
        size: of the squares that it learns from, in pixels; None is 96 with `start`, five frames each, else 64, seven frames.
        width: of the networks; None is 48 with `start`, else 32.
        learning_rate: the largest, of a cosine; None is 0.001 with `start`, else 0.002.
        others: see `recipes`.

    Raises:
        ModuleNotFoundError: PyAV is not installed.
        ValueError: one of `start` and `flow` without the other; models of another kind or size.
    """
    if bool(start) != bool(flow):
        raise ValueError("Expected `start`, a denoiser of pictures, and `flow`, an interpolator, both or neither.")
    defaults, frames = ((6, 96, 48, 0.001), 5) if start else ((14, 64, 32, 0.002), 7)
    given = (epochs, size, width, learning_rate)
    epochs, size, width, learning_rate = (b if a is None else a for a, b in zip(given, defaults))
    start, flow = whole_path(start), whole_path(flow)
    steps = steps_per_epoch or 500
    given = {"epochs": epochs, "batch": batch, "seed": seed, "steps_per_epoch": steps_per_epoch}
    changes = {"sigma": list(sigma), "coded": coded, "size": size, "width": width, "learning_rate": learning_rate}
    run = Run("clips-denoise", out, resume, **given, **changes, start=start, flow=flow)
    learn = windows(list(clips("clips:train").values()), frames, size, batch, steps, stride=(1, 1, 2), seed=seed)
    judged = windows(list(clips("clips:validation").values()), 11, 128, 4, 5, flips=False, seed=seed)
    noise = degrade.PerClip(degrade.GaussianNoise(tuple(sigma)))
    if coded:
        needs_av("clips-denoise with `coded` above 0, which coded=0 does without,")
        noise = degrade.Chain(noise, degrade.Sometimes(degrade.VideoCompression(CODED), coded))
    learn, pairs = degraded(learn, noise, seed), degraded(judged, noise)
    if start:
        network = aligned_network(partial(aligned_denoiser, width=width), start, Denoiser, flow)
    else:
        with fast_precision():
            network = video_denoiser(width=width)
    model = VideoRestorer(network, seed=seed, name="clips_denoise")
    model.compile(ConvMuon(warmup_cosine(learning_rate, epochs * steps)), steps_per_execution=10)
    model.fit(learn, validation_data=pairs, epochs=epochs, callbacks=run.callbacks())
    use = command("video", "restore", run.path("model.keras"), "FILM", "-o", "DENOISED")
    return run.finish(model, pairs, batch=shown(judged, SHOWN), columns=8, use=use)


def shown(data: Any, sigma: float) -> dict:
    """A batch to look at: clips with Gaussian noise, rounded to uint8, and what they were.

    Args:
        data: batches of `clip`.
        sigma: of the noise, in gray levels.
    """
    clip = first_batch(data)["clip"]
    noise = np.random.default_rng(0).normal(0.0, sigma, clip.shape)
    return {"clip": np.clip(np.round(clip + noise), 0, 255).astype("uint8"), "target": clip}
