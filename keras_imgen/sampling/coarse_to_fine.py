"""Diffusion through a pyramid: tables of `samplers` for levels that start from the noised, enlarged answer of the level below.

Level k > 0 mixes the enlarged picture below b into the clean one: x_t = alpha (gamma b + (1 - gamma) x_0) + sigma eps, with
gamma = min(s / start, 0.55) and s = sigma / alpha (SinDDM, Kulikov et al. 2023, section 3; the bound is that of the authors' program).
Then u_t = x_t - alpha gamma b = alpha' x_0 + sigma eps with alpha' = alpha (1 - gamma): an ordinary diffusion of another schedule, which
every sampler can run.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from keras_imgen.conditions import Conditions
from keras_imgen.inference.endpoints import Input, Request, Tensor

LARGEST_SHARE = 0.55


def share(s: Any, start: float, xp: Any) -> Any:
    """gamma, the share of the enlarged picture in the mixture.

    Args:
        s: sigma / alpha.
        start: s at which the level starts.
        xp: `keras.ops` or NumPy.
    """
    return xp.minimum(s / start, LARGEST_SHARE)


def tables(sampler: str, schedule: Any, steps: int, starts: Sequence[float]) -> np.ndarray:
    """The tables of all levels, float64 (levels, rows, 10), see `samplers.table`; the alpha of finer levels is alpha'.

    Args:
        sampler: its name.
        schedule: see `schedules.get`; one of alpha² + sigma² = 1.
        steps: of each level, at least 1.
        starts: sigma / alpha at which each level but the coarsest starts.

    Raises:
        ValueError: an unknown sampler, no steps.
    """
    from keras_imgen.sampling import samplers, schedules

    schedule = schedules.get(schedule)
    found = [samplers.table(sampler, schedule, steps)]
    for start in starts:
        t = float(schedule.time(-2 * np.log(start), np))
        alpha, sigma = samplers.levels(schedule, steps, t_start=t)
        found.append(samplers.coefficients(sampler, alpha * (1 - share(sigma / alpha, start, np)), sigma))
    return np.stack(found)


@dataclass(frozen=True)
class LevelSamplerInput(Input):
    """How many steps an export of a `SinDDM` takes at each level, by which sampler.

    Args:
        sampler: its name, where a user gives none.
        steps: where a user gives none.
        schedule: of the model, as Keras serializes it, in JSON.
        starts: see `tables`.
        table: of that sampler and these steps, (levels, rows, 10), so that the default needs no Keras.
    """

    kind = "level_sampler"
    sampler: str
    steps: int
    schedule: str
    starts: tuple[float, ...]
    table: tuple[tuple[tuple[float, ...], ...], ...]

    def arguments(self) -> dict[str, Any]:
        return {"steps": None, "sampler": None}

    def tensors(self, conditions: Conditions) -> dict[str, Tensor]:
        default = np.asarray(self.table, "float32")
        return {"table": Tensor((len(default), None, default.shape[-1]), "float32", False, default)}

    def encode(self, given: Mapping[str, Any], request: Request) -> None:
        request.constants["table"] = self.made(given["steps"], given["sampler"]).astype("float32")

    def made(self, steps: int | None = None, sampler: str | None = None) -> np.ndarray:
        """See `tables`.

        Args:
            steps: None is the model's.
            sampler: None is the model's.
        """
        if steps is None and sampler is None:
            return np.asarray(self.table)
        import keras

        schedule = keras.saving.deserialize_keras_object(json.loads(self.schedule))
        return tables(sampler or self.sampler, schedule, self.steps if steps is None else steps, self.starts)
