"""Small frozen dataclasses that a description in JSON can hold: written with a word of their own, and made again by it."""

from dataclasses import fields
from typing import Any, ClassVar

_KINDS: dict[tuple[str, str], type["Kind"]] = {}


class Kind:
    """Base of a frozen dataclass with a `kind`, a word of its own among those of one `noun`. Fields may be JSON, arrays, or other kinds;
    those whose metadata has `described=False` are left out.

    Raises:
        ValueError: another class has this word.
    """

    kind: ClassVar[str]
    noun: ClassVar[str]

    def __init_subclass__(cls):
        if not hasattr(cls, "kind"):
            return
        known = _KINDS.get((cls.noun, cls.kind), cls)
        if known.__qualname__ != cls.__qualname__:
            raise ValueError(
                f"There is a {cls.noun} of the kind {cls.kind!r} already: give {cls.__name__} a kind of its own."
            )
        _KINDS[cls.noun, cls.kind] = cls


def described(value: Any) -> Any:
    """As JSON.

    Args:
        value: JSON, arrays, and kinds.
    """
    if isinstance(value, Kind):
        own = {f.name: getattr(value, f.name) for f in fields(value) if f.metadata.get("described", True)}
        return {"kind": value.kind, "noun": value.noun, **described(own)}
    if isinstance(value, dict):
        return {k: described(v) for k, v in value.items()}
    if hasattr(value, "tolist"):
        return value.tolist()
    return [described(v) for v in value] if isinstance(value, list | tuple) else value


def from_description(value: Any) -> Any:
    """Back from JSON; lists become tuples.

    Args:
        value: what `described` gave.

    Raises:
        ValueError: a kind that is not known here.
    """
    if isinstance(value, list):
        return tuple(from_description(v) for v in value)
    if not isinstance(value, dict):
        return value
    given = {k: from_description(v) for k, v in value.items()}
    if "kind" not in given:
        return given
    noun, kind = given.pop("noun", "condition"), given.pop("kind")  # the first ones were conditions
    if (noun, kind) not in _KINDS:
        raise ValueError(f"no {noun} of the kind {kind!r} is known here: import its module first")
    return _KINDS[noun, kind](**given)
