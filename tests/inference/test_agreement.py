"""Enlarged pictures agree with what they were made of."""

import numpy as np
import pytest

from keras_imgen.bicubic import resizing_matrix
from keras_imgen.data.imresize import imresize
from keras_imgen.inference.agreement import agreeing
from keras_imgen.inference.restorer import Form, restore

RNG = np.random.default_rng(0)
Y, X = np.mgrid[:64, :64]
PATTERNS = {"checkerboard": (Y + X) % 2, "stripes": X % 2, "dots": (Y % 3 == 0) & (X % 3 == 0)}


@pytest.mark.parametrize("scale", [2, 3, 4])
@pytest.mark.parametrize("size", [(1, 1), (2, 5), (7, 4)])
def test_it_is_the_projection_by_the_pseudoinverse(scale, size):
    x = RNG.uniform(-0.1, 0.1, (2, size[0] * scale, size[1] * scale, 3)).astype("float32")
    y = RNG.uniform(-0.1, 0.1, (2, *size, 3)).astype("float32")
    shrink = np.kron(*(resizing_matrix(n * scale, n, 1 / scale) for n in size))
    columns = lambda v: np.moveaxis(v, -1, 1).reshape(6, -1).T  # noqa: E731
    expected = columns(x) + np.linalg.pinv(shrink) @ (columns(y) - shrink @ columns(x))
    np.testing.assert_allclose(columns(agreeing(x, y, scale)), expected, atol=2e-6)


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_shrunk_again_it_is_the_picture(scale):
    """Whatever the network says: here what is not larger is noise."""
    small = RNG.integers(20, 236, (31, 44, 3)).astype("float64")
    for axis in (0, 1):  # as smooth as photographs are
        small = (np.roll(small, 1, axis) + 2 * small + np.roll(small, -1, axis)) / 4
    small = np.round(small).astype("uint8")
    network = lambda arrays: RNG.normal(0, 0.1, np.multiply(arrays["image"].shape, (1, scale, scale, 1)))  # noqa: E731
    large = restore(network, Form(3, 3, scale, consistent=True), small, tile=32, overlap=16)
    back = imresize(large, scale=1 / scale)
    assert large.shape == (31 * scale, 44 * scale, 3)
    assert np.abs(back.astype(int) - small).max() <= 1 and (back == small).mean() > 0.95
    free = restore(network, Form(3, 3, scale, consistent=True), small, consistent=False)
    assert np.abs(imresize(free, scale=1 / scale).astype(int) - small).max() > 20


@pytest.mark.parametrize("scale", [2, 3, 4])
@pytest.mark.parametrize("pattern", PATTERNS)
def test_fine_patterns_keep_their_brightness(scale, pattern):
    """From black to white there is no picture that agrees: its edges would have to be beyond both. The mean stays."""
    small = np.repeat((PATTERNS[pattern] * 255).astype("uint8")[..., None], 3, -1)
    gray = lambda arrays: np.zeros(np.multiply(arrays["image"].shape, (1, scale, scale, 1)), "float32")  # noqa: E731
    tinted = lambda arrays: gray(arrays) + np.float32([0.3, 0.0, -0.3])  # noqa: E731
    for network in (gray, tinted):
        large = restore(network, Form(3, 3, scale, consistent=True), small)
        assert abs(large.mean() - small.mean()) <= 0.5 and (large == large[..., :1]).all()


def test_flat_pictures_stay_flat():
    for level in (0, 1, 100, 254, 255):
        flat = np.full((12, 9, 3), level, "uint8")
        wrong = lambda arrays: np.repeat(np.repeat(arrays["image"], 2, 1), 2, 2) * 0.8 + 0.1  # noqa: E731
        np.testing.assert_array_equal(restore(wrong, Form(3, 3, 2, consistent=True), flat), level)


def test_what_does_not_enlarge_has_nothing_to_agree_with():
    with pytest.raises(ValueError, match="does not enlarge"):
        restore(lambda arrays: arrays["image"], Form(3, 3), np.zeros((4, 4, 3), "uint8"), consistent=True)
