"""Use an exported model from Python as if it were the model itself."""

import hashlib
import json
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from keras_imgen.conditions import from_description, given_with, inputs_of, is_null, of_classes, of_one_length
from keras_imgen.inference import restorer
from keras_imgen.inference.requests import (
    Sampling,
    answers,
    checked_latents,
    rows,
    told,
    truncation_bound,
)

DESCRIPTION = os.path.join("assets.extra", "keras_imgen.json")


@contextmanager
def tensorflow_logs(level: str) -> Iterator[None]:
    """TensorFlow's Python loggers, its own and absl's, say nothing below this level."""
    import tensorflow as tf

    loggers = [tf.get_logger(), logging.getLogger("absl")]
    before = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(level)
    try:
        yield
    finally:
        for logger, was in zip(loggers, before):
            logger.setLevel(was)


def checksum(path: str) -> str:
    """SHA-256 of the graph of the SavedModel folder `path`; TensorFlow has one of the variables alone, and takes a graph as it finds it."""
    with open(os.path.join(path, "saved_model.pb"), "rb") as f:
        return hashlib.file_digest(f, "sha256").hexdigest()


class ServedModel:
    """A SavedModel on disk with the `generate` or `translate` of the model that it came from."""

    needs: tuple[str, ...] = ()  # what its description holds besides what all have
    endpoints: tuple[str, ...] = ("serving_default",)

    def __init__(self, path: str, description: dict):
        import tensorflow as tf

        self.description = description
        self.name = self.description["name"]
        self.image_shape = tuple(self.description["image_shape"])
        self.num_classes = self.description["num_classes"]
        self.conditions = _conditions(description, "conditions", self.num_classes)
        with tensorflow_logs("ERROR"):  # it would warn that gradients were not saved
            self._loaded = tf.saved_model.load(path)  # held: its variables live as long as it does
        if missing := set(self.endpoints) - set(self._loaded.signatures):
            raise ValueError(f"it has no endpoint {', '.join(sorted(missing))}")

    def _images(self, images, shape=None):
        images, shape = np.asarray(images), shape or self.image_shape
        if images.dtype != np.uint8 or images.shape[1:] != shape:
            raise ValueError(
                f"Expected uint8 images (N, {', '.join(map(str, shape))}), got {images.dtype} {images.shape}."
            )
        return images

    def _call(self, name, parts, conditions, batch_size, output="images", constants=None, fill=True):
        """The endpoint `name` on `parts`, arrays with a row for each image, and what it is told, some rows at a time."""
        import tensorflow as tf

        endpoint = self._loaded.signatures[name]
        served = inputs_of(self.conditions)
        parts = {**parts, **{served[k].served: v for k, v in conditions.items()}}
        constants = {k: tf.constant(v) for k, v in (constants or {}).items()}

        def function(*arrays):
            return endpoint(**dict(zip(parts, map(tf.constant, arrays))), **constants)[output].numpy()

        return answers(function, list(parts.values()), batch_size, fill)


class ServedDiffusion(ServedModel):
    """A `Diffusion` as a SavedModel."""

    needs = ("guidance_scale", "sampler", "schedule", "steps", "table")
    endpoints = ("generate",)

    def generate(
        self,
        n: int | None = None,
        labels: Any = None,
        seed: int = 0,
        *,
        seeds: Any = None,
        steps: int | None = None,
        sampler: str | None = None,
        grid: str | None = None,
        eta: float | None = None,
        guidance_scale: float | None = None,
        guidance_rescale: float = 0.0,
        guidance_interval: tuple[float, float] | None = None,
        conditions: dict[str, Any] | None = None,
        negative: dict[str, Any] | None = None,
        batch_size: int = 64,
    ) -> np.ndarray:
        """New images, uint8 (n, height, width, channels): see `Diffusion.generate`."""
        seeds, told = rows(self.conditions, n, given_with(labels, conditions), seed, seeds)
        how = Sampling(steps, sampler, grid, eta, guidance_scale, guidance_rescale, guidance_interval)
        table = self.table(**how.for_table()).astype("float32")
        scales, phi, interval = how.guidance(self.description["guidance_scale"], len(seeds))
        negative = given_with(None, negative)
        if not negative and is_null(self.conditions, told):
            scales = np.ones_like(scales)
        parts = {"seeds": seeds, "guidance_scale": scales}
        if "sample" in self._loaded.signatures:
            away = rows(self.conditions, len(seeds), negative, like=told)[1]
            told, away = of_one_length(self.conditions, told, away)
            served = inputs_of(self.conditions)
            parts.update({f"negative_{served[k].served}": v for k, v in away.items()})
            constants = {"table": table, "guidance_rescale": phi, "guidance_interval": interval}
            return self._call("sample", parts, told, batch_size, constants=constants, fill=False)
        if negative or guidance_interval is not None or phi:
            raise ValueError(
                "This export is of an older version, without guidance_rescale, guidance_interval and negative: export it again."
            )
        return self._call("generate", parts, told, batch_size, constants={"table": table}, fill=False)

    def table(self, **how: Any) -> np.ndarray:
        """The sampler's coefficients; the exported ones unless others are asked for: `steps`, `sampler`, `grid`, `eta`."""
        if not how:
            return np.asarray(self.description["table"])
        import keras

        from keras_imgen.sampling import samplers

        schedule = keras.saving.deserialize_keras_object(self.description["schedule"])
        return samplers.table(schedule=schedule, **{k: self.description[k] for k in ("sampler", "steps")} | how)


