"""Frames as a film."""

from fractions import Fraction
from typing import Any

import numpy as np

from keras_imgen.data.film_writer import FilmWriter


def save_video(path: str, frames: Any, fps: float | Fraction = 15, scale: int = 1, loop: bool = True) -> None:
    """Write frames as a film: .mp4, .webm, .mkv, .gif or a folder, as `FilmWriter` does.

    Args:
        path: of the film.
        frames: uint8 (F, H, W, C), C of 1 or 3.
        fps: frames in a second; GIF has hundredths of a second.
        scale: every pixel becomes scale x scale.
        loop: whether a GIF begins again.

    Raises:
        ValueError: another ending, other frames.
        ModuleNotFoundError: PyAV is not installed, but for GIF and folders.
    """
    frames = np.asarray(frames)
    if frames.dtype != np.uint8 or frames.ndim != 4 or frames.shape[-1] not in (1, 3) or not len(frames):
        raise ValueError(f"Expected uint8 frames (F, H, W, 1 or 3), got {frames.dtype} of shape {frames.shape}.")
    if not fps > 0 or scale < 1:
        raise ValueError(f"Expected fps above 0 and scale of at least 1, got {fps!r} and {scale!r}.")
    with FilmWriter(path, rate=Fraction(fps).limit_denominator(1001), loop=loop) as film:
        for frame in frames:
            film.write(frame.repeat(scale, 0).repeat(scale, 1))
