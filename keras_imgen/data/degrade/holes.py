"""Missing parts of pictures, and the masks that tell where."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from keras_imgen.data.degrade.base import Degradation, Range, between

LETTERS = np.array(list("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"))


class Holes(Degradation):
    """Parts of the image become mid-gray (128), and the key `mask` uint8 (N, H, W, 1) is 1 where to paint, 0 where it is known.

    Args:
        kind: "boxes", "strokes" (thin scratches), "text", or "irregular" (the free-form brush of Yu et al. 2019); or several, of which
            each image has one, of one named twice twice as often. Their sizes are parts of the image's.
        share: of the pixels that are missing, number or (low, high) in [0, 0.95].

    Raises:
        ValueError: another kind, or a share outside its range.
    """

    def __init__(self, kind: str | Sequence[str] = "irregular", share: Range = (0.1, 0.4)):
        self.kind = tuple(_known(k) for k in (kind if isinstance(kind, list | tuple) else [kind]))
        if not self.kind:
            raise ValueError(f"Expected a `kind`, or several, of {', '.join(KINDS)}, got none.")
        self.share = between("share", share, 0, 0.95)

    def apply(self, x: Any, seed: Any) -> tuple[Any, dict[str, Any]]:
        import tensorflow as tf

        def draw(seed, shape):
            rngs = [np.random.default_rng([*(seed.astype("int64") & 0xFFFFFFFF), i]) for i in range(shape[0])]
            kinds = [self.kind[r.integers(len(self.kind))] for r in rngs]
            masks = [draw_holes(shape[1], shape[2], k, r.uniform(*self.share), r) for k, r in zip(kinds, rngs)]
            return np.stack(masks)[..., None] if masks else np.zeros((*shape[:3], 1), "uint8")

        mask = tf.numpy_function(draw, [seed, tf.shape(x)], "uint8", stateful=False)
        mask = tf.ensure_shape(mask, (*x.shape[:3], 1))
        return tf.where(mask > 0, 127.5, x), {"mask": mask}


def draw_holes(height: int, width: int, kind: str, share: float, rng: np.random.Generator) -> np.ndarray:
    """A mask uint8 (height, width), 1 where it is missing.

    Things of the kind are drawn until their share of the pixels is reached, to 2 % of it (and a pixel); the last ones are smaller, and
    where even the smallest is too large, single pixels.

    Args:
        height: of the mask.
        width: of the mask.
        kind: a key of `KINDS`.
        share: of the pixels that are missing, in [0, 0.95].
        rng: what they are drawn from.

    Raises:
        ValueError: another kind, or a share outside its range.
    """
    draw = KINDS[_known(kind)]
    share = between("share", share, 0, 0.95)[0]
    mask, size = np.zeros((height, width), "uint8"), 1.0
    wanted = share * height * width
    slack = 0.02 * wanted + 0.5
    while mask.sum() < wanted - slack:
        if size < 0.02:
            free = np.flatnonzero(mask == 0)
            mask.flat[rng.choice(free, round(wanted - mask.sum()), replace=False)] = 1
            break
        trial = mask.copy()
        draw(trial, size, rng)
        if trial.sum() > wanted + slack or np.array_equal(trial, mask):
            size *= 0.8
        else:
            mask = trial
    return mask


def _known(kind: str) -> str:
    if kind not in KINDS:
        raise ValueError(f"Expected `kind` to be one of {', '.join(KINDS)}, got {kind!r}.")
    return kind


def _box(mask, size, rng):
    height, width = (max(1, round(n * rng.uniform(0.1, 0.4) * size)) for n in mask.shape)
    top, left = rng.integers(1 - height, mask.shape[0]), rng.integers(1 - width, mask.shape[1])  # may stick out
    mask[max(top, 0) : top + height, max(left, 0) : left + width] = 1


def _stroke(mask, size, rng):
    side = min(mask.shape)
    steps, turn = 24, rng.normal(0, 0.06)
    angles = rng.uniform(0, 2 * np.pi) + np.cumsum(rng.normal(turn, 0.08, steps))
    walk = np.cumsum(np.stack([np.cos(angles), np.sin(angles)], 1), 0) * side * rng.uniform(0.3, 1.0) * size / steps
    points = _somewhere(mask, rng) + walk - walk[steps // 2]
    _line(mask, points, max(1, round(side * rng.uniform(0.01, 0.03) * np.sqrt(size))))


def _brush(mask, size, rng):
    import cv2

    side = min(mask.shape)
    vertices = rng.integers(4, 13)
    zigzag = np.pi * rng.uniform(4 / 15, 8 / 15, vertices) * (-1) ** np.arange(vertices)
    angles = rng.uniform(0, 2 * np.pi) + zigzag
    walk = np.cumsum(np.stack([np.cos(angles), np.sin(angles)], 1) * rng.uniform(0.05, 0.3, (vertices, 1)) * side, 0)
    points = _somewhere(mask, rng) + size * walk
    thickness = max(1, round(side * rng.uniform(0.05, 0.15) * size))
    _line(mask, points, thickness)
    for x, y in np.round(points).astype(int).tolist():
        cv2.circle(mask, (x, y), thickness // 2, 1, -1)


def _text(mask, size, rng):
    import cv2

    fonts = (cv2.FONT_HERSHEY_SIMPLEX, cv2.FONT_HERSHEY_DUPLEX, cv2.FONT_HERSHEY_COMPLEX, cv2.FONT_HERSHEY_TRIPLEX)
    word = "".join(rng.choice(LETTERS, max(1, round(rng.integers(3, 11) * size))))
    scale = max(0.3, min(mask.shape) / 256 * rng.uniform(0.6, 1.8) * np.sqrt(size))
    place = np.round(_somewhere(mask, rng) - (scale * 10 * len(word), -scale * 10)).astype(int).tolist()
    cv2.putText(mask, word, tuple(place), fonts[rng.integers(4)], scale, 1, max(1, round(2.5 * scale)))


def _somewhere(mask, rng) -> np.ndarray:
    """(x, y) in the mask."""
    return rng.uniform(0, 1, 2) * (mask.shape[1], mask.shape[0])


def _line(mask, points, thickness):
    import cv2

    cv2.polylines(mask, [np.round(points).astype("int32")[:, None]], False, 1, thickness)


KINDS = {"boxes": _box, "strokes": _stroke, "text": _text, "irregular": _brush}
