"""Filters: OpenCV's own answers in the right order of channels, and oil painting by its definition."""

import cv2
import numpy as np
import pytest
from scipy import ndimage

from keras_imgen.editing.filters import edge_preserving, oil_painting, pencil_sketch, stylization

RNG = np.random.default_rng(0)
NOISE = RNG.integers(0, 256, (2, 30, 37, 3), "uint8")
PICTURES = np.rint(ndimage.gaussian_filter(NOISE, (0, 3, 3, 0)) / 1.0).astype("uint8")
FILTERS = pencil_sketch, stylization, edge_preserving, oil_painting


def by_definition(picture, size, ratio):
    """Pixel by pixel; of the most frequent, the darkest."""
    gray = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)
    level = np.rint(gray / ratio).astype(int)
    found = np.empty_like(picture)
    for y, x in np.ndindex(gray.shape):
        around = np.s_[max(y - size, 0) : y + size + 1, max(x - size, 0) : x + size + 1]
        most = np.argmax(np.bincount(level[around].ravel()))
        found[y, x] = np.rint(picture[around][level[around] == most].mean(axis=0))
    return found


@pytest.mark.parametrize("size, ratio", [(1, 1), (3, 16), (40, 100)])
def test_oil_painting_is_the_mean_of_the_most_frequent_brightness(size, ratio):
    np.testing.assert_allclose(
        oil_painting(NOISE[0], size=size, dyn_ratio=ratio).astype(int), by_definition(NOISE[0], size, ratio), atol=1
    )


def test_opencv_is_given_its_order_of_channels():
    bgr = np.ascontiguousarray(PICTURES[0, ..., ::-1])
    gray, coloured = cv2.pencilSketch(bgr, sigma_s=60, sigma_r=0.07, shade_factor=0.05)
    np.testing.assert_array_equal(pencil_sketch(PICTURES[0]), np.repeat(gray[..., None], 3, -1))
    np.testing.assert_array_equal(pencil_sketch(PICTURES[0], colour=True), coloured[..., ::-1])
    np.testing.assert_array_equal(
        stylization(PICTURES[0], sigma_s=20, sigma_r=0.3), cv2.stylization(bgr, sigma_s=20, sigma_r=0.3)[..., ::-1]
    )
    for recursive in (True, False):
        wanted = cv2.edgePreservingFilter(bgr, flags=1 if recursive else 2, sigma_s=60, sigma_r=0.4)
        np.testing.assert_array_equal(edge_preserving(PICTURES[0], recursive=recursive), wanted[..., ::-1])


@pytest.mark.parametrize("change", FILTERS)
def test_gray_pictures_are_as_those_of_equal_channels(change):
    gray = PICTURES[..., :1]
    found, wanted = change(gray), change(np.repeat(gray, 3, -1))
    np.testing.assert_array_equal(np.repeat(found, 3, -1), wanted)


@pytest.mark.parametrize("change", FILTERS)
def test_pictures_stay_as_they_are_and_batches_are_rows(change):
    given = PICTURES[:, ::-1, ::-1]  # not in one piece
    before = given.copy()
    found = change(given)
    np.testing.assert_array_equal(given, before)
    np.testing.assert_array_equal(found[1], change(np.ascontiguousarray(given[1])))
    assert found.shape == given.shape and found.dtype == np.uint8


@pytest.mark.parametrize("change", (edge_preserving, oil_painting))
def test_a_level_picture_stays_level(change):
    flat = np.full((1, 12, 9, 3), (200, 100, 50), "uint8")
    np.testing.assert_allclose(change(flat).astype(int), flat, atol=1)


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: stylization(PICTURES / 255), "uint8.*float64"),
        (lambda: stylization(PICTURES.astype("uint16")), "load_image"),
        (lambda: stylization(np.zeros((9, 9, 4), "uint8")), "with_channels"),
        (lambda: stylization(PICTURES, sigma_s=0), "sigma_s"),
        (lambda: edge_preserving(PICTURES, sigma_r=1.5), "sigma_r"),
        (lambda: pencil_sketch(PICTURES, shade_factor=0.2), "shade_factor"),
        (lambda: oil_painting(PICTURES, size=0), "size"),
        (lambda: oil_painting(PICTURES, dyn_ratio=128), "dyn_ratio"),
    ],
)
def test_what_is_wrong_is_said_in_a_line(call, message):
    with pytest.raises(ValueError, match=message) as error:
        call()
    assert "\n" not in str(error.value)
