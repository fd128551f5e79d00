"""Samplers as coefficient tables: solved on the host in float64, run by one loop in the graph.

At row i the network is called once, D = x̂0(x, alpha_i, sigma_i), then
    y_i = p·x + q·D;   x ← a·x + b0·y_i + b1·y_{i-1} + b2·y_{i-2} + b3·y_{i-3} + s·z   with z ~ N(0, 1).
Solvers are written in s = sigma/alpha and x/alpha, where every schedule is the same ODE dx/ds = (x - D)/s, and moved to
the schedule's own (alpha, sigma) at the end: a sampler gives the same picture under VP, VE and flow.
"""

import inspect
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from keras import ops

from keras_imgen.arguments import finite, integer
from keras_imgen.sampling import schedules

COLUMNS = ("alpha", "sigma", "p", "q", "a", "b0", "b1", "b2", "b3", "s")
SIGMA_MIN, SIGMA_MAX, RHO = 0.002, 80.0, 7.0  # of s = sigma/alpha (Karras et al. 2022)


class Row(NamedTuple):
    """One network call, in the coordinates x/alpha and sigma/alpha.

    Args:
        at: number of the level of the call.
        to: number of the level that it leads to.
        a: weight of x.
        b: weights of y_i, y_{i-1}, ..., at most four.
        y: (p, q) of y = p·x + q·D; by default y = D.
        s: standard deviation of the noise that is added.
    """

    at: int
    to: int
    a: float
    b: Sequence[float]
    y: tuple[float, float] = (0.0, 1.0)
    s: float = 0.0


# --- the solvers: levels s_0 > s_1 > ... > s_n (s_n = 0 to land on clean data) -> rows ---------------


def ddim(s: np.ndarray, eta: float = 0.0) -> Iterator[Row]:
    """DDIM (Song et al. 2021), from eta = 0, which is Euler's method in sigma/alpha, to eta = 1, which is DDPM."""
    for i, (now, to) in enumerate(pairwise(s)):
        up = eta * to * np.sqrt(now**2 - to**2) / now
        keep = np.sqrt(max(to**2 - up**2, 0.0)) / now
        yield Row(i, i + 1, keep, [1 - keep], s=up)


def ddpm(s: np.ndarray, data_variance: float = 0.0) -> Iterator[Row]:
    """DDPM (Ho et al. 2020), exact for point-mass data; `data_variance` 1, their larger variance, is for N(0, 1)."""
    for i, (now, to) in enumerate(pairwise(s)):
        keep = (to / now) ** 2
        variance = (now**2 - to**2) * (data_variance + to**2) / (data_variance + now**2)
        yield Row(i, i + 1, keep, [1 - keep], s=np.sqrt(variance) if to > 0 else 0.0)


def euler(s: np.ndarray) -> Iterator[Row]:
    """Euler's method on dx/ds = (x - D)/s."""
    return ddim(s)


def euler_ancestral(s: np.ndarray, eta: float = 1.0) -> Iterator[Row]:
    """Euler's method to below the next level, then noise up to it: in these coordinates DDIM with this eta."""
    return ddim(s, eta)


def heun(s: np.ndarray) -> Iterator[Row]:
    """Heun's second-order method (Karras et al. 2022): two calls a step, one for the step to clean data."""
    for i, (now, to) in enumerate(pairwise(s)):
        h = to - now
        yield Row(i, i + 1, 1.0, [h], y=(1 / now, -1 / now))
        if to > 0:  # x' + h/2·y' - h/2·y
            yield Row(i + 1, i + 1, 1.0, [h / 2, -h / 2], y=(1 / to, -1 / to))


def dpmpp_2m(s: np.ndarray) -> Iterator[Row]:
    """DPM-Solver++(2M) (Lu et al. 2022): second order, one call a step, first order at both ends."""
    return dpmpp_2m_sde(s, eta=0.0)


def dpmpp_2m_sde(s: np.ndarray, eta: float = 1.0) -> Iterator[Row]:
    """SDE-DPM-Solver++(2M) (Lu et al. 2022), midpoint form; eta scales the noise, 0 gives DPM-Solver++(2M)."""
    h_before = None
    for i, (now, to) in enumerate(pairwise(s)):
        if to == 0:
            yield Row(i, i + 1, 0.0, [1.0])
            return
        h = np.log(now / to)
        decay, gain = to / now * np.exp(-eta * h), -np.expm1(-(1 + eta) * h)
        slope = 0.0 if h_before is None else 0.5 * h / h_before
        yield Row(i, i + 1, decay, [gain * (1 + slope), -gain * slope], s=to * np.sqrt(-np.expm1(-2 * eta * h)))
        h_before = h


