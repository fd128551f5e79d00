"""Samplers against closed forms, in float64; and the one loop that runs them, on the backend.

Beside these tests, every sampler but iPNDM was run once against diffusers 0.42.1's scheduler of that name, on the
levels the scheduler chose, with a mixture's exact denoiser and 10, 20 and 40 steps (DDIM with eta 0 and 0.5, Euler,
Heun and DPM++2M with and without Karras sigmas, UniPC of order 1 to 3, the stochastic ones with shared noise): equal
after every network call to 2e-6, the precision of diffusers' float32 coefficients (Heun: 2e-15). No number here comes
from it.
"""

import subprocess
import sys

import keras
import numpy as np
import pytest
from keras import ops

from keras_imgen.sampling import samplers, schedules

ODE = ("ddim", "euler", "heun", "dpmpp_2m", "ipndm", "unipc")
FIRST_ORDER = ("ddpm", "ddim", "euler", "euler_ancestral")
SCHEDULES = list(schedules.SCHEDULES)


# === Truth ===


@pytest.mark.parametrize(
    "sampler, order", [("ddim", 1), ("euler", 1), ("heun", 2), ("dpmpp_2m", 2), ("ipndm", 2), ("unipc", 3)]
)
@pytest.mark.parametrize("schedule", ["edm", "cosine", "condot"])
def test_order_of_convergence(run64, mixture, sampler, order, schedule):
    """Error against a fine solution falls as steps^-order, stopping at sigma > 0. iPNDM starts by Euler: order 2."""
    schedule = schedules.get(schedule)
    t = {"t_start": float(schedule.time(-2 * np.log(10.0), np)), "t_end": float(schedule.time(-2 * np.log(0.02), np))}
    sigma = schedule.alpha_sigma(np.float64(t["t_start"]), np)[1]
    x = sigma * np.linspace(-2, 2, 41)
    truth = run64(mixture, x, samplers.table("unipc", schedule, 1500, "log_snr", **t))
    errors = [
        np.abs(run64(mixture, x, samplers.table(sampler, schedule, n, **t)) - truth).mean() for n in (64, 128, 256)
    ]
    slopes = -np.diff(np.log2(errors))
    # The order is a floor and, but for UniPC's yet higher-order corrector, also what is seen.
    assert (slopes > order - 0.15).all() and (order == 3 or (slopes < order + 0.15).all()), slopes


@pytest.mark.parametrize("sampler", ODE)
@pytest.mark.parametrize("schedule", SCHEDULES)
def test_gaussian_closed_form(run64, gaussian, sampler, schedule):
    """N(0, v) data: x/alpha goes from s_a to s_b as sqrt((v + s_b²)/(v + s_a²))."""
    schedule, variance = schedules.get(schedule), 0.25
    alpha, sigma = samplers.levels(schedule, 1, t_start=0.9, t_end=0.1)
    start = np.linspace(-3, 3, 7)
    x = run64(
        gaussian(0.0, variance),
        alpha[0] * start,
        samplers.table(sampler, schedule, 512, "log_snr", t_start=0.9, t_end=0.1),
    )
    wanted = start * np.sqrt(np.divide(*(variance + (sigma / alpha)[::-1] ** 2)))
    np.testing.assert_allclose(x / alpha[1], wanted, rtol=2e-2 if sampler in ("ddim", "euler") else 5e-4)


@pytest.mark.parametrize("schedule", SCHEDULES)
@pytest.mark.parametrize("grid", ["karras", "uniform", "trailing", "log_snr"])
def test_ddpm_is_exact_at_every_step(schedule, grid):
    """Point mass: every row takes N(αμ, σ²) to the next; N(0, 1) data and the larger variance: N(0, α² + σ²)."""
    table = samplers.table("ddpm", schedule, 20, grid)
    after = np.vstack([table[1:, :2], [1.0, 0.0]])
    alpha, sigma, a, b, s = table[:, [0, 1, 4, 5, 9]].T
    np.testing.assert_allclose(a * alpha + b, after[:, 0], rtol=1e-9)
    np.testing.assert_allclose(a**2 * sigma**2 + s**2, after[:, 1] ** 2, rtol=1e-9)
    alpha, sigma, a, b, s = samplers.table("ddpm", schedule, 20, grid, data_variance=1.0)[:-1, [0, 1, 4, 5, 9]].T
    total = alpha**2 + sigma**2  # and D = αx / (α² + σ²)
    np.testing.assert_allclose((a + b * alpha / total) ** 2 * total + s**2, (after**2).sum(1)[:-1], rtol=1e-9)


