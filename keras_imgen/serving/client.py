"""Use an exported model from Python as if it were the model itself."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from keras_imgen.serving import restorer
from keras_imgen.serving.requests import answers, check_codes, labels_of, rows

DESCRIPTION = os.path.join("assets.extra", "keras_imgen.json")


@contextmanager
def tensorflow_logs(level: str) -> Iterator[None]:
    """TensorFlow's Python logger says nothing below this level."""
    import tensorflow as tf

    logger, before = tf.get_logger(), tf.get_logger().level
    logger.setLevel(level)
    try:
        yield
    finally:
        logger.setLevel(before)


class ServedModel:
    """A SavedModel on disk with the `generate` or `translate` of the model that it came from."""

    def __init__(self, path: str, description: dict):
        import tensorflow as tf

        self.description = description
        self.name = self.description["name"]
        self.image_shape = tuple(self.description["image_shape"])
        self.num_classes = self.description["num_classes"]
        with tensorflow_logs("ERROR"):  # it would warn that gradients were not saved
            self._loaded = tf.saved_model.load(path)  # held: its variables live as long as it does

    def _images(self, images, shape=None):
        images, shape = np.asarray(images), shape or self.image_shape
        if images.dtype != np.uint8 or images.shape[1:] != shape:
            raise ValueError(
                f"Expected uint8 images (N, {', '.join(map(str, shape))}), got {images.dtype} {images.shape}."
            )
        return images

    def _call(self, name, parts, labels, batch_size, output="images", constants=None, fill=True):
        """The endpoint `name` on `parts`, arrays with a row for each image, some rows at a time."""
        import tensorflow as tf

        endpoint = self._loaded.signatures[name]
        parts = parts if labels is None else {**parts, "labels": labels}
        constants = {k: tf.constant(v) for k, v in (constants or {}).items()}

        def function(*arrays):
            return endpoint(**dict(zip(parts, map(tf.constant, arrays))), **constants)[output].numpy()

        return answers(function, list(parts.values()), batch_size, fill)


class ServedDiffusion(ServedModel):
    """A `Diffusion` as a SavedModel."""

    def generate(
        self,
        n: int | None = None,
        labels: Any = None,
        seed: int = 0,
        *,
        seeds: Any = None,
        steps: int | None = None,
        sampler: str | None = None,
        guidance_scale: float | None = None,
        batch_size: int = 64,
    ) -> np.ndarray:
        """New images, uint8 (n, height, width, channels): see `Diffusion.generate`."""
        seeds, labels = rows(self.num_classes, n, labels, seed, seeds)
        scale = self.description["guidance_scale"] if guidance_scale is None else guidance_scale
        if labels is not None and (labels == self.num_classes).all():
            scale = 1.0
        scales = np.broadcast_to(np.float32(scale), seeds.shape).astype("float32")
        table = self.table(steps, sampler).astype("float32")
        parts = {"seeds": seeds, "guidance_scale": scales}
        return self._call("generate", parts, labels, batch_size, constants={"table": table}, fill=False)

    def table(self, steps: int | None = None, sampler: str | None = None) -> np.ndarray:
        """The sampler's coefficients; the exported ones unless another sampler or step count is asked for."""
        if steps is None and sampler is None:
            return np.asarray(self.description["table"])
        import keras

        from keras_imgen.models.diffusion import samplers

        schedule = keras.saving.deserialize_keras_object(self.description["schedule"])
        return samplers.table(sampler or self.description["sampler"], schedule, steps or self.description["steps"])


class ServedGAN(ServedModel):
    """A `GAN` as a SavedModel."""

    def generate(
        self,
        n: int | None = None,
        labels: Any = None,
        seed: int = 0,
        *,
        seeds: Any = None,
        truncation: float | None = None,
        batch_size: int = 64,
    ) -> np.ndarray:
        """New images, uint8 (n, height, width, channels): see `GAN.generate`."""
        seeds, labels = rows(self.num_classes, n, labels, seed, seeds)
        constants = {"truncation": np.float32(truncation or 0.0)}
        return self._call("generate", {"seeds": seeds}, labels, batch_size, constants=constants)


