"""Structural similarity (Wang et al. 2004), as metrics and losses both need it."""

from typing import Any

import numpy as np
from keras import ops


def ssim(x: Any, y: Any, top: float) -> tuple[Any, Any]:
    """SSIM and its contrast-structure factor, (N, C) each.

    11x11 Gaussian window of sigma 1.5, where it fits whole; K = 0.01, 0.03.

    Args:
        x: float32 (N, H, W, C) in [0, top].
        y: of the same shape.
        top: the largest possible value.

    Raises:
        ValueError: fewer than 11 pixels on a side.
    """
    if min((n for n in x.shape[1:3] if n is not None), default=11) < 11:
        raise ValueError(f"SSIM needs images of 11 pixels or more on each side, got {x.shape[1:3]}.")
    c1, c2 = (0.01 * top) ** 2, (0.03 * top) ** 2
    shape = ops.shape(x)
    channels = x.shape[-1]
    middle = ops.mean(x, axis=(1, 2), keepdims=True)  # variances do not depend on it, and float32 keeps more digits
    x0, y0 = x - middle, y - middle
    planes = ops.concatenate([x0, y0, x0 * x0, y0 * y0, x0 * y0], axis=-1)
    planes = ops.reshape(ops.transpose(planes, (0, 3, 1, 2)), (-1, shape[1], shape[2], 1))
    for kernel in (_WINDOW.reshape(11, 1, 1, 1), _WINDOW.reshape(1, 11, 1, 1)):
        planes = ops.conv(planes, ops.convert_to_tensor(kernel), padding="valid")
    planes = ops.reshape(planes, (-1, 5, channels, shape[1] - 10, shape[2] - 10))
    mx, my, xx, yy, xy = (planes[:, i] for i in range(5))
    contrast = (2 * (xy - mx * my) + c2) / (xx - mx * mx + yy - my * my + c2)
    middle = ops.transpose(middle, (0, 3, 1, 2))
    mx, my = mx + middle, my + middle
    both = contrast * (2 * mx * my + c1) / (mx * mx + my * my + c1)
    return ops.mean(both, axis=(2, 3)), ops.mean(contrast, axis=(2, 3))


_WINDOW = np.exp(-0.5 * (np.arange(-5, 6) / 1.5) ** 2)
_WINDOW = (_WINDOW / _WINDOW.sum()).astype("float32")
