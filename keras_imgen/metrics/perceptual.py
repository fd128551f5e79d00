"""Distance between two pictures in the feature maps of a network."""

from typing import Any

import keras
import numpy as np
from keras import ops


class PerceptualDistance(keras.metrics.Metric):
    """The mean over pairs of images of the learned perceptual distance of Zhang et al. 2018 (LPIPS), equation 1.

    At each tapped layer maps are scaled to unit length over their channels; their squared difference is weighted by channel,
    averaged over the places and summed over the layers.

    It may be called LPIPS only with the weights that its authors trained, for the trunk they trained them on; without `heads`
    all channels count alike, and the metric's name says "perceptual distance [trunk]".

    Args:
        trunk: a model of images in [0, 255] with several maps (N, h, w, c) as outputs; None: SqueezeNet 1.1 with the ImageNet
            weights under KERAS_IMGEN_DATA.
        heads: one array (c,) of channel weights for each map, not negative.
        data_range: of the images that come: 2 for the model range [-1, 1], 1 for [0, 1], 255.
        low: the least value of that range; by default -1 for a range of 2, otherwise 0.
        name: of the metric.

    Raises:
        ValueError: heads of other sizes, or negative ones.
        FileNotFoundError: the weights of SqueezeNet are not there.
    """

    def __init__(
        self,
        trunk: keras.Model | None = None,
        heads: list[np.ndarray] | None = None,
        data_range: float = 2.0,
        low: float | None = None,
        name: str | None = None,
        **kwargs: Any,
    ):
        if trunk is None:
            from keras_imgen.networks import squeezenet11

            trunk = squeezenet11("imagenet")
        sizes = [output.shape[-1] for output in trunk.outputs]
        if heads is not None and [np.shape(h) for h in heads] != [(n,) for n in sizes]:
            raise ValueError(f"Expected heads of the sizes {sizes}, got {[np.shape(h) for h in heads]}.")
        if heads is not None and min(np.min(h) for h in heads) < 0:
            raise ValueError("Expected heads that are not negative.")
        label = "lpips" if heads is not None else "perceptual distance"
        super().__init__(name=name or f"{label} [{trunk.name}]", **kwargs)
        self.trunk, self.heads = trunk, heads
        self.data_range, self.low = data_range, (-1.0 if data_range == 2 else 0.0) if low is None else low
        self.total = self.add_variable((), "zeros", name="total")
        self.count = self.add_variable((), "zeros", name="count")

    def distance(self, target: Any, image: Any) -> Any:
        """(N,) for two batches (N, H, W, 3) of one shape; gray is repeated."""
        pair = []
        for v in (target, image):
            v = (ops.cast(v, "float32") - self.low) * (255.0 / self.data_range)
            pair.append(self.trunk(ops.repeat(v, 3, axis=-1) if v.shape[-1] == 1 else v, training=False))
        heads = self.heads or [None] * len(pair[0])
        total = 0.0
        for a, b, head in zip(*pair, heads):
            a, b = (v / (ops.norm(v, axis=-1, keepdims=True) + 1e-10) for v in (a, b))
            squared = ops.square(a - b)
            weighted = squared if head is None else squared * ops.convert_to_tensor(np.asarray(head, "float32"))
            total = total + ops.mean(ops.sum(weighted, axis=-1), axis=(1, 2))
        return total

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        values = self.distance(y_true, y_pred)
        self.total.assign_add(ops.sum(values))
        self.count.assign_add(ops.cast(ops.shape(values)[0], self.dtype))

    def result(self) -> Any:
        return ops.divide_no_nan(self.total, self.count)
