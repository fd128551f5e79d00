"""How models call networks that take one tensor or a dict by name, and train several as one."""

from typing import Any

import keras

from keras_imgen.conditions import Conditions, Picture, Sequence, Vector, of_classes
from keras_imgen.networks.text import TextConditioned


def inner(network: keras.Model) -> keras.Model:
    """The network itself, of one that texts are encoded for."""
    return network.network if isinstance(network, TextConditioned) else network


def inputs(network: keras.Model) -> dict[str, Any]:
    """The symbolic inputs by name, of the `inner` network; of a plain one `latent` or `image`."""
    network = inner(network)
    given = network.inputs[0] if isinstance(network, keras.Sequential) else network.input
    if isinstance(given, dict):
        return given
    return {"latent" if len(given.shape) == 2 else "image": given}


def call(network: keras.Model, values: dict[str, Any], training: bool) -> Any:
    """The network on those of the values that it takes.

    Args:
        network: of one tensor, or of a dict.
        values: tensors by name.
        training: whether it is in training mode.
    """
    names = inputs(network)
    if isinstance(network, TextConditioned):
        names = (*names, *network.text.inputs())
        return network({k: values[k] for k in names if k in values}, training=training)
    if isinstance(network, keras.Sequential) or not isinstance(network.input, dict):
        return network(values[next(iter(names))], training=training)
    return network({k: values[k] for k in names}, training=training)


def conditions_of(
    network: keras.Model, own: tuple[str, ...], num_classes: int | None, class_names: tuple[str, ...] = ()
) -> Conditions:
    """What a network is told, by the form of its inputs: labels, vectors (N, D), sequences (N, S, D) and their masks, pictures uint8
    (N, H, W, C); of one that texts are encoded for, the text in place of what it is encoded as.

    Args:
        network: whose inputs are looked at.
        own: names of inputs that are no conditions.
        num_classes: of the labels, None for none.
        class_names: of the labels; () for none.
    """
    if isinstance(network, TextConditioned):
        return (*conditions_of(network.network, (*own, *network.takes), num_classes, class_names), network.text)
    found = of_classes(num_classes, class_names)
    try:
        given = inputs(network)
    except (AttributeError, ValueError):  # of a subclass that was not made from its inputs
        return found
    for name, tensor in given.items():
        size = tensor.shape[1:]
        if name in own or name == "label" or name.removesuffix("_mask") in set(given) - {name}:
            continue
        if len(size) == 1:
            found += (Vector(size[0], name),)
        elif len(size) == 2:
            found += (Sequence(size[1], name, f"{name}_mask" in given, size[0]),)
        elif len(size) == 3 and tensor.dtype == "uint8":
            found += (Picture(tuple(size), name),)
    return found


def check_labels(network: keras.Model, num_classes: int | None, what: str) -> None:
    """Refuse a network that takes labels where the model does not, or the other way round.

    Args:
        network: whose inputs are looked at.
        num_classes: that the model was given.
        what: the network's name in the message.

    Raises:
        ValueError: the two do not fit.
    """
    takes = "label" in inputs(network)
    if takes != (num_classes is not None):
        raise ValueError(
            f"The {what} takes {'labels' if takes else 'no labels'}, but num_classes is {num_classes!r}: give it "
            "to the networks and to the model."
        )


class Pair(keras.Model):
    """Networks that are trained as one player: one loss, one optimizer."""

    def __init__(self, *networks: keras.Model, name: str = "pair"):
        super().__init__(name=name)
        self.networks = list(networks)
        self.built = True

    @property
    def frozen_variables(self) -> list[keras.Variable]:
        """Those that never change."""
        return [v for network in self.networks for v in getattr(network, "frozen_variables", ())]
