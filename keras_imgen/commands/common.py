"""What several commands have in common: models by their path, their endpoints and options, and files that must not be replaced. Imports
nothing heavy before it is needed: help answers at once."""

import inspect
import os
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

OPTIONS = ("steps", "sampler", "guidance_scale", "truncation")  # of `generate` that have a word of their own


def load_model(path: str) -> Any:
    """A model in memory or a served one, from a .keras file or a SavedModel folder.

    Raises:
        FileNotFoundError: there is none.
        ValueError: it cannot be read; one line that names it.
    """
    if not os.path.exists(path):
        raise FileNotFoundError(f"There is no model {path}.")
    try:
        if os.path.isdir(path):
            from keras_imgen.serving import load

            return load(path)
        from keras_imgen import load_model

        return load_model(path)
    except Exception as error:  # what a damaged file raises depends on where it is damaged
        if isinstance(error, MemoryError) or path in str(error):
            raise
        said = str(error).strip().partition("\n")[0] or type(error).__name__
        raise ValueError(f"{path} cannot be read as a model: {said}") from error


def endpoint(model: Any, name: str, path: str, otherwise: str) -> Any:
    """The endpoint of a model by its name.

    Args:
        model: of any kind.
        name: of the endpoint, and of the command.
        path: of the model, for the error.
        otherwise: what is said of a model that has none.

    Raises:
        ValueError: it has none.
    """
    from keras_imgen.inference.endpoints import endpoints_of

    known = endpoints_of(model)
    if name in known:
        return known[name]
    hint = f": use `keras-imgen {next(iter(known))}`" if known else ""
    raise ValueError(f"{path} {otherwise}{hint}.")


def checked_options(model: Any, given: Mapping[str, Any]) -> dict[str, Any]:
    """The options of `generate` that are given, for a model that has it.

    Args:
        model: of any kind.
        given: the options by name; those that are None are left out.

    Raises:
        ValueError: the model makes images from images, or has no such option.
    """
    from keras_imgen.inference.endpoints import endpoints_of

    known = endpoints_of(model)
    if known and not model.generates():
        raise ValueError(f"{model.name} makes images from images: use `keras-imgen {next(iter(known))}`.")
    if not hasattr(model, "generate"):
        raise ValueError(f"{model.name} makes no images: it has no generate.")
    found = {k: v for k, v in given.items() if v is not None}
    names = options_of(model)
    if unknown := [k for k in found if k not in names]:
        said = ", ".join(f"--{k.replace('_', '-')}" if k in OPTIONS else f"--set {k}" for k in unknown)
        has = f" It has {', '.join(names)}: --set NAME=VALUE." if names else ""
        raise ValueError(f"{said}: not for this kind of model ({model.name}).{has}")
    return found


def options_of(model: Any) -> list[str]:
    """Names of what `generate` of a model takes besides seeds, conditions and how it is computed."""
    others = {"n", "labels", "seed", "seeds", "conditions", "negative", "batch_size", "ema", "guide"}
    own = inspect.signature(model.generate).parameters.values()
    names = [p.name for p in own if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)]
    if hasattr(model, "endpoints") and "generate" in model.endpoints():
        names += model.endpoints()["generate"].parameters().parameters
    return [k for k in dict.fromkeys(names) if k not in others]


def in_parts(
    model: Any, n: int, seed: int, told: Mapping[str, Any], count: int, /, **how: Any
) -> Iterator[tuple[int, Any]]:
    """n new images of a model, so many at a time.

    Args:
        model: with `generate`.
        n: how many.
        seed: image k has the seed `seed + k`.
        told: its conditions, n rows of each.
        count: images of a part.
        **how: passed on to `generate`.

    Yields:
        (the number of the part's first image, the images uint8).
    """
    from keras_imgen.conditions import arguments

    for start in range(0, n, count):
        part = slice(start, min(start + count, n))
        rows = arguments({k: v[part] for k, v in told.items()})
        yield start, model.generate(part.stop - start, seed=seed + start, **rows, **how)


def parse_options(given: list[str] | None) -> dict[str, Any]:
    """["eta=0.5", "guidance_interval=0.1,3", "sampler=ddim"] -> numbers, tuples of them, or text, by name.

    Raises:
        ValueError: not of this form, or a name twice.
    """
    found = {}
    for text in given or ():
        name, sign, value = text.partition("=")
        if not sign or not name:
            raise ValueError(f"Expected --set NAME=VALUE, got {text!r}.")
        if name in found:
            raise ValueError(f"Expected {name} once, got --set {name} twice.")
        found[name] = _value(value)
    return found


def _value(text):
    several = tuple(_number(one) for one in text.split(","))
    found = several[0] if len(several) == 1 else several
    return text if None in several else found


def _number(text):
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return None


def parse_labels(text: str | None) -> list[int | str] | None:
    """ "0,rose,2" -> [0, "rose", 2]; "none" -> []; None -> None.

    Args:
        text: as it was given.
    """
    if text is None:
        return None
    parts = [] if text.strip().lower() == "none" else [part.strip() for part in text.split(",")]
    return [int(part) if part.lstrip("-").isdecimal() else part for part in parts]


def parse_conditions(conditions: tuple, given: list[str] | None) -> dict[str, Any]:
    """["vector=0.1,2", "sequence=FILE.npy"] -> {"vector": [0.1, 2.0], "sequence": an array}.

    Args:
        conditions: those that the model takes.
        given: as they were given.

    Raises:
        ValueError: not of this form, or a name that the model does not know.
    """
    known, found = {condition.key: condition for condition in conditions}, {}
    for text in given or ():
        name, sign, value = text.partition("=")
        if not sign or name not in known:
            raise ValueError(
                f"Expected --condition NAME=VALUE of {', '.join(known) or 'no name: this model takes none'}, got {text!r}."
            )
        found[name] = known[name].parse(value)
    return found


def nothing_replaced(out: str, names: Iterable[str], overwrite: bool, options: str = "--overwrite") -> None:
    """Refuse to write over pictures.

    Args:
        out: the folder.
        names: of the files to be written.
        overwrite: let them be replaced.
        options: that the message names.

    Raises:
        FileExistsError: one of them is there already.
    """
    if not overwrite and os.path.isdir(out) and any(os.path.exists(os.path.join(out, name)) for name in names):
        raise FileExistsError(f"There are pictures in {out} already: choose another --out, or give {options}.")


def at_least_one(option: str, value: int | None) -> None:
    """Refuse a number below 1; None passes.

    Args:
        option: its name in the message.
        value: what was given for it.

    Raises:
        ValueError: it is below 1.
    """
    if value is not None and value < 1:
        raise ValueError(f"Expected {option} of at least 1, got {value}.")
