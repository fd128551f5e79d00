"""Segmentation: where in a picture is what it is told."""

from collections.abc import Mapping
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_imgen.arguments import finite
from keras_imgen.conditions import Conditions, inputs_of, num_classes
from keras_imgen.inference.endpoints import Endpoint, Endpoints, Number, Pictures, bound
from keras_imgen.layers.pictures import rescale
from keras_imgen.losses import masks
from keras_imgen.models.calls import call, conditions_of
from keras_imgen.models.image_model import ImageModel
from keras_imgen.text import text_of
from keras_imgen.training.rows import per_row


@keras.saving.register_keras_serializable("keras_imgen")
class Segmenter(ImageModel):
    """A network that marks the pixels of what a text, or another condition, means: referring segmentation (Hu et al. 2016, "Segmentation
    from natural language expressions"); without conditions, of one thing that all its pictures show.

    Args:
        network: of a dict of `image` (N, H, W, C) in [-1, 1] and its conditions to logits (N, H, W, 1), as `networks.unet` with
            `out_channels=1, log_snr=False`, with `networks.TextConditioned` around it for texts.
        dice_weight: of the Dice loss (Milletari et al. 2016, "V-Net") beside the cross-entropy, at least 0: small things count as
            much as large ones.
        image_shape: (height, width, channels), where the network leaves its size open.
        others: see `ImageModel`.

    Learns from batches of `image`, `mask` (N, H, W, 1), not 0 where it is, and the conditions. Logs `loss` and `iou`, the mean over the
    pictures of intersection over union; that of two empty masks is 1.

    Raises:
        ValueError: a negative weight, a network of another output, pictures of no fixed size.
    """

    logged = ("loss", "iou")
    pictures = ("image",)
    second = "mask"
    settings = (*ImageModel.settings, "network", "dice_weight", "image_shape")

    def __init__(
        self,
        network: keras.Model,
        dice_weight: float = 1.0,
        image_shape: tuple[int, int, int] | None = None,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        self.network, self.dice_weight = network, float(finite("dice_weight", dice_weight, 0.0))
        self._image_shape = tuple(image_shape or network.image_shape)
        if None in self._image_shape or len(self._image_shape) != 3:
            raise ValueError(
                f"Expected `image_shape` (height, width, channels), got {self._image_shape}: pass image_shape=... ."
            )
        self.finish()

    @property
    def players(self) -> dict[str, keras.Model]:
        return {"network": self.network}

    @property
    def image_shape(self) -> tuple[int, int, int]:
        return self._image_shape

    @property
    def conditions(self) -> Conditions:
        return conditions_of(self.network, ("image",), getattr(self.network, "num_classes", None), self.class_names)

    @property
    def num_classes(self) -> int | None:
        return num_classes(self.conditions)

    @property
    def reads(self) -> tuple[str, ...]:
        return ("image", "mask", *inputs_of(self.conditions))

    def call(self, given: Any, training: bool = False) -> Any:
        """Logits float32 (N, H, W, 1) from float images in [-1, 1], or from a dict of them and the conditions."""
        given = given if isinstance(given, dict) else {"image": given}
        return ops.cast(call(self.network, given, training), "float32")

    def losses(self, batch: dict[str, Any], training: bool) -> dict[str, Any]:
        """What is logged of a batch.

        Args:
            batch: tensors by key.
            training: whether the network is in training mode.
        """
        logits = self.call({"image": batch["image"], **self.told(batch)}, training)
        mask = ops.cast(ops.not_equal(batch["mask"], 0), "float32")
        loss = masks.cross_entropy(mask, logits) + self.dice_weight * masks.dice(mask, logits)
        found = ops.cast(logits > 0.0, "float32")
        inside, either = per_row(ops.sum, found * mask), per_row(ops.sum, ops.maximum(found, mask))
        iou = ops.where(either > 0.0, inside / ops.maximum(either, 1.0), 1.0)
        return {"loss": loss, "iou": ops.mean(iou)}

    def update(self, batch: dict[str, Any]) -> dict[str, Any]:
        def losses():
            found = self.losses(batch, True)
            return found["loss"], found

        return self.minimize(losses, self.network)[1]

    def score(self, batch: dict[str, Any]) -> dict[str, Any]:
        return self.losses(batch, False)

    def _check(self, batch):
        super()._check(batch)
        shape = (*batch["image"].shape[:3], 1)
        if "mask" not in batch or batch["mask"].shape != shape:
            found = batch["mask"].shape if "mask" in batch else f"the keys {sorted(batch)}"
            raise ValueError(f"Expected batches with a `mask` of shape {shape}, not 0 where it is; got {found}.")

    def segment(
        self,
        images: Any,
        find: Any = None,
        *,
        threshold: float = 0.5,
        labels: Any = None,
        conditions: Mapping[str, Any] | None = None,
        batch_size: int = 64,
        ema: bool = True,
    ) -> np.ndarray:
        """Where in pictures is what a text means, as `editing.text.edit_by_text` takes it for its `mask`.

        Args:
            images: uint8 (N, H, W, C).
            find: a text, or one for each picture; None of a model that is told none.
            threshold: of the probability, in [0, 1].
            labels: an integer or (N,), of a model told labels.
            conditions: others by name.
            batch_size: pictures at a time.
            ema: use averaged weights.

        Returns:
            uint8 (N, H, W, 1), 255 where it is, else 0.

        Raises:
            ValueError: pictures of another form, conditions that the model does not take, a text for a model that is told none.
        """
        told = dict(conditions or {})
        if find is not None:
            text = text_of(self.conditions)
            if text is None:
                raise ValueError(f"{self.name} is told no texts: leave `find` out, got {find!r:.60}.")
            told[text.key] = find
        endpoint = self.endpoints()["segment"]
        how = {"threshold": threshold, "labels": labels, "conditions": told or None, "batch_size": batch_size}
        return self.answer("segment", bound(endpoint, (images,), how), ema)

    def endpoints(self) -> Endpoints:
        def function(given, told):
            logits = self.call({"image": rescale(given["images"]), **told})
            return ops.cast(ops.where(ops.sigmoid(logits) > given["threshold"], 255, 0), "uint8")

        inputs = Pictures(self.image_shape), Number("threshold", 0.5, 0.0, 1.0)
        return {"segment": Endpoint(inputs, self.conditions, output="masks", function=function)}

    def show(
        self, batch: Mapping[str, Any] | None = None, n: int = 16, seed: int = 0, **how: Any
    ) -> dict[str, np.ndarray]:
        """Pictures of a batch, and the same darkened where it is not, by the answer and by the batch's masks."""
        images = batch["image"]
        told = {k: batch[k] for k in inputs_of(self.conditions) if k in batch}
        found = {"image": images, "answer": marked(images, self.segment(images, conditions=told, **how))}
        return {**found, "target": marked(images, batch["mask"])} if "mask" in batch else found


def marked(images: np.ndarray, masks: np.ndarray) -> np.ndarray:
    """Pictures uint8 (N, H, W, C), darkened to a quarter where masks (N, H, W, 1) are 0."""
    return np.where(np.asarray(masks) != 0, images, images // 4)
