"""What a model is told besides noise: a label, a vector, a sequence, a picture. NumPy only: models and their exports check alike."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from keras_imgen.arguments import as_numbers, finite, shown
from keras_imgen.kinds import Kind


class Input(NamedTuple):
    """One tensor of a condition, with a row for each image.

    Args:
        shape: of one row; None where rows of several batches differ.
        dtype: of the tensor.
        null: what stands for "not told", everywhere in the row.
        served: the name of the endpoints' argument.
    """

    shape: tuple[int | None, ...]
    dtype: str
    null: float
    served: str


class Condition(Kind):
    """Something that a network is told beside its picture or latent.

    A subclass is a frozen dataclass with a `kind`, a word of its own, by which exports find it. `key` is its name in a batch, in the
    network's dict of inputs, and in `generate(conditions={key: ...})`.
    """

    noun = "condition"
    needed = True  # False of one that models have learned to go without
    takes_arrays = True  # False of one that encodes something else, as text: then arrays are taken as encoded already
    key: str

    def inputs(self) -> dict[str, Input]:
        """The network's inputs by name: `key`, and what belongs to it."""
        raise NotImplementedError

    def examples(self) -> Any:
        """What sample grids tell in turn where nobody says what; None for nothing."""
        return None

    def remarks(self, value: Any) -> list[str]:
        """What people should know of a value that `encode` takes, as words that a model has not learned; in sentences."""
        return []

    def parse(self, text: str) -> Any:
        """What `encode` takes, from the command line: here the array in a .npy file.

        Raises:
            ValueError: another text.
            OSError: no such file.
        """
        if not text.endswith(".npy"):
            raise ValueError(f"Expected {self.key} as a .npy file, got {text!r}.")
        return np.load(text, allow_pickle=False)

    def arrays(self, given: Mapping[str, Any]) -> dict[str, np.ndarray]:
        """What is encoded already, as a data set has it, looked at.

        Args:
            given: arrays under the names of `inputs()`; a mask that is not there is true everywhere.

        Raises:
            ValueError: arrays of another form.
        """
        found = {}
        for name, one in self.inputs().items():
            known = given[self.key]
            array = np.ones(known.shape[:-1], bool) if name not in given and one.dtype == "bool" else given.get(name)
            size = np.shape(array)[-len(one.shape) :] if one.shape else ()
            rows = np.ndim(array) - len(one.shape)
            if array is None or rows not in (0, 1) or any(a not in (None, b) for a, b in zip(one.shape, size)):
                raise ValueError(
                    f"Expected {name!r} of shape (n, {', '.join(map(str, one.shape))}), got {shown(array)}."
                )
            found[name] = np.asarray(array, one.dtype)
        return found

    def encode(self, given: Mapping[str, Any]) -> dict[str, np.ndarray]:
        """Arrays for all of `inputs()`, each (n, ...), or without rows for what all images share.

        Args:
            given: what the user passed under the names of `inputs()`; `key` is there.

        Raises:
            ValueError: other than this condition is, in one line.
        """
        raise NotImplementedError


