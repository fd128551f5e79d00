"""What happens to film: scratches that stay for some frames, dust and hairs of a single one, and the masks that tell where."""

from typing import Any

import numpy as np

from keras_imgen.data.degrade.base import Degradation, Range, between

LIFE = 20  # frames that a scratch lives, in the mean
SEEN = 0.1  # opacity from which on a pixel counts as damaged; fainter edges are left out of the clip, too


class Scratches(Degradation):
    """Scratches and dust on clips, and the key `mask` uint8 (N, F, H, W, 1), 1 where a pixel was changed.

    Lines run down the frame, whole or in parts, wander, and live some frames; blotches and hairs are of one frame. All of them are bright
    or dark. How many there are in a frame is Poisson of a mean that is drawn for each clip.

    Args:
        lines: their mean number in a frame, number or (low, high).
        blotches: the same of blotches.
        hairs: the same of hairs.
        width: of lines and hairs in pixels, (least, most).
        radius: of blotches in pixels, (least, most); small ones are more frequent.

    Raises:
        ValueError: a range out of order, or below 0; a width or radius below half a pixel.
    """

    of_clips = True

    def __init__(
        self,
        lines: Range = (0, 3),
        blotches: Range = (0, 8),
        hairs: Range = (0, 1),
        width: Range = (0.7, 3.0),
        radius: Range = (0.7, 7.0),
    ):
        self.lines, self.blotches = between("lines", lines, 0, 1000), between("blotches", blotches, 0, 1000)
        self.hairs = between("hairs", hairs, 0, 1000)
        self.width, self.radius = between("width", width, 0.5, 100), between("radius", radius, 0.5, 1000)

    def apply(self, x: Any, seed: Any) -> tuple[Any, dict[str, Any]]:
        import tensorflow as tf

        def draw(seed, shape):
            found = np.zeros((*shape[:4], 2), "float32")
            for i, one in enumerate(found):
                rng = np.random.default_rng([*(seed.astype("int64") & 0xFFFFFFFF), i])
                self._draw(one, rng)
            return found

        damage = tf.numpy_function(draw, [seed, tf.shape(x)], "float32", stateful=False)
        damage = tf.ensure_shape(damage, (*x.shape[:4], 2))
        opacity, level = damage[..., :1], damage[..., 1:]
        mask = opacity >= SEEN
        changed = x + opacity * (level - x)
        return tf.where(mask, changed, x), {"mask": tf.cast(mask, "uint8")}

    def _draw(self, damage, rng):
        """Draw on one clip: opacity and gray level, float32 (F, H, W, 2)."""
        lines, blotches, hairs = (rng.uniform(*pair) for pair in (self.lines, self.blotches, self.hairs))
        for _ in range(rng.poisson(lines * (len(damage) + LIFE) / LIFE)):
            self._line(damage, rng)
        for frame in damage:
            for _ in range(rng.poisson(blotches)):
                self._blotch(frame, rng)
            for _ in range(rng.poisson(hairs)):
                self._hair(frame, rng)

    def _line(self, damage, rng):
        frames, height, width = damage.shape[:3]
        born, life = rng.integers(-LIFE, frames), max(2, round(rng.exponential(LIFE)))
        place, drift = rng.uniform(-2, width + 2), rng.normal(0, 0.2)
        thick, lean, level = rng.uniform(*self.width) / 2, rng.normal(0, 0.01), _level(rng)
        strength, whole = rng.uniform(0.3, 1.0), rng.random() < 0.5
        phase, period = rng.uniform(0, 2 * np.pi, 2), rng.uniform(0.3, 1.5, 2) * height
        y = np.arange(height)
        for t in range(born, born + life):
            place += drift + rng.normal(0, 0.4)
            if not 0 <= t < frames:
                continue
            waves = np.sin(2 * np.pi * y[:, None] / period + phase + 0.3 * t).sum(1)
            there = 1.0 if whole else np.clip(2 * waves + 0.5, 0, 1)  # in parts
            center = place + lean * (y - height / 2)
            distance = np.abs(np.arange(width) - center[:, None])
            share = np.clip(thick + 0.5 - distance, 0, min(1.0, 2 * thick))
            _over(damage[t], share * np.expand_dims(there * strength * rng.uniform(0.7, 1.0), -1), level)

    def _blotch(self, frame, rng):
        height, width = frame.shape[:2]
        low, high = self.radius
        radius = low * (high / low) ** (rng.random() ** 1.5)
        center = rng.uniform(0, 1, 2) * (height, width)
        stretch, turn = rng.uniform(0.5, 1.0), rng.uniform(0, np.pi)
        top, left = (max(0, int(c - 2 * radius - 2)) for c in center)
        bottom, right = (int(c + 2 * radius + 3) for c in center)
        part = frame[top:bottom, left:right]
        y, x = np.mgrid[top : top + part.shape[0], left : left + part.shape[1]]
        y, x = y - center[0], x - center[1]
        y, x = np.cos(turn) * y - np.sin(turn) * x, (np.sin(turn) * y + np.cos(turn) * x) / stretch
        angle, edge = np.arctan2(y, x), 1.0
        for k in range(2, 6):
            edge = edge + rng.normal(0, 0.5 / k) * np.cos(k * angle + rng.uniform(0, 2 * np.pi))
        share = np.clip(radius * np.clip(edge, 0.3, 1.6) - np.hypot(y, x) + 0.5, 0, 1)
        _over(part, share * rng.uniform(0.6, 1.0), _level(rng))

    def _hair(self, frame, rng):
        import cv2

        height, width = frame.shape[:2]
        steps, turn = 16, rng.normal(0, 0.15)
        angles = rng.uniform(0, 2 * np.pi) + np.cumsum(rng.normal(turn, 0.25, steps))
        walk = np.cumsum(np.stack([np.cos(angles), np.sin(angles)], 1), 0) * rng.uniform(10, 50) / steps
        points = rng.uniform(0, 1, 2) * (width, height) + walk
        drawn = np.zeros((height, width), "uint8")
        thick = max(1, round(rng.uniform(*self.width) * 0.7))
        cv2.polylines(drawn, [np.round(points * 16).astype("int32")[:, None]], False, 255, thick, cv2.LINE_AA, 4)
        _over(frame, drawn / np.float32(255) * rng.uniform(0.6, 1.0), _level(rng))


def _level(rng):
    return rng.uniform(190, 255) if rng.random() < 0.5 else rng.uniform(0, 60)


def _over(frame, share, level):
    """Lay a gray level over what lies on a frame already."""
    under = frame[..., 0] * (1 - share)
    total = under + share
    frame[..., 1] = np.where(total > 0, (under * frame[..., 1] + share * level) / np.maximum(total, 1e-6), 0)
    frame[..., 0] = total
