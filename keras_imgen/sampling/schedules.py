"""Noise schedules: x_t = alpha(t)·x0 + sigma(t)·eps, with t = 0 data and t = 1 noise.

Every method takes the array module `xp`: NumPy on the host (float64) or `keras.ops` inside a graph.
Times whose log-SNR = 2·log(alpha / sigma) lies outside ±15 are moved to the limit: the missing noise is far below
one grey level, and nothing downstream meets an infinity.
"""

import math
from typing import Any

import numpy as np
from keras import ops

from keras_imgen.named_parts import Part, find, register

LOG_SNR_LIMIT = 15.0


class Schedule(Part):
    """A decreasing map from t in [0, 1] to log-SNR, and its inverse."""

    def __init__(self) -> None:
        ends = (float(self._time(np.float64(log_snr), np)) for log_snr in (LOG_SNR_LIMIT, -LOG_SNR_LIMIT))
        self.time_min, self.time_max = (min(max(t, 0.0), 1.0) for t in ends)

    # --- a subclass says these two, for t strictly inside (0, 1) --------------------------------
    def _log_snr(self, t: Any, xp: Any) -> Any:
        raise NotImplementedError

    def _time(self, log_snr: Any, xp: Any) -> Any:
        raise NotImplementedError

    # --- what users call --------------------------------------------------------------------------
    def log_snr(self, t: Any, xp: Any = ops) -> Any:
        """Log signal-to-noise ratio 2·log(alpha / sigma) at the times t; same shape as t."""
        return self._log_snr(self.clip(t, xp), xp)

    def time(self, log_snr: Any, xp: Any = ops) -> Any:
        """The times at which the log-SNR has these values (the nearest time where none has)."""
        return self.clip(self._time(log_snr, xp), xp)

    def alpha_sigma(self, t: Any, xp: Any = ops) -> tuple[Any, Any]:
        """Scale of the data and of the noise at the times t; alpha² + sigma² = 1 unless a subclass says otherwise."""
        log_snr = self.log_snr(t, xp)
        # From the log-SNR and not from each other: sqrt(1 - alpha²) has no digits left in float32 where sigma is small.
        return 1.0 / xp.sqrt(1.0 + xp.exp(-log_snr)), 1.0 / xp.sqrt(1.0 + xp.exp(log_snr))

    def clip(self, t: Any, xp: Any = ops) -> Any:
        """Times within [time_min, time_max], where the log-SNR is within its limits."""
        return xp.clip(t, self.time_min, self.time_max)


class Linear(Schedule):
    """DDPM's linear betas in continuous time, alpha² = exp(-beta_min·t - (beta_max - beta_min)·t²/2).

    Ho et al. 2020; Song et al. 2021, appendix B.

    Args:
        beta_min: beta at t = 0, above 0.
        beta_max: beta at t = 1, at least `beta_min`.

    Raises:
        ValueError: values out of order.
    """

    def __init__(self, beta_min: float = 0.1, beta_max: float = 20.0) -> None:
        if not 0 < beta_min <= beta_max:
            raise ValueError(f"Linear schedule: expected 0 < beta_min <= beta_max, got {beta_min} and {beta_max}.")
        self.beta_min, self.beta_max = beta_min, beta_max
        super().__init__()

    def _log_snr(self, t, xp):
        decay = t * (self.beta_min + 0.5 * (self.beta_max - self.beta_min) * t)  # = -log alpha²
        return -xp.log(xp.expm1(decay))

    def _time(self, log_snr, xp):
        decay = xp.logaddexp(0.0 * log_snr, -log_snr)
        return 2 * decay / (self.beta_min + xp.sqrt(self.beta_min**2 + 2 * (self.beta_max - self.beta_min) * decay))

    def get_config(self) -> dict[str, Any]:
        return {"beta_min": self.beta_min, "beta_max": self.beta_max}


class Cosine(Schedule):
    """alpha = cos(πt/2), sigma = sin(πt/2) (Nichol & Dhariwal 2021, without their offset).

    Args:
        shift: added to the log-SNR; below 0 more of the times are noisier, for pictures whose neighbouring pixels are alike: 2·log(64 /
            size) for photographs (Hoogeboom et al. 2023, "simple diffusion").

    Raises:
        ValueError: a shift that is not finite.
    """

    def __init__(self, shift: float = 0.0) -> None:
        if not math.isfinite(shift):
            raise ValueError(f"Cosine schedule: expected a finite shift, got {shift}.")
        self.shift = shift
        super().__init__()

    def _log_snr(self, t, xp):
        return self.shift - 2.0 * xp.log(xp.tan(0.5 * math.pi * t))

    def _time(self, log_snr, xp):
        return (2 / math.pi) * xp.arctan(xp.exp(-0.5 * (log_snr - self.shift)))

    def get_config(self) -> dict[str, Any]:
        return {"shift": self.shift}


