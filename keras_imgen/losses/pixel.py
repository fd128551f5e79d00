"""Losses between a picture and the one it should be, both float (N, H, W, C) in [-1, 1]: scalars, means over pixels and channels; and
PSNR, by rows."""

import math
from typing import Any

from keras import ops

from keras_imgen.losses import structure
from keras_imgen.training.rows import per_row


def l1(target: Any, image: Any) -> Any:
    """Mean absolute error."""
    return ops.mean(ops.abs(_f(image) - _f(target)))


def mse(target: Any, image: Any) -> Any:
    """Mean squared error."""
    return ops.mean(ops.square(_f(image) - _f(target)))


def charbonnier(target: Any, image: Any, epsilon: float = 1e-3) -> Any:
    """sqrt(d^2 + epsilon^2): the absolute error, smooth at zero (Charbonnier et al. 1994; Lai et al. 2017).

    Args:
        target: float (N, H, W, C) in [-1, 1].
        image: of the same shape.
        epsilon: below it an error counts about squared.
    """
    return ops.mean(ops.sqrt(ops.square(_f(image) - _f(target)) + epsilon**2))


def dssim(target: Any, image: Any) -> Any:
    """(1 - SSIM) / 2 (Wang et al. 2004; Zhao et al. 2017 as a loss), in [0, 1]; images of 11 pixels or more."""
    return 0.5 * (1.0 - ops.mean(structure.ssim(_f(target) + 1.0, _f(image) + 1.0, 2.0)[0]))


def psnr(target: Any, image: Any) -> Any:
    """Peak signal-to-noise ratio of each row in dB (N,): of float pictures or clips (N, ...) in [-1, 1], the second one clipped to it; at
    most 106."""
    error = per_row(ops.mean, ops.square(ops.clip(_f(image), -1.0, 1.0) - _f(target)))
    return 10.0 * ops.log(4.0 / ops.maximum(error, 1e-10)) / math.log(10.0)


def _f(x):
    return ops.cast(x, "float32")
