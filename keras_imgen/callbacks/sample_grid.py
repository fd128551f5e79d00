"""Pictures of what a model makes while it learns."""

import os
from typing import Any

import keras
import numpy as np

from keras_imgen.conditions import arguments, given_with, in_turn, of
from keras_imgen.training.summaries import ImageSummaries


class SampleGrid(keras.callbacks.Callback):
    """Writes `folder/epoch_0001.png`, a grid of images with the same seeds (and labels) after every epoch.

    Works for every `ImageModel`, through `model.generate`, so with averaged weights.

    Args:
        folder: made if it is not there.
        n: how many images; 16, or as many as `labels`.
        labels: int or ints (n,); a conditional model cycles through its classes by default.
        every: epochs between grids; the last epoch has one in any case.
        seed: image k has the seed `seed + k`, so a change between grids is the model's.
        tensorboard: a log folder for TensorBoard, as well.
        images: uint8 (n, H, W, C), for a model from image to image or an autoencoder: the grid shows each one beside the answer. A
            conditional autoencoder needs their `labels` too.
        conditions: what else the model is told, by name; see `keras_imgen.conditions`.
        **generate: passed on to `model.generate`, as `steps=10`; or to `model.restore`, as `masks=...`.

    Raises:
        ValueError: `every` or `n` below 1; in `fit`, a conditional autoencoder without the conditions of its images.
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
        self.conditions, self._generate, self._writer = conditions, generate, None

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        told = given_with(self.labels, self.conditions)
        for condition in getattr(self.model, "codec_conditions", ()) if self.images is not None else ():
            if condition.key not in told:
                name = "labels" if condition.key == "label" else condition.key
                raise ValueError(
                    f"This autoencoder is conditional on {name}: give SampleGrid the {name} of its images."
                )

    def _answers(self):
        if hasattr(self.model, "restore"):
            told = given_with(self.labels, self.conditions)
            return self.model.restore(self.images, **({"conditions": told} if told else {}), **self._generate)
        if hasattr(self.model, "translate"):
            return self.model.translate(self.images)
        told = given_with(self.labels, self.conditions) if self.model.codec_conditions else {}
        return self.model.reconstruct(self.images, **arguments(told))

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        if (epoch + 1) % self.every and epoch + 1 != self.params.get("epochs"):
            return
        from keras_imgen.data.image_io import make_grid, save_image

        if self.images is not None:
            grid = make_grid(beside(self.images, self._answers()))
        else:
            told = in_turn(of(self.model), self.n, given_with(self.labels, self.conditions))
            grid = make_grid(self.model.generate(self.n, seed=self.seed, **arguments(told), **self._generate))
        os.makedirs(self.folder, exist_ok=True)
        metadata = {"model": self.model.name, "seed": str(self.seed), "epoch": str(epoch + 1)}
        save_image(os.path.join(self.folder, f"epoch_{epoch + 1:04d}.png"), grid, metadata)
        if self.tensorboard:
            self._writer = self._writer or ImageSummaries(self.tensorboard)
            self._writer.add("samples", grid, epoch + 1)


def beside(*rows: np.ndarray) -> np.ndarray:
    """Images uint8 (N, H, W, C) of several kinds, side by side: (N, H, kinds x W, C).

    Gray ones become colour beside colour, small ones grow by nearest neighbour.
    """
    channels, height = max(r.shape[-1] for r in rows), max(r.shape[1] for r in rows)
    rows = [r.repeat(height // r.shape[1], 1).repeat(height // r.shape[1], 2) for r in rows]
    return np.concatenate([np.repeat(r, channels, -1) if r.shape[-1] < channels else r for r in rows], axis=2)
