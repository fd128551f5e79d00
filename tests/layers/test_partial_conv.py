"""Partial convolution by hand, and what it must not see."""

import keras
import numpy as np
import pytest

from keras_imgen.layers import GatedActivation, NoiseLevel, PartialConv2D


def made(seed=0, **kwargs):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(2, 7, 6, 3)).astype("float32")
    mask = (rng.uniform(size=(2, 7, 6, 1)) < 0.3).astype("float32")
    mask[:, :4, :4] = 0
    layer = PartialConv2D(4, 3, **kwargs)
    layer.build([x.shape, mask.shape])
    layer.bias.assign(rng.normal(size=4))
    return layer, x, mask


def by_hand(layer, x, mask):
    """Place by place in float64, the picture surrounded by unknown places."""
    kernel, bias = np.float64(layer.kernel), np.float64(layer.bias)
    x, mask = (np.pad(np.float64(v), ((0, 0), (1, 1), (1, 1), (0, 0))) for v in (x, mask))
    n, height, width = x.shape[0], x.shape[1] - 2, x.shape[2] - 2
    y, known = np.zeros((n, height, width, 4)), np.zeros((n, height, width, 1))
    for k, i, j in np.ndindex(n, height, width):
        m = mask[k, i : i + 3, j : j + 3]
        if m.sum():
            y[k, i, j] = np.einsum("abc,abcd->d", x[k, i : i + 3, j : j + 3] * m, kernel) * 9 / m.sum() + bias
            known[k, i, j] = 1
    return y, known


def test_is_the_formula():
    layer, x, mask = made()
    y, known = layer([x, mask])
    expected, expected_known = by_hand(layer, x, mask)
    assert 0 < expected_known.sum() < expected_known.size
    np.testing.assert_allclose(y, expected, atol=1e-5)
    np.testing.assert_array_equal(known, expected_known)


def test_all_known_is_a_convolution():
    layer, x, mask = made(padding="valid", activation="relu")
    y, known = layer([x, np.ones_like(mask)])
    plain = keras.layers.Conv2D(4, 3, activation="relu")
    plain.build(x.shape)
    plain.set_weights(layer.get_weights())
    np.testing.assert_allclose(y, plain(x), atol=1e-5)
    assert np.array(known).all()


@pytest.mark.parametrize("strides", [1, 2])
def test_what_is_in_the_hole_does_not_matter(strides):
    layer, x, mask = made(strides=strides)
    other = np.where(mask > 0, x, 1e3).astype("float32")
    for a, b in zip(layer([x, mask]), layer([other, mask])):
        np.testing.assert_array_equal(a, b)
    assert layer([x, mask])[1].shape == (2, -(-7 // strides), -(-6 // strides), 1)


def test_gate():
    x = np.random.default_rng(0).normal(size=(2, 3, 3, 8))
    a, b = x[..., :4], x[..., 4:]
    expected = np.where(a > 0, a, np.expm1(a)) / (1 + np.exp(-b))
    np.testing.assert_allclose(GatedActivation()(x.astype("float32")), expected, atol=1e-6)


def test_noise_level_is_in_the_units_of_the_image():
    x = np.zeros((2, 3, 4, 5), "float32")
    y = np.array(NoiseLevel()([x, np.array([0.0, 51.0], "float32")]))
    assert y.shape == (2, 3, 4, 6) and not y[..., :5].any() and not y[0].any()
    np.testing.assert_allclose(y[1, ..., 5], 51 / 255 * 2)  # an image in [-1, 1] has a range of 2
