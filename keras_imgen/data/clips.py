"""`clips`: the shared test clips, whole; `windows`: random runs of frames of clips as a tf.data.Dataset."""

import io
from collections.abc import Sequence
from typing import Any

import numpy as np
from PIL import Image

from keras_imgen.arguments import finite, integer
from keras_imgen.data.files import data_file
from keras_imgen.data.pipeline import by_step
from keras_imgen.libraries import needs_tensorflow

# Clips under KERAS_IMGEN_DATA, split by clip: nothing learns from, or is chosen by, what is judged.
LEARN = ("bigbuckbunny", "cockatoo", "davis_bmx_trees", "davis_car_shadow", "fox", "running_car")
CHOOSE = ("ytvos_demo_a",)
JUDGE = ("bikes", "carphone", "chaplin", "davis_tennis")
SPLITS = {"clips:train": LEARN, "clips:validation": CHOOSE, "clips:test": JUDGE}


def clips(source: str) -> dict[str, np.ndarray]:
    """Clips by name, uint8 (F, H, W, 3) each.

    Args:
        source: "clips:train", "clips:validation" or "clips:test", or the name of one clip, as "fox"; under KERAS_IMGEN_DATA.

    Raises:
        FileNotFoundError: no such clip.
    """
    return {name: _clip(data_file("video_clips", f"{name}.npz")) for name in SPLITS.get(source, (source,))}


def _clip(path):
    with np.load(path, allow_pickle=False) as pack:
        data, ends = pack["jpeg"].tobytes(), pack["offsets"].tolist()
    return np.stack([np.asarray(Image.open(io.BytesIO(data[a:b])).convert("RGB")) for a, b in zip(ends, ends[1:])])


def windows(
    source: Sequence[np.ndarray],
    frames: int,
    size: int,
    batch: int = 4,
    steps: int = 1000,
    *,
    stride: Sequence[int] = (1,),
    flips: bool = True,
    borders: float = 0.0,
    seed: int = 0,
) -> Any:
    """Random squares of random runs of frames, as a `tf.data.Dataset` of dicts with `clip`; a batch is a function of (seed, epoch, step).

    Args:
        source: clips uint8 (F, H, W, C), as the values of `clips`. They stay decoded in memory.
        frames: of a run.
        size: side of a square, in pixels.
        batch: runs in a batch.
        steps: batches of an epoch.
        stride: frames from one of a run to the next: one of these is drawn for each run.
        flips: turn each run by one of the eight flips and quarter turns, and play half of them backwards.
        borders: share of the runs that get black borders on some of their sides, as films have whose picture does not fill the frame.
        seed: of places, times and turns.

    Returns:
        `steps` batches of `clip` uint8 (batch, frames, size, size, C).

    Raises:
        ValueError: a clip that is too short or too small, a number below 1, `borders` out of [0, 1].
        ModuleNotFoundError: TensorFlow is not installed.
    """
    needs_tensorflow("data.windows")
    frames, size = integer("frames", frames, 1), integer("size", size, 1)
    batch, steps = integer("batch", batch, 1), integer("steps", steps, 1)
    strides, borders = [integer("stride", one, 1) for one in stride], float(finite("borders", borders, 0.0, 1.0))
    every = list(source)
    longest = (frames - 1) * max(strides) + 1
    for one in every:
        if len(one) < longest or min(one.shape[1:3]) < size:
            raise ValueError(f"Expected clips of {longest} frames or more of {size} pixels or more, got {one.shape}.")
    if not every:
        raise ValueError("Expected at least one clip, got none.")
    channels = every[0].shape[-1]
    shares = np.array([len(one) for one in every], "float64")
    shares /= shares.sum()

    def draw(epoch, step):
        rng = np.random.default_rng([seed & 0x7FFFFFFF, epoch, step])
        out = np.empty((batch, frames, size, size, channels), "uint8")
        for k in range(batch):
            one, pace = every[rng.choice(len(every), p=shares)], int(rng.choice(strides))
            first = rng.integers(len(one) - (frames - 1) * pace)
            top, left = (rng.integers(n - size + 1) for n in one.shape[1:3])
            run = one[first : first + (frames - 1) * pace + 1 : pace, top : top + size, left : left + size]
            if flips:
                run = np.rot90(run, rng.integers(4), axes=(1, 2))
                run = run[:, :, ::-1] if rng.integers(2) else run
                run = run[::-1] if rng.integers(2) else run
            out[k], _ = bordered(run, borders, rng)
        return {"clip": out}

    return by_step(draw, {"clip": ("uint8", (batch, frames, size, size, channels))}, steps)


def bordered(run: np.ndarray, share: float, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """A share of runs with black borders: on each side with even chances, most of them narrow, hard or soft, not quite black, as they come.
    And where no border is, bool (H, W).

    Args:
        run: uint8 (F, H, W, C).
        share: in [0, 1]; at 0 nothing is drawn.
        rng: draws.
    """
    if not share or rng.random() >= share:
        return run, np.ones(run.shape[1:3], bool)
    rows, columns = (np.ones(length) for length in run.shape[1:3])
    for line in (rows, columns):
        for side in (line, line[::-1]):
            if rng.random() < 0.5:
                width = 0.25 * len(line) * rng.random() ** 2
                side *= np.clip((np.arange(len(line)) + 0.5 - width) / rng.choice([0.2, 1.5]) + 0.5, 0, 1)
    inside = rows[:, None] * columns
    black = rng.uniform(0, 24)
    return np.round(black + inside[..., None] * (run - black)).astype("uint8"), inside == 1
