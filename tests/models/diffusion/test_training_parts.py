"""Parameterizations, loss weightings and laws of time: one loss, however it is written."""

import numpy as np
import pytest
from keras import ops

from keras_imgen.models.diffusion import parameterizations, times, weightings
from keras_imgen.sampling import schedules

NAMES = list(parameterizations.PARAMETERIZATIONS)
LEVELS = [(0.8, 0.6), (1.0, 0.01), (1.0, 50.0), (0.3, 0.7), (0.05, 0.99)]  # VP, VE and flow


def draws(n=1000, sigma_data=1.0):
    rng = np.random.default_rng(0)
    return sigma_data * rng.standard_normal(n), rng.standard_normal(n), rng.standard_normal(n)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("level", LEVELS)
def test_the_target_gives_back_the_clean_image(name, level):
    parameterization, (alpha, sigma) = parameterizations.get(name), level
    x0, eps, _ = draws()
    c_skip, c_out = parameterization.coefficients(np.float64(alpha), np.float64(sigma), np)
    target = parameterization.target(x0, eps, alpha, sigma, np)
    np.testing.assert_allclose(c_skip * (alpha * x0 + sigma * eps) + c_out * target, x0, atol=1e-10)
    np.testing.assert_allclose(parameterization.unit_c_out2(alpha, sigma, np) * sigma**2, c_out**2, rtol=1e-9)


def test_epsilon_and_v_errors_are_x0_errors():
    """(eps error)² = SNR·(x0 error)², (v error)² = (SNR + 1)·(x0 error)² under VP."""
    alpha, sigma = schedules.Cosine().alpha_sigma(np.linspace(0.02, 0.98, 49), np)
    snr = (alpha / sigma) ** 2
    for name, factor in (("epsilon", snr), ("v", snr + 1)):
        c_out = parameterizations.get(name).coefficients(alpha, sigma, np)[1]
        np.testing.assert_allclose(1 / c_out**2, factor, rtol=1e-9)


@pytest.mark.parametrize("weighting", list(weightings.WEIGHTINGS))
@pytest.mark.parametrize("level", LEVELS)
def test_a_weighting_is_the_same_loss_and_gradient_under_every_parameterization(weighting, level):
    """Seen from x̂0, the gradient of the loss is 2·w·(x̂0 - x0) whatever the network predicts."""
    weighting, (alpha, sigma) = weightings.get(weighting), (np.float64(level[0]), np.float64(level[1]))
    x0, eps, guess = draws()
    x = alpha * x0 + sigma * eps
    wanted = weighting(alpha, sigma, np) * (guess - x0) ** 2
    for name in NAMES:
        parameterization = parameterizations.get(name)
        c_skip, c_out = parameterization.coefficients(alpha, sigma, np)
        output = (guess - c_skip * x) / c_out  # the network that guesses this x0
        error = output - parameterization.target(x0, eps, alpha, sigma, np)
        factor = weightings.loss_weight(weighting, parameterization, alpha, sigma, np)
        np.testing.assert_allclose(factor * error**2, wanted, rtol=1e-6, atol=1e-9)
        np.testing.assert_allclose(
            2 * factor * error / c_out, 2 * weighting(alpha, sigma, np) * (guess - x0), rtol=1e-6, atol=1e-9
        )


