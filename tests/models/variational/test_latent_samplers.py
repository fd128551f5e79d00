"""Distributions fitted to latents: they have the moments of what they were fitted to, and stay with the model."""

import keras
import numpy as np
import pytest
from battery import coder, compiled, images

from keras_imgen import load_model
from keras_imgen.models import VAE
from keras_imgen.models.variational import samplers
from keras_imgen.training import random

KEYS = random.key(np.arange(4000, dtype="int32"))


def latents(n=2000):
    """Two clusters, one wide and one narrow, turned."""
    rng = np.random.default_rng(0)
    which = rng.random(n) < 0.3
    z = np.where(which[:, None], rng.normal([3, 0, 0], [0.2, 0.2, 1.0], (n, 3)), rng.normal([-1, 1, 0], 0.7, (n, 3)))
    turn = np.linalg.qr(rng.normal(size=(3, 3)))[0]
    return (z @ turn).astype("float32")


@pytest.mark.parametrize(
    "name, kwargs",
    [
        ("gmm", {"components": 4}),
        ("aggregate", {}),
        pytest.param("second_stage", {"epochs": 60}, marks=pytest.mark.slow),
    ],
)
def test_samples_have_the_latents_moments(name, kwargs):
    z = latents()
    drawn = np.array(samplers.get(name, 3, **kwargs).fit(z, np.zeros_like(z), 0)(KEYS))
    scale = z.std()
    tolerance = 0.25 if name == "second_stage" else 0.1
    np.testing.assert_allclose(drawn.mean(0), z.mean(0), atol=tolerance * scale)
    np.testing.assert_allclose(np.cov(drawn, rowvar=False), np.cov(z, rowvar=False), atol=2 * tolerance * scale**2)


def test_the_mixture_finds_both_clusters():
    rng = np.random.default_rng(0)
    z = np.concatenate([rng.normal(-5, 0.1, (300, 2)), rng.normal(5, 0.1, (700, 2))])
    drawn = np.array(samplers.get("gmm", 2, components=2).fit(z, np.zeros_like(z), 0)(KEYS))
    assert abs((drawn[:, 0] < 0).mean() - 0.3) < 0.03 and (np.abs(np.abs(drawn) - 5) < 1).all()


def test_a_fit_can_be_made_again():
    z = latents(300)
    zero = np.zeros_like(z)
    first = samplers.get("second_stage", 3, epochs=2, width=16).fit(z, zero, 4)
    samplers.get("second_stage", 3, epochs=1, width=16).fit(z, zero, 5)
    again = samplers.get("second_stage", 3, epochs=2, width=16).fit(z, zero, 4)
    np.testing.assert_array_equal(first(KEYS), again(KEYS))
    twice = samplers.get("aggregate", 3, components=50).fit(z, zero, 0).fit(z, zero + 0.01, 0)
    assert not np.array(twice.kernel).any()


def test_the_posteriors_width_counts():
    mean, std = np.zeros((2000, 2), "float32"), np.full((2000, 2), 0.5, "float32")
    for name in ("gmm", "aggregate"):
        drawn = np.array(samplers.get(name, 2, components=3).fit(mean, std, 0)(KEYS))
        np.testing.assert_allclose(drawn.std(0), 0.5, rtol=0.08)


def test_a_row_depends_on_its_own_key():
    z = latents(200)
    for name, kwargs in (("normal", {}), ("gmm", {"components": 3}), ("aggregate", {"components": 50})):
        sampler = samplers.get(name, 3, **kwargs).fit(z, np.zeros_like(z), 0)
        np.testing.assert_allclose(sampler(KEYS[5:6]), np.array(sampler(KEYS[:8]))[5:6], rtol=1e-6)


@pytest.mark.parametrize(
    "name, kwargs",
    [
        ("gmm", {"components": 3}),
        ("aggregate", {"components": 9}),
        pytest.param("second_stage", {"epochs": 1}, marks=pytest.mark.slow),
    ],
)
def test_it_stays_with_the_model(name, kwargs, tmp_path):
    x, y = images()
    model = compiled(VAE(*coder(num_classes=3), 3), run_eagerly=keras.backend.backend() == "tensorflow")
    before = model.generate(labels=[0, 1, 2])
    model.fit_sampler({"image": x, "label": y}, "gmm", components=2)
    model.fit_sampler({"image": x, "label": y}, name, **kwargs)  # again: the one before leaves no trace
    after = model.generate(labels=[0, 1, 2])
    assert (before != after).any()
    model.save(tmp_path / "m.keras")
    np.testing.assert_array_equal(load_model(str(tmp_path / "m.keras")).generate(labels=[0, 1, 2]), after)
    np.testing.assert_array_equal(model.for_inference().generate(labels=[0, 1, 2]), after)
    model.fit(x, y, batch_size=16, verbose=0)  # it is no part of training
