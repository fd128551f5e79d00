"""GELU and attention's weights against float64, forward and backward, small, and large enough for one loop of XLA."""

import keras
import numpy as np
import pytest
from keras import ops
from scipy.special import softmax
from scipy.stats import norm

from keras_imgen.layers.one_pass import attention_weights, gelu
from keras_imgen.training import backend

SIZES = [(3, 5), (512, 600)]  # the second is one loop inside a graph


def gradient(fn, x):
    """Of the sum of f, in a compiled function, as in training."""
    layer = keras.layers.Identity()
    layer.jit_compile = False
    return np.array(backend.jit(layer, lambda x: backend.input_gradient(layer, fn, x))(x), "float32")


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("dtype, tolerance", [("float32", 2e-6), ("bfloat16", 2**-7)])
def test_gelu(size, dtype, tolerance):
    rng = np.random.default_rng(0)
    x = ops.cast(rng.normal(0, 2, size).astype("float32"), dtype)
    upstream = rng.normal(size=size).astype("float32")
    wide = np.array(ops.cast(x, "float32"), "float64")
    made = gelu(x)
    assert keras.backend.standardize_dtype(made.dtype) == dtype
    np.testing.assert_allclose(np.array(ops.cast(made, "float32")), wide * norm.cdf(wide), atol=4 * tolerance)
    found = gradient(lambda v: ops.sum(ops.cast(gelu(v), "float32") * upstream), x)
    expected = (norm.cdf(wide) + wide * norm.pdf(wide)) * upstream
    np.testing.assert_allclose(found, expected, atol=4 * tolerance * np.abs(upstream).max())


@pytest.mark.parametrize("rows", [2, 32])  # the second is one loop inside a graph
@pytest.mark.parametrize("dtype, tolerance", [("float32", 2e-6), ("bfloat16", 2**-7)])
def test_attention_weights(rows, dtype, tolerance):
    rng = np.random.default_rng(0)
    shape = (rows, 2, 70, 60)
    scores = ops.cast(rng.normal(0, 3, shape).astype("float32"), dtype)
    seen = rng.random((rows, 1, 1, 60)) < 0.5
    seen[0] = False  # sees nothing
    upstream = rng.normal(size=shape).astype("float32")
    wide = np.array(ops.cast(scores, "float32"), "float64")
    expected = np.where(seen, softmax(np.where(seen, wide, -1e30), axis=-1), 0.0)
    weights = np.array(ops.cast(attention_weights(scores, seen), "float32"))
    np.testing.assert_allclose(weights, expected, atol=tolerance)
    assert not weights[np.broadcast_to(~seen, shape)].any()
    fn = lambda v: ops.sum(ops.cast(attention_weights(v, seen), "float32") * upstream)  # noqa: E731
    inner = (expected * upstream).sum(-1, keepdims=True)
    np.testing.assert_allclose(gradient(fn, scores), expected * (upstream - inner), atol=8 * tolerance)


def test_what_is_not_seen_counts_nothing_whatever_it_is():
    scores = np.array([[[[1.0, np.inf, np.nan, 2.0]]]], "float32")
    seen = np.array([1.0, 0.0, 0.0, 1.0], "float32")
    weights = np.array(attention_weights(ops.convert_to_tensor(scores), seen))
    np.testing.assert_allclose(weights[0, 0, 0], [1 / (1 + np.e), 0, 0, np.e / (1 + np.e)], rtol=1e-6)
