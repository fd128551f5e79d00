"""One network for any style, which it is shown."""

from collections.abc import Mapping
from typing import Any

import keras
import numpy as np

from keras_imgen.data.image_io import to_uint8
from keras_imgen.inference.endpoints import Endpoints, Pictures
from keras_imgen.inference.stylizer import colours_of, mixing_weights
from keras_imgen.inference.stylizer import look_of as whole_look
from keras_imgen.models.style.stylizer import Stylizer, look_of


@keras.saving.register_keras_serializable("keras_imgen")
class ArbitraryStyle(Stylizer):
    """Style transfer to a style that it has never seen, from one picture of it (AdaIN, Huang & Belongie 2017), with the statistics of the
    style at several sizes (as WCT, Li et al. 2017).

    Args:
        others: see `Stylizer`.

    Learns from batches of `image` and `style`, any pictures: `data.styled(data.patches(...), pictures, recolour=0.7)`.
    """

    def __init__(self, encoder: keras.Model, decoder: keras.Model, **kwargs: Any):
        super().__init__(encoder, decoder, **kwargs)
        self.finish()

    @property
    def players(self) -> dict[str, keras.Model]:
        return {"decoder": self.decoder}

    @property
    def reads(self) -> tuple[str, ...]:
        return ("image", "style")

    def wanted(self, batch: dict[str, Any]) -> Any:
        return look_of(self.encoder(batch["style"], training=False))

    def sizes(self, batch: dict[str, Any], own: Any, training: bool) -> Any:
        """Half the target's own, half the mean of all styles: of own sizes alone, flat styles would count hundreds of times as much."""
        return (own + self.mean_sizes(own, None, training)) / 2.0

    def looks_of(self, given: Any) -> Any:
        return self.look(given)

    def told_by(self, batch: Mapping[str, Any]) -> Any:
        return to_uint8(np.asarray(batch["style"]))

    def endpoints(self) -> Endpoints:
        return self._endpoints(Pictures((None, None, 3), "styles", "styles"))

    def describe(self, picture: Any, tile: int | None = None, ema: bool = True) -> np.ndarray:
        """The look of a picture, float32 (2, D): mean and deviation of the channels of its maps. Looks can be averaged.

        Args:
            picture: see `stylize`.
            tile: see `stylize`.
            ema: with averaged weights.
        """
        colours, tile = colours_of(picture)[0], self._side(tile)
        if self._in_one(colours, tile):
            return self.compiled_function("look", self.look, ema, any_size=True)(colours[None])[0]
        sums = self.compiled_function("sums", self.sums, ema, any_size=True)
        return whole_look(sums, colours, tile, min(self.overlap, tile // 2), self.multiple)

    def stylize(
        self,
        images: Any,
        styles: Any,
        *,
        weights: Any = None,
        alpha: float = 1.0,
        tile: int | None = None,
        overlap: int | None = None,
        ema: bool = True,
    ) -> Any:
        """Pictures in the style of another, or in the mean of several, in the depth and size of what came.

        Args:
            images: a picture (H, W) or (H, W, C), uint8, uint16 or floats in [-1, 1], a batch (N, H, W, C), a path, a PIL image, or a list
                of them.
            styles: a picture of the style, as one of `images`; a batch (N, h, w, C), one for each picture; or a list that is mixed.
            weights: of several styles, numbers of at least 0, not all zero; None is all alike.
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
        one_each = getattr(styles, "ndim", 0) == 4
        if one_each and weights is not None:
            raise ValueError("Expected `weights` with a list of styles that are mixed, got a style for each picture.")
        styles = list(styles) if one_each or isinstance(styles, list | tuple) else [styles]
        shares = None if one_each else mixing_weights(weights, len(styles))
        looks = np.stack([self.describe(one, tile, ema) for one in styles])
        if shares is not None:
            looks = (looks * (shares / shares.sum())[:, None, None]).sum(0, keepdims=True).astype("float32")
        return self._stylized(images, looks, alpha, tile, overlap, ema)
