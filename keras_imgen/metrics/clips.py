"""Metrics of clips, uint8 (N, F, H, W, C): how near they are to those they should be, frame by frame; how far a set of them is from real
ones; how they move; what a classifier sees in them."""

from typing import Any

import keras
import numpy as np

from keras_imgen.arguments import frames8
from keras_imgen.data.flow import optical_flow
from keras_imgen.metrics.extractors import Extractor
from keras_imgen.metrics.moments import frechet_distance, moments
from keras_imgen.metrics.paired import psnr, ssim

ROWS = 64  # frames at a time


def frame_scores(target: Any, clips: Any) -> dict[str, np.ndarray]:
    """Every frame against the one it should be, (N, F) each: `mse`, as papers on moving digits have it, the squared error of pixels in
    [0, 1] summed over the frame; `psnr` in dB, infinite for equal frames; `ssim`. The mean over axis 1 is a clip's.

    Args:
        target: uint8 (N, F, H, W, C), 11 pixels or more on each side.
        clips: of the same shape.

    Raises:
        ValueError: clips of another form.
    """
    target, clips = checked("target", target), checked("clips", clips)
    if target.shape != clips.shape:
        raise ValueError(f"Expected clips of one shape, got {target.shape} and {clips.shape}.")
    frames = [v.reshape(-1, *v.shape[2:]) for v in (target, clips)]
    found: dict[str, list] = {"mse": [], "psnr": [], "ssim": []}
    for k in range(0, len(frames[0]), ROWS):
        a, b = (v[k : k + ROWS] for v in frames)
        error = (a.astype("float64") - b) / 255.0
        found["mse"].append(np.square(error).sum((1, 2, 3)))
        found["psnr"].append(keras.ops.convert_to_numpy(psnr(a, b)))
        found["ssim"].append(keras.ops.convert_to_numpy(ssim(a, b)))
    return {name: np.concatenate(parts).reshape(target.shape[:2]) for name, parts in found.items()}


def clip_features(clips: Any, extractor: Extractor) -> np.ndarray:
    """Features of clips by what looks at pictures, float32 (N, 2 D): the mean of those of the frames, and the mean absolute difference from
    each frame to the next, 0 for clips of one frame. They know how much changes, and not in which order.

    Args:
        clips: uint8 (N, F, H, W, C).
        extractor: see `extractors.get`.

    Raises:
        ValueError: clips of another form.
    """
    clips = checked("clips", clips)
    frames = clips.reshape(-1, *clips.shape[2:])
    found = [extractor(frames[k : k + 4 * ROWS])[0] for k in range(0, len(frames), 4 * ROWS)]
    found = np.concatenate(found).reshape(*clips.shape[:2], -1)
    steps = np.abs(np.diff(found, axis=1)).mean(1) if clips.shape[1] > 1 else np.zeros_like(found[:, 0])
    return np.concatenate([found.mean(1), steps], axis=1)


def clip_distance(real: Any, clips: Any, extractor: Extractor, seed: int = 0) -> dict[str, float]:
    """The Fréchet distance between `clip_features` of made and of real clips, by a name that tells the extractor, and its floor: that
    between two halves of the real ones, drawn by the seed. It is not FVD, which is by I3D. Smaller sets have larger distances: compare sets
    of one size, and the floor as that of half as many.

    Args:
        real: uint8 (N, F, H, W, C).
        clips: uint8 (M, F, H, W, C).
        extractor: see `extractors.get`.
        seed: of the halves.

    Raises:
        ValueError: clips of another form, fewer than four real ones or two made ones.
    """
    real, made = clip_features(real, extractor), clip_features(clips, extractor)
    halves = np.array_split(np.random.default_rng(seed).permutation(len(real)), 2)
    name = f"Fréchet distance of clips [{extractor.identity}, mean and change]"
    floor = frechet_distance(*(moments(real[rows]) for rows in halves))
    return {name: frechet_distance(moments(real), moments(made)), "floor: two halves of the real ones": floor}


def motion(clips: Any) -> dict[str, np.ndarray]:
    """How clips move, (N,) each, in pixels from frame to frame by DIS flow: `flow`, the mean length of all places; `spread`, its standard
    deviation over places and times; `right` and `down`, the mean direction. Flat places stand still.

    Args:
        clips: uint8 (N, F, H, W, C), of two frames or more.

    Raises:
        ValueError: clips of another form, or of one frame.
    """
    clips = checked("clips", clips)
    if clips.shape[1] < 2:
        raise ValueError(f"Expected clips of two frames or more, got {clips.shape}.")
    found: dict[str, list] = {"flow": [], "spread": [], "right": [], "down": []}
    for clip in clips:
        flows = np.stack([optical_flow(a, b) for a, b in zip(clip, clip[1:])])
        lengths = np.linalg.norm(flows, axis=-1)
        for name, value in zip(found, (lengths.mean(), lengths.std(), flows[..., 0].mean(), flows[..., 1].mean())):
            found[name].append(float(value))
    return {name: np.array(values) for name, values in found.items()}


def attributes_read(
    classifier: keras.Model, clips: Any, asked: dict[str, Any], batch_size: int = 32
) -> dict[str, float]:
    """What a classifier sees in clips: by the name of an attribute the share of clips in which it is the one that was asked for; and under
    `constant`, in which every attribute that is read from each frame is the same in all of them.

    Args:
        classifier: of uint8 clips, to a dict of logits by attribute: (N, K) of a whole clip, or (N, F, K) of each frame, whose mean counts.
        clips: uint8 (N, F, H, W, C).
        asked: attributes int (N,), by name; those that the classifier tells as well are looked at.
        batch_size: clips at a time.

    Raises:
        ValueError: clips of another form.
    """
    clips = checked("clips", clips)
    parts = [classifier.predict_on_batch(clips[k : k + batch_size]) for k in range(0, len(clips), batch_size)]
    told = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    found, constant = {}, np.ones(len(clips), bool)
    for name, logits in told.items():
        if logits.ndim == 3:
            each = logits.argmax(-1)
            constant &= (each == each[:, :1]).all(1)
            logits = logits.mean(1)
        if name in asked:
            found[name] = float((logits.argmax(-1) == np.asarray(asked[name])).mean())
    return {**found, "constant": float(constant.mean())}


def checked(name: str, clips: Any) -> np.ndarray:
    """uint8 clips (N, F, H, W, C) of 1 or 3 channels, looked at.

    Args:
        name: what messages call them.
        clips: what was passed.

    Raises:
        ValueError: another form.
    """
    return frames8(f"`{name}` as uint8 (N, F, H, W, 1 or 3)", clips, 5)