@pytest.mark.parametrize("sampler", ["euler_ancestral", "dpmpp_2m_sde", "ddpm"])
def test_stochastic_samplers_keep_the_law(run64, gaussian, sampler):
    """Gaussian data come out with their mean and variance."""
    x = 80.0 * np.random.default_rng(1).standard_normal(20_000)
    x = run64(gaussian(0.4, 0.25), x, samplers.table(sampler, "edm", 400), np.random.default_rng(2))
    assert abs(x.mean() - 0.4) < 0.02 and abs(x.std() - 0.5) < 0.02


def test_unipc_is_predictor_and_corrector(run64, mixture):
    """The folded table is the published loop with two states: correct x with the new D, then predict."""
    alpha, sigma = samplers.levels("cosine", 10)
    s, start = sigma / alpha, sigma[0] * np.linspace(-2, 2, 9)
    lam = -np.log(s[:-1])
    x, past = start / alpha[0], []  # x is corrected, `guess` predicted
    guess = x
    for i in range(10):
        past = [mixture(guess, 1.0, s[i]), *past]
        if i:
            k = min(3, i, 10 - i + 1)
            w = samplers._unipc_weights(lam, i - 1, k, corrector=True)
            x = s[i] / s[i - 1] * x + sum(c * d for c, d in zip(w, past, strict=False))
        k = min(3, i + 1, 10 - i)
        w = samplers._unipc_weights(lam, i, k, corrector=False) if i < 9 else [1.0]
        guess = s[i + 1] / s[i] * x + sum(c * d for c, d in zip(w, past, strict=False))
    np.testing.assert_allclose(run64(mixture, start, samplers.table("unipc", "cosine", 10)), guess, atol=1e-10)


# === Identities ===


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_relatives_agree(schedule):
    table = {
        name: samplers.table(name, schedule, 12)
        for name in ("ddpm", "ddim", "euler", "euler_ancestral", "heun", "dpmpp_2m")
    }
    np.testing.assert_allclose(samplers.table("ddim", schedule, 12, eta=1.0), table["ddpm"], atol=1e-9)
    np.testing.assert_allclose(table["euler_ancestral"], table["ddpm"], atol=1e-9)
    np.testing.assert_allclose(samplers.table("dpmpp_2m_sde", schedule, 12, eta=0.0), table["dpmpp_2m"])
    # DPM-Solver++ of first order, x' = σ'/σ·x - α'·(e^-h - 1)·D, is DDIM.
    alpha, sigma = samplers.levels(schedule, 12)
    np.testing.assert_allclose(table["ddim"][:, 4], sigma[1:] / sigma[:-1], atol=1e-12)
    h = np.diff(np.log(alpha[:-1] / sigma[:-1]))
    np.testing.assert_allclose(table["ddim"][:-1, 5], -alpha[1:-1] * np.expm1(-h), rtol=1e-9)


def test_ddpm_is_the_published_posterior():
    """Ho et al. 2020, equations 6 and 7, in alpha-bar and beta."""
    table = samplers.table("ddpm", "linear", 30, "trailing")
    bar = np.append(table[:, 0] ** 2, 1.0)
    bar, before = bar[:-1], bar[1:]
    beta = 1 - bar / before
    np.testing.assert_allclose(table[:-1, 5], (np.sqrt(before) * beta / (1 - bar))[:-1], rtol=1e-9)
    np.testing.assert_allclose(table[:-1, 4], (np.sqrt(1 - beta) * (1 - before) / (1 - bar))[:-1], rtol=1e-9)
    np.testing.assert_allclose(table[:-1, 9] ** 2, ((1 - before) / (1 - bar) * beta)[:-1], rtol=1e-9)


@pytest.mark.parametrize("sampler", samplers.SAMPLERS)
def test_one_picture_under_every_schedule(run64, mixture, sampler):
    """On the same levels of sigma/alpha, VP, VE and flow are one process in x/alpha."""
    s = np.append(np.geomspace(60.0, 0.01, 15), 0.0)
    start = s[0] * np.linspace(-2, 2, 9)
    results = []
    for alpha in (np.ones(16), 1 / np.sqrt(1 + s**2), 1 / (1 + s)):
        table = samplers.coefficients(sampler, alpha, alpha * s)
        results.append(run64(mixture, alpha[0] * start, table, np.random.default_rng(3)))
    np.testing.assert_allclose(results[1], results[0], atol=1e-9)
    np.testing.assert_allclose(results[2], results[0], atol=1e-9)


