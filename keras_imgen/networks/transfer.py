"""Weights of one network for another: fine-tuning for another scale, other channels, another task."""

import keras


def copy_weights(source: keras.Model, target: keras.Model) -> list[str]:
    """Copy the weights of layers that have the same name and shapes in both; returns the names of `target`'s layers left as they were.

    Then keep some of them as they are with `layer.trainable = False`, before `compile`.

    Raises:
        ValueError: no layer fits.
    """
    given = {layer.name: layer for layer in source.layers}
    left, copied = [], 0
    for layer in target.layers:
        if not layer.weights:
            continue
        mine = given.get(layer.name)
        if mine is not None and [w.shape for w in mine.weights] == [w.shape for w in layer.weights]:
            layer.set_weights(mine.get_weights())
            copied += 1
        else:
            left.append(layer.name)
    if not copied:
        raise ValueError(f"No layer of {source.name} has the name and shapes of one of {target.name}.")
    return left
