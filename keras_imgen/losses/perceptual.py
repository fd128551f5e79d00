"""Losses in the feature maps (N, h, w, c) of a trained network, the trunk."""

from typing import Any

from keras import ops

from keras_imgen.losses import style


def unit_length(maps: Any) -> Any:
    """Maps whose channels have length 1 at every place (Zhang et al. 2018, section 3.1): layers and trunks then count alike."""
    maps = _f(maps)
    return maps * ops.rsqrt(ops.sum(ops.square(maps), axis=-1, keepdims=True) + 1e-10)


def feature_distance(targets: list[Any], maps: list[Any]) -> Any:
    """Squared distance of the channels, the mean over places and layers (Johnson et al. 2016, eq. 2). Of maps of unit length in [0, 4]."""
    return sum(ops.mean(ops.sum(ops.square(_f(a) - _f(b)), axis=-1)) for a, b in zip(targets, maps)) / len(targets)


def style_distance(targets: list[Any], maps: list[Any]) -> Any:
    """Mean squared difference of the Gram matrices, the sum over layers (Gatys et al. 2016; Johnson et al. 2016, eq. 4)."""
    return sum(ops.mean(ops.square(gram(a) - gram(b))) for a, b in zip(targets, maps))


def gram(maps: Any) -> Any:
    """Gram matrices (N, c, c) of maps (N, h, w, c): inner products of the channels, divided by h w c (Johnson et al. 2016, eq. 3)."""
    return style.gram(style.places_of(maps)) / maps.shape[-1]


def _f(x):
    return ops.cast(x, "float32")
