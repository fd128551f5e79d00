import numpy as np
import pytest

from keras_imgen.data.imresize import imresize, mod_crop


@pytest.mark.parametrize("scale", [0.5, 1 / 3, 0.25, 2.0, 1.7])
def test_constants_stay_and_the_middle_of_a_ramp_stays_linear(scale):
    flat = np.full((24, 36, 3), 77, "uint8")
    assert (imresize(flat, scale=scale) == 77).all()
    ramp = np.tile(np.arange(96.0), (8, 1))
    out = imresize(ramp, scale=scale)
    expected = (np.arange(out.shape[1]) + 0.5) / scale - 0.5
    inner = slice(int(12 * scale) + 1, -int(12 * scale) - 1)
    np.testing.assert_allclose(out[4 if scale > 1 else 1, inner], expected[inner], atol=1e-9)


def test_half_size_has_the_eight_taps_of_the_widened_kernel():
    """Keys' cubic of a = -1/2 at the distances 1/4, 3/4, 5/4, 7/4, halved: (-3, -9, 29, 111, 111, 29, -9, -3) / 256, every second one."""
    impulse = np.zeros((1, 32))
    impulse[0, 16] = 1.0
    out = imresize(np.repeat(impulse, 8, 0), scale=0.5)[2]
    np.testing.assert_allclose(out[6:10] * 256, [-3, 29, 111, -9], atol=1e-9)


def test_the_edge_is_mirrored_so_symmetric_pictures_stay_symmetric():
    rng = np.random.default_rng(0)
    image = rng.random((12, 20))
    np.testing.assert_allclose(imresize(image[:, ::-1], scale=0.5), imresize(image, scale=0.5)[:, ::-1], atol=1e-12)


def test_sizes_and_types():
    image = np.random.default_rng(0).integers(0, 256, (21, 34, 3), dtype="uint8")
    assert imresize(image, scale=1 / 4).shape == (6, 9, 3) and imresize(image, scale=1 / 4).dtype == np.uint8
    assert imresize(image[..., 0] / 255.0, size=(10, 50)).shape == (10, 50)
    assert mod_crop(image, 4).shape == (20, 32, 3)
    with pytest.raises(ValueError, match="either `size` or `scale`"):
        imresize(image)
