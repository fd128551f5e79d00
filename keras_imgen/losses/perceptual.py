"""Losses in the feature maps (N, h, w, c) of a trained network, the trunk."""

from typing import Any

from keras import ops


def unit_length(maps: Any) -> Any:
    """Maps whose channels have length 1 at every place (Zhang et al. 2018, section 3.1): layers and trunks then count alike."""
    maps = _f(maps)
    return maps * ops.rsqrt(ops.sum(ops.square(maps), axis=-1, keepdims=True) + 1e-10)


def feature_distance(targets: list[Any], maps: list[Any]) -> Any:
    """Squared distance of the channels, the mean over places and layers (Johnson et al. 2016, eq. 2). Of maps of unit length in [0, 4]."""
    return sum(ops.mean(ops.sum(ops.square(_f(a) - _f(b)), axis=-1)) for a, b in zip(targets, maps)) / len(targets)


def _f(x):
    return ops.cast(x, "float32")
