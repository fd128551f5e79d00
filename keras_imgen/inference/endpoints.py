"""What a finished model answers: its endpoints, with everything that memory, export, client, command and server have to know of them.

A model declares them once, in `endpoints()`; `answer` turns what a user passes into arrays, alike for a model in memory and for its export.
"""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from keras_imgen.arguments import as_numbers, finite, shown
from keras_imgen.conditions import Conditions, given_with, inputs_of
from keras_imgen.inference import requests
from keras_imgen.kinds import Kind

Run = Callable[[dict[str, np.ndarray]], np.ndarray]
Seen = Callable[[np.ndarray, float], None]


class Tensor(NamedTuple):
    """One tensor that an endpoint takes.

    Args:
        shape: of one row, or of the whole where all rows share it.
        dtype: its name.
        rows: whether there is one for each row.
        default: where it may be left out; broadcasts with a row.
        like: the tensor of whose shape a default is.
    """

    shape: tuple[int | None, ...]
    dtype: str
    rows: bool = True
    default: Any = None
    like: str | None = None


@dataclass
class Request:
    """What a user passed, on its way to tensors: each input adds its own.

    Args:
        conditions: what the model is told.
        given: those of the user, by name.
        null: whether the model can go without any of them; see `Endpoint`.
        count: of rows; the first input tells.
        told: conditions' rows, by the names of the networks' inputs.
        rows: arrays with a row each, by name.
        constants: arrays that all rows share, by name.
    """

    conditions: Conditions
    given: Mapping[str, Any]
    null: bool = False
    count: int | None = None
    told: dict[str, np.ndarray] = field(default_factory=dict)
    rows: dict[str, np.ndarray] = field(default_factory=dict)
    constants: dict[str, np.ndarray] = field(default_factory=dict)

    def tensors(self) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
        """Arrays by the names that they have in the endpoint.

        Returns:
            (those with a row each, those that all rows share).
        """
        served = inputs_of(self.conditions)
        return {**self.rows, **{served[k].served: v for k, v in self.told.items()}}, self.constants


REQUIRED = inspect.Parameter.empty  # the default of an argument that has none


class Input(Kind):
    """Something that an endpoint takes besides conditions. A subclass is a frozen dataclass with a `kind`, by which exports find it."""

    noun = "input"

    def arguments(self) -> dict[str, Any]:
        """The arguments of the method in Python, and their defaults; `REQUIRED` for none."""
        raise NotImplementedError

    def tensors(self, conditions: Conditions) -> dict[str, Tensor]:
        """The tensors of the endpoint by name."""
        raise NotImplementedError

    def encode(self, given: Mapping[str, Any], request: Request) -> None:
        """Add to the request what is made of the arguments.

        Args:
            given: what the user passed, by name.
            request: to be added to.

        Raises:
            ValueError: other than this input is, in one line.
        """
        raise NotImplementedError


@dataclass(frozen=True)
class Seeds(Input):
    """New images: `n`, `seed` or `seeds`, and conditions tell how many."""

    kind = "seeds"

    def arguments(self) -> dict[str, Any]:
        return {"n": None, "seed": 0, "seeds": None}

    def tensors(self, conditions: Conditions) -> dict[str, Tensor]:
        return {"seeds": Tensor((), "int32")}

    def encode(self, given: Mapping[str, Any], request: Request) -> None:
        seeds, request.told = requests.rows(
            request.conditions, given["n"], request.given, given["seed"], given["seeds"], request.null
        )
        request.count, request.rows["seeds"] = len(seeds), seeds


@dataclass(frozen=True)
class Pictures(Input):
    """Pictures of one size, uint8 (N, *shape).

    Args:
        shape: of one of them, without rows; a side of None may be any.
        argument: the name of the method's argument.
        tensor: the name of the endpoint's tensor.
    """

    kind = "pictures"
    shape: tuple[int | None, ...]
    argument: str = "images"
    tensor: str = "images"

    def arguments(self) -> dict[str, Any]:
        return {self.argument: REQUIRED}

    def tensors(self, conditions: Conditions) -> dict[str, Tensor]:
        return {self.tensor: Tensor(self.shape, "uint8")}

    def encode(self, given: Mapping[str, Any], request: Request) -> None:
        images = as_numbers(given[self.argument])
        size, fits = images.shape[1:], images.ndim == 1 + len(self.shape)
        if images.dtype != np.uint8 or not fits or any(a not in (None, b) for a, b in zip(self.shape, size)):
            sides = ", ".join("any" if side is None else str(side) for side in self.shape)
            raise ValueError(f"Expected uint8 {self.argument} (N, {sides}), got {images.dtype} {images.shape}.")
        _rows(request, self.tensor, images)


@dataclass(frozen=True)
class Latents(Input):
    """Latents (N, *shape).

    Args:
        shape: of one of them.
        codes: how many codes there are, of a model whose latents are codes; None for numbers.
    """

    kind = "latents"
    shape: tuple[int, ...]
    codes: int | None = None

    def arguments(self) -> dict[str, Any]:
        return {"latents": REQUIRED}

    def tensors(self, conditions: Conditions) -> dict[str, Tensor]:
        return {"latents": Tensor(self.shape, "float32" if self.codes is None else "int32")}

    def encode(self, given: Mapping[str, Any], request: Request) -> None:
        _rows(request, "latents", requests.checked_latents(given["latents"], self.shape, self.codes))