@dataclass(frozen=True)
class Label(Condition):
    """A class: a whole number from 0 to `num_classes` - 1, or its name; `num_classes` is the null.

    Args:
        num_classes: how many there are.
        key: its name.
        names: of the classes; () where they have none.

    Raises:
        ValueError: another number of names.
    """

    kind = "label"
    num_classes: int
    key: str = "label"
    names: tuple[str, ...] = ()

    def __post_init__(self):
        if self.names and len(self.names) != self.num_classes:
            raise ValueError(f"Expected names of {self.num_classes} classes, got {len(self.names)}.")

    def number(self, name: str) -> int:
        """Of a class, by its digits, or by its name, in upper or lower case.

        Raises:
            ValueError: none of them.
        """
        name = name.strip()
        if name.isascii() and name.isdigit() and len(name) < 9 and int(name) < self.num_classes:
            return int(name)
        for names, one in ((self.names, name), ([n.casefold() for n in self.names], name.casefold())):
            if one in names:
                return names.index(one)
        known = f", or of {', '.join(self.names[:20])}{', ...' if len(self.names) > 20 else ''}" if self.names else ""
        raise ValueError(f"Expected {self.key}s in 0..{self.num_classes - 1}{known}, got {name!r:.60}.")

    def inputs(self) -> dict[str, Input]:
        return {self.key: Input((), "int32", self.num_classes, f"{self.key}s")}

    def examples(self) -> np.ndarray:
        return np.arange(self.num_classes)

    def parse(self, text: str) -> Any:
        return [self.number(part) for part in text.split(",")] if self.names else numbers(f"{self.key}s", text, int)

    def encode(self, given: Mapping[str, Any]) -> dict[str, np.ndarray]:
        name, values = f"{self.key}s", given[self.key]
        if isinstance(values, str):
            values = self.number(values)
        elif isinstance(values, list | tuple):
            values = [self.number(one) if isinstance(one, str) else one for one in values]
        labels = as_numbers(values)
        if labels.dtype.kind not in "iu" or labels.ndim > 1:
            raise ValueError(f"Expected integer {name} of shape (n,), got {shown(given[self.key])}.")
        if labels.size and (labels.min() < 0 or labels.max() >= self.num_classes):
            raise ValueError(f"Expected {name} in 0..{self.num_classes - 1}, got {labels.min()}..{labels.max()}.")
        return {self.key: labels.astype("int32")}


@dataclass(frozen=True)
class Vector(Condition):
    """Numbers, as an embedding or attributes; zeros are the null.

    Args:
        size: how many for each image.
        key: its name.
    """

    kind = "vector"
    size: int
    key: str = "vector"

    def inputs(self) -> dict[str, Input]:
        return {self.key: Input((self.size,), "float32", 0.0, self.key)}

    def parse(self, text: str) -> Any:
        return super().parse(text) if text.endswith(".npy") else numbers(self.key, text, float)

    def encode(self, given: Mapping[str, Any]) -> dict[str, np.ndarray]:
        shape = np.shape(as_numbers(given[self.key]))
        if shape[-1:] != (self.size,) or len(shape) > 2:
            raise ValueError(
                f"Expected {self.key!r} of shape ({self.size},) or (n, {self.size}), got {shown(given[self.key])}."
            )
        return {self.key: finite(self.key, given[self.key], shape=(shape,))}


@dataclass(frozen=True)
class Amount(Condition):
    """How much of something, one number for each image; 0, where none is given.

    Args:
        key: its name.
        low: the least that it may be.
        high: the largest.
    """

    kind = "amount"
    needed = False
    key: str
    low: float
    high: float

    def inputs(self) -> dict[str, Input]:
        return {self.key: Input((), "float32", 0.0, self.key)}

    def parse(self, text: str) -> Any:
        return numbers(self.key, text, float)

    def encode(self, given: Mapping[str, Any]) -> dict[str, np.ndarray]:
        shape = np.shape(as_numbers(given[self.key]))
        allowed = (shape,) if len(shape) < 2 else ((), ("n",))
        return {self.key: finite(self.key, given[self.key], self.low, self.high, shape=allowed)}


