"""Pictures of what a model makes while it learns."""

import os
from functools import partial
from typing import Any

import keras
import numpy as np

from keras_imgen.conditions import given_with, of
from keras_imgen.data.captioned_grid import told_film, told_grid
from keras_imgen.data.image_io import save_image
from keras_imgen.data.video_io import save_video
from keras_imgen.inference.endpoints import answering
from keras_imgen.libraries import needs_tensorflow
from keras_imgen.models.answering import Answering
from keras_imgen.training.summaries import ImageSummaries


class SampleGrid(keras.callbacks.Callback):
    """Writes `folder/epoch_0001.png`, a grid of images with the same seeds (and labels) after every epoch; of clips a grid of their frames
    in rows, and `epoch_0001.gif`, in which they play.

    Works for every `ImageModel`, through `model.show`, so with averaged weights.

    Args:
        folder: made if it is not there.
        n: how many images; 16, or as many as `labels`.
        labels: int or ints (n,); a conditional model cycles through its classes by default.
        every: epochs between grids; the last epoch has one in any case.
        seed: image k has the seed `seed + k`, so a change between grids is the model's.
        tensorboard: a log folder for TensorBoard, as well.
        images: uint8 (n, H, W, C), or clips, for a model that answers such, as a translation or an autoencoder: the grid shows each one
            beside the answer. Where that is told labels or other conditions, those of the images.
        conditions: what else the model is told, by name; see `keras_imgen.conditions`.
        **generate: passed on to `model.generate`, as `steps=10`, or to what answers images, as `masks=...`.

    Raises:
        ValueError: `every` or `n` below 1; in `fit`, no pictures for a model that answers them, or no conditions of these.
        ModuleNotFoundError: `tensorboard`, and TensorFlow is not installed.
    """

    def __init__(
        self,
        folder: str,
        n: int | None = None,
        labels: Any = None,
        every: int = 1,
        seed: int = 0,
        tensorboard: str | None = None,
        images: Any = None,
        conditions: dict[str, Any] | None = None,
        **generate: Any,
    ):
        super().__init__()
        self.images = None if images is None else np.asarray(images)
        if self.images is not None:
            n = len(self.images)
        if every < 1:
            raise ValueError(f"Expected `every` of at least 1 epoch, got {every!r}.")
        self.folder, self.every, self.seed, self.tensorboard = folder, every, seed, tensorboard
        self.labels = None if labels is None else np.atleast_1d(labels)
        self.n = n if n is not None else 16 if labels is None else len(self.labels)
        if self.n < 1:
            raise ValueError(f"Expected `n` of at least 1 image, got {self.n!r}.")
        if tensorboard is not None:
            needs_tensorflow("SampleGrid(tensorboard=...)")  # now, not after the first epoch
        self.conditions, self._generate, self._writer = conditions, generate, None

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        name, endpoint = type(self.model).__name__, answering(self.model)
        if self.images is None:
            if hasattr(self.model, "generates") and not self.model.generates():
                raise ValueError(
                    f"{name} makes images from images: give SampleGrid some `images` to show beside the answers."
                )
            return
        if endpoint is None and getattr(type(self.model), "show", Answering.show) is Answering.show:
            raise ValueError(f"{name} declares no endpoint that answers images: leave `images` of SampleGrid out.")
        told = given_with(self.labels, self.conditions)
        for condition in () if endpoint is None else endpoint.conditions:
            if condition.needed and condition.key not in told:
                wanted = "labels" if condition.key == "label" else condition.key
                raise ValueError(f"This {name} is conditional on {wanted}: give SampleGrid the {wanted} of its images.")

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        if (epoch + 1) % self.every and epoch + 1 != self.params.get("epochs"):
            return
        batch = given_with(self.labels, self.conditions)
        key = getattr(self.model, "pictures", ("image",))[0]
        batch = batch if self.images is None else {key: self.images, **batch}
        show = getattr(self.model, "show", partial(Answering.show, self.model))
        shown = show(batch, self.n, self.seed, **self._generate)
        grid = told_grid(shown, of(self.model), batch)
        os.makedirs(self.folder, exist_ok=True)
        metadata = {"model": self.model.name, "seed": str(self.seed), "epoch": str(epoch + 1)}
        name = os.path.join(self.folder, f"epoch_{epoch + 1:04d}")
        save_image(f"{name}.png", grid, metadata)
        film = told_film(shown, of(self.model), batch)
        if film is not None:
            save_video(f"{name}.gif", film)
        if self.tensorboard:
            self._writer = self._writer or ImageSummaries(self.tensorboard)
            self._writer.add("samples", grid, epoch + 1)
