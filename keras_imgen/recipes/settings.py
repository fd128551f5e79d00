"""What `--set key=value` can change in a recipe: its keyword-only arguments, by their names, types and defaults."""

import inspect
import math
from types import NoneType, UnionType
from typing import Any, get_args, get_origin

from keras_imgen.recipes import get

OPTIONS = ("name", "data", "size", "channels", "preset")  # which are given otherwise
BUDGET = ("epochs", "batch", "seed", "steps_per_epoch")  # where a preset has but another default


def known(recipe: str) -> dict[str, inspect.Parameter]:
    """The settings of a recipe; what a preset has fixed is none."""
    function = get(recipe)
    fixed = {*OPTIONS, *getattr(function, "keywords", ())}
    every = inspect.signature(function).parameters.values()
    return {p.name: p for p in every if p.kind is p.KEYWORD_ONLY and p.name not in fixed}


def listed(recipe: str) -> dict[str, str]:
    """{"widths": "whole numbers with commas (default: chosen)", ...}"""
    return {name: f"{_words(p.annotation)} (default: {_text(p.default)})" for name, p in known(recipe).items()}


def parse(recipe: str, changes: list[str]) -> dict[str, Any]:
    """["widths=32,64", "flip=false"] -> {"widths": [32, 64], "flip": False}.

    Args:
        recipe: its name.
        changes: KEY=VALUE each.

    Raises:
        ValueError: no KEY=VALUE, an unknown key, a value of another type.
    """
    settings, found = known(recipe) if changes else {}, {}
    for change in changes:
        key, equals, text = change.partition("=")
        if not equals:
            raise ValueError(f"Expected --set KEY=VALUE, got {change!r}.")
        if key not in settings:
            there = ", ".join(f"{name}={_text(p.default)}" for name, p in settings.items())
            raise ValueError(f"{recipe} has no setting {key!r}: " + (f"it has {there}." if there else "it has none."))
        try:
            found[key] = _value(text.strip(), settings[key].annotation)
        except ValueError:
            raise ValueError(f"Expected {key} as {_words(settings[key].annotation)}, got {text!r}.") from None
    return found


def check(recipe: str, given: dict[str, Any]) -> None:
    """Refuse options that a recipe does not take.

    Args:
        recipe: its name.
        given: options by name.

    Raises:
        ValueError: an option that it does not have, or of which a preset has another value fixed.
    """
    function = get(recipe)
    for key, value in given.items():
        if key not in inspect.signature(function).parameters:
            raise ValueError(f"{recipe} has no --{key}.")
        if key not in BUDGET and (fixed := getattr(function, "keywords", {}).get(key, value)) != value:
            raise ValueError(f"{recipe} is made for {key} = {fixed}, not {value}.")


def words(recipe: str, config: dict[str, Any]) -> list[str]:
    """The words of the command that begins a run, as far as they are not the recipe's defaults.

    Args:
        recipe: its name.
        config: the run's settings.
    """
    found, takes = [], inspect.signature(get(recipe)).parameters
    for key, value in config.items():
        if key not in takes or value is None or value == takes[key].default:
            continue
        given_otherwise = takes[key].kind is not inspect.Parameter.KEYWORD_ONLY or key in OPTIONS
        option = [f"--{key.replace('_', '-')}", str(value)] if given_otherwise else ["--set", f"{key}={_text(value)}"]
        found += option
    return ["train", recipe, *found]


def _value(text: str, kind: Any) -> Any:
    if isinstance(kind, UnionType):
        kinds = get_args(kind)
        if NoneType in kinds and text.lower() == "chosen":
            return None
        return _value(text, next(k for k in kinds if k is not NoneType))
    if get_origin(kind) in (tuple, list):
        items = [_value(part.strip(), get_args(kind)[0]) for part in text.split(",")]
        if get_origin(kind) is tuple and len(items) != len(get_args(kind)):
            raise ValueError
        return items
    if kind is bool:
        if text.lower() not in ("true", "false"):
            raise ValueError
        return text.lower() == "true"
    value = kind(text)
    if kind is float and not math.isfinite(value):
        raise ValueError
    return value


def _words(kind: Any) -> str:
    if isinstance(kind, UnionType):
        return _words(next(k for k in get_args(kind) if k is not NoneType))
    one = {int: "whole number", float: "number", str: "word"}
    if get_origin(kind) is tuple:
        return f"{len(get_args(kind))} {one[get_args(kind)[0]]}s with commas"
    if get_origin(kind) is list:
        return f"{one[get_args(kind)[0]]}s with commas"
    return "true or false" if kind is bool else f"a {one[kind]}"


def _text(default: Any) -> str:
    if default is None:
        return "chosen"
    return ",".join(map(str, default)) if isinstance(default, list | tuple) else str(default).lower()