@dataclass(frozen=True)
class Sequence(Condition):
    """Rows of vectors, as the embedding of a text, of any length; what its mask leaves out changes nothing.

    The null is a sequence of which all is left out.

    Args:
        size: of a vector.
        key: its name.
        masked: whether the network takes `{key}_mask` too, true where a vector counts; without it all sequences are of one length.
        length: of all sequences, where the network has it fixed; None for any.
    """

    kind = "sequence"
    size: int
    key: str = "sequence"
    masked: bool = True
    length: int | None = None

    def inputs(self) -> dict[str, Input]:
        mask = {f"{self.key}_mask": Input((self.length,), "bool", False, f"{self.key}_mask")} if self.masked else {}
        return {self.key: Input((self.length, self.size), "float32", 0.0, self.key), **mask}

    def encode(self, given: Mapping[str, Any]) -> dict[str, np.ndarray]:
        """Arrays for all of `inputs()`, each (n, ...), or without rows for what all images share.

        Args:
            given: sequences (S, size) or (n, S, size) with a mask (S,) or (n, S), by default all true; or a list of n sequences of any
                lengths.

        Raises:
            ValueError: other than this condition is, in one line.
        """
        values, mask = given[self.key], given.get(f"{self.key}_mask")
        if isinstance(values, list | tuple) and all(as_numbers(v).ndim == 2 for v in values):
            if mask is not None:
                raise ValueError(f"Expected no {self.key}_mask beside a list of sequences: their lengths tell.")
            rows = [self._row(v) for v in values]
            longest = self.length or max([1, *map(len, rows)])
            if any(len(row) > longest for row in rows):
                raise ValueError(f"Expected sequences of at most {longest} in {self.key!r}, got {max(map(len, rows))}.")
            mask = np.array([np.arange(longest) < len(row) for row in rows], bool).reshape(-1, longest)
            values = np.zeros((len(rows), longest, self.size), "float32")
            for padded, row in zip(values, rows):
                padded[: len(row)] = row
            if not self.masked and not mask.all():
                raise ValueError(f"Expected sequences of one length in {self.key!r}: the network takes no mask.")
            return self._named(values, mask)
        values = self._row(values)
        if self.length not in (None, values.shape[-2]):
            raise ValueError(f"Expected sequences of {self.length} in {self.key!r}, got {values.shape[-2]}.")
        mask = np.ones(values.shape[:-1], bool) if mask is None else as_numbers(mask)
        if mask.dtype != bool or mask.shape != values.shape[:-1]:
            raise ValueError(f"Expected {self.key}_mask as truth values {values.shape[:-1]}, got {shown(mask)}.")
        return self._named(values, mask)

    def _named(self, values, mask):
        return {self.key: values, **({f"{self.key}_mask": mask} if self.masked else {})}

    def _row(self, values):
        shape = np.shape(as_numbers(values))
        if len(shape) not in (2, 3) or shape[-1] != self.size:
            raise ValueError(
                f"Expected {self.key!r} of shape (length, {self.size}) or (n, length, {self.size}), or a list of n sequences, got "
                f"{shown(values)}."
            )
        return finite(self.key, values, shape=(shape,))


@dataclass(frozen=True)
class Picture(Condition):
    """A picture, as the one that is to be changed; black everywhere is the null.

    Args:
        shape: (height, width, channels); a side of None may be any.
        key: its name.
    """

    kind = "picture"
    shape: tuple[int | None, int | None, int]
    key: str = "source"

    def inputs(self) -> dict[str, Input]:
        return {self.key: Input(tuple(self.shape), "uint8", 0, f"{self.key}s")}

    def encode(self, given: Mapping[str, Any]) -> dict[str, np.ndarray]:
        pictures = as_numbers(given[self.key])
        size = pictures.shape[-3:]
        right = pictures.dtype == np.uint8 and pictures.ndim in (3, 4)
        if not right or any(a not in (None, b) for a, b in zip(self.shape, size)):
            wanted = ", ".join(map(str, self.shape))
            raise ValueError(
                f"Expected {self.key!r} as uint8 ({wanted}) or (n, {wanted}), got {shown(given[self.key])}."
            )
        return {self.key: pictures}


Conditions = tuple[Condition, ...]


def pictures_of(conditions: Conditions) -> tuple[str, ...]:
    """The names of those that are pictures."""
    return tuple(c.key for c in conditions if isinstance(c, Picture))


def guided_apart(conditions: Conditions) -> tuple[str, ...]:
    """The names of pictures that are told beside something else, which guidance keeps while it leads away from that."""
    found = pictures_of(conditions)
    return found if len(found) < len(conditions) else ()


