"""PixelShuffle and its inverse against loops over every place."""

import keras
import numpy as np
import pytest

from keras_imgen.layers import PixelShuffle, PixelUnshuffle


@pytest.mark.parametrize("scale", [2, 3])
def test_every_place_is_where_the_docstring_says(scale):
    x = np.random.default_rng(0).normal(size=(2, 3, 4, 2 * scale**2)).astype("float32")
    expected = np.empty((2, 3 * scale, 4 * scale, 2), "float32")
    for i, j, a, b, c in np.ndindex(3, 4, scale, scale, 2):
        expected[:, scale * i + a, scale * j + b, c] = x[:, i, j, (scale * a + b) * 2 + c]
    np.testing.assert_array_equal(PixelShuffle(scale)(x), expected)
    np.testing.assert_array_equal(PixelUnshuffle(scale)(expected), x)


def test_it_is_torchs_with_the_channels_in_another_order():
    """torch.nn.PixelShuffle by its definition: channel c scale^2 + scale a + b, channels first."""
    x = np.random.default_rng(0).normal(size=(1, 3, 4, 12)).astype("float32")
    first = x.transpose(0, 3, 1, 2).reshape(1, 3, 2, 2, 3, 4).transpose(0, 1, 4, 2, 5, 3).reshape(1, 3, 6, 8)
    order = [c * 4 + place for place in range(4) for c in range(3)]
    np.testing.assert_array_equal(PixelShuffle(2)(x[..., order]), first.transpose(0, 2, 3, 1))


def test_shapes_and_errors():
    x = keras.Input((None, 5, 8))
    assert PixelShuffle(2)(x).shape == (None, None, 10, 2)
    assert PixelUnshuffle(2)(keras.Input((6, None, 1))).shape == (None, 3, None, 4)
    with pytest.raises(ValueError, match="multiple of scale.2 = 9, got 8"):
        PixelShuffle(3)(x)
