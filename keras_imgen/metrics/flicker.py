"""What changes from frame to frame of a clip besides what moves."""

from typing import Any

import numpy as np

from keras_imgen.arguments import frames8
from keras_imgen.data.flow import optical_flow, seen_in_both, warped


def flicker(frames: Any, contents: Any = None) -> float:
    """Temporal warping error (Lai et al. 2018, "Learning Blind Video Temporal Consistency", equation 6, in gray levels): the mean absolute
    difference of each frame to the one before it, moved along the flow of the contents, where that is seen in both.

    Args:
        frames: uint8 (F, H, W, C), 2 or more.
        contents: the clip whose flow is taken, of the same shape; None is `frames`. Compare only figures of one clip.

    Raises:
        ValueError: clips of another form.
    """
    frames = clip("frames", frames)
    contents = frames if contents is None else clip("contents", contents)
    if contents.shape[:3] != frames.shape[:3] or len(frames) < 2:
        raise ValueError(
            f"Expected two frames or more, and contents of the same size, got {frames.shape}, {contents.shape}."
        )
    errors = []
    for k in range(1, len(frames)):
        there, back = optical_flow(contents[k], contents[k - 1]), optical_flow(contents[k - 1], contents[k])
        both = seen_in_both(there, back)
        if both.any():
            errors.append(np.abs(frames[k].astype("float32") - warped(frames[k - 1], there))[both].mean())
    return float(np.mean(errors)) if errors else 0.0


def clip(name: str, frames: Any) -> np.ndarray:
    """uint8 (F, H, W, C) of 1 or 3 channels, looked at.

    Args:
        name: what messages call it.
        frames: what was passed.

    Raises:
        ValueError: another form.
    """
    return frames8(f"`{name}` as uint8 (F, H, W, 1 or 3)", frames, 4)