def numbers(name: str, text: str, kind: type) -> list[Any]:
    """ "0,1,2" -> [0, 1, 2].

    Args:
        name: what messages call them.
        text: with commas.
        kind: int or float.

    Raises:
        ValueError: another text.
    """
    try:
        return [kind(part) for part in text.split(",")]
    except ValueError:
        what = "whole numbers" if kind is int else "numbers"
        raise ValueError(f"Expected {name} as {what} with commas, such as 0,1,2, got {text!r}.") from None


def inputs_of(conditions: Conditions) -> dict[str, Input]:
    """The inputs of all of them by name."""
    return {name: one for condition in conditions for name, one in condition.inputs().items()}


def num_classes(conditions: Conditions) -> int | None:
    """The number of classes of the label, None where there is none."""
    return next((c.num_classes for c in conditions if isinstance(c, Label) and c.key == "label"), None)


def of_classes(count: int | None, names: tuple[str, ...] = ()) -> Conditions:
    """A label of so many classes, or nothing for None."""
    return () if count is None else (Label(count, names=names),)


def given_with(labels: Any, conditions: Mapping[str, Any] | None) -> dict[str, Any]:
    """What a user passed, by name, with `labels`, the short form of `conditions={"label": ...}`.

    Raises:
        ValueError: both, or conditions that are not by name.
    """
    if not isinstance(conditions or {}, Mapping):
        raise ValueError(f"Expected conditions by name, got {shown(conditions)}.")
    given = {k: v for k, v in (conditions or {}).items() if v is not None}
    if labels is not None and "label" in given:
        raise ValueError("Expected `labels`, or a 'label' in `conditions`, got both.")
    return given if labels is None else {**given, "label": labels}


