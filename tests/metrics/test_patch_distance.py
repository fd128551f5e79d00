import numpy as np
import pytest

from keras_imgen.metrics import largest_copied_block, patch_distance


def noise(*shape, low=0, high=256, seed=0):
    return np.random.default_rng(seed).integers(low, high, shape, "uint8")


def test_a_constant_is_its_own_distance_at_the_last_level():
    picture = noise(1, 32, 36, 3, high=200)
    got = patch_distance(picture, picture + 20)
    np.testing.assert_allclose(got[:2], 0.0, atol=1e-9)
    np.testing.assert_allclose(got[2], 20.0, rtol=0.1)  # E (d . c1)^2 = c^2 for unit directions d
    assert (patch_distance(picture, picture) == 0).all()


def test_of_white_noise_it_is_the_difference_of_deviations():
    """Projections of patches of N(m, s^2) on unit directions with the sum t are N(t m, s^2): W2^2 = t^2 (m1 - m2)^2 + (s1 - s2)^2."""
    rng = np.random.default_rng(0)
    a, b = (np.round(rng.normal(m, s, (1, 90, 90, 1))).astype("uint8") for m, s in ((120, 20), (130, 12)))
    got = patch_distance(a, b, size=3, levels=1)
    np.testing.assert_allclose(got, [np.hypot(10, 8)], rtol=0.1)


def test_blur_shows_at_the_finest_level_and_colour_at_the_last():
    picture = noise(1, 48, 48, 3)
    soft = (picture.astype("uint16") + np.roll(picture, 1, 1)) // 2
    blurred = patch_distance(picture, soft.astype("uint8"))
    assert blurred[0] > 10 > blurred[2]
    again = patch_distance(picture, noise(1, 48, 48, 3, seed=1))
    assert again[0] < 0.2 * blurred[0]


def test_pictures_of_several_sizes_and_seeds():
    pictures = [noise(30, 40, 3), noise(50, 32, 3, seed=1)]
    how = {"levels": 2, "patches": 500}
    assert (patch_distance(pictures, pictures[::-1], **how) < 12).all()
    first, second = (patch_distance(pictures, noise(1, 40, 40, 3), seed=k, **how) for k in (0, 1))
    np.testing.assert_array_equal(first, patch_distance(pictures, noise(1, 40, 40, 3), **how))
    assert (first != second).all()


@pytest.mark.parametrize("side", [5, 11])
def test_a_glued_block_is_found(side):
    source, sample = noise(30, 44, 3), noise(40, 26, 3, seed=1)
    assert largest_copied_block(sample, source) < 3
    sample[29 : 29 + side, 3 : 3 + side] = source[17 : 17 + side, 31 : 31 + side]
    assert largest_copied_block(sample, source) == side
    assert largest_copied_block(source, sample) == side
    off = np.clip(sample.astype("int16") + 5, 0, 255).astype("uint8")
    assert largest_copied_block(off, source, tolerance=5) == side
    assert largest_copied_block(off, source, tolerance=4) < side


def test_one_wrong_number_ends_a_block():
    source = noise(24, 24, 1)
    assert largest_copied_block(source, source) == 24
    sample = source.copy()
    sample[9, 20] ^= 128
    assert largest_copied_block(sample, source) == 20  # columns 0..19
    assert largest_copied_block(sample[2:22, 1:17], source) == 16


def test_it_is_the_largest_of_all_shifts():
    """Against a search over all pairs of squares."""
    a, b = noise(9, 8, 1, high=3), noise(7, 10, 1, high=3, seed=1)

    def squares(v, k):
        return {v[y : y + k, x : x + k].tobytes() for y in range(v.shape[0] - k + 1) for x in range(v.shape[1] - k + 1)}

    expected = max(k for k in range(8) if squares(a, k) & squares(b, k))
    assert largest_copied_block(a, b, tolerance=0) == expected > 1


def test_what_is_refused():
    with pytest.raises(ValueError, match="Expected uint8 pictures"):
        patch_distance(noise(1, 32, 32, 3) / 255, noise(1, 32, 32, 3))
    with pytest.raises(ValueError, match="sides of 28 or more"):
        patch_distance(noise(1, 32, 32, 3), noise(1, 20, 32, 3))
    with pytest.raises(ValueError, match="as many channels"):
        largest_copied_block(noise(8, 8, 3), noise(8, 8, 1))
