"""Random changes of training images by Keras' preprocessing layers, drawn anew for every (seed, epoch, batch)."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from keras import layers


class _Seed(keras.random.SeedGenerator):
    """Hands a given seed, a tensor of shape (2,), to a layer: its changes are then a function of it, and can be repeated."""

    def __init__(self, seed: Any):
        self.value, self.count = seed, 0

    def next(self, ordered: Any = True) -> Any:
        self.count += 1
        return self.value + np.array([0, self.count], keras.backend.standardize_dtype(self.value.dtype))


def _refuse_sources(batch):
    if "source" in batch:
        raise ValueError("Augment changes `image` and `mask`, and not the `source` that belongs to them: leave it out.")


def _changed(steps, image, mask, seed):
    """Images as floats, and their masks or None, after all changes."""
    for i, (layer, moves) in enumerate(steps):
        own = _Seed(seed + np.array([i + 1, 0], keras.backend.standardize_dtype(seed.dtype)))
        change = layer.get_random_transformation(image, training=True, seed=own)
        after = layer.transform_images(image, change, training=True)
        if moves and mask is not None:
            mask = layer.transform_segmentation_masks(mask, change, training=True)
        image = after
    return image, mask


class Augment:
    """Flips, crops, turns, scales and recolours; masks follow their images. For `load(..., augment=Augment(...))`.

    What comes in at the edges is the images' reflection.

    Args:
        flip: "horizontal", "vertical" or "horizontal_and_vertical".
        crop: (height, width) of a random window, for images loaded larger than they are learned.
        rotate: largest angle in degrees, in [0, 180].
        scale: largest share by which images grow or shrink, in [0, 0.9].
        shift: largest share of the size by which they move, in [0, 1].
        colour: strength in [0, 1] of changes of brightness, contrast, saturation and hue (the last two with 3 channels).
        grayscale: the share of images that lose their colour, in [0, 1].

    Raises:
        ValueError: a value outside its range.
    """

    def __init__(
        self,
        flip: str | None = None,
        crop: tuple[int, int] | None = None,
        rotate: float = 0.0,
        scale: float = 0.0,
        shift: float = 0.0,
        colour: float = 0.0,
        grayscale: float = 0.0,
    ):
        for name, value, top in (
            ("rotate", rotate, 180),
            ("scale", scale, 0.9),
            ("shift", shift, 1),
            ("colour", colour, 1),
            ("grayscale", grayscale, 1),
        ):
            if not 0 <= value <= top:
                raise ValueError(f"Expected `{name}` in [0, {top}], got {value!r}.")
        modes = ("horizontal", "vertical", "horizontal_and_vertical")
        if flip is not None and flip not in modes:
            raise ValueError(f"Expected `flip` to be one of {', '.join(modes)}, got {flip!r}.")
        self.crop, self.colour, self.grayscale = crop, colour, grayscale
        edge = {"fill_mode": "reflect"}
        self.shapes = [
            *([layers.RandomFlip(flip)] if flip else []),
            *([layers.RandomRotation(rotate / 360, **edge)] if rotate else []),
            *([layers.RandomZoom(scale, **edge)] if scale else []),
            *([layers.RandomTranslation(shift, shift, **edge)] if shift else []),
            *([layers.RandomCrop(*crop)] if crop else []),
        ]

    def _colours(self, channels: int) -> list:
        k, found = self.colour, []
        if k:
            found += [layers.RandomBrightness(0.4 * k), layers.RandomContrast(0.4 * k)]
            if channels == 3:
                found += [layers.RandomSaturation((0.5 - 0.4 * k, 0.5 + 0.4 * k)), layers.RandomHue(0.1 * k)]
        if self.grayscale and channels == 3:
            found.append(layers.RandomGrayscale(self.grayscale))
        return found

    def output_shape(self, shape: tuple[int, int, int]) -> tuple[int, int, int]:
        """(height, width, channels) of what comes out, for images of that shape.

        Raises:
            ValueError: images smaller than the crop.
        """
        if not self.crop:
            return shape
        if self.crop[0] > shape[0] or self.crop[1] > shape[1]:
            raise ValueError(f"Expected `crop` no larger than the images, {shape[:2]}, got {tuple(self.crop)}.")
        return (*self.crop, shape[2])

    def _steps(self, shape, backend):
        """(layer, whether masks follow) of every change."""
        self.output_shape(shape)
        steps = [*((layer, True) for layer in self.shapes), *((layer, False) for layer in self._colours(shape[2]))]
        for layer, _ in steps:
            layer.build((None, *shape))
            layer.backend.set_backend(backend)
        return steps

    def change(self, shape: tuple[int, int, int]) -> Callable[[dict[str, Any], Any], dict[str, Any]]:
        """f(batch dict of uint8 arrays, seed (2,)) -> batch, on JAX's CPU, for images of the shape (height, width, channels).

        Raises:
            ValueError: images smaller than the crop.
        """
        import jax

        steps = self._steps(shape, "jax")
        try:
            host = jax.local_devices(backend="cpu")[0]
        except RuntimeError:  # JAX_PLATFORMS leaves the CPU out
            host = jax.local_devices()[0]

        def changed(image, mask, seed):
            image, mask = _changed(steps, image.astype("float32"), mask, seed)
            return image.clip(0, 255).round().astype("uint8"), mask

        changed = changed if self.crop else jax.jit(changed)  # Keras cuts at places that have to be known

        def f(batch, seed):
            _refuse_sources(batch)
            with jax.default_device(host):
                arrays = (jax.numpy.asarray(batch[k]) if k in batch else None for k in ("image", "mask"))
                image, mask = changed(*arrays, jax.numpy.asarray(seed, "uint32"))
            out = {**batch, "image": np.asarray(image)}
            if mask is not None:
                out["mask"] = np.round(np.asarray(mask, "float32")).astype(batch["mask"].dtype)
            return out

        return f

    def pipeline(self, shape: tuple[int, int, int]) -> Callable[[dict[str, Any], Any], dict[str, Any]]:
        """f(batch dict of uint8 tensors, seed (2,)) -> batch, for tf.data and images of the shape (height, width, channels).

        Raises:
            ValueError: images smaller than the crop.
        """
        import tensorflow as tf

        steps = self._steps(shape, "tensorflow")

        def f(batch, seed):
            _refuse_sources(batch)
            image, mask = _changed(steps, tf.cast(batch["image"], "float32"), batch.get("mask"), seed)
            out = {**batch, "image": tf.cast(tf.round(tf.clip_by_value(image, 0, 255)), "uint8")}
            if mask is not None:
                out["mask"] = tf.cast(tf.round(tf.cast(mask, "float32")), batch["mask"].dtype)
            return out

        return f