def encoded(conditions: Conditions, given: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """The arrays of those conditions that are given.

    Raises:
        ValueError: a condition that the model does not take, or one that is not as it should be.
    """
    names = inputs_of(conditions)
    for name in given:
        if name == "label" and name not in names:
            raise ValueError("This model was trained without labels: leave `labels` out.")
        if name not in names:
            raise ValueError(
                f"Expected conditions of {', '.join(names) or 'no name: this model takes none'}, got {name!r}."
            )
    found = {}
    for condition in conditions:
        if condition.key in given:
            is_array = isinstance(given[condition.key], np.ndarray) and given[condition.key].dtype.kind in "biuf"
            found |= condition.encode(given) if condition.takes_arrays or not is_array else condition.arrays(given)
        elif alone := [name for name in condition.inputs() if name in given]:
            raise ValueError(f"Expected {condition.key!r} with {alone[0]!r}.")
    return found


def missing(conditions: Conditions, given: Mapping[str, Any]) -> None:
    """Check that every condition is given, but for a label, which models draw, and what is not needed.

    Raises:
        ValueError: one is not.
    """
    for condition in conditions:
        if condition.needed and condition.key not in given and condition.key != "label":
            raise ValueError(
                f"This model is conditional on {condition.key!r}: expected it in `conditions`, as it has not learned to go without."
            )


def rows_of(
    conditions: Conditions, arrays: Mapping[str, np.ndarray], count: int, like: Mapping[str, np.ndarray] | None = None
) -> dict[str, np.ndarray]:
    """`count` rows of every input: those given, one for all, or nulls.

    Args:
        conditions: those of the model.
        arrays: what is given, encoded, by the names of the inputs.
        count: number of rows.
        like: other rows by name, as long as which nulls are made; None makes them of length 2 where nothing tells.
    """
    found = {}
    for name, one in inputs_of(conditions).items():
        array = arrays.get(name)
        if array is None:  # of length 2 where nothing tells: Keras warns of a softmax over one
            sides = one.shape if like is None else like[name].shape[1:]
            array = np.full([2 if side is None else side for side in sides], one.null, one.dtype)
        found[name] = array if array.ndim > len(one.shape) else np.broadcast_to(array, (count, *array.shape))
    return found


def of_one_length(conditions: Conditions, *several: dict[str, np.ndarray]) -> list[dict[str, np.ndarray]]:
    """Several rows of the same conditions, with sequences padded by nulls to one length.

    Raises:
        ValueError: sequences of several lengths for a network that takes no mask.
    """
    found = [dict(arrays) for arrays in several]
    for condition in conditions:
        lengths = {arrays[condition.key].shape[1:] for arrays in found}
        if len(lengths) > 1 and not getattr(condition, "masked", False):
            raise ValueError(
                f"Expected {condition.key!r} of one length everywhere, got {sorted(lengths)}: the network takes no mask."
            )
    for name, one in inputs_of(conditions).items():
        if None in one.shape:
            axis = 1 + one.shape.index(None)
            longest = max(arrays[name].shape[axis] for arrays in found)
            for arrays in found:
                missing = longest - arrays[name].shape[axis]
                pads = [(0, missing if k == axis else 0) for k in range(arrays[name].ndim)]
                arrays[name] = np.pad(arrays[name], pads, constant_values=one.null)
    return found


def counts(conditions: Conditions, arrays: Mapping[str, np.ndarray]) -> dict[str, int]:
    """How many images those conditions tell that have a row for each, by the name under which a user knows them."""
    found = {}
    for condition in conditions:
        for name, one in condition.inputs().items():
            if name in arrays and arrays[name].ndim > len(one.shape):
                found["labels" if name == "label" else name] = len(arrays[name])
    return found


def of(model: Any) -> Conditions:
    """Those of a model of any kind that generates; of one that has none labels, if it knows any."""
    found = getattr(model, "conditions", None)
    return of_classes(getattr(model, "num_classes", None)) if found is None else found


def arguments(told: Mapping[str, Any]) -> dict[str, Any]:
    """For `generate` and `reconstruct`: `labels`, where that is all, so that models need not know more words than they have."""
    if set(told) == {"label"}:
        return {"labels": told["label"]}
    return {"conditions": told} if told else {}


def checked(conditions: Conditions, reserved: tuple[str, ...], classes: int | None) -> Conditions:
    """Conditions that were named for a network.

    Args:
        conditions: as they were given.
        reserved: inputs that are the model's own.
        classes: what the network says that it has.

    Raises:
        ValueError: two of one name, or one of the model's own; another number of classes than the network's.
    """
    names = [name for condition in conditions for name in condition.inputs()]
    if wrong := sorted({n for n in names if n in reserved or names.count(n) > 1}):
        raise ValueError(
            f"Expected conditions of different names, none of {', '.join(reserved)}, got {', '.join(wrong)}."
        )
    if classes is not None and num_classes(conditions) not in (None, classes):
        raise ValueError(f"Expected a label of {classes} classes, as the network has, got {num_classes(conditions)}.")
    return conditions


def in_turn(conditions: Conditions, n: int, given: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """n rows for a grid of pictures: what is given, and examples of what is not, again and again.

    Args:
        conditions: those of the model.
        n: number of rows.
        given: what the user passed, by name.

    Raises:
        ValueError: as `encoded`.
    """
    examples = {c.key: c.examples() for c in conditions if c.key not in given}
    arrays = encoded(conditions, {**{k: v for k, v in examples.items() if v is not None}, **given})
    found = {}
    for name, one in inputs_of(conditions).items():
        if name in arrays:
            rows = arrays[name] if arrays[name].ndim > len(one.shape) else arrays[name][None]
            found[name] = rows[np.arange(n) % len(rows)]
    return found


def is_null(conditions: Conditions, arrays: Mapping[str, np.ndarray]) -> bool:
    """Whether none of the rows is told anything."""
    return all((arrays[name] == one.null).all() for name, one in inputs_of(conditions).items())
