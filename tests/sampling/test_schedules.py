import json

import keras
import numpy as np
import pytest
from keras import ops

from keras_imgen.sampling import schedules

NAMES = list(schedules.SCHEDULES)
T = np.linspace(0.0, 1.0, 101)


@pytest.mark.parametrize("name", NAMES)
def test_log_snr_falls_has_an_inverse_and_agrees_with_alpha_sigma(name):
    schedule = schedules.get(name)
    log_snr, (alpha, sigma) = schedule.log_snr(T, np), schedule.alpha_sigma(T, np)
    assert np.isfinite(log_snr).all() and (np.diff(log_snr[1:-1]) < 0).all()
    np.testing.assert_allclose(2 * np.log(alpha / sigma), log_snr, atol=1e-9)
    np.testing.assert_allclose(schedule.time(log_snr, np), schedule.clip(T, np), atol=1e-9)


@pytest.mark.parametrize("name", ["linear", "cosine", "sigmoid"])
def test_variance_preserving(name):
    alpha, sigma = schedules.get(name).alpha_sigma(T, np)
    np.testing.assert_allclose(alpha**2 + sigma**2, 1.0, rtol=1e-12)


def test_closed_forms():
    inner = T[1:-1]
    alpha, sigma = schedules.Cosine().alpha_sigma(inner, np)
    np.testing.assert_allclose([alpha, sigma], [np.cos(np.pi * inner / 2), np.sin(np.pi * inner / 2)], rtol=1e-12)
    alpha, sigma = schedules.CondOT().alpha_sigma(inner, np)
    np.testing.assert_allclose([alpha, sigma], [1 - inner, inner])
    alpha, sigma = schedules.EDM().alpha_sigma(T, np)
    ramp = (0.002 ** (1 / 7) * (1 - T) + 80 ** (1 / 7) * T) ** 7
    np.testing.assert_allclose([alpha, sigma], [np.ones(101), ramp], rtol=1e-9)
    gamma = 1 / (1 + np.exp(-(6 * inner - 3)))
    low, high = 1 / (1 + np.exp(3)), 1 / (1 + np.exp(-3))
    np.testing.assert_allclose(
        schedules.Sigmoid().alpha_sigma(inner, np)[0] ** 2, (high - gamma) / (high - low), rtol=1e-9
    )


def test_linear_is_the_limit_of_ddpm_betas():
    n = 200_000
    alpha_bar = np.cumprod(1 - np.linspace(0.1, 20.0, n) / n)
    t = np.arange(1, n + 1) / n
    alpha = schedules.Linear().alpha_sigma(t[n // 100 :: n // 100], np)[0]
    np.testing.assert_allclose(alpha**2, alpha_bar[n // 100 :: n // 100], rtol=2e-3)


@pytest.mark.parametrize("name", NAMES)
def test_float32_in_the_graph_is_float64_on_the_host(name):
    schedule = schedules.get(name)
    t = np.linspace(0.01, 0.99, 50)
    for inside, host in zip(
        schedule.alpha_sigma(ops.convert_to_tensor(t.astype("float32"))), schedule.alpha_sigma(t, np), strict=True
    ):
        np.testing.assert_allclose(ops.convert_to_numpy(inside), host, rtol=1e-4)
    log_snr = schedule.log_snr(t, np)
    back = schedule.time(ops.convert_to_tensor(log_snr.astype("float32")))
    np.testing.assert_allclose(ops.convert_to_numpy(back), t, atol=2e-5)


@pytest.mark.parametrize("schedule", [schedules.Linear(0.2, 15.0), schedules.EDM(0.01, 50.0, 5.0), schedules.Cosine()])
def test_survives_saving(schedule):
    config = json.loads(json.dumps(keras.saving.serialize_keras_object(schedule)))
    again = schedules.get(config)
    assert type(again) is type(schedule) and again.get_config() == schedule.get_config()


def test_unknown_names_are_refused_with_the_known_ones():
    with pytest.raises(ValueError, match="Unknown schedule 'cosin'. Expected one of: linear, cosine"):
        schedules.get("cosin")
    with pytest.raises(ValueError, match="sigma_min < sigma_max"):
        schedules.EDM(1.0, 0.5)
