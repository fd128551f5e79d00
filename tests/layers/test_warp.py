"""Warping: as OpenCV's remap, exact for whole pixels, with gradients in image and flow."""

import cv2
import keras
import numpy as np
import pytest
from keras import ops

from keras_imgen.layers import backward_warp
from keras_imgen.training import backend

RNG = np.random.default_rng(0)


def warp(image, flow):
    return np.array(ops.convert_to_numpy(backward_warp(ops.convert_to_tensor(image), ops.convert_to_tensor(flow))))


@pytest.mark.parametrize("shape", [(2, 9, 14, 3), (1, 1, 1, 1), (1, 5, 1, 8)])
def test_it_is_opencvs_remap(shape):
    image = RNG.normal(size=shape).astype("float32")
    flow = RNG.normal(0, 4, (*shape[:3], 2)).astype("float32")
    x, y = np.meshgrid(np.arange(shape[2]), np.arange(shape[1]))
    for found, one, f in zip(warp(image, flow), image, flow):
        at = (f[..., 0] + x).astype("float32"), (f[..., 1] + y).astype("float32")
        wanted = cv2.remap(one, *at, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE).reshape(one.shape)
        np.testing.assert_allclose(found, wanted, atol=0.12)  # it rounds places to 1/32 of a pixel
        left, top = (np.clip(v, 0, n - 1) for v, n in zip(at, (shape[2], shape[1])))
        np.testing.assert_allclose(found, bilinear(one, left, top), atol=1e-5)


def bilinear(image, x, y):
    """In float64, from the four neighbours."""
    left, top = np.floor(x).astype(int), np.floor(y).astype(int)
    right, below = np.minimum(left + 1, image.shape[1] - 1), np.minimum(top + 1, image.shape[0] - 1)
    a, b = (x - left)[..., None].astype("float64"), (y - top)[..., None].astype("float64")
    above = image[top, left] * (1 - a) + image[top, right] * a
    return above * (1 - b) + (image[below, left] * (1 - a) + image[below, right] * a) * b


def test_whole_pixels_are_exact_and_the_middle_of_a_moving_picture_with_them():
    wide = RNG.normal(size=(1, 24, 30, 3)).astype("float32")
    first, middle, last = (wide[:, k : 16 + k, 2 * k : 20 + 2 * k] for k in range(3))
    flow = np.broadcast_to(np.float32([2, 1]), (1, 16, 20, 2))
    np.testing.assert_array_equal(warp(first, flow)[:, :-1, :-2], middle[:, :-1, :-2])
    np.testing.assert_array_equal(warp(last, -flow)[:, 1:, 2:], middle[:, 1:, 2:])
    np.testing.assert_array_equal(warp(first, 0 * flow), first)


def test_gradients_are_those_of_small_steps():
    image = RNG.normal(size=(1, 6, 7, 2)).astype("float32")
    flow = (RNG.integers(-2, 3, (1, 6, 7, 2)) + RNG.uniform(0.2, 0.8, (1, 6, 7, 2))).astype("float32")
    given = {"image": image, "flow": flow}
    for name in given:
        direction = RNG.normal(size=given[name].shape).astype("float32")

        def total(v):
            return ops.sum(ops.square(backward_warp(**{**tensors, name: v})))

        tensors = {k: ops.convert_to_tensor(v) for k, v in given.items()}
        found = backend.input_gradient(keras.layers.Identity(), total, tensors[name])
        step = 1e-2 * direction / np.abs(direction).max()
        rise = float(
            total(ops.convert_to_tensor(given[name] + step)) - total(ops.convert_to_tensor(given[name] - step))
        )
        assert rise / 2 == pytest.approx(float(ops.sum(found * step)), rel=0.02, abs=1e-3)


def test_it_keeps_the_type():
    image = ops.cast(ops.convert_to_tensor(RNG.normal(size=(1, 4, 4, 2))), "bfloat16")
    assert keras.backend.standardize_dtype(backward_warp(image, ops.zeros((1, 4, 4, 2))).dtype) == "bfloat16"
