"""The statistics of maps that hold a style, and maps that are given others (Huang & Belongie 2017)."""

from typing import Any

import keras
from keras import ops

EPSILON = 1e-5


def statistics(maps: Any) -> tuple[Any, Any]:
    """Mean and standard deviation of each channel of each row over its places, (N, 1, 1, C) each, float32.

    1e-5 is added to the variance, so that flat maps have a deviation above 0.

    Args:
        maps: (N, H, W, C).
    """
    maps = ops.cast(maps, "float32")
    mean = ops.mean(maps, axis=(1, 2), keepdims=True)
    return mean, ops.sqrt(ops.mean(ops.square(maps - mean), axis=(1, 2), keepdims=True) + EPSILON)


@keras.saving.register_keras_serializable("keras_imgen")
class AdaIN(keras.layers.Layer):
    """Adaptive instance normalisation (Huang & Belongie 2017, "Arbitrary Style Transfer in Real-time with Adaptive Instance
    Normalization", eq. 8): content maps (N, H, W, C) whose channels get the given mean and deviation, both (N, 1, 1, C), in place of their
    own. The statistics are taken in float32; `own` gives them where they are known, as those of a whole picture are for a tile of it.
    """

    def call(self, content_maps: Any, mean: Any, deviation: Any, own: Any = None) -> Any:
        own_mean, own_deviation = statistics(content_maps) if own is None else own
        gain = ops.cast(deviation, "float32") / own_deviation
        shift = ops.cast(mean, "float32") - own_mean * gain
        return ops.cast(ops.cast(content_maps, "float32") * gain + shift, self.compute_dtype)

    def compute_output_shape(
        self, content_maps_shape: tuple, mean_shape: tuple, deviation_shape: tuple, own_shape: Any = None
    ) -> tuple:
        return content_maps_shape