ADAMS_BASHFORTH = ([1], [3 / 2, -1 / 2], [23 / 12, -16 / 12, 5 / 12], [55 / 24, -59 / 24, 37 / 24, -9 / 24])


def ipndm(s: np.ndarray, order: int = 4) -> Iterator[Row]:
    """iPNDM (Zhang & Chen 2023): Adams-Bashforth on dx/ds, its order rising from 1; strong below 12 calls.

    Raises:
        ValueError: an order other than 1, 2, 3, 4.
    """
    if order not in (1, 2, 3, 4):
        raise ValueError(f"ipndm: expected an order from 1 to 4, got {order}.")
    for i, (now, to) in enumerate(pairwise(s)):
        weights = ADAMS_BASHFORTH[0 if to == 0 else min(i + 1, order) - 1]
        yield Row(i, i + 1, 1.0, np.multiply(to - now, weights), y=(1 / now, -1 / now))


def unipc(s: np.ndarray, order: int = 3) -> Iterator[Row]:
    """UniPC (Zhao et al. 2023), data prediction, B2, order 1 to 3; its corrector is folded into the next row.

    The corrected state need not be kept beside the predicted one: they differ by a sum of past D.

    Raises:
        ValueError: an order other than 1, 2, 3.
    """
    if order not in (1, 2, 3):
        raise ValueError(f"unipc: expected an order from 1 to 3, got {order}.")
    lam, steps = -np.log(np.maximum(s, 1e-300)), len(s) - 1
    correction = np.zeros(4)  # corrected - predicted state at the row's own level, in D_i, D_{i-1}, ...
    for i in range(steps):
        decay = s[i + 1] / s[i]
        k = min(order, i + 1, steps - i if s[-1] == 0 else order)  # first order into clean data
        predict = np.append(_unipc_weights(lam, i, k, corrector=False), np.zeros(4 - k)) if s[i + 1] else np.eye(4)[0]
        yield Row(i, i + 1, decay, decay * correction + predict)
        if s[i + 1]:
            correct = np.append(_unipc_weights(lam, i, k, corrector=True), np.zeros(3 - k))
            correction = correct - np.append(0.0, predict[:3])


def _unipc_weights(lam: np.ndarray, i: int, k: int, corrector: bool) -> np.ndarray:
    """Weights of D_{i+1} (corrector only), D_i, ..., D_{i-k+1} in the step from level i to i + 1."""
    h = lam[i + 1] - lam[i]
    gain = -np.expm1(-h)  # B(h) of the paper
    nodes = np.array([(lam[i - j] - lam[i]) / h for j in range(1, k)] + [1.0] * corrector)  # of all D but D_i
    n = len(nodes)
    phi, moments = gain, []
    for j in range(1, n + 1):  # integral of e^{-h(1-r)}·r^j over the step, relative to B(h)
        phi = 1 - j * phi / h
        moments.append(phi / gain)
    # The paper fixes the one-node weight at 1/2; more are solved for.
    rho = np.full(n, 0.5) if n == 1 else np.linalg.solve(np.vander(nodes, increasing=True).T, moments) if n else nodes
    others = gain * rho / nodes
    newest, past = (others[-1:], others[:-1]) if corrector else (others[:0], others)
    return np.concatenate([newest, [gain - others.sum()], past])


SAMPLERS: dict[str, Callable[..., Iterator[Row]]] = {
    f.__name__: f for f in (ddpm, ddim, euler, euler_ancestral, heun, dpmpp_2m, dpmpp_2m_sde, ipndm, unipc)
}


# --- the grids: which levels --------------------------------------------------------------------------


