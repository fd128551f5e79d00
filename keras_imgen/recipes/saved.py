"""Files that a recipe is told: models that it begins with, finds motion by or is judged by."""

import os
from typing import Any

from keras_imgen import load_model


def whole_path(path: str | None) -> str | None:
    """A path as a run's config has it, so that the run can be resumed from anywhere; None and "" stay.

    Args:
        path: of a file or folder, `~` for the home.
    """
    return path and os.path.abspath(os.path.expanduser(path))


def network_of(name: str, path: str, kind: type) -> Any:
    """The network of a model file, with averaged weights.

    Args:
        name: what messages call it.
        path: of the file.
        kind: the class of its model, which has one network.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: a model of another class.
    """
    model = load_model(path)
    if not isinstance(model, kind):
        raise ValueError(f"Expected as `{name}` a {kind.__name__}, got in {path} a {type(model).__name__}.")
    return model.for_inference().network
