"""Named arrays as bytes and back, between the server and its workers: a line of JSON, then numbers. Nothing is unpickled."""

import json
from collections.abc import Mapping
from typing import Any

import numpy as np


def pack(about: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> bytes:
    """One message.

    Args:
        about: what JSON can hold.
        arrays: numbers and truth values, or objects that are bytes, by name.
    """
    heads, parts = [], []
    for name, array in arrays.items():
        head = {"name": name, "shape": array.shape}
        if array.dtype == object:
            texts = array.reshape(-1).tolist()
            parts += texts
            heads.append({**head, "dtype": "string", "lengths": [len(text) for text in texts]})
        else:
            parts.append(np.ascontiguousarray(array).data.cast("B") if array.size else b"")
            heads.append({**head, "dtype": array.dtype.name})
    head = json.dumps({"about": dict(about), "arrays": heads}).encode()
    return b"".join([len(head).to_bytes(4, "big"), head, *parts])


def unpack(message: bytes) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """(what JSON holds, arrays by name; strings are objects that are bytes) of a message.

    Args:
        message: what `pack` gave.
    """
    start = 4 + int.from_bytes(message[:4], "big")
    head, arrays = json.loads(message[4:start]), {}
    for one in head["arrays"]:
        if one["dtype"] == "string":
            array = np.empty(len(one["lengths"]), object)
            for k, length in enumerate(one["lengths"]):
                array[k] = message[start : start + length]
                start += length
        else:
            dtype, count = np.dtype(one["dtype"]), int(np.prod(one["shape"], dtype="int64"))
            array = np.frombuffer(message, dtype, count, start)
            start += array.nbytes
        arrays[one["name"]] = array.reshape(one["shape"])
    return head["about"], arrays
