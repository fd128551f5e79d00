"""Films through what is made for pictures, frame by frame, without flicker: constant memory."""

from collections.abc import Callable, Iterable, Iterator

import cv2
import numpy as np

from keras_imgen.arguments import finite
from keras_imgen.data.flow import optical_flow, seen_in_both, warped
from keras_imgen.data.image_io import to_uint8

CHANGED = 12.0  # gray levels: from such a difference of the contents on, what was made there is no longer right


def framewise(
    frames: Iterable[np.ndarray], change: Callable[[np.ndarray], np.ndarray], strength: float = 0.8
) -> Iterator[np.ndarray]:
    """Each frame changed by itself, and what was seen before as it was before: the answer before, moved along the flow of the film, takes
    the place of the new one as far as the way there and back agrees and the film itself looks alike (Ruder et al. 2016, section 5, by
    blending). Nothing is carried over a cut, as nothing looks alike there.

    Args:
        frames: uint8 (H, W, C) of 1 or 3 channels, all of one size.
        change: from a frame to an answer uint8 (s H, s W, C'), s a whole number: as `lambda frame: model.restore(frame)`,
            `lambda frame: model.stylize(frame, painting)`, an edit by text.
        strength: share of the answer before, in [0, 1]; 0 changes each frame alone.

    Yields:
        The answers, uint8.

    Raises:
        ValueError: `strength` out of range, answers of another shape.
    """
    strength = float(finite("strength", strength, 0.0, 1.0))
    before = last = None
    for frame in frames:
        answer = np.asarray(change(frame))
        scale = answer.shape[0] // frame.shape[0] if answer.ndim == 3 else 0
        if answer.dtype != np.uint8 or not scale or answer.shape[:2] != tuple(n * scale for n in frame.shape[:2]):
            height, width = frame.shape[:2]
            raise ValueError(
                f"Expected answers uint8 of {height}x{width} or a multiple of it, got {answer.dtype} {answer.shape}."
            )
        now = answer.astype("float32")
        if before is not None and strength:
            there = optical_flow(frame, last)
            both = seen_in_both(there, optical_flow(last, frame))
            moved = np.abs(frame.astype("float32") - warped(last, there)).mean(-1)
            share = strength * both * np.clip(1.0 - moved / CHANGED, 0.0, 1.0)
            if scale > 1:
                size = answer.shape[1::-1]
                there = cv2.resize(there, size, interpolation=cv2.INTER_LINEAR) * scale
                share = cv2.resize(share.astype("float32"), size, interpolation=cv2.INTER_LINEAR)
            now += share[..., None] * (warped(before, there) - now)
        before, last = now, frame
        yield to_uint8(now / 127.5 - 1.0) if strength else answer
