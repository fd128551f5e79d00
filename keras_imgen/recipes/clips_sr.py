"""Super-resolution of clips by 2, five frames in two stages, learned from the shared clips made smaller by antialiased bicubic."""

from keras_imgen.data import clips, degrade, degraded, windows
from keras_imgen.models import VideoRestorer
from keras_imgen.networks import video_sr
from keras_imgen.recipes.run import Run, command, first_batch, warmup_cosine
from keras_imgen.training import ConvMuon
from keras_imgen.training.precision import fast_precision

SCALE = 2


def train(
    out: str,
    epochs: int = 11,
    batch: int = 8,
    seed: int = 0,
    steps_per_epoch: int | None = None,
    resume: bool = False,
    *,
    size: int = 64,
    width: int = 36,
    learning_rate: float = 0.002,
) -> str:
    """The whole run, from data to report, in the folder `out`; returns the command that enlarges a film.

    Args:
        size: of the squares that it learns to make, in pixels, an even number; seven frames each.
        width: see `networks.video_sr`.
        learning_rate: the largest, of a cosine.
        others: see `recipes`.
    """
    steps = steps_per_epoch or 500
    given = {"epochs": epochs, "batch": batch, "seed": seed, "steps_per_epoch": steps_per_epoch}
    changes = {"size": size, "width": width, "learning_rate": learning_rate}
    run = Run("clips-sr-x2", out, resume, **given, **changes)
    smaller = degrade.Downscale(SCALE)
    learn = windows(list(clips("clips:train").values()), 7, size, batch, steps, stride=(1, 1, 2), seed=seed)
    judged = windows(list(clips("clips:validation").values()), 11, 128, 4, 5, flips=False, seed=seed)
    learn, judged = degraded(learn, smaller), degraded(judged, smaller)
    with fast_precision():
        network = video_sr(SCALE, width=width)
    model = VideoRestorer(network, seed=seed, name="clips_sr_x2")
    model.compile(ConvMuon(warmup_cosine(learning_rate, epochs * steps)), steps_per_execution=10)
    model.fit(learn, validation_data=judged, epochs=epochs, callbacks=run.callbacks())
    use = command("video", "restore", run.path("model.keras"), "FILM", "-o", "LARGE")
    return run.finish(model, judged, batch=first_batch(judged), columns=8, use=use)