class Sigmoid(Schedule):
    """alpha² falls as a sigmoid of t between `start` and `end`, scaled to go from 1 to 0 (Jabri et al. 2022).

    Args:
        start: where on the sigmoid t = 0 lies.
        end: where on it t = 1 lies, above `start`.
        tau: temperature, above 0.

    Raises:
        ValueError: values out of order.
    """

    def __init__(self, start: float = -3.0, end: float = 3.0, tau: float = 1.0) -> None:
        if not (start < end and tau > 0):
            raise ValueError(f"Sigmoid schedule: expected start < end and tau > 0, got {start}, {end} and {tau}.")
        self.start, self.end, self.tau = start, end, tau
        # SNR = k·sinh((b - x)/2) / sinh((x - a)/2) with x from a to b: no difference of two near-equal sigmoids.
        self._a, self._b = start / tau, end / tau
        self._log_k = math.log(math.cosh(self._a / 2) / math.cosh(self._b / 2))
        super().__init__()

    def _log_snr(self, t, xp):
        half = 0.5 * (self._b - self._a)
        return xp.log(xp.sinh(half * (1 - t))) - xp.log(xp.sinh(half * t)) + self._log_k

    def _time(self, log_snr, xp):
        half = 0.5 * (self._b - self._a)
        return 0.5 - xp.arctanh(math.tanh(half / 2) * xp.tanh(0.5 * (log_snr - self._log_k))) / half

    def get_config(self) -> dict[str, Any]:
        return {"start": self.start, "end": self.end, "tau": self.tau}


class CondOT(Schedule):
    """The straight path alpha = 1 - t, sigma = t of flow matching (Lipman et al. 2023; Liu et al. 2023)."""

    def _log_snr(self, t, xp):
        return 2.0 * (xp.log(1 - t) - xp.log(t))

    def _time(self, log_snr, xp):
        return 1.0 / (1.0 + xp.exp(0.5 * log_snr))

    def alpha_sigma(self, t: Any, xp: Any = ops) -> tuple[Any, Any]:
        t = self.clip(t, xp)
        return 1 - t, t


class EDM(Schedule):
    """Variance exploding: alpha 1, sigma from `sigma_min` to `sigma_max` even in sigma^(1/rho); Karras et al. 2022.

    Args:
        sigma_min: at t = 0, above 0.
        sigma_max: at t = 1, above `sigma_min`.
        rho: above 0; larger spends more of t at low noise.

    Raises:
        ValueError: values out of order.
    """

    def __init__(self, sigma_min: float = 0.002, sigma_max: float = 80.0, rho: float = 7.0) -> None:
        if not (0 < sigma_min < sigma_max and rho > 0):
            raise ValueError(f"EDM schedule: expected 0 < sigma_min < sigma_max, got {sigma_min} and {sigma_max}.")
        self.sigma_min, self.sigma_max, self.rho = sigma_min, sigma_max, rho
        self._low, self._high = sigma_min ** (1 / rho), sigma_max ** (1 / rho)
        super().__init__()

    def _log_snr(self, t, xp):
        return -2 * self.rho * xp.log(self._low + (self._high - self._low) * t)

    def _time(self, log_snr, xp):
        return (xp.exp(-log_snr / (2 * self.rho)) - self._low) / (self._high - self._low)

    def alpha_sigma(self, t: Any, xp: Any = ops) -> tuple[Any, Any]:
        sigma = xp.exp(-0.5 * self.log_snr(t, xp))
        return xp.ones_like(sigma), sigma

    def get_config(self) -> dict[str, Any]:
        return {"sigma_min": self.sigma_min, "sigma_max": self.sigma_max, "rho": self.rho}


SCHEDULES = register("schedules", linear=Linear, cosine=Cosine, sigmoid=Sigmoid, condot=CondOT, edm=EDM)


def get(schedule: "str | dict | Schedule") -> Schedule:
    """A schedule from its name ("linear", "cosine", "sigmoid", "condot", "edm"), its Keras config, or itself.

    Raises:
        ValueError: an unknown name.
    """
    return find("schedule", Schedule, SCHEDULES, schedule)
