"""Differentiable augmentation of what the discriminator sees: DiffAugment and ADA, for GANs on small data.

Functions take images float32 (N, H, W, C) in [-1, 1] and keys (N, 2) of `training.random`, one for each image, and give images of
the same shape through which gradients pass.
"""

import math
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_imgen.training import random
from keras_imgen.training.rows import by_frame, like, per_row


def _u(keys, stream: int, low: float = 0.0, high: float = 1.0):
    """U(low, high) of shape (N, 1, 1, 1)."""
    return ops.reshape(low + (high - low) * random.uniform(random.fold(keys, stream)), (-1, 1, 1, 1))


def alike(change: Callable[..., Any], images: Any, keys: Any) -> Any:
    """A change of pictures; of clips (N, F, H, W, C) the same change of every frame.

    Args:
        change: f(images, keys).
        images: (N, H, W, C), or clips.
        keys: (N, 2) of `training.random`.
    """
    return change(images, keys) if len(images.shape) == 4 else by_frame(change, images, keys)


# === Single changes ===


def flip(images: Any, keys: Any) -> Any:
    """Left and right exchanged, for every second image by chance."""
    return ops.where(_u(keys, 0) < 0.5, ops.flip(images, axis=2), images)


def translate(images: Any, keys: Any, share: float = 0.125) -> Any:
    """Moved by whole pixels; black comes in.

    Args:
        images: (N, H, W, C) in [-1, 1].
        keys: (N, 2) of `training.random`.
        share: of the size, the farthest.
    """
    height, width = images.shape[1:3]
    dy = ops.floor(_u(keys, 0) * (2 * int(height * share + 0.5) + 1)) - int(height * share + 0.5)
    dx = ops.floor(_u(keys, 1) * (2 * int(width * share + 0.5) + 1)) - int(width * share + 0.5)
    y = ops.reshape(ops.arange(height, dtype="float32"), (1, height, 1)) + dy[:, :, :, 0]
    x = ops.reshape(ops.arange(width, dtype="float32"), (1, 1, width)) + dx[:, :, :, 0]
    rows = ops.one_hot(ops.cast(y[:, :, 0], "int32"), height, dtype=images.dtype)  # zero where it is outside
    columns = ops.one_hot(ops.cast(x[:, 0], "int32"), width, dtype=images.dtype)
    moved = ops.einsum("nyh,nhwc->nywc", rows, images + 1.0)
    return ops.einsum("nxw,nywc->nyxc", columns, moved) - 1.0


def cutout(images: Any, keys: Any, share: float = 0.5) -> Any:
    """A rectangle anywhere becomes gray.

    Args:
        images: (N, H, W, C) in [-1, 1].
        keys: (N, 2) of `training.random`.
        share: of the height and width, its sides.
    """
    height, width = images.shape[1:3]
    y, x = ops.floor(_u(keys, 0) * (height + 1)), ops.floor(_u(keys, 1) * (width + 1))

    def inside(center, size):
        place = ops.arange(size, dtype="float32")
        low = center - math.floor(size * share + 0.5) // 2
        return ops.cast(ops.logical_and(place >= low, place < low + math.floor(size * share + 0.5)), images.dtype)

    rows = inside(y[:, :, :, 0], height)[:, 0, :, None, None]
    columns = inside(x[:, :, :, 0], width)[:, 0, None, :, None]
    return images * (1.0 - rows * columns)


def colour(images: Any, keys: Any) -> Any:
    """Brightness, saturation and contrast at random."""
    images = images + _u(keys, 0, -0.5, 0.5)
    if images.shape[-1] > 1:
        gray = ops.mean(images, axis=-1, keepdims=True)
        images = (images - gray) * _u(keys, 1, 0.0, 2.0) + gray
    mean = per_row(ops.mean, images, keepdims=True)
    return (images - mean) * _u(keys, 2, 0.5, 1.5) + mean


# === DiffAugment ===


@keras.saving.register_keras_serializable("keras_imgen")
class DiffAugment:
    """The same kind of random change on real and on generated images, always (Zhao et al. 2020, "Differentiable Augmentation").

    Args:
        policy: any of "colour", "translation", "cutout", joined by commas.

    Raises:
        ValueError: a policy of something else.
    """

    _STEPS = {"colour": colour, "translation": translate, "cutout": cutout}

    def __init__(self, policy: str = "colour,translation,cutout"):
        self.policy = policy
        names = [name.strip() for name in policy.split(",")]
        if unknown := [name for name in names if name not in self._STEPS]:
            raise ValueError(f"Expected a policy of {', '.join(self._STEPS)} with commas, got {unknown}.")
        self._names = names

    def __call__(self, images: Any, keys: Any, p: Any = None) -> Any:
        for i, name in enumerate(self._names):
            images = self._STEPS[name](images, random.fold(keys, 10 + i))
        return images

    def get_config(self) -> dict[str, Any]:
        """The arguments of the class, by name."""
        return {"policy": self.policy}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "DiffAugment":
        """The object that `get_config` described."""
        return cls(**config)


