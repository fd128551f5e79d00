"""Arrays as JSON, as TensorFlow Serving's REST API writes them."""

import base64
import json
from typing import Any

import numpy as np

PART = 1 << 14  # values that are written at once: between them other threads go on


def as_files(name: str) -> str:
    """The name of pictures as the bytes of files, which TensorFlow Serving knows by its end to be no text: "image_bytes" of "images".

    Args:
        name: of the pictures.
    """
    return f"{name.removesuffix('s')}_bytes"


def listed(name: str, array: np.ndarray) -> Any:
    """An array as lists; floats have as few digits as tell them from others of their type.

    Args:
        name: of the tensor: by its end "_bytes" strings are bytes, `{"b64": ...}`, and not text.
        array: of any type, strings as objects that are bytes.
    """
    if array.dtype == object:
        texts = [_text(name, text) for text in array.reshape(-1)]
        array = np.empty(array.shape, object)
        array.reshape(-1)[:] = texts
    elif array.dtype in (np.float16, np.float32):
        array = array.astype(str).astype("float64")  # of float32 0.1 the float64 would be 0.10000000149011612
    return array.tolist()


def written(name: str, array: np.ndarray) -> str:
    """What `listed` gives, as JSON; in parts, so that a thread that writes a large one does not hold up the others.

    Args:
        name: of the tensor, see `listed`.
        array: of any type and size.
    """
    if not array.ndim or array.size <= PART:
        return json.dumps(listed(name, array), separators=(",", ":"))
    size = array[:1].size  # of a row
    if size > PART and array.ndim > 1:
        return f"[{','.join(written(name, row) for row in array)}]"
    rows = max(1, PART // size)
    return f"[{','.join(written(name, array[k : k + rows])[1:-1] for k in range(0, len(array), rows))}]"


def _text(name, text):
    try:
        if not name.endswith("_bytes"):
            return text.decode()
    except UnicodeDecodeError:
        pass
    return {"b64": base64.b64encode(text).decode()}
