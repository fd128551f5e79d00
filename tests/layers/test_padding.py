"""Padding to a multiple against numpy.pad, and cropping back."""

import keras
import numpy as np
import pytest

from keras_imgen.layers import CropLike, PadToMultiple


@pytest.mark.parametrize("size", [(1, 1), (5, 7), (8, 4), (17, 33)])
@pytest.mark.parametrize("known", [True, False])
def test_mirrors_and_crops_back(size, known):
    x = np.random.default_rng(0).normal(size=(2, *size, 3)).astype("float32")
    image = keras.Input((*(size if known else (None, None)), 3))
    padded = PadToMultiple(4)(image)
    model = keras.Model(image, [padded, CropLike()([padded, image])])
    found, back = model(x)
    down, right = (-n % 4 for n in size)
    np.testing.assert_array_equal(found, np.pad(x, ((0, 0), (0, down), (0, right), (0, 0)), "symmetric"))
    np.testing.assert_array_equal(back, x)
    if known:
        assert padded.shape[1:3] == (size[0] + down, size[1] + right)


def test_crop_counts_the_scale():
    x = np.arange(2 * 12 * 12, dtype="float32").reshape(2, 12, 12, 1)
    np.testing.assert_array_equal(CropLike(3)([x, np.zeros((2, 2, 4, 5))]), x[:, :6, :12])
