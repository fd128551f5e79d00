"""Which models there are: SavedModels and `.keras` files under the paths that a person named, with their versions. NumPy is not needed."""

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
ONE = 1  # the version of a model that has no numbered folder
FORMS = "a SavedModel folder, a .keras file, a folder with numbered versions of one, or a folder of such"
GRAPH, KERAS = "saved_model.pb", "model.keras"


@dataclass(frozen=True)
class Found:
    """One version of a model on disk.

    Args:
        name: of the model.
        version: its number.
        path: of the SavedModel folder or `.keras` file.
        state: what changes when the files do; see `state_of`.
    """

    name: str
    version: int
    path: str
    state: tuple[Any, ...]


def scan(paths: Sequence[str]) -> dict[str, dict[int, Found]]:
    """Models by name, each as its versions by number.

    Args:
        paths: each a SavedModel folder, a `.keras` file, a folder with numbered versions of one, or a folder of such.

    Raises:
        FileNotFoundError: a path that is not there.
        ValueError: a path without a model, a name that cannot stand in an address, or two models of one name.
    """
    found: dict[str, dict[int, Found]] = {}
    places: dict[str, str] = {}
    for path in paths:
        if not os.path.exists(path):
            raise FileNotFoundError(f"There is no model {path}: expected {FORMS}.")
        models = dict(_models(path))
        if not models:
            raise ValueError(f"There is no model in {path}: expected {FORMS}.")
        for name, versions in models.items():
            if not NAME.fullmatch(name):
                raise ValueError(
                    f"Expected a name of letters, digits, '.', '_' and '-', got {name!r}: rename it in {path}."
                )
            if name in found:
                raise ValueError(f"There are two models {name!r}, in {places[name]} and {path}: rename one.")
            places[name] = path
            found[name] = {k: Found(name, k, place, state_of(place)) for k, place in versions.items()}
    return found


def state_of(path: str) -> tuple[Any, ...]:
    """Name, size and time of every file of a model: a copy that still grows has another one at each look.

    Args:
        path: a folder or a file.
    """
    files = [os.path.join(folder, name) for folder, _, names in os.walk(path) for name in names] or [path]
    found = []
    for file in sorted(files):
        try:
            about = os.stat(file)
        except FileNotFoundError:  # removed since
            continue
        found.append((os.path.relpath(file, path), about.st_size, about.st_mtime_ns))
    return tuple(found)


def _models(path: str) -> Iterator[tuple[str, dict[int, str]]]:
    """(name, paths by version) of a model, or of all in a folder."""
    path = os.path.abspath(path)
    if one := _model(path):
        yield one
    elif os.path.isdir(path):
        yield from filter(None, (_model(entry.path) for entry in sorted(os.scandir(path), key=lambda e: e.name)))


def _model(path):
    folder, name = os.path.split(path)
    if place := _place(path):
        if os.path.isdir(path) and _number(name):  # NAME/3
            return os.path.basename(folder), {int(name): place}
        if os.path.isfile(path):
            stem = name.removesuffix(".keras")
            name = os.path.basename(folder) if name == KERAS else stem
        return name, {ONE: place}
    if not os.path.isdir(path):
        return None
    versions = {int(e.name): place for e in os.scandir(path) if _number(e.name) and (place := _place(e.path))}
    return (name, dict(sorted(versions.items()))) if versions else None


def _number(name):
    return name.isascii() and name.isdigit()


def _place(path):
    """The SavedModel folder or `.keras` file that a path is, or holds as its own; None where it is none."""
    if os.path.isfile(path):
        return path if path.endswith(".keras") else None
    if os.path.isfile(os.path.join(path, GRAPH)):
        return path
    inside = os.path.join(path, KERAS)
    return inside if os.path.isfile(inside) else None
