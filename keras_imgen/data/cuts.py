"""Where a film is cut, and which of its frames are there twice."""

from collections.abc import Iterable, Iterator

import cv2
import numpy as np

from keras_imgen.data.flow import optical_flow, warped

SIDE, BINS = 96, 32
CUT = (
    0.06  # chosen on clips:train: 0 of 534 frames that follow each other lie above it, 240 of 240 pairs of two clips do
)
SAME = 2.0  # gray levels


def is_cut(before: np.ndarray, after: np.ndarray) -> bool:
    """Whether a cut lies between two frames that follow each other: whether (1 - r) d > 0.06.

    d in [0, 1] is how much of their histograms differs (half the sum of the absolute differences of the shares of 32 levels, the mean over
    the channels); r is the correlation of their gray values after the second one was moved along the flow, so that neither a fast camera
    (d is low), nor a flash or a fade (r is high) is taken for a cut. Both frames are looked at with 96 pixels on their longer side.

    Args:
        before: uint8 (H, W, C) of 1 or 3 channels.
        after: of the same shape.
    """
    return _change(_small(before), _small(after)) > CUT


def is_duplicate(before: np.ndarray, after: np.ndarray) -> bool:
    """Whether two frames show the same: no block of 8x8 pixels differs by more than 2 gray levels in the mean.

    Args:
        before: uint8 (H, W, C).
        after: of the same shape.
    """
    differences = cv2.absdiff(before, after).reshape(*before.shape[:2], -1).mean(-1, dtype="float32")
    height, width = before.shape[:2]
    blocks = cv2.resize(differences, (-(-width // 8), -(-height // 8)), interpolation=cv2.INTER_AREA)
    return bool(blocks.max() <= SAME)


def find_cuts(frames: Iterable[np.ndarray]) -> list[int]:
    """The numbers of the frames that a new shot begins with; not 0, where the film begins.

    Args:
        frames: uint8 (H, W, C), one after the other, as `(f.image for f in Film(path))`.
    """
    return [k for k, (before, after) in enumerate(_pairs(map(_small, frames)), 1) if _change(before, after) > CUT]


def find_duplicates(frames: Iterable[np.ndarray]) -> list[int]:
    """The numbers of the frames that show what the frame before them shows.

    Args:
        frames: uint8 (H, W, C), one after the other.
    """
    return [k for k, (before, after) in enumerate(_pairs(frames), 1) if is_duplicate(before, after)]


def _pairs(frames: Iterable[np.ndarray]) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    before = None
    for frame in frames:
        if before is not None:
            yield before, frame
        before = frame


def _small(frame):
    factor = min(1.0, SIDE / max(frame.shape[:2]))
    size = tuple(max(1, round(n * factor)) for n in frame.shape[1::-1])
    return cv2.resize(frame, size, interpolation=cv2.INTER_AREA).reshape(*size[::-1], -1)


def _change(before, after):
    histograms = [
        [
            np.bincount(channel.ravel() // (256 // BINS), minlength=BINS) / channel.size
            for channel in np.moveaxis(v, -1, 0)
        ]
        for v in (before, after)
    ]
    share = np.abs(np.subtract(*histograms)).sum(-1).mean() / 2
    if share <= CUT:  # spares the flow
        return 0.0
    moved = warped(after, optical_flow(before, after))
    a, b = (v.mean(-1, dtype="float64") for v in (before, moved))
    a, b = a - a.mean(), b - b.mean()
    alike = (a * b).mean() / np.sqrt(max((a * a).mean() * (b * b).mean(), 1e-6))
    return float(share * (1 - alike))