class ServedGAN(ServedModel):
    """A `GAN` as a SavedModel."""

    endpoints = ("generate",)

    def generate(
        self,
        n: int | None = None,
        labels: Any = None,
        seed: int = 0,
        *,
        seeds: Any = None,
        truncation: float | None = None,
        conditions: dict[str, Any] | None = None,
        batch_size: int = 64,
    ) -> np.ndarray:
        """New images, uint8 (n, height, width, channels): see `GAN.generate`."""
        seeds, told = rows(self.conditions, n, given_with(labels, conditions), seed, seeds, null=False)
        constants = {"truncation": truncation_bound(truncation)}
        return self._call("generate", {"seeds": seeds}, told, batch_size, constants=constants)


class ServedTranslation(ServedModel):
    """A model from image to image as a SavedModel."""

    def translate(self, images: Any, batch_size: int = 32) -> np.ndarray:
        """uint8 images from uint8 images (N, H, W, C): see `Pix2Pix.translate`."""
        return self._call("serving_default", {"images": self._images(images)}, {}, batch_size, fill=False)

    def translate_back(self, targets: Any, batch_size: int = 32) -> np.ndarray:
        """uint8 images of the first kind from uint8 targets (N, H, W, C): see `CycleGAN.translate_back`."""
        if "translate_back" not in self._loaded.signatures:
            raise ValueError(f"This export of {self.description['model']} has no way back from targets to images.")
        shape = tuple(self.description["target_shape"])
        return self._call("translate_back", {"images": self._images(targets, shape)}, {}, batch_size, fill=False)


class ServedLatentModel(ServedModel):
    """An autoencoder of any kind as a SavedModel."""

    needs = ("codec_classes", "codes", "latent_shape")
    endpoints = ("generate", "encode", "decode", "reconstruct")

    def __init__(self, path: str, description: dict):
        super().__init__(path, description)
        self.latent_shape = tuple(description["latent_shape"])
        self.codec_conditions = _conditions(description, "codec_conditions", description["codec_classes"])

    def generate(
        self,
        n: int | None = None,
        labels: Any = None,
        seed: int = 0,
        *,
        seeds: Any = None,
        conditions: dict[str, Any] | None = None,
        batch_size: int = 64,
    ) -> np.ndarray:
        """New images, uint8 (n, height, width, channels): see `LatentModel.generate`."""
        seeds, told = rows(self.conditions, n, given_with(labels, conditions), seed, seeds, null=False)
        return self._call("generate", {"seeds": seeds}, told, batch_size)

    def encode(self, images: Any, labels: Any = None, batch_size: int = 64, *, conditions: Any = None) -> np.ndarray:
        """Latents of uint8 images (N, H, W, C)."""
        parts = {"images": self._images(images)}
        return self._call("encode", parts, self._told(images, labels, conditions), batch_size, "latents")

    def decode(self, latents: Any, labels: Any = None, batch_size: int = 64, *, conditions: Any = None) -> np.ndarray:
        """uint8 images of latents (N, *latent_shape)."""
        latents = checked_latents(latents, self.latent_shape, self.description["codes"])
        return self._call("decode", {"latents": latents}, self._told(latents, labels, conditions), batch_size)

    def reconstruct(
        self, images: Any, labels: Any = None, batch_size: int = 64, *, conditions: Any = None
    ) -> np.ndarray:
        """uint8 images after encoding and decoding."""
        parts = {"images": self._images(images)}
        return self._call("reconstruct", parts, self._told(images, labels, conditions), batch_size)

    def _told(self, rows, labels, conditions):
        return told(self.codec_conditions, len(rows), given_with(labels, conditions))


class ServedRestoration(ServedModel):
    """A restoring model as a SavedModel."""

    needs = ("form",)
    endpoints = ("tiles",)

    def __init__(self, path: str, description: dict):
        super().__init__(path, description)
        self.form = restorer.Form(**description["form"])

    def restore(self, images: Any, **how: Any) -> Any:
        """Restored pictures of any kind and size: see `models.SuperResolution.restore`."""

        def run(arrays):
            told = {k: v for k, v in arrays.items() if k in inputs_of(self.conditions)}
            arrays = {k: v for k, v in arrays.items() if k not in told}
            return self._call("tiles", arrays, told, len(arrays["image"]), fill=False)

        return restorer.restore(run, self.form, images, known=self.conditions, **how)


def _conditions(description, name, num_classes):
    """Of an export; older ones had labels alone."""
    return from_description(description[name]) if name in description else of_classes(num_classes)


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
        ValueError: the folder is not a whole SavedModel of this package; one line that names it.
    """
    description = os.path.join(path, DESCRIPTION)
    if not os.path.isfile(os.path.join(path, "saved_model.pb")) or not os.path.isfile(description):
        raise ValueError(
            f"{path} is not a SavedModel written by keras_imgen: expected saved_model.pb and {DESCRIPTION} in it."
        )
    try:
        with open(description, encoding="utf-8") as f:
            found = json.load(f)
        kind = _KINDS[found.get("kind", "diffusion")]
        if missing := {"name", "image_shape", "num_classes", *kind.needs} - set(found):
            raise ValueError(f"{DESCRIPTION} lacks {', '.join(sorted(missing))}")
        if found.get("sha256", checksum(path)) != checksum(path):
            raise ValueError("saved_model.pb has another checksum")
        return kind(path, found)
    except Exception as error:
        from keras_imgen.data.files import one_line

        said = f"{type(error).__name__}: {one_line(error)}"
        raise ValueError(f"{path} is damaged, or of an unknown version: {said}. Export it again.") from error
