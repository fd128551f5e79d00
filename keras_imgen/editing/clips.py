"""Clips that go on by diffusion: known frames are kept, the others painted anew, window after window."""

from typing import Any

import numpy as np

from keras_imgen.arguments import as_numbers, integer, shown

APART = 1 << 20  # seeds from one window to the next, so that those of the clips of a batch do not meet


def extended(
    model: Any, clip: Any, frames: int, *, overlap: int | None = None, seed: int = 0, **how: Any
) -> np.ndarray:
    """A clip made longer by a model of shorter ones: the last frames that there are become the first ones of the next window, of which
    `model.inpaint` paints the rest (the replacement method: Ho et al. 2022, "Video Diffusion Models", section 3.1). One given frame is made
    to move. Every frame, once there, is kept to the bit.

    Args:
        model: a `Diffusion` of clips.
        clip: uint8 (F, H, W, C), 1 frame or more, or several clips (N, F, H, W, C).
        frames: of the longer clip, at least F.
        overlap: frames that a window is given, where there are as many; 1 to one less than a clip of the model has, by default half of it.
        seed: of the first clip, clip k has `seed + k`: it is the same alone.
        **how: passed on to `model.inpaint`, as `resample=4`, with which what is painted fits better to what is known; `labels`,
            `conditions`, `steps`.

    Returns:
        uint8 (frames, H, W, C), or (N, frames, H, W, C).

    Raises:
        ValueError: clips of another form than the model's, numbers out of range.
    """
    known, shape = as_numbers(clip), model.image_shape
    alone = known.ndim == 4
    known = known[None] if alone else known
    if (
        len(shape) != 4
        or known.dtype != np.uint8
        or known.ndim != 5
        or known.shape[2:] != shape[1:]
        or 0 in known.shape
    ):
        sides = ", ".join(map(str, shape[1:]))
        raise ValueError(f"Expected a model of clips, and clips uint8 (F, {sides}), got {shown(as_numbers(clip))}.")
    window, frames = shape[0], integer("frames", frames, known.shape[1])
    overlap = integer("overlap", max(1, window // 2) if overlap is None else overlap, 1, max(1, window - 1))
    if window == 1 and frames > known.shape[1]:
        raise ValueError("Expected a model of clips of two frames or more, got one of single frames.")
    while known.shape[1] < frames:
        given = known[:, -overlap:]
        rest = window - given.shape[1]
        start = np.concatenate([given, np.repeat(given[:, -1:], rest, 1)], 1)
        mask = np.broadcast_to(np.arange(window) >= given.shape[1], start.shape[:2])
        made = model.inpaint(start, mask, seed=seed, **how)
        known, seed = np.concatenate([known, made[:, given.shape[1] :]], 1), seed + APART
    known = known[:, :frames]
    return known[0] if alone else known
