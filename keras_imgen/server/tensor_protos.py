"""TensorFlow's `TensorProto` <-> NumPy, without a graph, and without more memory than a request may take."""

import math
from typing import Any

import numpy as np

from keras_imgen.server.errors import Invalid, TooLarge
from keras_imgen.serving.json_tensors import PART
from keras_imgen.serving.signatures import DTYPES

FIELDS = {"float16": "half_val", "float32": "float_val", "float64": "double_val", "int64": "int64_val"}
FIELDS |= {"bool": "bool_val", "string": "string_val"}  # all others are in `int_val`
NUMBERS = {dtype: name for name, dtype in DTYPES.items()}


def to_array(proto: Any, name: str, limit: int) -> np.ndarray:
    """The array of a `TensorProto`; strings are objects that are bytes.

    As in TensorFlow, the last value stands for all that are not there, and zero where there is none.

    Args:
        proto: of any type and shape.
        name: what messages call it.
        limit: bytes that it may take.

    Raises:
        Invalid: a type that no model here takes, or values that do not fit type and shape.
        TooLarge: more bytes.
    """
    kind = proto.DESCRIPTOR.fields_by_name["dtype"].enum_type.values_by_number.get(proto.dtype)
    if kind is None or kind.name not in DTYPES:
        raise Invalid(
            f"tensor parsing error: {name}: expected one of {', '.join(DTYPES)}, got {kind.name if kind else proto.dtype}."
        )
    dtype, shape = DTYPES[kind.name], [dim.size for dim in proto.tensor_shape.dim]
    if proto.tensor_shape.unknown_rank or len(shape) > 16 or any(not 0 <= side < 2**31 for side in shape):
        raise Invalid(f"tensor parsing error: {name}: expected a known shape of at most 16 sides, got {shape[:17]}.")
    count, size = math.prod(shape), 8 if dtype == "string" else np.dtype(dtype).itemsize
    if count * size > limit:
        raise TooLarge(f"Expected `{name}` of at most {limit} bytes, got the shape {shape} of {dtype}.")
    try:
        return _values(proto, dtype, count).reshape(shape)
    except (ValueError, OverflowError) as error:
        raise Invalid(f"tensor parsing error: {name}: expected {count} values of {dtype}: {error}.") from error


def _values(proto, dtype, count):
    if proto.tensor_content and dtype != "string":
        return np.frombuffer(proto.tensor_content, dtype)
    given = list(getattr(proto, FIELDS.get(dtype, "int_val")))
    if len(given) > count:
        raise ValueError(f"got {len(given)}")
    if dtype == "string":
        found = np.empty(count, object)
        found[:] = given + (given[-1:] or [b""]) * (count - len(given))
        return found
    first = np.array(given, "uint16").view("float16") if dtype == "float16" else np.array(given, dtype)
    return first if len(first) == count else np.pad(first, (0, count - len(first)), "edge" if given else "constant")


def fill(proto: Any, array: np.ndarray) -> None:
    """Write an array into an empty `TensorProto`, by the fields of its type, as TensorFlow Serving does.

    Args:
        proto: to be written.
        array: numbers, truth values, or objects that are bytes.
    """
    dtype = "string" if array.dtype == object else array.dtype.name
    enum = proto.DESCRIPTOR.fields_by_name["dtype"].enum_type
    proto.dtype = enum.values_by_name[NUMBERS[dtype]].number
    for side in array.shape:
        proto.tensor_shape.dim.add(size=side)
    flat, field = array.reshape(-1), getattr(proto, FIELDS.get(dtype, "int_val"))
    flat = flat.view("uint16") if dtype == "float16" else flat
    for start in range(0, len(flat), PART):
        field.extend(flat[start : start + PART].tolist())
