"""The frame between two, by flow: learned from six clips, and from photographs set in motion."""

from keras_imgen.data import clips, joined, moving, photos, windows, with_flow
from keras_imgen.models import FrameInterpolator
from keras_imgen.networks import flow_interpolator
from keras_imgen.recipes.run import Run, first_batch, warmup_cosine
from keras_imgen.training import ConvMuon
from keras_imgen.training.precision import fast_precision


def train(
    out: str,
    epochs: int = 10,
    batch: int = 8,
    seed: int = 0,
    steps_per_epoch: int | None = None,
    resume: bool = False,
    *,
    size: int = 128,
    width: int = 32,
    flow_weight: float = 0.03,
    speed: float = 12.0,
    learning_rate: float = 0.002,
) -> str:
    """The whole run, from data to report, in the folder `out`.

    Args:
        size: of the squares that it learns from, in pixels, a multiple of 16.
        width: see `networks.flow_interpolator`.
        flow_weight: see `models.FrameInterpolator`.
        speed: of the photographs, see `data.moving`.
        learning_rate: the largest, of a cosine.
        others: see `recipes`; half of a batch are clips, half photographs.
    """
    steps = steps_per_epoch or 450
    given = {"epochs": epochs, "batch": batch, "seed": seed, "steps_per_epoch": steps_per_epoch}
    changes = {"size": size, "width": width, "flow_weight": flow_weight, "speed": speed}
    run = Run("clips-interpolate", out, resume, **given, **changes, learning_rate=learning_rate)

    filmed = windows(list(clips("clips:train").values()), 3, size, (batch + 1) // 2, steps, stride=(1, 2), seed=seed)
    learn = with_flow(filmed)
    if batch > 1:
        learn = joined(learn, moving(photos("bsds500:train"), size, batch // 2, steps, speed=speed, seed=seed))
    chosen = windows(list(clips("clips:validation").values()), 3, 144, 8, 5, flips=False, seed=seed)
    with fast_precision():
        network = flow_interpolator(width=width)
    model = FrameInterpolator(network, flow_weight=flow_weight, seed=seed, name="clips_interpolate")
    model.compile(ConvMuon(warmup_cosine(learning_rate, epochs * steps)), steps_per_execution=10)
    shown = first_batch(chosen, 8)
    model.fit(learn, epochs=epochs, validation_data=chosen, callbacks=run.callbacks(images=shown["clip"]))
    return run.finish(model, chosen, batch=shown, columns=8)