class ServedTranslation(ServedModel):
    """A model from image to image as a SavedModel."""

    def translate(self, images: Any, batch_size: int = 32) -> np.ndarray:
        """uint8 images from uint8 images (N, H, W, C): see `Pix2Pix.translate`."""
        return self._call("serving_default", {"images": self._images(images)}, None, batch_size, fill=False)

    def translate_back(self, targets: Any, batch_size: int = 32) -> np.ndarray:
        """uint8 images of the first kind from uint8 targets (N, H, W, C): see `CycleGAN.translate_back`."""
        if "translate_back" not in self._loaded.signatures:
            raise ValueError(f"This export of {self.description['model']} has no way back from targets to images.")
        shape = tuple(self.description["target_shape"])
        return self._call("translate_back", {"images": self._images(targets, shape)}, None, batch_size, fill=False)


class ServedLatentModel(ServedModel):
    """An autoencoder of any kind as a SavedModel."""

    def __init__(self, path: str, description: dict):
        super().__init__(path, description)
        self.latent_shape = tuple(description["latent_shape"])

    def generate(
        self, n: int | None = None, labels: Any = None, seed: int = 0, *, seeds: Any = None, batch_size: int = 64
    ) -> np.ndarray:
        """New images, uint8 (n, height, width, channels): see `LatentModel.generate`."""
        seeds, labels = rows(self.num_classes, n, labels, seed, seeds)
        return self._call("generate", {"seeds": seeds}, labels, batch_size)

    def encode(self, images: Any, labels: Any = None, batch_size: int = 64) -> np.ndarray:
        """Latents of uint8 images (N, H, W, C)."""
        parts = {"images": self._images(images)}
        return self._call("encode", parts, self._labels(images, labels), batch_size, "latents")

    def decode(self, latents: Any, labels: Any = None, batch_size: int = 64) -> np.ndarray:
        """uint8 images of latents (N, *latent_shape)."""
        latents = np.asarray(latents)
        if latents.shape[1:] != self.latent_shape:
            shape = ", ".join(map(str, self.latent_shape))
            raise ValueError(f"Expected latents of shape (N, {shape}), got {latents.shape}.")
        if self.description["codes"] is not None:
            check_codes(latents, self.description["codes"])
        latents = latents.astype(self.description["latent_dtype"])
        return self._call("decode", {"latents": latents}, self._labels(latents, labels), batch_size)

    def reconstruct(self, images: Any, labels: Any = None, batch_size: int = 64) -> np.ndarray:
        """uint8 images after encoding and decoding."""
        parts = {"images": self._images(images)}
        return self._call("reconstruct", parts, self._labels(images, labels), batch_size)

    def _labels(self, given, labels):
        return labels_of(self.description["codec_classes"], len(given), labels)


class ServedRestoration(ServedModel):
    """A restoring model as a SavedModel."""

    def __init__(self, path: str, description: dict):
        super().__init__(path, description)
        self.form = restorer.Form(**description["form"])

    def restore(self, images: Any, **how: Any) -> Any:
        """Restored pictures of any kind and size: see `models.SuperResolution.restore`."""

        def run(arrays):
            return self._call("tiles", arrays, None, len(arrays["image"]), fill=False)

        return restorer.restore(run, self.form, images, **how)


_KINDS = {
    "diffusion": ServedDiffusion,
    "gan": ServedGAN,
    "translation": ServedTranslation,
    "latent": ServedLatentModel,
    "restoration": ServedRestoration,
}


def load(path: str) -> ServedModel:
    """Open the SavedModel folder at `path`.

    Raises:
        ValueError: the folder is not a SavedModel of this package.
    """
    description = os.path.join(path, DESCRIPTION)
    if not os.path.isfile(os.path.join(path, "saved_model.pb")) or not os.path.isfile(description):
        raise ValueError(
            f"{path} is not a SavedModel written by keras_imgen: expected saved_model.pb and {DESCRIPTION} in it."
        )
    with open(description) as f:
        found = json.load(f)
    return _KINDS[found.get("kind", "diffusion")](path, found)
