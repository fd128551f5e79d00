"""Super-resolution of clips by 2, learned from the shared clips made smaller by antialiased bicubic: five frames that are laid on each
other along their motion, by trained models of pictures and of motion; or in two stages without."""

from functools import partial

from keras_imgen.data import clips, degrade, degraded, windows
from keras_imgen.models import SuperResolution, VideoRestorer
from keras_imgen.networks import aligned_sr, video_sr
from keras_imgen.recipes.run import Run, command, first_batch, warmup_cosine
from keras_imgen.recipes.saved import aligned_network, whole_path
from keras_imgen.training import ConvMuon
from keras_imgen.training.precision import fast_precision

SCALE = 2


def train(
    out: str,
    epochs: int | None = None,
    batch: int = 8,
    seed: int = 0,
    steps_per_epoch: int | None = None,
    resume: bool = False,
    *,
    start: str | None = None,
    flow: str | None = None,
    size: int | None = None,
    width: int = 36,
    learning_rate: float | None = None,
) -> str:
    """The whole run, from data to report, in the folder `out`; returns the command that enlarges a film.

    Args:
        epochs: of 500 steps; None is 8 with `start`, else 11.
        start: the file of a `SuperResolution` by 2 with a `networks.compact_sr` of the luma and of the default sizes, as of photos-sr-x2:
            then the network is `networks.aligned_sr`, which begins with it, and needs `flow`. None is `networks.video_sr`.
        flow: the file of a `FrameInterpolator`, as of the recipe clips-interpolate, that finds the motion.
        size: of the squares that it learns to make, in pixels, an even number; None is 96 with `start` (five frames each), else 64.
        width: of the U-Net, or of both of `networks.video_sr`.
        learning_rate: the largest, of a cosine; None is 0.001 with `start`, else 0.002.
        others: see `recipes`.

    Raises:
        ValueError: one of `start` and `flow` without the other; models of another kind or size.
    """
    if bool(start) != bool(flow):
        raise ValueError(
            "Expected `start`, super-resolution of pictures, and `flow`, an interpolator, both or neither."
        )
    defaults, frames = ((8, 96, 0.001), 5) if start else ((11, 64, 0.002), 7)
    epochs, size, learning_rate = (b if a is None else a for a, b in zip((epochs, size, learning_rate), defaults))
    start, flow = whole_path(start), whole_path(flow)
    steps = steps_per_epoch or 500
    given = {"epochs": epochs, "batch": batch, "seed": seed, "steps_per_epoch": steps_per_epoch}
    changes = {"size": size, "width": width, "learning_rate": learning_rate, "start": start, "flow": flow}
    run = Run("clips-sr-x2", out, resume, **given, **changes)
    smaller = degrade.Downscale(SCALE)
    learn = windows(list(clips("clips:train").values()), frames, size, batch, steps, stride=(1, 1, 2), seed=seed)
    judged = windows(list(clips("clips:validation").values()), 11, 128, 4, 5, flips=False, seed=seed)
    learn, judged = degraded(learn, smaller), degraded(judged, smaller)
    if start:
        network = aligned_network(partial(aligned_sr, SCALE, width=width), start, SuperResolution, flow)
    else:
        with fast_precision():
            network = video_sr(SCALE, width=width)
    model = VideoRestorer(network, seed=seed, name="clips_sr_x2")
    model.compile(ConvMuon(warmup_cosine(learning_rate, epochs * steps)), steps_per_execution=10)
    model.fit(learn, validation_data=judged, epochs=epochs, callbacks=run.callbacks())
    use = command("video", "restore", run.path("model.keras"), "FILM", "-o", "LARGE")
    return run.finish(model, judged, batch=first_batch(judged), columns=8, use=use)
