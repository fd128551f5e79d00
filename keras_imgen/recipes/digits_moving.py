"""Prediction of two bouncing digits, 64x64: ten frames are given, ten predicted, as on Moving MNIST (Srivastava et al. 2015)."""

from typing import Any

import numpy as np

from keras_imgen.data import load
from keras_imgen.metrics.clips import frame_scores
from keras_imgen.models import FramePredictor
from keras_imgen.networks import convlstm, simvp
from keras_imgen.recipes.run import Run, first_batch, warmup_cosine
from keras_imgen.training import ConvMuon
from keras_imgen.training.precision import fast_precision

GIVEN, TOLD, SHAPE = 10, 10, (64, 64, 1)
NETWORKS = {"simvp": simvp, "convlstm": convlstm}


def train(
    out: str,
    epochs: int | None = None,
    batch: int = 16,
    seed: int = 0,
    steps_per_epoch: int | None = None,
    resume: bool = False,
    *,
    network: str = "simvp",
    learning_rate: float = 0.002,
) -> str:
    """The whole run, from data to report, in the folder `out`; returns the line that predicts with it.

    Args:
        epochs: None is what takes 20 minutes on two cores.
        network: "simvp" or "convlstm".
        learning_rate: the largest, of a cosine.
        others: see `recipes`.

    Raises:
        ValueError: another network.
    """
    if network not in NETWORKS:
        raise ValueError(f"Expected `network` to be one of {', '.join(NETWORKS)}, got {network!r}.")
    epochs, steps = epochs or {"simvp": 12, "convlstm": 3}[network], steps_per_epoch or 500
    settings = {"steps_per_epoch": steps_per_epoch, "network": network, "learning_rate": learning_rate}
    run = Run("digits-moving", out, resume, epochs=epochs, batch=batch, seed=seed, **settings)
    how = {"size": SHAPE[0], "frames": GIVEN + TOLD, "columns": ("clip",)}
    data = load("moving_digits", "train", batch=batch, seed=seed, **how).take(steps)
    chosen = load("moving_digits", "validation", batch=50, limit=200, **how)
    test = load("moving_digits", "test", batch=50, **how)

    with fast_precision():
        made = NETWORKS[network]((GIVEN, *SHAPE), TOLD)
    model = FramePredictor(made, seed=seed, name="digits_moving")
    model.compile(ConvMuon(warmup_cosine(learning_rate, epochs * steps)))
    shown = first_batch(chosen, 8)
    model.fit(data, epochs=epochs, validation_data=chosen, callbacks=run.callbacks(images=shown["clip"]))
    return run.finish(model, test, batch=first_batch(test, 8), columns=2, judge=lambda: judged(model, test))


def judged(model: FramePredictor, data: Any) -> dict[str, float]:
    """Errors of the predicted frames, and of the last frame given in their place: `mse`, summed over a frame, and SSIM.

    Args:
        model: that has learned.
        data: batches of `clip`, of 20 frames.
    """
    found: dict[str, list] = {}
    for batch in data:
        clips = np.asarray(batch["clip"])
        target, last = clips[:, GIVEN:], np.repeat(clips[:, GIVEN - 1 : GIVEN], TOLD, 1)
        for name, frames in (("", model.predict_frames(clips[:, :GIVEN], TOLD)), ("last frame's ", last)):
            scores = frame_scores(target, frames)
            found.setdefault(f"test {name}mse of a frame", []).append(scores["mse"])
            found.setdefault(f"test {name}ssim", []).append(scores["ssim"])
    return {name: float(np.concatenate(parts).mean()) for name, parts in found.items()}