# === Tables ===


@pytest.mark.parametrize("sampler", samplers.SAMPLERS)
@pytest.mark.parametrize("grid", ["karras", "uniform", "trailing", "log_snr"])
@pytest.mark.parametrize("schedule", SCHEDULES)
def test_rows_are_network_calls_and_the_last_lands_on_clean_data(run64, sampler, grid, schedule):
    for steps in (1, 2, 5):
        table = samplers.table(sampler, schedule, steps, grid)
        assert table.shape == (2 * steps - 1 if sampler == "heun" else steps, len(samplers.COLUMNS))
        assert np.isfinite(table).all() and table[-1, 9] == 0
        x = run64(lambda x, a, s: np.full_like(x, 0.3), np.ones(2), table, np.random.default_rng(0))
        np.testing.assert_allclose(x, 0.3, atol=1e-7)
    assert samplers.start_scale(table) == pytest.approx(80.0 if schedule == "edm" else 1.0, rel=0.02)


def test_grids_in_closed_form():
    n, u = 8, np.linspace(0, 1, 8)
    alpha, sigma = samplers.levels("condot", n, "karras")
    wanted = (80 ** (1 / 7) + u * (0.002 ** (1 / 7) - 80 ** (1 / 7))) ** 7  # Karras et al. 2022, equation 5
    np.testing.assert_allclose((sigma / alpha)[:-1], wanted, rtol=1e-9)
    alpha, sigma = samplers.levels("condot", n, "log_snr")
    np.testing.assert_allclose((sigma / alpha)[:-1], np.geomspace(80, 0.002, n), rtol=1e-9)
    np.testing.assert_allclose(samplers.levels("condot", n, "trailing")[1][1:], 1 - np.arange(1, n + 1) / n, atol=1e-12)
    np.testing.assert_allclose(
        samplers.levels("condot", n, "uniform", t_end=0.2)[1][1:], np.linspace(1, 0.2, n + 1)[1:]
    )
    np.testing.assert_allclose(samplers.levels("condot", 3, [0.9, 0.5, 0.2])[1], [0.9, 0.5, 0.2, 0.0])


def test_truncated_tables_start_at_the_strength():
    full = samplers.table("ddim", "cosine", 20, "trailing")
    np.testing.assert_allclose(samplers.truncate("ddim", "cosine", 20, 0.4, "trailing"), full[12:], atol=1e-9)
    assert len(samplers.truncate("ddim", "cosine", 20, 0.01)) == 1
    for t_start in (0.001, 0.01, 0.5):
        assert np.isfinite(samplers.table("dpmpp_2m", "cosine", 8, t_start=t_start)).all()


@pytest.mark.parametrize("sampler", FIRST_ORDER)
def test_repaint_rows_arrive_where_they_say(sampler):
    table = samplers.repaint(samplers.table(sampler, "cosine", 6), 3)
    assert len(table) == 18
    after = np.vstack([table[1:, :2], [1.0, 0.0]])
    alpha, sigma, a, b, s = table[:, [0, 1, 4, 5, 9]].T  # a point mass again: N(αμ, σ²) to the next row's level
    np.testing.assert_allclose(a * alpha + b, after[:, 0], rtol=1e-9)
    np.testing.assert_allclose(a**2 * sigma**2 + s**2, after[:, 1] ** 2, rtol=1e-9)
    np.testing.assert_array_equal(samplers.repaint(table, 1), table)


@pytest.mark.parametrize(
    "arguments, message",
    [
        (("ddimm", "cosine", 10), "Unknown sampler 'ddimm'. Expected one of: ddpm"),
        (("ddim", "cosine", 0), "`steps` as a whole number of at least 1, got 0"),
        (("ddim", "cos", 10), "Unknown schedule 'cos'"),
        (("ddim", "cosine", 10, "karas"), "Unknown grid 'karas'"),
        (("ddim", "cosine", 2, [0.5, 0.9]), "grid of 2 falling times"),
        (("ddim", "cosine", 2, "karras", 1.5), "t_start=1.5"),
        (("ddim", "cosine", 10_000, "trailing"), "take fewer, or another grid"),
    ],
)
def test_bad_requests_are_refused_in_one_line(arguments, message):
    with pytest.raises(ValueError, match=message) as error:
        samplers.table(*arguments)
    assert "\n" not in str(error.value)


