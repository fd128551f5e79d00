"""Metrics of clips, uint8 (N, F, H, W, C): how near they are to those they should be, frame by frame."""

from typing import Any

import keras
import numpy as np

from keras_imgen.arguments import as_numbers, shown
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


def checked(name: str, clips: Any) -> np.ndarray:
    """uint8 clips (N, F, H, W, C) of 1 or 3 channels, looked at.

    Args:
        name: what messages call them.
        clips: what was passed.

    Raises:
        ValueError: another form.
    """
    found = as_numbers(clips)
    if found.dtype != np.uint8 or found.ndim != 5 or found.shape[-1] not in (1, 3) or 0 in found.shape:
        raise ValueError(f"Expected `{name}` as uint8 (N, F, H, W, 1 or 3), got {shown(found)}.")
    return found
