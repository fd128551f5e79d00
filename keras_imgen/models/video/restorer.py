"""Clips restored frame by frame, each by those around it."""

import math
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_imgen.inference.clips import ClipEndpoint, ClipForm
from keras_imgen.inference.endpoints import Endpoints, bound
from keras_imgen.losses import pixel
from keras_imgen.models import batches
from keras_imgen.models.calls import call, inputs
from keras_imgen.models.restoration.restoration import Restoration
from keras_imgen.models.restoration.tasks import noise_levels, noisy

LONG = 17  # frames that networks are tried on


@keras.saving.register_keras_serializable("keras_imgen")
class VideoRestorer(Restoration):
    """Denoises, enlarges or otherwise restores clips by windows of frames.

    Args:
        network: called with a dict of `clip`, float (N, F, H, W, C) in [-1, 1] of any length and size, and, if it takes it, the noise level
            `sigma` (N,); gives restored clips (N, F - 2 radius, scale H, scale W, C), each frame by those around it, as
            `networks.video_denoiser()`.
        sigma: of the Gaussian noise that it learns to take away, in gray levels of 255: (lowest, highest), drawn for each clip, or one
            level. None: its batches have `target`.
        objectives: names or `Objective`s, of each frame.
        overlap: pixels that tiles share.
        others: see `Restoration`. An `encoder` needs a network that takes a latent map, and networks of clips take none.

    Learns from batches of clean `clip` (N, F, H, W, C) alone, to which it adds noise, neither clipped nor rounded; or from `clip` and
    `target`, of as many frames, and `sigma` where the network takes it. Logs what `Restoration` does, `psnr` of each frame, and `clip_psnr`
    of each clip as a whole.

    Raises:
        ValueError: a network of another form, `sigma` of another form.
    """

    pictures = ("clip", "target")
    settings = (*Restoration.settings, "sigma")

    def __init__(
        self,
        network: keras.Model,
        sigma: float | tuple[float, float] | None = None,
        objectives: Any = ("l1",),
        overlap: int = 64,
        **kwargs: Any,
    ):
        self.sigma = None if sigma is None else noise_levels(sigma)
        self.needs_target = sigma is None
        super().__init__(network, objectives, overlap=overlap, **kwargs)

    def _names(self, discriminator, encoder):
        loss, each, *rest = super()._names(discriminator, encoder)
        return (loss, each, "clip_psnr", *rest)

    def _form(self) -> ClipForm:
        names = inputs(self.network)
        shape = tuple(names["clip"].shape[1:]) if "clip" in names else tuple(names)
        if shape[:3] != (None, None, None) or shape[-1] not in (1, 3):
            raise ValueError(
                "Expected a network of a dict of `clip` of any length and size, (None, None, None, 1 or 3) without rows, got one for "
                f"{shape}."
            )
        outs = [self.compute_output_spec(self._example(size)).shape for size in (24, 25)]
        frames, height = outs[0][1:3]
        self.scale = height // 24
        radius, odd = divmod(LONG - frames, 2)
        if any(out[2:4] != (size * self.scale,) * 2 for out, size in zip(outs, (24, 25))) or odd or radius < 0:
            raise ValueError(
                f"Expected a network from (N, F, H, W, C) to (N, F - 2 radius, scale H, scale W, C), got one from 24x24 and 25x25 with "
                f"{LONG} frames to {outs[0][1:4]} and {outs[1][1:4]}."
            )
        return ClipForm(
            channels=shape[-1],
            radius=radius,
            scale=self.scale,
            multiple=math.lcm(*(getattr(layer, "multiple", 1) for layer in self.network._flatten_layers())),
            tile=self.tile,
            overlap=self.overlap,
            sigma="sigma" in names,
            mask="mask" in names,
        )

    def _example(self, size: int) -> dict[str, keras.KerasTensor]:
        given = {k: v.shape for k, v in inputs(self.network).items()}
        sides = (1, LONG, size, size)
        return {k: keras.KerasTensor((*sides, shape[-1]) if len(shape) == 5 else (1,)) for k, shape in given.items()}

    @property
    def image_shape(self) -> tuple[int | None, ...]:
        """(None, None, None, channels) of the clips, without rows."""
        return tuple(inputs(self.network)["clip"].shape[1:])

    # === The step ===

    def pair(self, batch: dict[str, Any], keys: Any) -> tuple[dict[str, Any], Any]:
        clip, told = batch["clip"], self.told(batch)
        told |= {"sigma": batch["sigma"]} if "sigma" in batch else {}
        target = batch.get("target", clip)
        if "target" not in batch:
            clip, told["sigma"] = noisy(clip, self.sigma, keys)
        radius = self.form.radius
        return {"clip": clip, **told}, target[:, radius : target.shape[1] - radius]

    def call(self, given: Any, training: bool = False) -> Any:
        """float32 clips, unclipped, of the frames that have enough others around, from float clips in [-1, 1] or a dict of inputs."""
        return ops.cast(call(self.network, given if isinstance(given, dict) else {"clip": given}, training), "float32")

    def pictures_of(self, answers: Any) -> Any:
        """The frames of clips, as rows, without what a network tells besides."""
        return ops.reshape(answers, (-1, *ops.shape(answers)[2:]))[..., : self.form.channels]

    def losses(self, given: dict[str, Any], target: Any, keys: Any, training: bool) -> tuple[Any, dict[str, Any], Any]:
        loss, logs, answer = super().losses(given, target, keys, training)
        return loss, {**logs, "clip_psnr": ops.mean(pixel.psnr(target, answer[..., : self.form.channels]))}, answer

    @property
    def reads(self) -> tuple[str, ...]:
        return ("target", *inputs(self.network))

    def _check(self, first):
        batches.check(first, self.image_shape, self.num_classes, 4.0 if "target" in first else 1.0, key="clip")
        batches.check_conditions(first, self.conditions)
        frames, height, width = first["clip"].shape[1:4]
        if frames <= 2 * self.form.radius:
            raise ValueError(f"Expected clips of {2 * self.form.radius + 1} frames or more, got {frames}.")
        if self.needs_target or "target" in first:
            size = (frames, height * self.scale, width * self.scale, self.form.channels)
            batches.check_target(first, size)
        names, shape = inputs(self.network), (*first["clip"].shape[:4], 1)
        if "mask" in names and ("mask" not in first or first["mask"].shape != shape):
            found = first["mask"].shape if "mask" in first else f"the keys {sorted(first)}"
            raise ValueError(f"Expected batches with a `mask` of shape {shape}, 1 where it is damaged; got {found}.")
        if "sigma" in names and "target" in first and "sigma" not in first:
            raise ValueError(
                "Expected pairs with the noise level of each clip, `sigma` (N,), which this network is told."
            )

    # === Using ===

    def restore(
        self,
        clips: Any,
        *,
        tile: int | None = None,
        overlap: int | None = None,
        ema: bool = True,
        **given: Any,
    ) -> Any:
        """Restored clips of as many frames, exactly `scale` times as large.

        Args:
            clips: uint8 (F, H, W, C), several of one size (N, F, H, W, C), or a list of clips; of gray ones C is 1.
            tile: pixels of a tile's side; larger frames are restored tile by tile, in bounded memory. None is the model's, 512.
            overlap: pixels that tiles share; None is the model's.
            ema: with averaged weights.
            **given: where the network takes it, `sigma` (gray levels of 255), one for all or one for each clip.

        Returns:
            uint8 in the form of `clips`.

        Raises:
            ValueError: clips of another form; `sigma` missing, or not wanted.
        """
        endpoint = self.endpoints()["restore"]
        return endpoint.answer(
            self._run(endpoint, ema), bound(endpoint, (clips,), {"tile": tile, "overlap": overlap, **given})
        )

    def stream(self, frames: Iterable[np.ndarray], *, ema: bool = True, **given: Any) -> Iterator[np.ndarray]:
        """Restored frames, one for each, with a dozen of them in memory: to the bit what `restore` gives.

        Args:
            frames: uint8 (H, W, C), all of one shape.
            ema: with averaged weights.
            **given: `tile`, `overlap`, and what the network takes; see `restore`.

        Raises:
            ValueError: frames of another form; `sigma` missing, or not wanted.
        """
        endpoint = self.endpoints()["restore"]
        return endpoint.stream(self._run(endpoint, ema), frames, **given)

    def _run(self, endpoint, ema):
        def run(tensors):
            names, rows = tuple(tensors), list(tensors.values())
            function = lambda *values: endpoint.call(dict(zip(names, values)))  # noqa: E731
            key = (endpoint.signature, names)
            return self.in_batches(key, function, rows, len(rows[0]), ema=ema, fill=False, any_size=True)

        return run

    def _windows(self, given: dict[str, Any], told: dict[str, Any]) -> Any:
        return self.call({**given, **told})

    def endpoints(self) -> Endpoints:
        how = {"inputs": (), "conditions": self.conditions, "form": self.form, "function": self._windows}
        return {"restore": ClipEndpoint(output="clips", signature="windows", **how)}

    def show(
        self, batch: Mapping[str, Any] | None = None, n: int = 16, seed: int = 0, **how: Any
    ) -> dict[str, np.ndarray]:
        """The middle frames of clips, of what is made of them, and of their targets."""
        clip = np.asarray(batch["clip"])
        how = {**({"sigma": batch["sigma"]} if "sigma" in inputs(self.network) else {}), **how}
        middle = clip.shape[1] // 2
        shown = {"clip": clip[:, middle], "answer": self.restore(clip, **how)[:, middle]}
        return {**shown, "target": np.asarray(batch["target"])[:, middle]} if "target" in batch else shown
