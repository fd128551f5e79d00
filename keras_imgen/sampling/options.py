"""How images are sampled from a diffusion model, as a user says it: to a model in memory, and to its export."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

import numpy as np

from keras_imgen.arguments import as_numbers, finite, shown
from keras_imgen.conditions import Conditions, given_with, guided_apart, inputs_of, is_null, of_one_length
from keras_imgen.inference.endpoints import Input, Request, Tensor
from keras_imgen.inference.requests import rows

IMAGE_SCALE = "image_guidance_scale"
SAMPLERS = ("ddpm", "ddim", "euler", "euler_ancestral", "heun", "dpmpp_2m", "dpmpp_2m_sde", "ipndm", "unipc")
GRIDS = ("karras", "log_snr", "uniform", "trailing")  # both as `samplers` has them, which needs Keras


@dataclass(frozen=True)
class Sampling:
    """How images are sampled from a diffusion model: what `generate`, `image_to_image`, `inpaint` and the client of an export take.

    Args:
        steps: of the sampler; None is the model's, here and below.
        sampler: its name, see `samplers.table`.
        grid: how the steps are spread; None is the sampler's.
        eta: noise of the steps, 0 for none; None is the sampler's.
        guidance_scale: 1 is none; one for all images or one for each.
        guidance_rescale: phi in [0, 1].
        guidance_interval: (low, high) of sigma/alpha outside which guidance is off; None is always on.
        image_guidance_scale: of a model that is told pictures, how closely it keeps to them; 1 is none.
    """

    steps: int | None = None
    sampler: str | None = None
    grid: str | None = None
    eta: float | None = None
    guidance_scale: Any = None
    guidance_rescale: float = 0.0
    guidance_interval: tuple[float, float] | None = None
    image_guidance_scale: Any = None

    @classmethod
    def split(cls, given: dict[str, Any]) -> tuple["Sampling", dict[str, Any]]:
        """Arguments of which some say how to sample.

        Args:
            given: by name.

        Returns:
            (those that it knows, the others).
        """
        names = {f.name for f in fields(cls)}
        return cls(**{k: v for k, v in given.items() if k in names}), {k: v for k, v in given.items() if k not in names}

    def for_table(self, **own: Any) -> dict[str, Any]:
        """What `samplers.table` takes.

        Args:
            **own: of the model, where nothing is asked for.
        """
        asked = {k: getattr(self, k) for k in ("steps", "sampler", "grid", "eta")}
        return {**own, **{k: v for k, v in asked.items() if v is not None}}

    def guidance(self, own: float, count: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """What guidance takes, checked.

        Args:
            own: the model's scale, where none is asked for.
            count: of the images.

        Returns:
            (scales float32 (count,), phi, the interval's ends as log-SNR (2,)).

        Raises:
            ValueError: a number that is not finite or outside its range.
        """
        phi = finite("guidance_rescale", self.guidance_rescale, 0.0, 1.0)
        return _scales("guidance_scale", self.guidance_scale, own, count), phi, guidance_limits(self.guidance_interval)

    def image_guidance(self, conditions: Conditions, own: float, count: int) -> dict[str, np.ndarray]:
        """The scale of pictures by its name, float32 (count,); nothing of a model that is not told any.

        Args:
            conditions: what the model takes.
            own: the model's scale, where none is asked for.
            count: of the images.

        Raises:
            ValueError: a number that is not finite, or any for a model that is not told pictures.
        """
        if guided_apart(conditions):
            return {IMAGE_SCALE: _scales(IMAGE_SCALE, self.image_guidance_scale, own, count)}
        if self.image_guidance_scale is not None:
            raise ValueError(f"This model is not told pictures beside something else: leave `{IMAGE_SCALE}` out.")
        return {}


def _scales(name, given, own, count):
    return np.broadcast_to(finite(name, own if given is None else given, shape=((), (count,))), (count,))


def guidance_limits(interval: tuple[float, float] | None) -> np.ndarray:
    """float32 (low, high) of log-SNR.

    Args:
        interval: (low, high) of sigma/alpha; None is always on.

    Raises:
        ValueError: not two numbers with 0 <= low < high.
    """
    if interval is None:
        return np.array([-np.inf, np.inf], "float32")
    ends = as_numbers(interval)
    if ends.dtype.kind not in "iuf" or ends.shape != (2,) or not 0.0 <= ends[0] < ends[1]:
        raise ValueError(
            f"Expected `guidance_interval` (low, high) of sigma/alpha with 0 <= low < high, got {shown(interval)}."
        )
    with np.errstate(divide="ignore"):
        return (-2.0 * np.log(ends[::-1].astype("float64"))).astype("float32")


def led_away(
    conditions: Conditions, told: dict[str, np.ndarray], count: int, negative: Mapping[str, Any]
) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Rows of conditions, and of those that guidance leads away from, of one length.

    Args:
        conditions: what the model takes.
        told: their rows, by the names of the networks' inputs.
        count: how many rows.
        negative: what a user passed to be led away from, by name; what is not there is null, and pictures are those that are told.

    Raises:
        ValueError: what a condition refuses; sequences of several lengths for a network that takes no mask.
    """
    away = rows(conditions, count, negative, like=told)[1]
    away |= {k: told[k] for k in guided_apart(conditions)}
    return tuple(of_one_length(conditions, told, away))


@dataclass(frozen=True)
class SamplerInput(Input):
    """What an export of a diffusion model is told of `Sampling`, and of conditions that guidance leads away from.

    Args:
        sampler: its name, where a user gives none.
        steps: where a user gives none.
        guidance_scale: where a user gives none; 1 is no guidance.
        schedule: of the model, as Keras serializes it, in JSON.
        table: (rows, 10) of that sampler and these steps, so that the default needs no Keras.
        image_guidance_scale: of a model that is told pictures, where a user gives none.
    """

    kind = "sampler"
    sampler: str
    steps: int
    guidance_scale: float
    schedule: str
    table: tuple[tuple[float, ...], ...]
    image_guidance_scale: float = 1.0

    def arguments(self) -> dict[str, Any]:
        return {**asdict(Sampling()), "negative": None}

    def tensors(self, conditions: Conditions) -> dict[str, Tensor]:
        pictures = guided_apart(conditions)
        own = {one.served: one for k, one in inputs_of(conditions).items() if k not in pictures}
        of_pictures = Tensor((), "float32", default=np.float32(self.image_guidance_scale))
        return {
            "guidance_scale": Tensor((), "float32", default=np.float32(self.guidance_scale)),
            **({IMAGE_SCALE: of_pictures} if pictures else {}),
            "table": Tensor((None, len(self.table[0])), "float32", False, np.asarray(self.table, "float32")),
            "guidance_rescale": Tensor((), "float32", False, np.float32(0.0)),
            "guidance_interval": Tensor((2,), "float32", False, guidance_limits(None)),
            **{f"negative_{k}": Tensor(v.shape, v.dtype, default=v.null, like=k) for k, v in own.items()},
        }

    def encode(self, given: Mapping[str, Any], request: Request) -> None:
        how = Sampling(**{f.name: given[f.name] for f in fields(Sampling)})
        scales, phi, interval = how.guidance(self.guidance_scale, request.count)
        negative = given_with(None, given["negative"])
        if not negative and is_null(request.conditions, request.told):
            scales = np.ones_like(scales)
        request.told, away = led_away(request.conditions, request.told, request.count, negative)
        served, pictures = inputs_of(request.conditions), guided_apart(request.conditions)
        request.rows |= {"guidance_scale": scales}
        request.rows |= how.image_guidance(request.conditions, self.image_guidance_scale, request.count)
        request.rows |= {f"negative_{served[k].served}": v for k, v in away.items() if k not in pictures}
        table = self.made(how.for_table()).astype("float32")
        request.constants |= {"table": table, "guidance_rescale": phi, "guidance_interval": interval}

    def made(self, how: Mapping[str, Any]) -> np.ndarray:
        """The sampler's coefficients, float64 (rows, 10), see `samplers.table`.

        Args:
            how: those of steps, sampler, grid and eta that are not the model's.
        """
        if not how:
            return np.asarray(self.table)
        import keras

        from keras_imgen.sampling import samplers

        schedule = keras.saving.deserialize_keras_object(json.loads(self.schedule))
        return samplers.table(schedule=schedule, **{"sampler": self.sampler, "steps": self.steps, **how})
