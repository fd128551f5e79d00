"""Films that shake or flicker made steady, without learning: by the frames around each one in its shot, which alone are in memory."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import cv2
import numpy as np

from keras_imgen.arguments import finite, integer
from keras_imgen.data.cuts import is_cut


def stabilised(frames: Iterable[np.ndarray], radius: int = 15, zoom: float = 1.0) -> Iterator[np.ndarray]:
    """Frames as a camera that is led smoothly had seen them: the way of the camera (shift, angle and scale, from corners that are followed,
    by RANSAC) is replaced by its Gaussian mean over time. What was never seen at the borders repeats the border.

    Args:
        frames: uint8 (H, W, C) of one size.
        radius: frames before and after that count, at least 1; the deviation is half of it.
        zoom: enlarges about the middle, so that the borders are not seen; 1 does not.

    Raises:
        ValueError: a radius below 1, a zoom below 1.
    """
    radius, zoom = integer("radius", radius, 1), float(finite("zoom", zoom, 1.0, 10.0))

    def measured(frame, before, last):
        moved = np.eye(3) if before is None else last[0] @ _motion(before, frame)
        middle = _middle(frame)
        about = np.linalg.inv(middle) @ moved @ middle
        scale, angle = np.hypot(*about[:2, 0]), np.arctan2(about[1, 0], about[0, 0])
        return moved, np.array([*about[:2, 2], angle, np.log(scale)])

    for frame, (way, _), around, weights in _in_shots(frames, measured, radius):
        x, y, angle, scale = weights @ [one for _, one in around]
        middle = _middle(frame)
        c, s = np.exp(scale) * np.cos(angle) / zoom, np.exp(scale) * np.sin(angle) / zoom
        smooth = middle @ np.array([[c, -s, x], [s, c, y], [0, 0, 1]]) @ np.linalg.inv(middle)
        found = np.linalg.inv(way) @ smooth  # where in the frame the camera that is led sees each of its pixels
        how = {"flags": cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP, "borderMode": cv2.BORDER_REPLICATE}
        yield cv2.warpAffine(frame, found[:2], frame.shape[1::-1], **how).reshape(frame.shape)


def deflickered(frames: Iterable[np.ndarray], radius: int = 7) -> Iterator[np.ndarray]:
    """Frames whose brightness and contrast are the Gaussian mean of those around: in each channel x becomes (x - m) s' / s + m', with the
    mean m and the deviation s of the frame, and m', s' over time. What changes slowly, as the light of an evening, stays.

    Args:
        frames: uint8 (H, W, C) of one size.
        radius: frames before and after that count, at least 1; the deviation is half of it.

    Raises:
        ValueError: a radius below 1.
    """

    def measured(frame, before, last):
        flat = frame.reshape(-1, frame.shape[-1]).astype("float64")
        return np.stack([flat.mean(0), np.maximum(flat.std(0), 1.0)])

    for frame, (mean, deviation), around, weights in _in_shots(frames, measured, integer("radius", radius, 1)):
        new_mean, new_deviation = np.tensordot(weights, around, 1)
        found = (frame - mean) * (new_deviation / deviation) + new_mean
        yield np.clip(np.round(found), 0, 255).astype("uint8")


def _in_shots(
    frames: Iterable[np.ndarray], measured: Callable, radius: int
) -> Iterator[tuple[np.ndarray, Any, list, np.ndarray]]:
    """Each frame, what was measured of it, what was measured of the frames around it in its shot, and their weights, which sum to one.

    Args:
        frames: of a film.
        measured: (frame, the one before in its shot or None, what was measured of that) -> anything.
        radius: frames before and after.
    """
    waiting: deque = deque()  # frames that are not answered yet
    known: list = []  # what was measured of the last ones of the shot
    first = answered = 0  # numbers in the shot: of known[0], of waiting[0]

    def answer():
        nonlocal first, answered
        low = max(0, answered - radius)
        del known[: low - first]
        first = low
        around = known[: answered + radius + 1 - low]
        distance = np.arange(len(around)) + low - answered
        weights = np.exp(-0.5 * (distance / (radius / 2)) ** 2)
        answered += 1
        return waiting.popleft(), around[answered - 1 - low], around, weights / weights.sum()

    before = None
    for frame in frames:
        if before is not None and is_cut(before, frame):
            while waiting:
                yield answer()
            known, first, answered, before = [], 0, 0, None
        known.append(measured(frame, before, known[-1] if known else None))
        waiting.append(frame)
        before = frame
        if len(waiting) > radius:
            yield answer()
    while waiting:
        yield answer()


def _motion(before, after):
    """The similarity, (3, 3), from places in a frame to those in the one before; where nothing can be followed it stands still."""
    gray = [cv2.cvtColor(v, cv2.COLOR_RGB2GRAY) if v.shape[-1] == 3 else v[..., 0] for v in (after, before)]
    corners = cv2.goodFeaturesToTrack(gray[0], 300, 0.01, 8)
    if corners is None or len(corners) < 4:
        return np.eye(3)
    found, status, _ = cv2.calcOpticalFlowPyrLK(*gray, corners, None)
    kept = status[:, 0] == 1
    matrix = cv2.estimateAffinePartial2D(corners[kept], found[kept])[0] if kept.sum() >= 4 else None
    return np.eye(3) if matrix is None else np.vstack([matrix, [0, 0, 1]])


def _middle(frame):
    """Moves (0, 0) to the middle of a frame."""
    height, width = frame.shape[:2]
    return np.array([[1, 0, (width - 1) / 2], [0, 1, (height - 1) / 2], [0, 0, 1]])
