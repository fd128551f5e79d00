"""Use an exported model from Python as if it were the model itself."""

import json
import os
from typing import Any

import numpy as np

from keras_imgen.serving.requests import rows

DESCRIPTION = os.path.join("assets.extra", "keras_imgen.json")


class ServedModel:
    """A SavedModel on disk with the `generate` of the model that it came from."""

    def __init__(self, path: str):
        import tensorflow as tf

        description = os.path.join(path, DESCRIPTION)
        if not os.path.isfile(os.path.join(path, "saved_model.pb")) or not os.path.isfile(description):
            raise ValueError(
                f"{path} is not a SavedModel written by keras_imgen: expected saved_model.pb and {DESCRIPTION} in it."
            )
        with open(description) as f:
            self.description = json.load(f)
        self.name = self.description["name"]
        self.image_shape = tuple(self.description["image_shape"])
        self.num_classes = self.description["num_classes"]
        self._loaded = tf.saved_model.load(path)  # held: its variables live as long as it does
        self._endpoint = self._loaded.signatures["generate"]

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
        import tensorflow as tf

        seeds, labels = rows(self.num_classes, n, labels, seed, seeds)
        table = tf.constant(self.table(steps, sampler).astype("float32"))
        scale = self.description["guidance_scale"] if guidance_scale is None else guidance_scale
        if labels is not None and (labels == self.num_classes).all():
            scale = 1.0
        scales = np.broadcast_to(np.float32(scale), seeds.shape).astype("float32")
        parts = []
        for i in range(0, len(seeds), batch_size):
            part = slice(i, i + batch_size)
            inputs = {"seeds": tf.constant(seeds[part]), "guidance_scale": tf.constant(scales[part]), "table": table}
            if labels is not None:
                inputs["labels"] = tf.constant(labels[part])
            parts.append(self._endpoint(**inputs)["images"].numpy())
        return np.concatenate(parts) if parts else np.zeros((0, *self.image_shape), "uint8")

    def table(self, steps: int | None = None, sampler: str | None = None) -> np.ndarray:
        """The sampler's coefficients; the exported ones unless another sampler or step count is asked for."""
        if steps is None and sampler is None:
            return np.asarray(self.description["table"])
        import keras

        from keras_imgen.models.diffusion import samplers

        schedule = keras.saving.deserialize_keras_object(self.description["schedule"])
        return samplers.table(sampler or self.description["sampler"], schedule, steps or self.description["steps"])


def load(path: str) -> ServedModel:
    """Open the SavedModel folder at `path`.

    Raises:
        ValueError: the folder is not a SavedModel of this package.
    """
    return ServedModel(path)
