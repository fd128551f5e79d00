"""Files that a recipe is told: models that it begins with, finds motion by or is judged by."""

import os
from collections.abc import Callable
from typing import Any

from keras_imgen import load_model
from keras_imgen.models import FrameInterpolator
from keras_imgen.networks import begin_with
from keras_imgen.training.precision import fast_precision


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


def aligned_network(make: Callable[..., Any], start: str, kind: type, flow: str) -> Any:
    """A network of clips that follows motion, with trained weights to begin with, see `networks.begin_with`.

    Args:
        make: a network of `flow`, arguments of `networks.flow_interpolator`.
        start: the file of the model that restores single pictures.
        kind: the class of that model.
        flow: the file of a `FrameInterpolator`.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: models of another class, networks of another kind or size.
    """
    single, interpolator = network_of("start", start, kind), network_of("flow", flow, FrameInterpolator)
    with fast_precision():
        network = make(flow=interpolator.settings)
    begin_with(network, single, interpolator)
    return network