def _rows(request: Request, name: str, array: np.ndarray) -> None:
    if request.count is None:
        request.count = len(array)
        if request.null:
            request.told = requests.rows(request.conditions, request.count, request.given)[1]
        else:
            request.told = requests.told(request.conditions, request.count, request.given)
    if len(array) != request.count:
        raise ValueError(f"Expected as many `{name}` as rows of the others, {request.count}, got {len(array)}.")
    request.rows[name] = array


@dataclass(frozen=True)
class Rows(Input):
    """Numbers float32 (N, *shape), as they are.

    Args:
        name: of argument and tensor.
        shape: of a row; a side of None may be any.
    """

    kind = "rows"
    name: str
    shape: tuple[int | None, ...] = ()

    def arguments(self) -> dict[str, Any]:
        return {self.name: REQUIRED}

    def tensors(self, conditions: Conditions) -> dict[str, Tensor]:
        return {self.name: Tensor(self.shape, "float32")}

    def encode(self, given: Mapping[str, Any], request: Request) -> None:
        size = np.shape(as_numbers(given[self.name]))
        if len(size) != 1 + len(self.shape):
            raise ValueError(
                f"Expected `{self.name}` of shape ({', '.join(map(str, ('N', *self.shape)))}), got {size}."
            )
        shape = tuple(b if a is None else a for a, b in zip((None, *self.shape), size))
        _rows(request, self.name, finite(self.name, given[self.name], shape=(shape,)))


@dataclass(frozen=True)
class RowSeeds(Input):
    """What is drawn for rows that are there: `seed`, of row k `seed + k`."""

    kind = "row_seeds"

    def arguments(self) -> dict[str, Any]:
        return {"seed": 0}

    def tensors(self, conditions: Conditions) -> dict[str, Tensor]:
        return {"seeds": Tensor((), "int32", default=0)}

    def encode(self, given: Mapping[str, Any], request: Request) -> None:
        request.rows["seeds"] = requests.rows((), request.count, {}, given["seed"])[0]


@dataclass(frozen=True)
class Told(Input):
    """Rows of a condition and of nothing else, as texts.

    Args:
        argument: the name of the method's argument.
        key: of the condition.
    """

    kind = "told"
    argument: str
    key: str

    def arguments(self) -> dict[str, Any]:
        return {self.argument: REQUIRED}

    def tensors(self, conditions: Conditions) -> dict[str, Tensor]:
        return {}

    def encode(self, given: Mapping[str, Any], request: Request) -> None:
        values = given[self.argument]
        if not isinstance(values, str | bytes) and np.ndim(values) != 1:
            raise ValueError(f"Expected `{self.argument}` (N,), or one of them, got {shown(values)}.")
        request.given = {**request.given, self.key: values}
        request.count = 1 if isinstance(values, str | bytes) else len(values)
        request.told = requests.told(request.conditions, request.count, request.given)


@dataclass(frozen=True)
class Number(Input):
    """A number for all rows.

    Args:
        name: of argument and tensor.
        default: where none is given.
        low: the least that it may be, None for any.
        high: the largest that it may be, None for any.
        above: whether `low` itself is too low.
    """

    kind = "number"
    name: str
    default: float
    low: float | None = None
    high: float | None = None
    above: bool = False

    def arguments(self) -> dict[str, Any]:
        return {self.name: None}

    def tensors(self, conditions: Conditions) -> dict[str, Tensor]:
        return {self.name: Tensor((), "float32", False, np.float32(self.default))}

    def value(self, given: Any) -> np.float32:
        """What was given, checked; the default for None.

        Raises:
            ValueError: no number, or one out of bounds.
        """
        if given is None:
            return np.float32(self.default)
        low, high = (-np.inf if self.low is None else self.low), (np.inf if self.high is None else self.high)
        return finite(self.name, given, low, high, above=self.above)[()]

    def encode(self, given: Mapping[str, Any], request: Request) -> None:
        request.constants[self.name] = self.value(given[self.name])


