"""One network for one style, or for several that are learned together."""

from collections.abc import Mapping
from typing import Any

import keras
import numpy as np
from keras import layers, ops

from keras_imgen.arguments import integer
from keras_imgen.conditions import Conditions, of_classes
from keras_imgen.inference.endpoints import Endpoints
from keras_imgen.inference.stylizer import StyleWeights, style_weights
from keras_imgen.models.calls import Pair
from keras_imgen.models.style.stylizer import Stylizer


@keras.saving.register_keras_serializable("keras_imgen")
class FastStyle(Stylizer):
    """Feed-forward style transfer (Johnson et al. 2016) in `num_styles` styles, each with a look of its own (conditional instance
    normalisation, Dumoulin et al. 2017).

    Args:
        encoder: see `Stylizer`.
        decoder: see `Stylizer`.
        num_styles: how many styles.
        others: see `Stylizer`.

    Learns from batches of `image`, `style`, a picture of the style, and `label`, which one it is, of 0..num_styles - 1:
    `data.styled(data.patches(...), styles)`. Of a single style `label` may be left out.

    Raises:
        ValueError: `num_styles` below 1.
    """

    settings = (*Stylizer.settings, "num_styles")

    def __init__(self, encoder: keras.Model, decoder: keras.Model, num_styles: int = 1, **kwargs: Any):
        super().__init__(encoder, decoder, **kwargs)
        self.num_styles = integer("num_styles", num_styles, 1)
        self.looks = _looks(self.num_styles, self.look_size)
        self._untracked.trained = Pair(decoder, self.looks, name="stylizer")
        self.finish()

    @property
    def players(self) -> dict[str, keras.Model]:
        return {"stylizer": self._untracked.trained}

    @property
    def num_classes(self) -> int | None:
        return None if self.num_styles == 1 else self.num_styles

    @property
    def conditions(self) -> Conditions:
        return of_classes(self.num_classes, self.class_names)

    @property
    def reads(self) -> tuple[str, ...]:
        return ("image", "style", "label")

    def wanted(self, batch: dict[str, Any]) -> Any:
        if self.num_styles == 1:
            return self.looks(ops.ones((ops.shape(batch["image"])[0], 1)))
        return self.looks(ops.one_hot(batch["label"], self.num_styles))

    def sizes(self, batch: dict[str, Any], own: Any, training: bool) -> Any:
        return self.mean_sizes(own, None if self.num_styles == 1 else batch["label"], training)

    def stylize(
        self,
        images: Any,
        styles: Any = None,
        *,
        alpha: float = 1.0,
        tile: int | None = None,
        overlap: int | None = None,
        ema: bool = True,
    ) -> Any:
        """Pictures in one of the styles, or in a mixture, in the depth and size of what came.

        Args:
            images: a picture (H, W) or (H, W, C), uint8, uint16 or floats in [-1, 1], a batch (N, H, W, C), a path, a PIL image, or a list
                of them.
            styles: the number of a style, a list of them, one for each picture, or weights of at least 0 as floats, (num_styles,) or (N,
                num_styles), not all zero; may be left out of a model of one style.
            alpha: from 0, the picture as it was, to 1.
            tile: pixels of a tile's side; larger pictures are painted tile by tile with the statistics of the whole. None is 1024.
            overlap: pixels that tiles share. None is 192.
            ema: with averaged weights.

        Returns:
            An array for one picture, a list for a list, (N, ...) for a batch.

        Raises:
            ValueError: another shape, type or range.
            FileNotFoundError: no such file.
        """
        looks = self.compiled_function("looks", self.looks, ema)(style_weights(styles, self.num_styles))
        return self._stylized(images, looks, alpha, tile, overlap, ema)

    def looks_of(self, given: Any) -> Any:
        return self.looks(given)

    def told_by(self, batch: Mapping[str, Any]) -> Any:
        return None if self.num_styles == 1 else np.asarray(batch["label"])

    def endpoints(self) -> Endpoints:
        return self._endpoints(StyleWeights(self.num_styles))


def _looks(count: int, size: int) -> keras.Model:
    """Weights of the styles (N, count), which sum to 1, -> (N, 2, size): the mean of their looks, which begin as 0 and 1."""
    start = keras.initializers.RandomNormal(0.1)
    weights = keras.Input((count,), name="weights")
    mean = layers.Dense(size, use_bias=False, kernel_initializer=start, dtype="float32", name="mean")(weights)
    deviation = layers.Dense(size, use_bias=False, kernel_initializer="ones", dtype="float32", name="deviation")(
        weights
    )
    return keras.Model(
        weights, layers.Reshape((2, size), name="look")(layers.Concatenate()([mean, deviation])), name="looks"
    )
