"""GroupNorm against a float64 NumPy version of itself, and its written-out gradient against differences of that."""

import keras
import numpy as np
import pytest
from keras import ops

from keras_imgen.layers import GroupNorm
from keras_imgen.training import backend


def reference(x, gamma, beta, modulation, groups, silu, epsilon=1e-5):
    n, channels = x.shape[0], x.shape[-1]
    grouped = x.astype("float64").reshape(n, -1, groups, channels // groups)
    mean, variance = (f(grouped, axis=(1, 3), keepdims=True) for f in (np.mean, np.var))
    z = ((grouped - mean) / np.sqrt(variance + epsilon)).reshape(n, -1, channels) * gamma + beta
    if modulation is not None:
        s, b = np.split(modulation.astype("float64")[:, None], 2, axis=-1)
        z = z * (1 + s) + b
    z = z.reshape(x.shape)
    return z / (1 + np.exp(-z)) if silu else z


def made(shape, modulated, activation, **kwargs):
    rng = np.random.default_rng(0)
    n, channels = shape[0], shape[-1]
    x = rng.normal(0.5, 2.0, shape).astype("float32")
    modulation = rng.normal(0, 0.5, (n, 2 * channels)).astype("float32") if modulated else None
    layer = GroupNorm(groups=4, activation=activation, **kwargs)
    layer.build(shape)
    layer.gamma.assign(rng.normal(1, 0.3, channels))
    layer.beta.assign(rng.normal(0, 0.3, channels))
    return layer, x, modulation, rng


CASES = [(shape, m, a) for shape in ((3, 4, 6, 8), (2, 7, 12)) for m in (False, True) for a in (None, "silu")]


@pytest.mark.parametrize("shape,modulated,activation", CASES)
def test_matches_float64(shape, modulated, activation):
    layer, x, modulation, _ = made(shape, modulated, activation)
    expected = reference(x, layer.gamma.numpy(), layer.beta.numpy(), modulation, 4, activation == "silu")
    np.testing.assert_allclose(ops.convert_to_numpy(layer(x, modulation)), expected, atol=2e-5)


@pytest.mark.parametrize("shape,modulated,activation", CASES)
def test_gradient_matches_differences_of_float64(shape, modulated, activation):
    layer, x, modulation, rng = made(shape, modulated, activation)
    upstream = rng.normal(size=shape).astype("float32")
    values = {"x": x, "gamma": layer.gamma.numpy(), "beta": layer.beta.numpy()}
    values.update({"modulation": modulation} if modulated else {})

    def loss(**changed):
        v = {"modulation": None, **values, **changed}
        y = reference(v["x"], v["gamma"], v["beta"], v["modulation"], 4, activation == "silu")
        return float((y * upstream).sum())

    def by(name):
        def fn(v):
            out = layer(*((v, modulation) if name == "x" else (x, v)))
            return ops.sum(out * upstream)

        if name in ("x", "modulation"):
            return backend.input_gradient(layer, fn, ops.convert_to_tensor(values[name]))
        total = lambda: (ops.sum(layer(x, modulation) * upstream),) * 2  # noqa: E731
        return backend.gradients(layer, total, [layer.gamma, layer.beta])[1][name == "beta"]

    for name, value in values.items():
        direction = rng.normal(size=value.shape)
        h = 1e-5
        wide = value.astype("float64")
        expected = (loss(**{name: wide + h * direction}) - loss(**{name: wide - h * direction})) / (2 * h)
        found = float((ops.convert_to_numpy(by(name)).astype("float64") * direction).sum())
        assert found == pytest.approx(expected, rel=2e-4, abs=2e-4), name


def test_second_gradient_matches_differences_of_the_first():
    layer, x, modulation, rng = made((2, 3, 3, 8), True, "silu")
    upstream, direction = (rng.normal(size=x.shape).astype("float32") for _ in range(2))
    first = lambda v: backend.input_gradient(layer, lambda u: ops.sum(layer(u, modulation) * upstream), v)  # noqa: E731
    second = backend.input_gradient(layer, lambda v: ops.sum(first(v) * direction), ops.convert_to_tensor(x))
    h = 1e-2
    expected = (first(ops.convert_to_tensor(x + h * direction)) - first(ops.convert_to_tensor(x - h * direction))) / (
        2 * h
    )
    np.testing.assert_allclose(ops.convert_to_numpy(second), ops.convert_to_numpy(expected), atol=5e-3)


def test_sizes_may_vary_and_half_precision_keeps_its_type():
    image = keras.Input((None, None, 8))
    model = keras.Model(image, GroupNorm(4, activation="silu")(image))
    for size in (2, 5):
        assert model(np.ones((1, size, size, 8), "float32")).shape == (1, size, size, 8)
    layer, x, modulation, _ = made((2, 4, 4, 8), True, "silu", dtype="mixed_bfloat16")
    y = layer(x, modulation)
    assert keras.backend.standardize_dtype(y.dtype) == "bfloat16"
    expected = reference(x, layer.gamma.numpy(), layer.beta.numpy(), modulation, 4, True)
    np.testing.assert_allclose(ops.convert_to_numpy(ops.cast(y, "float32")), expected, atol=0.1)


def test_config_and_shape():
    layer = GroupNorm(6, activation="silu")
    layer.build((None, 4, 4, 8))
    assert layer._groups == 4  # the largest divisor of 8 up to 6
    assert GroupNorm.from_config(layer.get_config()).get_config() == layer.get_config()