# === ADA ===


def warp(images: Any, matrices: Any) -> Any:
    """Bilinear sampling: the pixel at (x, y) comes from `matrix @ (x, y, 1)`, in pixels from the centre; edges are reflected.

    Args:
        images: (N, H, W, C) in [-1, 1].
        matrices: (N, 2, 3).
    """
    height, width, channels = images.shape[1:]
    ys = np.repeat(np.arange(height) - (height - 1) / 2, width)
    xs = np.tile(np.arange(width) - (width - 1) / 2, height)
    grid = ops.convert_to_tensor(np.stack([xs, ys, np.ones_like(xs)]).astype("float32"))
    places = ops.matmul(matrices, grid)  # (N, 2, HW)

    def reflected(v, size):
        v = v + (size - 1) / 2
        if size == 1:
            return ops.zeros_like(v)
        period = 2.0 * (size - 1)
        v = ops.abs(v) - period * ops.floor(ops.abs(v) / period)
        return ops.where(v > size - 1, period - v, v)

    x, y = reflected(places[:, 0], width), reflected(places[:, 1], height)
    x0, y0 = ops.floor(x), ops.floor(y)
    fx, fy = (x - x0)[..., None], (y - y0)[..., None]
    x0, y0 = ops.cast(x0, "int32"), ops.cast(y0, "int32")
    x1, y1 = ops.minimum(x0 + 1, width - 1), ops.minimum(y0 + 1, height - 1)
    flat = ops.reshape(images, (-1, height * width, channels))

    def at(y, x):
        return ops.take_along_axis(flat, ops.repeat((y * width + x)[..., None], channels, axis=-1), axis=1)

    top = at(y0, x0) * (1 - fx) + at(y0, x1) * fx
    low = at(y1, x0) * (1 - fx) + at(y1, x1) * fx
    return ops.reshape(top * (1 - fy) + low * fy, (-1, height, width, channels))


