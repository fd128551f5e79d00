"""Prediction: the next frames of a clip."""

from collections.abc import Mapping
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_imgen.conditions import Conditions, inputs_of, num_classes
from keras_imgen.inference.continued import Ahead, ContinuedEndpoint
from keras_imgen.inference.endpoints import Endpoints, Pictures, bound
from keras_imgen.layers.pictures import rescale, to_uint8
from keras_imgen.losses import pixel
from keras_imgen.models import batches
from keras_imgen.models.calls import call, conditions_of, inputs
from keras_imgen.models.image_model import ImageModel
from keras_imgen.training.rows import per_row


@keras.saving.register_keras_serializable("keras_imgen")
class FramePredictor(ImageModel):
    """The next frames of a clip by a network that is given the frames before, trained by squared error.

    Args:
        network: of clips (N, given, H, W, C) in [-1, 1], or of a dict of `image` and conditions, to the next frames (N, frames, H, W, C):
            `networks.simvp`, `networks.convlstm`.
        others: see `ImageModel`.

    Learns from batches of `clip` (N, F, H, W, C): the first `given` frames are told, the others predicted, more than the network tells by
    giving it its own answer. Logs `loss`, the mean squared error; `mse`, as papers on moving digits have it: summed over a frame, of pixels
    in [0, 1]; `psnr` (dB, of whole clips).

    Raises:
        ValueError: a network of other clips, or of any size.
    """

    logged = ("loss", "mse", "psnr")
    pictures = ("clip",)
    settings = (*ImageModel.settings, "network")

    def __init__(self, network: keras.Model, **kwargs: Any):
        super().__init__(**kwargs)
        self.network = network
        given, told = self.image_shape, tuple(network.output_shape[1:])
        if len(given) != 4 or None in (*given, *told) or told[1:] != given[1:]:
            raise ValueError(f"Expected a network of clips (F, H, W, C) to clips of this size, got {given} to {told}.")
        self.finish()

    @property
    def players(self) -> dict[str, keras.Model]:
        return {"network": self.network}

    @property
    def image_shape(self) -> tuple[int, int, int, int]:
        """(frames, height, width, channels) of the clips that the network is given."""
        return tuple(inputs(self.network)["image"].shape[1:])

    @property
    def given(self) -> int:
        """How many frames the network is given."""
        return self.image_shape[0]

    @property
    def conditions(self) -> Conditions:
        return conditions_of(self.network, ("image",), getattr(self.network, "num_classes", None))

    @property
    def num_classes(self) -> int | None:
        return num_classes(self.conditions)

    @property
    def reads(self) -> tuple[str, ...]:
        return ("clip", *inputs_of(self.conditions))

    def call(self, given: Any, training: bool = False) -> Any:
        """The next frames, float32 (N, frames, H, W, C), unclipped, of float clips (N, given, H, W, C) in [-1, 1] or of a dict of them as
        `image` and the conditions."""
        given = given if isinstance(given, dict) else {"image": given}
        return ops.cast(call(self.network, given, training), "float32")

    def following(self, clip: Any, told: dict[str, Any], frames: int, training: bool = False) -> Any:
        """So many frames after those of a clip, float32 (N, frames, H, W, C), by recursion.

        Args:
            clip: the frames before, (N, given, H, W, C) in [-1, 1].
            told: conditions (N, ...) by name.
            frames: how many.
            training: whether the network is in training mode.
        """
        known = clip
        while known.shape[1] < self.given + frames:
            told_next = self.call({"image": known[:, -self.given :], **told}, training)
            known = ops.concatenate([known, told_next], axis=1)
        return known[:, self.given : self.given + frames]

    def losses(self, batch: dict[str, Any], training: bool) -> dict[str, Any]:
        """What is logged of a batch.

        Args:
            batch: tensors by key.
            training: whether the network is in training mode.
        """
        before, target = batch["clip"][:, : self.given], batch["clip"][:, self.given :]
        found = self.following(before, self.told(batch), target.shape[1], training)
        shown = ops.clip(found, -1.0, 1.0)
        summed = per_row(ops.sum, ops.square(shown - target)) / (4.0 * target.shape[1])
        psnr = ops.mean(pixel.psnr(target, shown))
        return {"loss": pixel.mse(target, found), "mse": ops.mean(summed), "psnr": psnr}

    def update(self, batch: dict[str, Any]) -> dict[str, Any]:
        def losses():
            found = self.losses(batch, True)
            return found["loss"], found

        return self.minimize(losses, self.network)[1]

    def score(self, batch: dict[str, Any]) -> dict[str, Any]:
        return self.losses(batch, False)

    def _check(self, batch):
        found = np.shape(batch.get("clip", ()))
        if len(found) == 5 and found[1] <= self.given:
            raise ValueError(f"Expected clips of more than the {self.given} frames that are told, got {found[1]}.")
        frames = found[1] if len(found) == 5 else self.given
        batches.check(batch, (frames, *self.image_shape[1:]), self.num_classes, key="clip")
        batches.check_conditions(batch, self.conditions)

    def predict_frames(
        self,
        clip: Any,
        frames: int,
        labels: Any = None,
        *,
        conditions: Mapping[str, Any] | None = None,
        batch_size: int = 16,
        ema: bool = True,
    ) -> np.ndarray:
        """The frames after those of a clip. More than the network tells come by recursion: what it told is given to it, as uint8, so that
        one long answer and several short ones after each other are the same.

        Args:
            clip: uint8 (F, H, W, C), or several (N, F, H, W, C), of which the last `given` frames are told.
            frames: how many more.
            labels: an integer or (N,), of a model told labels.
            conditions: others by name.
            batch_size: clips at a time.
            ema: use averaged weights.

        Returns:
            uint8 (frames, H, W, C), or (N, frames, H, W, C).

        Raises:
            ValueError: clips of another form or too short, conditions that the model does not take.
        """
        endpoint = self.endpoints()["predict_frames"]
        how = {"labels": labels, "conditions": conditions, "batch_size": batch_size}
        return self.answer("predict_frames", bound(endpoint, (clip, frames), how), ema)

    def endpoints(self) -> Endpoints:
        def function(given, told):
            return to_uint8(self.call({"image": rescale(given["clip"]), **told}))

        taken = Pictures(self.image_shape, "clip", "clip"), Ahead()
        own = {"batch_size": 16, "function": function}
        return {"predict_frames": ContinuedEndpoint(inputs=taken, conditions=self.conditions, **own)}

    def show(
        self, batch: Mapping[str, Any] | None = None, n: int = 16, seed: int = 0, **how: Any
    ) -> dict[str, np.ndarray]:
        """The given frames of clips, what is predicted, and what came."""
        clips = np.asarray(batch["clip"])
        told = {k: batch[k] for k in inputs_of(self.conditions) if k in batch}
        before, target = clips[:, : self.given], clips[:, self.given :]
        frames = target.shape[1] or self.network.output_shape[1]
        found = {"clip": before, "prediction": self.predict_frames(before, frames, conditions=told or None, **how)}
        return {**found, "target": target} if target.shape[1] else found
