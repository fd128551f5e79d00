"""Spectral norm against NumPy's singular values."""

import keras
import numpy as np
import pytest

from keras_imgen.layers import SpectralConv2D, SpectralDense


@pytest.mark.parametrize("layer, x", [(SpectralDense(5), (3, 7)), (SpectralConv2D(5, 3), (2, 6, 6, 4))])
def test_the_kernel_has_norm_one(layer, x):
    x = np.random.default_rng(0).normal(size=x).astype("float32")
    layer.build(x.shape)
    layer.kernel.assign(np.random.default_rng(1).normal(size=layer.kernel.shape))
    before = np.array(layer(x, training=False))
    for _ in range(100):
        layer(x, training=True)
    matrix = np.array(layer.kernel, "float64").reshape(-1, 5)
    used = np.array(layer.normalized(False), "float64").reshape(-1, 5)
    np.testing.assert_allclose(used, matrix / np.linalg.svd(matrix, compute_uv=False)[0], rtol=1e-5)
    kept = np.array(layer.u)
    after = np.array(layer(x, training=False))
    np.testing.assert_array_equal(kept, layer.u)  # inference leaves the vector alone
    assert (before != after).any()


def test_it_is_the_plain_layer_otherwise(tmp_path):
    x = np.random.default_rng(0).normal(size=(2, 8, 8, 3)).astype("float32")
    inputs = keras.Input((8, 8, 3))
    model = keras.Model(inputs, SpectralConv2D(4, 4, 2, "same", activation="relu")(inputs))
    layer = model.layers[1]
    layer.bias.assign([0.1, 0.2, 0.3, 0.4])
    plain = keras.layers.Conv2D(4, 4, 2, "same", activation="relu")
    plain.build(x.shape)
    plain.kernel.assign(layer.normalized(False))
    plain.bias.assign(layer.bias)
    np.testing.assert_allclose(model(x), plain(x), atol=1e-6)
    model(x, training=True)
    model.save(tmp_path / "m.keras")
    np.testing.assert_array_equal(keras.saving.load_model(tmp_path / "m.keras")(x), model(x))
