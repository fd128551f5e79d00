"""Clips in another style, without flicker."""

from collections.abc import Callable
from typing import Any

import numpy as np

from keras_imgen.arguments import finite
from keras_imgen.data.flow import optical_flow, seen_in_both, warped
from keras_imgen.data.image_io import to_uint8
from keras_imgen.metrics.flicker import clip

CHANGED = 12.0  # gray levels: from such a difference of the contents on, what was painted there is no longer right


def stylize_clip(frames: Any, change: Callable[[np.ndarray], np.ndarray], strength: float = 0.8) -> np.ndarray:
    """Each frame stylised, and what was seen before painted as it was: the answer before, moved along the flow of the clip, takes the place
    of the new one as far as the way there and back agrees and the clip itself looks alike (Ruder et al. 2016, section 5, by blending).

    Args:
        frames: uint8 (F, H, W, 3).
        change: from a frame uint8 (H, W, 3) to the stylised one, of the same shape, as `lambda frame: model.stylize(frame, painting)`.
        strength: share of the answer before, in [0, 1]; 0 stylises each frame alone.

    Returns:
        uint8 (F, H, W, 3).

    Raises:
        ValueError: a clip of another form, `strength` out of range, answers of another shape.
    """
    frames = clip("frames", frames)
    strength = float(finite("strength", strength, 0.0, 1.0))
    made = np.empty_like(frames)
    before = None
    for k, frame in enumerate(frames):
        answer = np.asarray(change(frame))
        if answer.shape != frame.shape or answer.dtype != np.uint8:
            raise ValueError(f"Expected answers uint8 {frame.shape}, got {answer.dtype} {answer.shape}.")
        now = answer.astype("float32")
        if before is not None and strength:
            there = optical_flow(frame, frames[k - 1])
            both = seen_in_both(there, optical_flow(frames[k - 1], frame))
            moved = np.abs(frame.astype("float32") - warped(frames[k - 1], there)).mean(-1)
            share = strength * both * np.clip(1.0 - moved / CHANGED, 0.0, 1.0)
            now += share[..., None] * (warped(before, there) - now)
        before = now
        made[k] = to_uint8(now / 127.5 - 1.0)
    return made
