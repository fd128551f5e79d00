"""The picture between two others: lost frames, slow motion, higher frame rates."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_imgen.arguments import finite
from keras_imgen.inference import between
from keras_imgen.inference.between import BetweenEndpoint, FasterEndpoint
from keras_imgen.inference.endpoints import Endpoints, Number, Pictures, Rows, bound
from keras_imgen.layers.pictures import rescale, to_uint8
from keras_imgen.losses import motion, pixel, terms
from keras_imgen.models import batches
from keras_imgen.models.image_model import ImageModel
from keras_imgen.models.restoration import objectives as named

LARGEST = 1024  # pixels of the longer side in which motion is looked for


@keras.saving.register_keras_serializable("keras_imgen")
class FrameInterpolator(ImageModel):
    """Learns to make the middle frame of three from the others, and then makes any frame between two.

    Args:
        network: of a dict of `first` and `second` (N, H, W, C) in [-1, 1] and `time` (N,) in [0, 1] to a dict of `image`, and, to learn
            from flows, `flow` and `flows`, as `networks.flow_interpolator`.
        objectives: names or `objectives.Objective`s of `models.restoration`; the loss is their weighted sum.
        flow_weight: of `losses.motion.end_point_error` of all flows, where batches have a `flow`.
        others: see `ImageModel`.

    Learns from batches of `clip` (N, F, H, W, C), of which the first, the last and the middle frame, F // 2, count; of `time` (N,), the
    middle one's, if it is not half way; and of `flow` (N, H, W, 5), see `data.moving`. Logs `loss`, `psnr` (dB, all channels), each
    objective if there are several, and `flow`.

    Raises:
        ValueError: no objective, two of one name, a negative weight.
    """

    pictures = ("clip",)
    settings = (*ImageModel.settings, "network", "objectives", "flow_weight")

    def __init__(
        self, network: keras.Model, objectives: Any = ("laplacian",), flow_weight: float = 0.03, **kwargs: Any
    ):
        given = objectives if isinstance(objectives, list | tuple) else [objectives]
        if not given:
            raise ValueError("Expected one or several `objectives`, got none.")
        self.objectives = terms.checked([named.get(o) for o in given], "objectives")
        several = tuple(o.name for o in self.objectives) if len(self.objectives) > 1 else ()
        self.logged = ("loss", "psnr", *several, "flow")
        super().__init__(**kwargs)
        self.network, self.flow_weight = network, float(finite("flow_weight", flow_weight, 0.0))
        self.finish()

    @property
    def players(self) -> dict[str, keras.Model]:
        return {"network": self.network}

    @property
    def image_shape(self) -> tuple[int | None, int | None, int]:
        """(None, None, channels): pictures of any size."""
        return (None, None, self.network.channels)

    @property
    def reads(self) -> tuple[str, ...]:
        return ("clip", "time", "flow")

    def call(self, given: dict[str, Any], training: bool = False) -> Any:
        """float32 images, unclipped, from a dict of `first`, `second` and `time`, see `networks.flow_interpolator`."""
        return self.network(given, training=training)["image"]

    # === The step ===

    def losses(self, batch: dict[str, Any], training: bool) -> tuple[Any, dict[str, Any]]:
        """(the loss, what is logged).

        Args:
            batch: tensors by key.
            training: whether the network is in training mode.
        """
        clip = batch["clip"]
        middle, last = clip.shape[1] // 2, clip.shape[1] - 1
        time = batch.get("time", ops.full(ops.shape(clip)[:1], middle / last))
        given = {"first": clip[:, 0], "second": clip[:, last], "time": time}
        made, target = self.network(given, training=training), clip[:, middle]
        step = terms.iteration(self.optimizer) if any(o.varies for o in self.objectives) else None
        loss, several = terms.added(self.objectives, step, lambda i, o: o(target, made["image"]), lazy=training)
        logs = {"psnr": ops.mean(pixel.psnr(target, made["image"])), **(several if len(several) > 1 else {})}
        if "flow" in batch:
            logs["flow"] = _flow_error(batch["flow"], [*made["flows"], made["flow"]])
            loss = loss + self.flow_weight * logs["flow"]
        return loss, {"loss": loss, **logs}

    def update(self, batch: dict[str, Any]) -> dict[str, Any]:
        return self.minimize(lambda: self.losses(batch, True), self.network)[1]

    def score(self, batch: dict[str, Any]) -> dict[str, Any]:
        return self.losses(batch, False)[1]

    def _check(self, batch):
        batches.check(batch, (None, *self.image_shape), None, key="clip")
        shape = batch["clip"].shape
        if shape[1] < 3:
            raise ValueError(
                f"Expected clips of at least 3 frames, (batch, frames, height, width, channels), got {shape}."
            )
        wanted = {"time": shape[:1], "flow": (shape[0], *shape[2:4], 5)}
        for key, size in wanted.items():
            if key in batch and (batch[key].shape != size or not np.isfinite(batch[key]).all()):
                raise ValueError(f"Expected `{key}` of finite numbers of shape {size}, got {batch[key].shape}.")

    # === Using ===

    def between(self, first: Any, second: Any, times: Any, *, scale: int | None = None, ema: bool = True) -> np.ndarray:
        """Frames between two.

        Args:
            first: uint8 (H, W, C) of any size, or (N, H, W, C).
            second: of the same shape.
            times: from 0, the first, to 1, the second: a number or (T,); of N pairs (N,), or one for all.
            scale: 1, 2, 4, ...: motion is looked for in frames so many times smaller. It then reaches as much farther, and costs less. None
                is the least for which the longer side has at most 1024 pixels.
            ema: with averaged weights.

        Returns:
            uint8 (T, H, W, C), or (N, H, W, C).

        Raises:
            ValueError: pictures of another form, times out of range.
        """
        endpoint = self.endpoints()["between"]

        def run(tensors):
            ends, shape = [tensors[k] for k in ("first", "second", "times")], tensors["first"].shape
            factor = int(tensors["scale"]) or int(_scale(*shape[1:3]))
            function = lambda *values: self._between(*values, factor)  # noqa: E731
            return self.compiled_function(("between", factor), function, ema)(*ends)

        return endpoint.answer(run, bound(endpoint, (first, second, times), {"scale": scale}))

    def stream(
        self,
        frames: Iterable[np.ndarray],
        factor: int = 2,
        cuts: Callable[[np.ndarray, np.ndarray], bool] | None = None,
        *,
        recursive: bool = False,
        scale: int | None = None,
        ema: bool = True,
    ) -> Iterator[np.ndarray]:
        """Frames of any number, of one size, with factor - 1 new ones between each and the next; the given ones come back as they are.

        Args:
            frames: uint8 (H, W, C) each.
            factor: how many times as many.
            cuts: told two frames beside each other whether another scene begins with the second: then the nearer one is repeated.
            recursive: see `inference.between.stream`.
            scale: see `between`.
            ema: with averaged weights.

        Raises:
            ValueError: a factor below 1, or that is no power of two, with `recursive`; frames of another form or size.
        """
        return between.stream(partial(self.between, scale=scale, ema=ema), frames, factor, cuts, recursive)

    def interpolate(self, clip: Any, factor: int = 2, **how: Any) -> np.ndarray:
        """A whole clip at a higher rate: uint8 ((F - 1) factor + 1, H, W, C), with the given frames as they are.

        Args:
            clip: uint8 (F, H, W, C), or frames of one size.
            factor: how many times as many frames a second.
            **how: see `stream`.

        Raises:
            ValueError: as `stream`; no frames.
        """
        return between.gathered(self.stream(clip, factor, **how))

    def fill(self, clip: Any, lost: Any = None, *, scale: int | None = None, ema: bool = True) -> np.ndarray:
        """A clip whose lost frames are made from those beside them.

        Args:
            clip: uint8 (F, H, W, C).
            lost: bool (F,), or the numbers of the frames; None are those that repeat the one before to the bit.
            scale: see `between`.
            ema: with averaged weights.

        Returns:
            uint8 (F, H, W, C), all other frames as they are; at the ends the nearest one is repeated.

        Raises:
            ValueError: clips of another form, or with no frame left.
        """
        return between.filled(partial(self.between, scale=scale, ema=ema), clip, lost)

    def _between(self, first, second, times, scale):
        given = {"first": rescale(first), "second": rescale(second), "time": times}
        return to_uint8(self.network(given, training=False, scale=scale)["image"])

    def endpoints(self) -> Endpoints:
        def function(given, told):
            own = _scale(*ops.shape(given["first"])[1:3])
            scale = ops.where(given["scale"] >= 1, ops.cast(given["scale"], "int32"), own)
            return self._between(given["first"], given["second"], given["times"], scale)

        ends = (Pictures(self.image_shape, name, name) for name in ("first", "second"))
        inputs = (*ends, Rows("times"), Number("scale", 0.0, 0.0))
        pair = BetweenEndpoint(inputs=inputs, labelled=False, batch_size=1, function=function)
        return {"between": pair, "interpolate": FasterEndpoint(inputs=(), signature="between", pair=pair)}

    def show(
        self, batch: Mapping[str, Any] | None = None, n: int = 16, seed: int = 0, **how: Any
    ) -> dict[str, np.ndarray]:
        """The first and the last frame of clips, the answer between them, and the middle frame."""
        clips = np.asarray(batch["clip"] if "clip" in batch else batch["image"])
        middle, last = clips.shape[1] // 2, clips.shape[1] - 1
        times = np.asarray(batch.get("time", np.full(len(clips), middle / last, "float32")))
        made = self.between(clips[:, 0], clips[:, last], times, **how)
        return {"first": clips[:, 0], "last": clips[:, last], "answer": made, "target": clips[:, middle]}


def _scale(height, width):
    """The least power of two that leaves at most so many pixels of the longer side, for sizes that need not be known before."""
    longest = ops.maximum(height, width)
    return 1 + sum(factor * ops.cast(longest > factor * LARGEST, "int32") for factor in (1, 2, 4, 8, 16))


def _flow_error(wanted, flows):
    """The mean over flows of several sizes, each against what is wanted, shrunk to its size."""
    flow, weight = ops.split(wanted, [4], axis=-1)
    total = 0.0
    for one in flows:
        factor = wanted.shape[1] // one.shape[1]
        small, known = (v if factor == 1 else ops.average_pool(v, factor, factor) for v in (flow, weight))
        total = total + motion.end_point_error(small, one, ops.floor(known))
    return total / len(flows)
