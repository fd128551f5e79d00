"""Clips in another style, without flicker."""

from collections.abc import Callable
from typing import Any

import numpy as np

from keras_imgen.editing.framewise import framewise
from keras_imgen.metrics.flicker import clip


def stylize_clip(frames: Any, change: Callable[[np.ndarray], np.ndarray], strength: float = 0.8) -> np.ndarray:
    """Each frame stylised, and what was seen before painted as it was: `framewise`, of a clip in memory.

    Args:
        frames: uint8 (F, H, W, 3).
        change: from a frame uint8 (H, W, 3) to the stylised one, of the same shape, as `lambda frame: model.stylize(frame, painting)`.
        strength: share of the answer before, in [0, 1]; 0 stylises each frame alone.

    Returns:
        uint8 (F, H, W, 3).

    Raises:
        ValueError: a clip of another form, `strength` out of range, answers of another shape.
    """
    return np.stack(list(framewise(clip("frames", frames), change, strength)))