def test_options_of_another_sampler_are_refused():
    with pytest.raises(ValueError, match="'heun' has no option eta"):
        samplers.table("heun", "cosine", 4, eta=0.5)
    with pytest.raises(ValueError, match="first-order sampler"):
        samplers.repaint(samplers.table("heun", "cosine", 4), 2)


# === The loop ===


def affine(x, alpha, sigma):
    """Some denoiser that is the same line in NumPy and on every backend: the exact one of N(0.2, 0.25)."""
    noise = (sigma / alpha) * (sigma / alpha)
    return (0.25 * x / alpha + 0.2 * noise) / (0.25 + noise)


@pytest.mark.parametrize("sampler", samplers.SAMPLERS)
def test_the_loop_on_the_backend_is_the_recurrence(run64, sampler):
    table = samplers.table(sampler, "cosine", 9)
    x = np.random.default_rng(0).standard_normal((3, 4, 4, 1))
    noise = np.random.default_rng(1).standard_normal((9, *x.shape)) if table[:, 9].any() else np.zeros((17, *x.shape))

    class Given:
        draws = iter(noise)

        def standard_normal(self, shape):
            return next(self.draws)

    wanted = run64(affine, x, table, Given())
    stored = ops.convert_to_tensor(noise.astype("float32"))
    got = samplers.run(affine, ops.convert_to_tensor(x.astype("float32")), table, lambda i: ops.take(stored, i, axis=0))
    np.testing.assert_allclose(ops.convert_to_numpy(got), wanted, atol=2e-5)


def test_after_sees_every_level_reached():
    """Replacing all of x by α·x0 + σ·z at each level ends in x0 exactly."""
    x0 = ops.convert_to_tensor(np.random.default_rng(0).random((2, 4, 4, 1)).astype("float32"))
    table = samplers.repaint(samplers.table("ddpm", "cosine", 5), 2)
    got = samplers.run(
        affine, ops.ones_like(x0), table, lambda i: ops.ones_like(x0), lambda i, x, a, s: a * x0 + s * ops.ones_like(x)
    )
    np.testing.assert_array_equal(ops.convert_to_numpy(got), ops.convert_to_numpy(x0))


@pytest.mark.tensorflow
@pytest.mark.parametrize("jit_compile", [False, True])
def test_one_graph_for_every_sampler_step_count_and_batch(jit_compile):
    import tensorflow as tf

    signature = [tf.TensorSpec((None, 4, 4, 1)), tf.TensorSpec((None, len(samplers.COLUMNS)))]

    @tf.function(input_signature=signature, jit_compile=jit_compile)
    def graph(x, table):
        def normal(i):
            return tf.cast(i, "float32") * tf.ones_like(x)

        return samplers.run(affine, x, table, normal, after=lambda i, x, a, s: x + 0.0 * (a + s))

    def once(sampler, steps, batch):
        x = tf.random.stateless_normal((batch, 4, 4, 1), (1, 2))
        table = samplers.table(sampler, "edm", steps).astype("float32")
        eager = samplers.run(affine, x, table, lambda i: ops.cast(i, "float32") * ops.ones_like(x))
        np.testing.assert_allclose(graph(x, table), eager, rtol=1e-5, atol=1e-5)

    once("ddpm", 1, 1)
    once("heun", 3, 2)
    once("unipc", 8, 5)
    assert graph.experimental_get_tracing_count() == 1


@pytest.mark.slow
def test_run_under_jax(other_backend):
    """The loop tests of this file once more with JAX as the backend, and under jit."""
    if keras.backend.backend() == "jax":
        import jax

        x, table = np.ones((2, 4, 4, 1), "float32"), samplers.table("unipc", "cosine", 6).astype("float32")
        compiled = jax.jit(lambda x, table: samplers.run(affine, x, table))(x, table)
        np.testing.assert_allclose(compiled, samplers.run(affine, ops.convert_to_tensor(x), table), atol=1e-5)
        return
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        __file__,
        "-k",
        "loop_on_the_backend or after or under_jax",
    ]
    result = subprocess.run(command, check=False, env=other_backend, capture_output=True, text=True, timeout=300)
    assert result.returncode == 0, result.stdout[-3000:]
