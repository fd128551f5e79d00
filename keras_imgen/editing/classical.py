"""Style transfer without a network, by name: `CLASSICAL[name](content, style)`, each with its defaults.

Both are uint8, (N, H, W, C) or (H, W, C), of any sizes, C of 1 or 3 ("reinhard" wants 3); of several style pictures each content takes its
own. The answer is uint8 of the shape of `content`. Filters ignore `style`.
"""

from collections.abc import Callable
from typing import Any

import cv2
import numpy as np

from keras_imgen.editing import colour, filters
from keras_imgen.editing.content_style import as_batch
from keras_imgen.editing.quilting import texture_transfer

LONGEST = 256  # pixels of a side of the painting that is cut into pieces: seconds are as its area


def _quilting(content: Any, style: Any) -> np.ndarray:
    """`texture_transfer` of a style picture made smaller."""
    styles = as_batch("style", style)
    height, width, channels = styles.shape[1:]
    factor = LONGEST / max(height, width)
    if factor < 1:
        size = max(1, round(width * factor)), max(1, round(height * factor))
        smaller = [cv2.resize(one, size, interpolation=cv2.INTER_AREA) for one in styles]
        styles = np.reshape(smaller, (len(styles), *size[::-1], channels))
    return texture_transfer(content, styles)


def _without_style(change):
    return lambda content, style: change(content)


FILTERS: dict[str, Callable[[Any, Any], np.ndarray]] = {  # which look at no style
    "pencil-sketch": _without_style(filters.pencil_sketch),
    "stylization": _without_style(filters.stylization),
    "oil-painting": _without_style(filters.oil_painting),
    "edge-preserving": _without_style(filters.edge_preserving),
}
CLASSICAL: dict[str, Callable[[Any, Any], np.ndarray]] = {**colour.WAYS, "quilting": _quilting, **FILTERS}