@keras.saving.register_keras_serializable("keras_imgen")
class AdaptiveAugment:
    """ADA: each change is made with a probability p that is steered so that the discriminator does not overfit (Karras et al. 2020,
    "Training Generative Adversarial Networks with Limited Data").

    The heuristic is r_t = E[sign D(real)] (eq. 1): where it is above `target`, p grows. The changes are those of the paper's "bgc":
    flip, quarter turns, whole and fractional shifts, scaling, rotation, stretching; brightness, contrast, luma flip, hue, saturation.

    Args:
        target: of r_t, in (-1, 1).
        images: the number of real images in which p can go from 0 to 1; the paper's 500,000.
        every: steps between adjustments.
        p: where it starts.
        largest: p's upper end; above 0.85 changes begin to leak into the samples (section 2.2).
        geometry: whether to use the changes of place and form.
        colour: whether to use those of colours.

    Raises:
        ValueError: a number outside its range.
    """

    def __init__(
        self,
        target: float = 0.6,
        images: int = 500_000,
        every: int = 4,
        p: float = 0.0,
        largest: float = 0.85,
        geometry: bool = True,
        colour: bool = True,
    ):
        if not -1 < target < 1:
            raise ValueError(f"Expected `target` in (-1, 1), got {target!r}.")
        if not 0 <= p <= largest <= 1:
            raise ValueError(f"Expected 0 <= p <= largest <= 1, got p={p!r}, largest={largest!r}.")
        if images < 1 or every < 1:
            raise ValueError(f"Expected `images` and `every` of at least 1, got {images!r} and {every!r}.")
        self.target, self.images, self.every, self.p, self.largest = target, images, every, p, largest
        self.geometry, self.colour = geometry, colour

    def start(self) -> np.ndarray:
        """The state, float32 (4,): p, and the sum and the count of signs since the last adjustment; and steps taken."""
        return np.array([self.p, 0.0, 0.0, 0.0], "float32")

    def next_state(self, state: Any, total: Any, count: Any) -> Any:
        """The state after a batch.

        Args:
            state: float32 (4,), see `start`.
            total: the sum of sign(D(real) - threshold of the loss) over the logits of real images, of all replicas.
            count: how many logits these are.
        """
        p, total, count, step = state[0], state[1] + total, state[2] + count, state[3] + 1.0
        due = step >= self.every
        moved = ops.clip(p + ops.sign(total / count - self.target) * count / self.images, 0.0, self.largest)
        zero = ops.zeros_like(p)
        return ops.stack(
            [
                ops.where(due, moved, p),
                ops.where(due, zero, total),
                ops.where(due, zero, count),
                ops.where(due, zero, step),
            ]
        )

    def __call__(self, images: Any, keys: Any, p: Any) -> Any:
        if self.geometry:
            images = warp(images, self._matrices(images.shape, keys, p))
        if self.colour:
            images = self._colours(images, random.fold(keys, 99), p)
        return images

    def _matrices(self, shape, keys, p):
        height, width = shape[1:3]
        draw = random.uniform(random.fold(keys, 98), (32,))
        normal = random.normal(random.fold(keys, 97), (8,))
        on = lambda i, chance=1.0: ops.cast(draw[:, i] < p * chance, "float32")  # noqa: E731
        zero, one = ops.zeros_like(draw[:, 0]), ops.ones_like(draw[:, 0])

        def matrix(a, b, c, d, e, f):
            rows = [ops.stack([a, b, c], -1), ops.stack([d, e, f], -1), ops.stack([zero, zero, one], -1)]
            return ops.stack(rows, 1)

        def turn(angle):
            c, s = ops.cos(angle), ops.sin(angle)
            return matrix(c, -s, zero, s, c, zero)

        mirror = 1.0 - 2.0 * on(0) * ops.cast(draw[:, 1] < 0.5, "float32")
        found = matrix(mirror, zero, zero, zero, one, zero)
        if height == width:
            found = ops.matmul(found, turn(on(2) * ops.floor(draw[:, 3] * 4) * (math.pi / 2)))
        whole = [on(4) * ops.round((2 * draw[:, i] - 1) * 0.125 * size) for i, size in ((5, width), (6, height))]
        found = ops.matmul(found, matrix(one, zero, whole[0], zero, one, whole[1]))
        s = 2.0 ** (0.2 * normal[:, 0] * on(7))
        found = ops.matmul(found, matrix(s, zero, zero, zero, s, zero))
        # Before and after the stretch each with 1 - sqrt(1 - p), so that the chance of any rotation is p.
        half = 1.0 - ops.sqrt(1.0 - p)
        either = lambda i: ops.cast(draw[:, i] < half, "float32")  # noqa: E731
        found = ops.matmul(found, turn(either(8) * (2 * draw[:, 9] - 1) * math.pi))
        s = 2.0 ** (0.2 * normal[:, 1] * on(10))
        found = ops.matmul(found, matrix(s, zero, zero, zero, 1 / s, zero))
        found = ops.matmul(found, turn(either(11) * (2 * draw[:, 12] - 1) * math.pi))
        part = [on(13) * normal[:, i] * 0.125 * size for i, size in ((2, width), (3, height))]
        return ops.matmul(found, matrix(one, zero, part[0], zero, one, part[1]))[:, :2]

    def _colours(self, images, keys, p):
        draw, normal = random.uniform(keys, (16,)), random.normal(random.fold(keys, 1), (8,))
        spread = lambda v: like(v, images)  # noqa: E731
        on = lambda i: ops.cast(draw[:, i] < p, "float32")  # noqa: E731
        images = images + spread(on(0) * normal[:, 0] * 0.2)
        images = images * spread(2.0 ** (0.5 * normal[:, 1] * on(1)))
        flipped = spread(on(2) * ops.cast(draw[:, 3] < 0.5, "float32"))
        gray = ops.mean(images, axis=-1, keepdims=True)
        images = images - 2.0 * flipped * gray  # the reflection at the plane of no luma
        if images.shape[-1] == 3:
            angle = spread(on(4) * (2 * draw[:, 5] - 1) * math.pi)
            gray = ops.mean(images, axis=-1, keepdims=True)
            off = images - gray
            cross = (ops.roll(off, -2, axis=-1) - ops.roll(off, -1, axis=-1)) / math.sqrt(
                3.0
            )  # axis (1, 1, 1)/sqrt(3) x off
            off = off * ops.cos(angle) + cross * ops.sin(angle)
            images = gray + off * spread(2.0 ** (normal[:, 2] * on(6)))
        return images

    def get_config(self) -> dict[str, Any]:
        """The arguments of the class, by name."""
        names = ("target", "images", "every", "p", "largest", "geometry", "colour")
        return {name: getattr(self, name) for name in names}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "AdaptiveAugment":
        """The object that `get_config` described."""
        return cls(**config)
