"""CIE L*a*b* (D65) and sRGB, in `keras.ops`, float32 (..., 3)."""

from typing import Any

import numpy as np
from keras import ops

from keras_imgen.layers.light import display, linear

# sRGB primaries to XYZ over the white point D65 (IEC 61966-2-1).
_XYZ = np.array([[0.412453, 0.357580, 0.180423], [0.212671, 0.715160, 0.072169], [0.019334, 0.119193, 0.950227]])
_TO = (_XYZ / np.array([[0.95047], [1.0], [1.08883]])).T.astype("float32")
_FROM = np.linalg.inv(_XYZ / np.array([[0.95047], [1.0], [1.08883]])).T.astype("float32")
_BEND = (6 / 29) ** 3


def lab(rgb: Any) -> Any:
    """L* in [0, 100], a* and b* about [-110, 110].

    Args:
        rgb: sRGB in [-1, 1].
    """
    t = ops.matmul(linear((rgb + 1.0) / 2.0), ops.convert_to_tensor(_TO))
    f = ops.where(t > _BEND, ops.maximum(t, _BEND) ** (1 / 3), t * (29 / 6) ** 2 / 3 + 4 / 29)
    return ops.stack(
        [116.0 * f[..., 1] - 16.0, 500.0 * (f[..., 0] - f[..., 1]), 200.0 * (f[..., 1] - f[..., 2])], axis=-1
    )


def rgb(lab: Any) -> Any:
    """sRGB, in [-1, 1] where the colour is one, otherwise outside; every value has a gradient.

    Args:
        lab: L*, a* and b*.
    """
    y = (lab[..., 0] + 16.0) / 116.0
    f = ops.stack([y + lab[..., 1] / 500.0, y, y - lab[..., 2] / 200.0], axis=-1)
    t = ops.where(f > 6 / 29, f**3, (f - 4 / 29) * 3 * (6 / 29) ** 2)
    return 2.0 * display(ops.matmul(t, ops.convert_to_tensor(_FROM))) - 1.0
