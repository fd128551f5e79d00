"""Any size for networks that halve it or cut it into windows: pad first, crop last."""

import math
from collections.abc import Callable
from typing import Any

import keras
from keras import ops

from keras_imgen.inference.stylizer import MARGIN


def mirrored(x: Any, places: Any, axis: int) -> Any:
    """x at `places` of an axis, which goes on beyond its ends there and back, as often as it takes.

    Args:
        x: tensor of any shape.
        places: whole numbers (K,), also below 0 or beyond the axis.
        axis: which one.

    Returns:
        x with K places on the axis.
    """
    size = ops.shape(x)[axis]
    places = ops.mod(places, 2 * size)
    return ops.take(x, ops.minimum(places, 2 * size - 1 - places), axis=axis)


def framed(x: Any, margin: int, multiple: int) -> Any:
    """Pictures with a mirrored margin, so that the zeros with which a network pads stay away from them, and sides that it takes.

    Args:
        x: (N, H, W, C), H, W >= 1.
        margin: pixels above and on the left; below and on the right as many or, for the `multiple`, some more.
        multiple: of both sides of the answer, in pixels.
    """
    for axis in (1, 2):
        size = -(-(ops.shape(x)[axis] + 2 * margin) // multiple) * multiple
        x = mirrored(x, ops.arange(size) - margin, axis)
    return x


def within_margin(run: Callable[[Any], Any], x: Any, margin: int, multiple: int) -> Any:
    """What `run` makes of pictures that are `framed`, without the frame: (N, H, W, ...).

    Args:
        run: (N, h, w, C) -> (N, h, w, ...).
        others: see `framed`.
    """
    height, width = ops.shape(x)[1:3]
    return run(framed(x, margin, multiple))[:, margin : margin + height, margin : margin + width]


def multiple_of(network: keras.Model) -> int:
    """What divides the sides of pictures that a network takes: the product of all strides by which it goes down."""
    down = (keras.layers.Conv2D, keras.layers.AveragePooling2D, keras.layers.MaxPooling2D)
    return math.prod(layer.strides[0] for layer in network._flatten_layers() if isinstance(layer, down))


def of_any_size(network: keras.Model, run: Callable[[Any], Any], x: Any) -> Any:
    """What `run` makes of pictures: of any size `within_margin`, where the network that sees them takes any; else as they are.

    Args:
        network: whose input says so, and by whose strides the sides are divided.
        run: see `within_margin`.
        x: (N, H, W, C).
    """
    if None not in network.input_shape[1:]:
        return run(x)
    return within_margin(run, x, MARGIN, multiple_of(network))


@keras.saving.register_keras_serializable("keras_imgen")
class PadToMultiple(keras.layers.Layer):
    """Mirrors (N, H, W, C), H, W >= 1, at its last row and column until both sides are multiples of `multiple`.

    Mirrored noise looks like noise; a repeated row of it is a pattern of stripes, which costs a denoiser up to half a decibel.

    Args:
        multiple: in pixels.
    """

    def __init__(self, multiple: int, **kwargs: Any):
        super().__init__(**kwargs)
        self.multiple = multiple

    def call(self, x: Any) -> Any:
        for axis in (1, 2):
            size = ops.shape(x)[axis]
            if isinstance(size, int) and size % self.multiple == 0:
                continue
            padded = -(-size // self.multiple) * self.multiple
            x = mirrored(x, ops.arange(padded), axis)
        return x

    def compute_output_shape(self, shape: tuple) -> tuple:
        return (shape[0], *(n and -(-n // self.multiple) * self.multiple for n in shape[1:3]), shape[-1])

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "multiple": self.multiple}


@keras.saving.register_keras_serializable("keras_imgen")
class CropLike(keras.layers.Layer):
    """Called with [x, reference]: the top left of x (N, h, w, C) that is `scale` times as high and wide as the reference.

    Args:
        scale: whole number.
    """

    def __init__(self, scale: int = 1, **kwargs: Any):
        super().__init__(**kwargs)
        self.scale = scale

    def call(self, inputs: Any) -> Any:
        x, reference = inputs
        height, width = (n * self.scale for n in ops.shape(reference)[1:3])
        return x[:, :height, :width]

    def compute_output_shape(self, shapes: list[tuple]) -> tuple:
        x, reference = shapes
        return (x[0], *(n and n * self.scale for n in reference[1:3]), x[-1])

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "scale": self.scale}
