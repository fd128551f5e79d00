"""What models that turn one image into another have in common: their batches, and how they are used and exported."""

from typing import Any

import numpy as np

from keras_imgen.layers.pictures import rescale, to_uint8
from keras_imgen.models import batches
from keras_imgen.models.image_model import ImageModel


class Translation(ImageModel):
    """Base: learns from batches of `image` and `target`, both (N, H, W, C); `fit(images, targets)` or dicts.

    A subclass has `generator`, a `keras.Model` from image to image.
    """

    second = "target"
    reads = ("image", "target")

    @property
    def averaged_players(self):
        return ("generator",)

    @property
    def image_shape(self):
        """(height, width, channels) of the input images."""
        return tuple(self.translator.input_shape[1:])

    @property
    def target_shape(self):
        return tuple(self.translator.output_shape[1:])

    @property
    def translator(self):
        """The network from `image` to `target`."""
        return self.generator

    @property
    def inverse(self):
        """The network from `target` to `image`; None where there is none."""
        return None

    def _check(self, batch):
        batches.check(batch, self.image_shape, None)
        batches.check_target(batch, self.target_shape)

    def call(self, inputs, training=False):
        """float32 images of the target's kind from float32 images in [-1, 1]."""
        return self.translator(inputs, training=training)

    def translated(self, images, network=None):
        """uint8 images from uint8 or float32 images, in tensors: what `translate` compiles and `export` writes."""
        return to_uint8((network or self.translator)(rescale(images), training=False))

    def translate(self, images: Any, batch_size: int = 32, ema: bool = True) -> np.ndarray:
        """The generator's answer to images (N, H, W, C), uint8 or floats in [-1, 1]: uint8 (N, H, W, channels).

        Raises:
            ValueError: images of another shape or range.
        """
        return self._translate(self.translator, images, batch_size, ema)

    def _translate(self, network, images, batch_size, ema):
        images = np.asarray(images)
        if images.dtype.kind == "f":
            images = images.astype("float32")
        if len(images):
            batches.check({"image": images}, tuple(network.input_shape[1:]), None)
        return self.in_batches(
            (network.name, id(network)),
            lambda x: self.translated(x, network),
            [images],
            batch_size,
            ema=ema,
            fill=False,
        )

    def generate(self, n=None, labels=None, seed=0, **kwargs):
        raise TypeError(f"{type(self).__name__} makes images from images: use translate(images).")

    def export(self, path: str) -> None:
        """Write a SavedModel, uint8 images to uint8 images; see `serving.export.export_translation`."""
        from keras_imgen.serving.export import export_translation

        export_translation(self, path)