def test_weightings_in_closed_form():
    alpha, sigma = schedules.Linear().alpha_sigma(np.linspace(0.02, 1, 50), np)
    snr = (alpha / sigma) ** 2
    for name, wanted in {"snr": snr, "min_snr": np.minimum(snr, 5), "p2": snr / (1 + snr), "edm": snr + 4}.items():
        np.testing.assert_allclose(weightings.get(name)(alpha, sigma, np), wanted, rtol=1e-9)
    v, epsilon = parameterizations.V(), parameterizations.Epsilon()
    min_snr = weightings.MinSNR(5.0)  # the forms of Hang et al. 2023; with v the divisor is SNR + 1
    np.testing.assert_allclose(
        weightings.loss_weight(min_snr, epsilon, alpha, sigma, np), np.minimum(snr, 5) / snr, rtol=1e-9
    )
    np.testing.assert_allclose(
        weightings.loss_weight(min_snr, v, alpha, sigma, np), np.minimum(snr, 5) / (snr + 1), rtol=1e-9
    )
    np.testing.assert_allclose(
        weightings.loss_weight(weightings.EDM(), parameterizations.EDM(), alpha, sigma, np), 1.0, rtol=1e-9
    )
    np.testing.assert_array_equal(weightings.loss_weight(None, v, alpha, sigma, np), np.ones(50))


@pytest.mark.parametrize("weighting", [None, *weightings.WEIGHTINGS])
@pytest.mark.parametrize("name", ["v", "flow", "edm"])
def test_finite_without_signal_and_without_noise(name, weighting):
    alpha, sigma = np.array([0.0, 1.0]), np.array([1.0, 0.0])
    factor = weightings.loss_weight(weightings.get(weighting), parameterizations.get(name), alpha, sigma, np)
    assert np.isfinite(factor).all()
    inside = weightings.loss_weight(
        weightings.get(weighting),
        parameterizations.get(name),
        *(ops.convert_to_tensor(v.astype("float32")) for v in (alpha, sigma)),
    )
    np.testing.assert_allclose(ops.convert_to_numpy(inside), factor, rtol=1e-5)


@pytest.mark.parametrize("sigma", [0.01, 0.1, 0.5, 1.0, 5.0, 50.0])
def test_edm_preconditioning_has_unit_variance(sigma):
    """In, and out: Var(c_in·x) = Var(target) = 1 (Karras et al. 2022, appendix B.6), from the exact second moments."""
    edm, one, sigma = parameterizations.EDM(0.5), np.float64(1.0), np.float64(sigma)
    np.testing.assert_allclose(edm.c_in(one, sigma, np) ** 2 * (0.25 + sigma**2), 1.0)
    of_x0, of_eps = edm.target(1.0, 0.0, one, sigma, np), edm.target(0.0, 1.0, one, sigma, np)
    np.testing.assert_allclose(0.25 * of_x0**2 + of_eps**2, 1.0)
    c_skip, c_out = edm.coefficients(one, sigma, np)  # the paper's own table 1
    np.testing.assert_allclose([c_skip, c_out], [0.25 / (sigma**2 + 0.25), sigma * 0.5 / np.sqrt(sigma**2 + 0.25)])


def test_stratified_times_fill_every_stratum():
    u = times.stratified(ops.convert_to_tensor(np.random.default_rng(0).random(64).astype("float32")))
    np.testing.assert_array_equal(np.floor(ops.convert_to_numpy(u) * 64), np.arange(64))


def test_laws_of_time_have_their_quantiles():
    u = ops.convert_to_tensor(
        np.array([0.0, 0.02275, 0.5, 0.97725, 1.0], "float32")
    )  # -2, 0, 2 standard deviations inside
    t = ops.convert_to_numpy(times.LogitNormal(0.5, 1.5)(u, None))
    np.testing.assert_allclose(np.log(t / (1 - t))[1:4], [-2.5, 0.5, 3.5], atol=2e-3)
    for name in schedules.SCHEDULES:
        schedule = schedules.get(name)
        t = times.get("log_normal")(u, schedule)
        assert np.isfinite(ops.convert_to_numpy(t)).all()
        alpha, sigma = (ops.convert_to_numpy(v) for v in schedule.alpha_sigma(t))
        np.testing.assert_allclose(np.log(sigma / alpha)[1:4], [-3.6, -1.2, 1.2], atol=5e-3)
    with pytest.raises(ValueError, match="Expected one of: uniform"):
        times.get("gaussian")