@dataclass(frozen=True)
class Endpoint(Kind):
    """Something that a model answers.

    Args:
        inputs: what it takes; the first tells how many rows there are.
        conditions: what else it is told.
        output: the name of what comes out: images, latents, ....
        signature: its name in a SavedModel; None is the one that the model calls it by.
        short: further signatures, for programs without this package, by name: which of the tensors that have a default each still takes.
        null: whether the model can go without any of its conditions, or, if False, without labels alone.
        labelled: whether `labels` is short for the condition of that name.
        batch_size: rows at a time, where a user says nothing.
        fill: whether every batch is full, so that a row does not depend on how many there are, to its last bit.
        function: tensors by name, and conditions by the names of the networks' inputs, -> the output. An export has none.
    """

    kind = "endpoint"
    noun = "endpoint"
    inputs: tuple[Input, ...]
    conditions: Conditions = ()
    output: str = "images"
    signature: str | None = None
    short: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    null: bool = False
    labelled: bool = True
    batch_size: int = 64
    fill: bool = True
    function: Callable[[dict[str, Any], dict[str, Any]], Any] | None = field(
        default=None, compare=False, metadata={"described": False}
    )

    def parameters(self) -> inspect.Signature:
        """The arguments of the method in Python."""
        own = {k: v for one in self.inputs for k, v in one.arguments().items()}
        labels, size = {"labels": None} if self.labelled else {}, {"batch_size": self.batch_size}
        if "seeds" in own:
            by_place = {"n": None, **labels, "seed": 0}
        else:
            by_place = {**{k: v for k, v in own.items() if v is REQUIRED}, **labels, **size}
        named = {**{k: v for k, v in own.items() if k not in by_place}, "conditions": None, **size}
        return signature(by_place, {k: v for k, v in named.items() if k not in by_place})

    @property
    def answers_pictures(self) -> bool:
        """Whether it makes pictures, or masks, of pictures."""
        return self.output in ("images", "masks") and any(isinstance(one, Pictures) for one in self.inputs)

    @property
    def any_size(self) -> bool:
        """Whether the pictures that it takes may have any size."""
        return any(isinstance(one, Pictures) and None in one.shape for one in self.inputs)

    def needs(self) -> list[str]:
        """The arguments that have to be given beside those of the first input."""
        return [k for one in self.inputs[1:] for k, v in one.arguments().items() if v is REQUIRED]

    def tensors(self) -> dict[str, Tensor]:
        """All that it takes, by the names that these have in a SavedModel."""
        own = {k: v for one in self.inputs for k, v in one.tensors(self.conditions).items()}
        return {**own, **{one.served: Tensor(one.shape, one.dtype) for one in inputs_of(self.conditions).values()}}

    def call(self, tensors: Mapping[str, Any]) -> Any:
        """The function on tensors by the names that they have in a SavedModel."""
        served = {one.served: name for name, one in inputs_of(self.conditions).items()}
        told = {served[k]: v for k, v in tensors.items() if k in served}
        return self.function({k: v for k, v in tensors.items() if k not in served}, told)

    def request(self, given: Mapping[str, Any]) -> Request:
        """What a user passed, all of `parameters()`, as arrays.

        Raises:
            ValueError: what one of the inputs or conditions refuses.
        """
        request = Request(self.conditions, given_with(given.get("labels"), given["conditions"]), self.null)
        for one in self.inputs:
            one.encode(given, request)
        return request

    def remarks(self, given: Mapping[str, Any]) -> list[str]:
        """What people should know of what they passed, all of `parameters()`: see `Condition.remarks`."""
        told = [{one.key: given[one.argument]} for one in self.inputs if isinstance(one, Told)]
        told += [one for one in (given.get("conditions"), given.get("negative")) if isinstance(one, Mapping)]
        said = [c.remarks(one[c.key]) for c in self.conditions for one in told if c.key in one]
        return list(dict.fromkeys(sentence for some in said for sentence in some))

    def answer(self, run: Run, given: Mapping[str, Any], seen: Seen = lambda newest, share: None) -> np.ndarray:
        """Arrays for what a user passed.

        Args:
            run: tensors by name, some rows of them -> the output of these rows.
            given: all of `parameters()`.
            seen: told what was finished last, rows, and the share of all that is.
        """
        rows, constants = self.request(given).tensors()
        names, count, done = list(rows), len(next(iter(rows.values()))), 0

        def some(*arrays):
            nonlocal done
            made = run({**dict(zip(names, arrays)), **constants})
            seen(made[: count - done], min(1.0, (done + len(made)) / max(1, count)))
            done += len(made)
            return made

        return requests.answers(some, list(rows.values()), given["batch_size"], self.fill)


Endpoints = dict[str, Endpoint]


def signature(by_place: Mapping[str, Any], by_name: Mapping[str, Any]) -> inspect.Signature:
    """Of arguments and their defaults, `REQUIRED` for none.

    Args:
        by_place: those that may be given by their place.
        by_name: those that are given by name alone.
    """
    kinds = (inspect.Parameter.POSITIONAL_OR_KEYWORD, by_place), (inspect.Parameter.KEYWORD_ONLY, by_name)
    return inspect.Signature([inspect.Parameter(k, kind, default=v) for kind, every in kinds for k, v in every.items()])


def bound(endpoint: Endpoint, args: tuple, kwargs: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments of a call, all of them, by name.

    Args:
        endpoint: that is called.
        args: given by their place.
        kwargs: given by name.

    Raises:
        TypeError: one that is not known, given twice, or missing.
    """
    found = endpoint.parameters().bind(*args, **kwargs)
    found.apply_defaults()
    return found.arguments


def endpoints_of(model: Any) -> Endpoints:
    """Those of a model of any kind; of a plain Keras model none."""
    return model.endpoints() if hasattr(model, "endpoints") else {}


def answering(model: Any) -> Endpoint | None:
    """The endpoint by which a model answers pictures with pictures, None where it has none."""
    return next((e for e in endpoints_of(model).values() if e.answers_pictures), None)
