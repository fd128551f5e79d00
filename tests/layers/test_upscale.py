"""Upscale against the float64 bicubic resize of `data.imresize`, which is MATLAB's."""

import keras
import numpy as np
import pytest
from keras import ops

from keras_imgen.data.imresize import imresize
from keras_imgen.layers import Upscale
from keras_imgen.training import backend


@pytest.mark.parametrize("size", [(1, 1), (1, 6), (2, 3), (5, 7)])
@pytest.mark.parametrize("scale", [2, 3, 4])
def test_equals_matlabs_bicubic(size, scale):
    x = np.random.default_rng(0).uniform(-1, 1, (2, *size, 3)).astype("float32")
    found = np.array(Upscale(scale)(x))
    assert found.shape == (2, size[0] * scale, size[1] * scale, 3)
    for image, out in zip(x, found):
        np.testing.assert_allclose(out, imresize(image.astype("float64"), scale=scale), atol=3e-6)


def test_a_plane_stays_a_plane():
    """Keys' cubic gives second-degree pictures back, away from the mirrored edges."""
    row, column = np.mgrid[:9, :9].astype("float32")
    plane = (0.1 * row**2 - 0.3 * row * column + column)[None, ..., None]
    row, column = (np.mgrid[:27, :27] + 0.5) / 3 - 0.5
    expected = 0.1 * row**2 - 0.3 * row * column + column
    np.testing.assert_allclose(np.array(Upscale(3)(plane))[0, 6:-6, 6:-6, 0], expected[6:-6, 6:-6], atol=1e-4)


def test_stays_in_float32_under_mixed_precision_and_has_its_transpose_as_gradient():
    x, y = (np.random.default_rng(i).normal(size=(1, n, n, 1)).astype("float32") for i, n in enumerate((5, 10)))
    layer = Upscale(2)
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        image = keras.Input((None, None, 1))
        model = keras.Model(image, Upscale(2)(image))
        np.testing.assert_array_equal(model(x), layer(x))
    finally:
        keras.config.set_dtype_policy("float32")
    gradient = backend.input_gradient(layer, lambda v: ops.sum(layer(v) * y), ops.convert_to_tensor(x))
    assert float(ops.sum(gradient * x)) == pytest.approx(float(ops.sum(layer(x) * y)), rel=1e-4)


@pytest.mark.parametrize("scale", [2, 3])
def test_bilinear_is_that_of_keras(scale):
    x = np.random.default_rng(0).normal(size=(2, 5, 7, 3)).astype("float32")
    wanted = np.array(keras.layers.UpSampling2D(scale, interpolation="bilinear")(x))
    np.testing.assert_allclose(np.array(Upscale(scale, "bilinear")(x)), wanted, atol=1e-5)
    with pytest.raises(ValueError, match="'bicubic' or 'bilinear', got 'nearest'"):
        Upscale(scale, "nearest")
