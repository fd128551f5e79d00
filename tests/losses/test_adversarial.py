"""The losses against formulas in float64, and their gradients against finite differences."""

import keras
import numpy as np
import pytest

from keras_imgen.losses import adversarial

RNG = np.random.default_rng(0)
REAL, FAKE = RNG.normal(size=7), RNG.normal(size=7)


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


FORMULAS = {
    "minimax": (
        lambda r, f: -np.log(sigmoid(r)).mean() - np.log(1 - sigmoid(f)).mean(),
        lambda r, f: np.log(1 - sigmoid(f)).mean(),
    ),
    "non_saturating": (
        lambda r, f: -np.log(sigmoid(r)).mean() - np.log(1 - sigmoid(f)).mean(),
        lambda r, f: -np.log(sigmoid(f)).mean(),
    ),
    "least_squares": (
        lambda r, f: 0.5 * ((r - 1) ** 2).mean() + 0.5 * (f**2).mean(),
        lambda r, f: 0.5 * ((f - 1) ** 2).mean(),
    ),
    "hinge": (lambda r, f: np.maximum(0, 1 - r).mean() + np.maximum(0, 1 + f).mean(), lambda r, f: -f.mean()),
    "wasserstein": (lambda r, f: f.mean() - r.mean(), lambda r, f: -f.mean()),
    "relativistic": (lambda r, f: -np.log(sigmoid(r - f)).mean(), lambda r, f: -np.log(sigmoid(f - r)).mean()),
}


def gradient(fn, x):
    """Of a scalar in `keras.ops`, on the present backend."""
    if keras.backend.backend() == "jax":
        import jax

        return np.array(jax.grad(fn)(x.astype("float32")))
    import tensorflow as tf

    x = tf.constant(x, "float32")
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = fn(x)
    return tape.gradient(y, x, unconnected_gradients="zero").numpy()


def differences(fn, x, h=1e-6):
    return np.array([(fn(x + h * e) - fn(x - h * e)) / (2 * h) for e in np.eye(len(x))])


def test_every_loss_has_its_formula():
    assert set(FORMULAS) == set(adversarial.LOSSES)


@pytest.mark.parametrize("name", FORMULAS)
def test_values_and_gradients(name):
    loss, (d, g) = adversarial.get(name), FORMULAS[name]
    r32, f32 = REAL.astype("float32"), FAKE.astype("float32")
    np.testing.assert_allclose(loss.discriminator(r32, f32), d(REAL, FAKE), rtol=1e-5)
    np.testing.assert_allclose(loss.generator(f32, r32), g(REAL, FAKE), rtol=1e-5)
    for wanted, found in (
        (differences(lambda r: d(r, FAKE), REAL), gradient(lambda r: loss.discriminator(r, f32), REAL)),
        (differences(lambda f: d(REAL, f), FAKE), gradient(lambda f: loss.discriminator(r32, f), FAKE)),
        (differences(lambda f: g(REAL, f), FAKE), gradient(lambda f: loss.generator(f, r32), FAKE)),
    ):
        np.testing.assert_allclose(found, wanted, atol=1e-6)


@pytest.mark.parametrize("name", FORMULAS)
def test_large_logits_stay_finite(name):
    loss, big = adversarial.get(name), np.array([300.0, -300.0], "float16")
    assert np.isfinite(loss.discriminator(big, -big)) and np.isfinite(loss.generator(big, -big))
    assert np.isfinite(gradient(lambda r: loss.discriminator(r, -r), big.astype("float64"))).all()


def test_unknown_name():
    with pytest.raises(ValueError, match="hinge"):
        adversarial.get("nonsense")
