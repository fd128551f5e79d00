"""Which times are trained on: maps from u in (0, 1), uniform, to t in [0, 1]."""

from typing import Any

from keras import ops

from keras_imgen.named_parts import Part, find, register
from keras_imgen.sampling.schedules import Schedule


def stratified(u: Any) -> Any:
    """Spread iid u (N,) so that row i falls in [i/N, (i+1)/N): less variance over a batch (Kingma et al. 2021)."""
    count = ops.shape(u)[0]
    return (ops.cast(ops.arange(count), u.dtype) + u) / ops.cast(count, u.dtype)


def normal_quantile(u: Any) -> Any:
    """z with P(N(0,1) < z) = u; u is kept within float32's reach of 0 and 1."""
    return 2**0.5 * ops.erfinv(2 * ops.clip(u, 1e-6, 1 - 1e-6) - 1)


class Times(Part):
    """Base of the laws of times."""

    def __call__(self, u: Any, schedule: Schedule) -> Any:
        """Times t, of u's shape.

        Args:
            u: in (0, 1), uniform.
            schedule: of the model.
        """
        raise NotImplementedError

    def get_config(self) -> dict[str, float]:
        return dict(vars(self))


class Uniform(Times):
    """t = u."""

    def __call__(self, u: Any, schedule: Schedule) -> Any:
        return u


class LogitNormal(Times):
    """logit t ~ N(mean, std²): more of the middle (Esser et al. 2024)."""

    def __init__(self, mean: float = 0.0, std: float = 1.0) -> None:
        self.mean, self.std = mean, std

    def __call__(self, u: Any, schedule: Schedule) -> Any:
        return ops.sigmoid(self.mean + self.std * normal_quantile(u))


class LogNormal(Times):
    """log(sigma/alpha) ~ N(mean, std²), through the schedule's inverse (Karras et al. 2022)."""

    def __init__(self, mean: float = -1.2, std: float = 1.2) -> None:
        self.mean, self.std = mean, std

    def __call__(self, u: Any, schedule: Schedule) -> Any:
        return schedule.time(-2.0 * (self.mean + self.std * normal_quantile(u)))


TIMES = register("times", uniform=Uniform, logit_normal=LogitNormal, log_normal=LogNormal)


def get(times: "str | dict | Times") -> Times:
    """A law of times from its name ("uniform", "logit_normal", "log_normal"), its Keras config, or itself.

    Raises:
        ValueError: anything else.
    """
    return find("law of times", Times, TIMES, times)
