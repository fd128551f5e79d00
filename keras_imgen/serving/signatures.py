"""What the signatures of a SavedModel take and give, from what it declares and from the endpoints of the model that it came from."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from keras_imgen.inference.endpoints import Endpoint, Endpoints

DTYPES = {"DT_FLOAT": "float32", "DT_DOUBLE": "float64", "DT_HALF": "float16", "DT_UINT8": "uint8", "DT_INT8": "int8"}
DTYPES |= {"DT_UINT16": "uint16", "DT_INT16": "int16", "DT_INT32": "int32", "DT_INT64": "int64"}
DTYPES |= {"DT_BOOL": "bool", "DT_STRING": "string"}


@dataclass(frozen=True)
class Tensor:
    """A tensor that a signature takes or gives.

    Args:
        name: of it.
        dtype: its name; of bytes `string`.
        shape: with rows first, where there are; None of a side that may be any.
        rows: whether there is one for each row.
        default: where it may be left out; broadcasts with a row.
        like: the tensor of whose shape a default is.
    """

    name: str
    dtype: str
    shape: tuple[int | None, ...]
    rows: bool = True
    default: Any = None
    like: str | None = None

    @property
    def required(self) -> bool:
        """Whether it cannot be left out."""
        return self.default is None

    def about(self) -> str:
        """In a few words, as `labels: int32 (N,)`."""
        sides = [
            "N" if self.rows and k == 0 else "any" if side is None else str(side) for k, side in enumerate(self.shape)
        ]
        return f"{self.name}: {self.dtype} ({', '.join(sides)}{',' if len(sides) == 1 else ''})"

    def checked(self, array: np.ndarray) -> np.ndarray:
        """The array, if it is of this type and shape.

        Raises:
            ValueError: it is not.
        """
        dtype = "string" if array.dtype == object else array.dtype.name
        fits = array.ndim == len(self.shape) and all(a in (None, b) for a, b in zip(self.shape, array.shape))
        if dtype != self.dtype or not fits:
            raise ValueError(f"Expected {self.about()}, got {dtype} {array.shape}.")
        if dtype == "string" and not all(isinstance(text, bytes) for text in array.reshape(-1)):
            raise ValueError(f"Expected {self.about()} as bytes.")
        return array


@dataclass(frozen=True)
class Signature:
    """What a client can ask a SavedModel by one name.

    Args:
        name: of it.
        inputs: what it takes, by name.
        outputs: what it gives, by name.
    """

    name: str
    inputs: Mapping[str, Tensor]
    outputs: Mapping[str, Tensor]

    def whole(self, given: Mapping[str, np.ndarray]) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
        """(tensors with a row each, those that all rows share) of what a client gave, checked, with defaults for what is left out.

        Args:
            given: tensors by name.

        Raises:
            ValueError: one that is missing, unknown or other than declared; numbers of rows that differ.
        """
        if unknown := sorted(set(given) - set(self.inputs)):
            raise ValueError(f"Expected {self.takes()}; {unknown[0]!r} is none of them.")
        if missing := [t.name for t in self.inputs.values() if t.required and t.name not in given]:
            raise ValueError(f"Expected {self.takes()}; {', '.join(missing)} missing.")
        found = {name: self.inputs[name].checked(array) for name, array in given.items()}
        counts = {name: len(found[name]) for name in found if self.inputs[name].rows}
        if len(set(counts.values())) > 1:
            raise ValueError(
                f"Expected as many rows everywhere, got {', '.join(f'{k}: {v}' for k, v in counts.items())}."
            )
        count = next(iter(counts.values()), 1)
        found |= {name: _default(t, found, count) for name, t in self.inputs.items() if name not in found}
        rows = {name: v for name, v in found.items() if self.inputs[name].rows}
        return rows, {name: v for name, v in found.items() if name not in rows}

    def takes(self) -> str:
        """Its inputs in words."""
        said = [t.about() + ("" if t.required else ", may be left out") for t in self.inputs.values()]
        return "; ".join(said) or "no tensors"


def _default(tensor, given, count):
    if tensor.dtype == "string":
        return np.full(count, str(tensor.default).encode(), object)
    value = np.asarray(tensor.default, tensor.dtype)
    if tensor.like is not None:
        return np.full(given[tensor.like].shape, value)
    return np.ascontiguousarray(np.broadcast_to(value, (count, *value.shape))) if tensor.rows else value


def signatures_of(defs: Mapping[str, Any], endpoints: Endpoints) -> dict[str, Signature]:
    """Those of a SavedModel by name.

    Args:
        defs: what it declares, in the JSON form of its protocol buffers.
        endpoints: of the model that it came from.
    """
    found = {}
    for name, one in defs.items():
        if name.startswith("__"):  # how its variables are initialised
            continue
        inputs = {k: _tensor(k, about) for k, about in one["inputs"].items()}
        declared = endpoint_of(name, endpoints).tensors()
        known = {k: _as_declared(tensor, declared.get(k), inputs) for k, tensor in inputs.items()}
        order = [k for k in declared if k in known] + sorted(k for k in known if k not in declared)
        order.sort(key=lambda k: not known[k].required)
        outputs = {k: _tensor(k, about) for k, about in sorted(one["outputs"].items())}
        found[name] = Signature(name, {k: known[k] for k in order}, outputs)
    return found


def endpoint_of(name: str, endpoints: Endpoints) -> Endpoint:
    """The endpoint to which a signature belongs; of `serving_default` the first.

    Args:
        name: of the signature.
        endpoints: of the model.
    """

    def belongs(own, endpoint):
        return name in (endpoint.signature or own, *endpoint.short, own, f"{own}_bytes", f"{own}_png")

    first = next(iter(endpoints.values()))
    return next((endpoint for own, endpoint in endpoints.items() if belongs(own, endpoint)), first)


def _tensor(name, about):
    sides = tuple(int(dim["size"]) for dim in about["tensor_shape"].get("dim", ()))
    shape = tuple(None if side < 0 else side for side in sides)
    return Tensor(name, DTYPES[about["dtype"]], shape, rows=shape[:1] == (None,))


def _as_declared(tensor, declared, inputs):
    if declared is None or len(declared.shape) + declared.rows != len(tensor.shape):
        return tensor
    like = declared.like if declared.like in inputs else None
    default = declared.default if declared.like is None or like else None
    return Tensor(tensor.name, tensor.dtype, tensor.shape, declared.rows, default, like)