def levels(
    schedule: Any, steps: int, grid: str | Sequence[float] = "karras", t_start: float = 1.0, t_end: float | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """(alpha, sigma) of the steps + 1 levels from t_start to clean data, or to t_end where that is given.

    Args:
        schedule: see `schedules.get`.
        steps: number of steps, at least 1.
        grid: "karras": even in s^(1/7); "log_snr": even in log s (both with s = sigma/alpha inside [0.002, 80]); "uniform": even in t,
            both ends called; "trailing": t_start·(1, (n-1)/n, ..., 1/n); or the times, falling.
        t_start: in (0, 1].
        t_end: in [0, t_start); None is clean data.

    Raises:
        ValueError: an unknown grid or schedule, no steps, times out of order, or steps that coincide.
    """
    schedule = schedules.get(schedule)
    steps = integer("steps", steps, 1)
    if not 0 < t_start <= 1 or (t_end is not None and not 0 <= t_end < t_start):
        raise ValueError(f"Expected times 0 <= t_end < t_start <= 1, got t_start={t_start}, t_end={t_end}.")
    points = steps if t_end is None else steps + 1
    u = np.linspace(0, 1, points)
    if not isinstance(grid, str):
        t = np.asarray(grid, "float64")
        if t.shape != (points,) or not ((np.diff(t) < 0).all() and t.max() <= 1 and t.min() >= 0):
            raise ValueError(f"Expected a grid of {points} falling times in [0, 1], got {grid}.")
    elif grid == "trailing":
        t = t_start + ((t_end or 0.0) - t_start) * np.arange(points) / steps
    elif grid == "uniform":
        t = t_start + ((t_end or float(schedule.time_min)) - t_start) * u
    elif grid in ("karras", "log_snr"):
        high, low = (np.exp(-0.5 * schedule.log_snr(np.float64(t), np)) for t in (t_start, t_end or 0.0))
        high = min(high, SIGMA_MAX)
        low = max(low, min(SIGMA_MIN, 0.1 * high)) if t_end is None else low
        if grid == "log_snr":
            s = high * (low / high) ** u
        else:
            s = (high ** (1 / RHO) * (1 - u) + low ** (1 / RHO) * u) ** RHO
        t = schedule.time(-2 * np.log(s), np)
    else:
        raise ValueError(f"Unknown grid {grid!r}. Expected one of: karras, log_snr, uniform, trailing, or the times.")
    alpha, sigma = schedule.alpha_sigma(t, np)
    if (np.diff(sigma / alpha) >= 0).any():  # the schedule keeps log-SNR within its limits
        raise ValueError(
            f"{steps} steps from t={t_start} on the grid {grid!r} coincide at {schedule}: take fewer, or another grid."
        )
    return (alpha, sigma) if t_end is not None else (np.append(alpha, 1.0), np.append(sigma, 0.0))


# --- the table ---------------------------------------------------------------------------------------


def coefficients(sampler: str, alpha: np.ndarray, sigma: np.ndarray, **options: Any) -> np.ndarray:
    """The table (rows, 10) that takes x through these levels; the columns are COLUMNS.

    Args:
        sampler: a key of SAMPLERS.
        alpha: scale of the data at each level, (steps + 1,).
        sigma: scale of the noise at each level, (steps + 1,).
        **options: the sampler's own (eta, order, data_variance).

    Raises:
        ValueError: an unknown sampler, an option that it does not have, or one out of range.
    """
    if not isinstance(sampler, str) or sampler not in SAMPLERS:
        raise ValueError(f"Unknown sampler {sampler!r}. Expected one of: {', '.join(SAMPLERS)}.")
    known = list(inspect.signature(SAMPLERS[sampler]).parameters)[1:]
    if unknown := set(options) - set(known):
        raise ValueError(f"Sampler {sampler!r} has no option {', '.join(sorted(unknown))}. It has: {known or 'none'}.")
    for name in {"eta", "data_variance"} & set(options):
        finite(name, options[name], 0.0)
    alpha, sigma = np.asarray(alpha, "float64"), np.asarray(sigma, "float64")
    rows = []
    for row in SAMPLERS[sampler](sigma / alpha, **options):
        now, to = alpha[row.at], alpha[row.to]
        b = np.append(row.b, np.zeros(4 - len(row.b)))
        rows.append([now, sigma[row.at], row.y[0] / now, row.y[1], to / now * row.a, *(to * b), to * row.s])
    return np.array(rows)


def table(
    sampler: str,
    schedule: Any,
    steps: int,
    grid: str | Sequence[float] = "karras",
    t_start: float = 1.0,
    t_end: float | None = None,
    **options: Any,
) -> np.ndarray:
    """Table (rows, 10), float64: one row for each network call (2·steps - 1 for Heun, else steps).

    Args:
        sampler: a key of SAMPLERS.
        schedule: see `schedules.get`.
        steps: number of steps, at least 1.
        grid: see `levels`.
        t_start: in (0, 1].
        t_end: in [0, t_start); None is clean data.
        **options: the sampler's own (eta, order, data_variance); None is its default.

    Raises:
        ValueError: an unknown sampler, grid or schedule, no steps, or times out of order.
    """
    options = {name: value for name, value in options.items() if value is not None}
    return coefficients(sampler, *levels(schedule, steps, grid, t_start, t_end), **options)


def truncate(
    sampler: str, schedule: Any, steps: int, strength: float, grid: str | Sequence[float] = "karras", **options: Any
) -> np.ndarray:
    """The table of SDEdit (Meng et al. 2022): starts at t = strength and takes that share of the steps.

    Args:
        sampler: a key of SAMPLERS.
        schedule: see `schedules.get`.
        steps: number of steps from t = 1.
        strength: in (0, 1].
        grid: see `levels`.
        **options: the sampler's own, as in `table`.

    Raises:
        ValueError: a strength outside (0, 1]; and as `table`.
    """
    finite("strength", strength, 0.0, 1.0, above=True)
    return table(sampler, schedule, max(1, round(steps * strength)), grid, t_start=strength, **options)


def repaint(table: np.ndarray, resample: int) -> np.ndarray:
    """Repeat every step `resample` times, noising back in between (RePaint, Lugmayr et al. 2022).

    A repeat is one row: denoise to the next level and noise back to the row's own.

    Args:
        table: of a first-order sampler, (rows, 10).
        resample: at least 1.

    Raises:
        ValueError: a sampler of higher order, `resample` below 1.
    """
    integer("resample", resample, 1)
    if table[:, 6:9].any():
        raise ValueError("RePaint needs a first-order sampler: ddpm, ddim, euler or euler_ancestral.")
    rows = []
    for row, (alpha_next, sigma_next) in zip(table, np.vstack([table[1:, :2], [1.0, 0.0]]), strict=True):
        back = row[0] / alpha_next
        again = row.copy()
        again[4:9] *= back
        again[9] = np.sqrt((back * row[9]) ** 2 + row[1] ** 2 - (back * sigma_next) ** 2)
        rows += [again] * (resample - 1) + [row]
    return np.array(rows)


def start_scale(table: np.ndarray) -> float:
    """Standard deviation of the noise that the first row expects: sigma_max for EDM, 1 for VP and flow (to 1e-4)."""
    return float(table[0, 1])


# --- the loop ----------------------------------------------------------------------------------------


def run(
    denoise: Callable[[Any, Any, Any], Any],
    x: Any,
    table: Any,
    normal: Callable[[Any], Any] | None = None,
    after: Callable[[Any, Any, Any, Any], Any] | None = None,
) -> Any:
    """Run a table on x (N, ...); returns the clean x.

    One `fori_loop`: rows and batch may be free in a graph.

    Args:
        denoise: f(x, alpha, sigma) -> x̂0, alpha and sigma being scalar tensors.
        x: float (N, ...), at the level of the first row.
        table: (rows, 10) array or tensor of any number of rows.
        normal: f(i) -> row i's noise of x's shape; None: no noise, for tables whose last column is 0.
        after: f(i, x, alpha, sigma) -> x; may replace x when it has reached the level (alpha, sigma), (1, 0) after the last row.
    """
    table = ops.cast(ops.convert_to_tensor(table), x.dtype)
    shape = ops.shape(x)
    clean = ops.convert_to_tensor([[1.0, 0.0]], dtype=x.dtype)
    reached = ops.concatenate([table[1:, :2], clean], axis=0)

    def body(i, state):
        x, y1, y2, y3 = state
        row = ops.take(table, i, axis=0)
        alpha, sigma, p, q, a, b0, b1, b2, b3, s = (row[k] for k in range(len(COLUMNS)))
        y = p * x + q * denoise(x, alpha, sigma)
        x = a * x + b0 * y + b1 * y1 + b2 * y2 + b3 * y3
        if normal is not None:
            x = x + s * normal(i)
        if after is not None:
            level = ops.take(reached, i, axis=0)
            x = after(i, x, level[0], level[1])
        # A loop's state must keep its static shape, also where the network's output has a free batch.
        return ops.reshape(x, shape), ops.reshape(y, shape), y1, y2

    zeros = ops.zeros_like(x)
    return ops.fori_loop(0, ops.shape(table)[0], body, (x, zeros, zeros, zeros))[0]
