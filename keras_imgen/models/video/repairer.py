"""Damage of films: found, and painted by the frames around it."""

from typing import Any

import keras
from keras import ops

from keras_imgen.inference.clips import ClipEndpoint
from keras_imgen.inference.endpoints import Endpoints, bound
from keras_imgen.losses import masks as mask_losses
from keras_imgen.models.restoration.restoration import Stream
from keras_imgen.models.video.restorer import VideoRestorer
from keras_imgen.training import random
from keras_imgen.training.rows import like


@keras.saving.register_keras_serializable("keras_imgen")
class FilmRepairer(VideoRestorer):
    """Finds scratches and dust in clips and paints them; all other pixels come back untouched.

    Args:
        network: as `networks.film_repairer()`: called with `clip` and `mask` (N, F, H, W, 1), 1 where to paint, 0 where not, -1 where it
            shall find out; gives restored clips and, as more channels, logits of damage: of each frame, or of an odd number of frames
            around it. To the loss these add theirs, cross-entropy and Dice.
        others: see `VideoRestorer`.

    Learns from batches of damaged `clip`, its `mask`, 1 where it is damaged, and the clean `target`: `data.degraded(data.windows(...),
    data.degrade.Scratches())`. Half of the clips are painted where they are damaged or found to be, the others where they are found to be
    alone, as in use and in evaluation. Logs what `VideoRestorer` does, `detection`, and `f1` of the pixels found.

    Raises:
        ValueError: a network that takes no mask, or gives no such logits.
    """

    def _form(self):
        form = super()._form()
        if not form.mask:
            raise ValueError("Expected a network that takes a `mask`, as networks.film_repairer().")
        self._around = logits = self.compute_output_spec(self._example(24)).shape[-1] - form.channels
        if logits % 2 == 0 or not 0 < logits <= 2 * form.radius + 1:
            raise ValueError(
                f"Expected a network that gives, besides {form.channels} channels, logits of an odd number of frames, at most "
                f"{2 * form.radius + 1}, got {logits}."
            )
        return form

    def _names(self, discriminator, encoder):
        return (*super()._names(discriminator, encoder), "detection", "f1")

    # === The step ===

    def pair(self, batch: dict[str, Any], keys: Any) -> tuple[dict[str, Any], Any]:
        given, target = super().pair(batch, keys)
        return {**given, "mask": ops.cast(ops.not_equal(batch["mask"], 0), "float32")}, target

    def losses(self, given: dict[str, Any], target: Any, keys: Any, training: bool) -> tuple[Any, dict[str, Any], Any]:
        mask, unknown = given["mask"], ops.full_like(given["mask"], -1.0)
        if training:
            told = like(random.uniform(random.fold(keys, Stream.MASKS)) < 0.5, mask)
            unknown = ops.where(ops.logical_and(told, mask > 0.0), 1.0, unknown)
        loss, logs, answer = super().losses({**given, "mask": unknown}, target, keys, training)
        logits, own = answer[..., self.form.channels :], self._own(answer)
        first, count = self.form.radius - self._around // 2, ops.shape(logits)[1]
        mask = ops.concatenate([mask[:, first + k : first + k + count] for k in range(self._around)], axis=-1)
        detection = mask_losses.cross_entropy(mask, logits) + mask_losses.dice(mask, logits)
        f1 = mask_losses.f1(mask[..., self._around // 2 : self._around // 2 + 1], own)
        loss = loss + detection
        return loss, {**logs, "loss": loss, "detection": detection, "f1": f1}, answer

    # === Using ===

    def _windows(self, given: dict[str, Any], told: dict[str, Any]) -> Any:
        """Restored frames and, as one more channel, their own logits."""
        answer = super()._windows(given, told)
        return ops.concatenate([answer[..., : self.form.channels], self._own(answer)], axis=-1)

    def _own(self, answer):
        own = self.form.channels + self._around // 2
        return answer[..., own : own + 1]

    def find(self, clips: Any, *, tile: int | None = None, overlap: int | None = None, ema: bool = True) -> Any:
        """Where clips are damaged: uint8 (F, H, W, 1), 255 where they are, which `restore` takes as `masks`.

        Args:
            clips: see `restore`, which takes `masks` beside, nonzero where to paint: (H, W) for all frames of a clip, or (F, H, W[, 1]), of
                several clips one for each. Without them it paints what it finds.
            tile: see `restore`.
            overlap: see `restore`.
            ema: with averaged weights.

        Returns:
            In the form of `clips`.

        Raises:
            ValueError: clips of another form.
        """
        endpoint = self.endpoints()["find"]
        return endpoint.answer(self._run(endpoint, ema), bound(endpoint, (clips,), {"tile": tile, "overlap": overlap}))

    def endpoints(self) -> Endpoints:
        def found(given, told):
            return self._windows(given, told)[..., self.form.channels :]

        how = {"inputs": (), "conditions": self.conditions, "form": self.form, "function": found}
        return {**super().endpoints(), "find": ClipEndpoint(output="masks", signature="find_windows", **how)}
