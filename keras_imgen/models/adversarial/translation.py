"""What models that turn one image into another have in common: their batches, and how they are used and exported."""

from collections.abc import Mapping
from typing import Any

import keras
import numpy as np

from keras_imgen.inference.endpoints import Endpoint, Endpoints, Pictures
from keras_imgen.layers.padding import of_any_size
from keras_imgen.layers.pictures import rescale, to_uint8
from keras_imgen.models import batches
from keras_imgen.models.image_model import ImageModel


class Translation(ImageModel):
    """Base: learns from batches of `image` and `target`, both (N, H, W, C); `fit(images, targets)` or dicts.

    A subclass has `generator`, a `keras.Model` from image to image. Where that takes any size, as a network made for (None, None, C), so
    does `translate`: whole, since instance norms measure the whole picture, within a mirrored margin.
    """

    second = "target"
    reads = ("image", "target")
    in_pairs = True  # whether each target is the answer to its image

    @property
    def averaged_players(self) -> tuple[str, ...]:
        return ("generator",)

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """(height, width, channels) of the input images."""
        return tuple(self.translator.input_shape[1:])

    @property
    def target_shape(self) -> tuple[int, int, int]:
        """(height, width, channels) of the targets."""
        return tuple(self.translator.output_shape[1:])

    @property
    def translator(self) -> keras.Model:
        """The network from `image` to `target`."""
        return self.generator

    @property
    def inverse(self) -> keras.Model | None:
        """The network from `target` to `image`; None where there is none."""
        return None

    def _check(self, batch):
        batches.check(batch, self.image_shape, None)
        batches.check_target(batch, self.target_shape)

    def call(self, inputs: Any, training: bool = False) -> Any:
        """float32 images of the target's kind from float32 images in [-1, 1]."""
        return self.translator(inputs, training=training)

    def translated(self, images: Any, network: keras.Model | None = None) -> Any:
        """uint8 images from images, in tensors: what `translate` compiles and `export` writes.

        Args:
            images: (N, H, W, C), uint8 or float32 in [-1, 1].
            network: None is the translator.
        """
        network = network or self.translator
        return to_uint8(of_any_size(network, lambda x: network(x, training=False), rescale(images)))

    def translate(self, images: Any, batch_size: int = 32, ema: bool = True) -> np.ndarray:
        """The generator's answer to images: uint8 (N, H, W, channels).

        Args:
            images: (N, H, W, C), uint8 or floats in [-1, 1]; of any size, if the generator takes any, up to 16 megapixels each.
            batch_size: images at a time; of large ones fewer.
            ema: use averaged weights.

        Raises:
            ValueError: images of another shape or range, too large ones.
        """
        return self._translate(self.translator, images, batch_size, ema)

    def _translate(self, network, images, batch_size, ema):
        images = np.asarray(images)
        if images.dtype.kind == "f":
            images = images.astype("float32")
        if len(images):
            batches.check({"image": images}, tuple(network.input_shape[1:]), None)
            batch_size = batches.at_a_time(images, batch_size)
        return self.in_batches(
            (network.name, id(network)),
            lambda x: self.translated(x, network),
            [images],
            batch_size,
            ema=ema,
            fill=False,
        )

    def endpoints(self) -> Endpoints:
        found = {"translate": self._endpoint(self.translator, Pictures(self.image_shape))}
        if self.inverse is not None:
            found["translate_back"] = self._endpoint(self.inverse, Pictures(self.target_shape, "targets"))
        return found

    def _endpoint(self, network, pictures):
        function = lambda given, told: self.translated(given["images"], network)  # noqa: E731
        many = 1 if None in pictures.shape else 32
        return Endpoint((pictures,), labelled=False, batch_size=many, fill=False, function=function)

    def show(
        self, batch: Mapping[str, Any] | None = None, n: int = 16, seed: int = 0, **how: Any
    ) -> dict[str, np.ndarray]:
        found = {"image": batch["image"], "answer": self.translate(batch["image"], **how)}
        return {**found, "target": batch["target"]} if self.in_pairs and "target" in batch else found
