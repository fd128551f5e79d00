"""AdaIN: the statistics of what comes out are those that were given, whatever those of the content were."""

import keras
import numpy as np
import pytest
from keras import ops

from keras_imgen.layers import AdaIN
from keras_imgen.layers.adain import statistics


def maps(seed=0, shape=(3, 6, 8, 5)):
    rng = np.random.default_rng(seed)
    return (rng.normal(size=shape) * rng.uniform(0.5, 9, (1, 1, 1, shape[-1])) + rng.normal(0, 20)).astype("float32")


def test_statistics_are_those_of_each_channel():
    x = maps()
    mean, deviation = (ops.convert_to_numpy(v) for v in statistics(x))
    assert mean.shape == deviation.shape == (3, 1, 1, 5)
    x = x.astype("float64")
    np.testing.assert_allclose(mean, x.mean((1, 2), keepdims=True), rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(deviation, np.sqrt(x.var((1, 2), keepdims=True) + 1e-5), rtol=1e-4)


@pytest.mark.parametrize("policy,atol", [("float32", 1e-4), ("mixed_bfloat16", 0.1)])
def test_what_comes_out_has_the_given_statistics(policy, atol):
    rng = np.random.default_rng(3)
    mean, deviation = rng.normal(0, 3, (3, 1, 1, 5)), rng.uniform(0.2, 4, (3, 1, 1, 5))
    y = AdaIN(dtype=policy)(maps(), mean, deviation)
    assert keras.backend.standardize_dtype(y.dtype) == {"float32": "float32"}.get(policy, "bfloat16")
    y = ops.convert_to_numpy(ops.cast(y, "float32")).astype("float64")
    np.testing.assert_allclose(y.mean((1, 2), keepdims=True), mean, atol=atol)
    np.testing.assert_allclose(y.std((1, 2), keepdims=True), deviation, atol=atol)


def test_its_own_statistics_change_nothing_and_others_keep_the_order():
    x, style = maps(), maps(1)
    np.testing.assert_allclose(AdaIN()(x, *statistics(x)), x, rtol=1e-4, atol=1e-4)
    y = ops.convert_to_numpy(AdaIN()(x, *statistics(style)))
    for a, b in zip(x.reshape(3, -1, 5), y.reshape(3, -1, 5)):
        assert (np.argsort(a, 0) == np.argsort(b, 0)).mean() > 0.99


def test_flat_maps_get_the_mean():
    y = AdaIN()(np.full((1, 4, 4, 2), 7.0, "float32"), np.full((1, 1, 1, 2), -3.0), np.ones((1, 1, 1, 2)))
    np.testing.assert_allclose(y, -3.0, atol=1e-4)


def test_it_stands_in_a_model():
    inputs = [keras.Input(shape) for shape in ((None, None, 5), (1, 1, 5), (1, 1, 5))]
    model = keras.Model(inputs, AdaIN()(*inputs))
    assert model.output_shape == (None, None, None, 5)
    given = [ops.convert_to_tensor(maps()), *statistics(maps())]
    np.testing.assert_allclose(model(given), maps(), rtol=1e-4, atol=1e-4)
