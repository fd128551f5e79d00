"""NumPy arrays: `images`, `(images, labels)`, or a dict with the key `image`."""

from typing import Any

import numpy as np

from keras_imgen.data.sources.base import Request, Source, in_memory


def find(source: Any, request: Request) -> Source:
    """A source of arrays in memory.

    Raises:
        ValueError: something else, or arrays that `in_memory` refuses.
    """
    if isinstance(source, tuple | list) and len(source) == 2:
        source = {"image": source[0], "label": source[1]}
    if isinstance(source, np.ndarray):
        source = {"image": source}
    if not isinstance(source, dict):
        raise ValueError(f"Expected a source name, an array, (images, labels) or a dict, got {type(source).__name__}.")
    return in_memory(source, request)
