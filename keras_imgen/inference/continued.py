"""Clips that go on: the frames after those that are given, as many as are asked for. NumPy only."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from keras_imgen.arguments import as_numbers, integer
from keras_imgen.conditions import Conditions
from keras_imgen.inference.endpoints import REQUIRED, Endpoint, Input, Request, Run, Seen, Tensor


@dataclass(frozen=True)
class Ahead(Input):
    """How many frames are asked for. The function tells the same number every time: see `ContinuedEndpoint`."""

    kind = "ahead"

    def arguments(self) -> dict[str, Any]:
        return {"frames": REQUIRED}

    def tensors(self, conditions: Conditions) -> dict[str, Tensor]:
        return {}

    def encode(self, given: Mapping[str, Any], request: Request) -> None:
        integer("frames", given["frames"], 1)


@dataclass(frozen=True, kw_only=True)
class ContinuedEndpoint(Endpoint):
    """The frames after those of clips. Its function tells some frames of so many that it is given; for those after, it is given its own
    answer, as uint8: what is asked for in one go and bit by bit is the same.

    Args:
        others: see `Endpoint`; the first input is `Pictures` of clips (given, H, W, C), then comes `Ahead`.
    """

    kind = "continued"

    def answer(self, run: Run, given: Mapping[str, Any], seen: Seen = lambda newest, share: None) -> np.ndarray:
        """Frames (N, frames, H, W, C); of one clip (F, H, W, C) without the rows. Of longer clips the last frames are told."""
        clips, frames = self.inputs[0], integer("frames", given["frames"], 1)
        known = as_numbers(given[clips.argument])
        alone = known.ndim == len(clips.shape)
        known, parts, done = known[None] if alone else known, [], 0
        while done < frames:
            known = known[:, -clips.shape[0] :] if known.ndim == 1 + len(clips.shape) else known
            before = done  # for the function below, which is done with before the next round

            def some(newest, share):
                seen(newest, min(1.0, (before + share * newest.shape[1]) / frames))  # noqa: B023

            parts.append(super().answer(run, {**given, clips.argument: known}, some))
            known, done = np.concatenate([known, parts[-1]], 1), done + parts[-1].shape[1]
        made = np.concatenate(parts, 1)[:, :frames]
        return made[0] if alone else made
