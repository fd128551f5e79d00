"""Losses of pictures that were moved together from others: both float (N, H, W, C) in [-1, 1], scalars."""

from typing import Any

import numpy as np
from keras import ops

from keras_imgen.losses.pixel import _f


def laplacian(target: Any, image: Any, levels: int = 5) -> Any:
    """Mean absolute errors of the levels of Laplacian pyramids (Burt & Adelson 1983), summed (Niklaus & Liu 2018; RIFE, Huang et al.
    2022): what is blurred or lies elsewhere counts on every level, a shift of brightness on the last alone.

    The pyramid is linear: that of the difference is taken.

    Args:
        target: float (N, H, W, C) in [-1, 1].
        image: of the same shape.
        levels: at most; fewer where a side has less than two pixels left.
    """
    rest, total = _f(image) - _f(target), 0.0
    kernel = ops.convert_to_tensor(_BINOMIAL[:, :, None, None] * np.eye(rest.shape[-1], dtype="float32"))
    for _ in range(levels - 1):
        height, width = ops.shape(rest)[1:3]
        if min((n for n in rest.shape[1:3] if n is not None), default=2) < 2:
            break
        smaller = ops.conv(rest, kernel, strides=2, padding="same")
        larger = ops.image.resize(smaller, (height, width), "bilinear", data_format="channels_last")
        total, rest = total + ops.mean(ops.abs(rest - larger)), smaller
    return total + ops.mean(ops.abs(rest))


def census(target: Any, image: Any, radius: int = 1) -> Any:
    """How differently pixels stand to those around them (Stein 2004; Meister et al. 2018, "UnFlow"): what is brighter than what, whatever
    the brightness. In [0, 1].

    Args:
        target: float (N, H, W, C) in [-1, 1].
        image: of the same shape.
        radius: how far the neighbours are; 3 is usual, and takes five times as long as 1.
    """
    size = 2 * radius + 1
    kernel = np.eye(size * size, dtype="float32").reshape(size, size, 1, -1)
    kernel = np.delete(kernel, size * size // 2, axis=-1)
    kernel[radius, radius] -= 1.0

    def signs(x):
        gray = ops.mean(_f(x), axis=-1, keepdims=True) * 127.5
        steps = ops.conv(gray, ops.convert_to_tensor(kernel), padding="valid")
        return steps / ops.sqrt(0.81 + ops.square(steps))

    apart = ops.square(signs(target) - signs(image))
    return ops.mean(apart / (0.1 + apart))


def end_point_error(wanted: Any, flow: Any, weight: Any) -> Any:
    """Mean distance of flows in pixels, where known, smooth near zero and less than linear far from it (Sun et al. 2018).

    Args:
        wanted: float (N, H, W, 2 k), pairs of (u, v).
        flow: of the same shape.
        weight: (N, H, W, 1), what each place counts.
    """
    squared = ops.square(_f(flow) - _f(wanted))
    pairs = ops.reshape(squared, (*ops.shape(squared)[:3], squared.shape[-1] // 2, 2))
    error = ops.power(ops.sum(pairs, axis=-1) + 0.01, 0.4)
    return ops.sum(error * weight) / ops.maximum(ops.sum(ops.ones_like(error) * weight), 1.0)


_BINOMIAL = np.outer([1, 4, 6, 4, 1], [1, 4, 6, 4, 1]).astype("float32") / 256
