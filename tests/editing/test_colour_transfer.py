"""Colours of one picture for another: closed forms of what must match afterwards, and scikit-image."""

import numpy as np
import pytest
from scipy import ndimage
from skimage.exposure import match_histograms as reference

from keras_imgen.editing.classical import CLASSICAL
from keras_imgen.editing.colour import (
    LAB,
    LMS,
    LUMA,
    WAYS,
    _guided,
    _histogram,
    _monge_kantorovich,
    _reinhard,
    _sliced,
    keep_colours,
    keep_luminance,
    match_histograms,
    monge_kantorovich,
    reinhard,
    sliced_transport,
)

RNG = np.random.default_rng(0)


def pixels(n, seed):
    """Correlated, skewed colours inside of the cube."""
    rng = np.random.default_rng(seed)
    return 127 + np.clip(rng.standard_normal((n, 3)) ** 3 @ rng.uniform(-6, 6, (3, 3)), -120, 120)


def picture(h, w, seed, c=3):
    coarse = np.random.default_rng(seed).uniform(0, 255, (4, 5, c))
    return np.rint(np.clip(ndimage.zoom(coarse, (h / 4, w / 5, 1), order=1), 0, 255)).astype("uint8")


A, B = picture(40, 50, 1), picture(30, 61, 2)


def test_histograms_are_those_of_scikit_image():
    """Which cuts off where it gives back whole numbers."""
    a, b = pixels(900, 1), pixels(700, 2)
    np.testing.assert_allclose(_histogram(a, b), reference(a, b, channel_axis=-1), atol=1e-9)
    exact = _histogram(A.reshape(-1, 3) / 1.0, B.reshape(-1, 3) / 1.0).reshape(A.shape)
    np.testing.assert_array_equal(match_histograms(A, B), np.rint(exact))
    np.testing.assert_array_equal(reference(A, B, channel_axis=-1), np.floor(exact + 1e-9))


def test_reinhard_matches_mean_and_deviation_in_l_alpha_beta():
    a, b = pixels(900, 1), pixels(700, 2) * 0.8 + 10
    found, wanted = (np.log10(p @ LMS.T + 1) @ LAB.T for p in (_reinhard(a, b), b))
    np.testing.assert_allclose(found.mean(axis=0), wanted.mean(axis=0), atol=1e-9)
    np.testing.assert_allclose(found.std(axis=0), wanted.std(axis=0), atol=1e-9)


def test_l_alpha_beta_is_that_of_the_paper():
    """A gray level has no alpha nor beta (to the three digits of its matrix), and l is the root of 3 times its logarithm."""
    found = np.log10(np.full((1, 3), 100.0) @ LMS.T) @ LAB.T
    np.testing.assert_allclose(found, [[2 * 3**0.5, 0, 0]], atol=1e-3)


def test_the_linear_map_matches_mean_and_covariance():
    a, b = pixels(900, 1), pixels(700, 2)
    found = _monge_kantorovich(a, b)
    np.testing.assert_allclose(found.mean(axis=0), b.mean(axis=0), rtol=1e-12)
    np.testing.assert_allclose(np.cov(found.T, ddof=0), np.cov(b.T, ddof=0), rtol=1e-9)


def test_the_linear_map_moves_colours_least():
    """Of all maps between two Gaussians that of optimal transport: its squared distance is that of Bures and Wasserstein."""
    a, b = pixels(900, 1), pixels(700, 2)
    s, t = np.cov(a.T, ddof=0), np.cov(b.T, ddof=0)
    cross = np.sqrt(np.linalg.eigvals(s @ t).real).sum()
    wanted = ((a.mean(0) - b.mean(0)) ** 2).sum() + np.trace(s) + np.trace(t) - 2 * cross
    np.testing.assert_allclose(((_monge_kantorovich(a, b) - a) ** 2).sum(axis=1).mean(), wanted, rtol=1e-9)


def test_the_linear_map_between_commuting_covariances_scales():
    a = np.array([[-1.0, 0, 0], [1, 0, 0], [0, -2, 0], [0, 2, 0], [0, 0, -3], [0, 0, 3]]) * 10 + 128
    scale = np.array([2.0, 0.5, 1.5])
    np.testing.assert_allclose(_monge_kantorovich(a, (a - 128) * scale + 90), (a - 128) * scale + 90, atol=1e-9)


def test_gray_content_keeps_to_its_axis():
    """Across it there is nothing to stretch, not even the grain of rounding."""
    gray = np.repeat(pixels(900, 1)[:, :1], 3, axis=1)
    b = pixels(700, 2)
    for grain in (0.0, 0.25):
        given = gray + RNG.uniform(-grain, grain, gray.shape)
        found = _monge_kantorovich(given, b)
        spread = np.linalg.svd(found - found.mean(axis=0), compute_uv=False)
        assert np.isfinite(found).all() and spread[1] < 1e-2 * spread[0]
        np.testing.assert_allclose(found.mean(axis=0), b.mean(axis=0), rtol=1e-9)


@pytest.mark.parametrize("way", WAYS)
def test_pictures_of_one_colour(way):
    """Become the style's mean; of one, all become it."""
    flat = np.full((6, 7, 3), (30, 60, 90), "uint8")
    to_flat = WAYS[way](A, flat) if way != "sliced" else sliced_transport(A, flat, smooth=0)
    np.testing.assert_allclose(to_flat, np.broadcast_to(flat[0, 0], A.shape), atol=1)
    from_flat = WAYS[way](flat, B)
    assert (from_flat == from_flat[0, 0]).all()
    if way in ("monge-kantorovich", "sliced"):
        np.testing.assert_array_equal(from_flat[0, 0], np.rint(B.mean(axis=(0, 1))))


@pytest.mark.parametrize("way", WAYS)
def test_its_own_colours_change_nothing(way):
    np.testing.assert_allclose(WAYS[way](A, A[::-1, ::-1]).astype(int), A, atol=1)


def test_sliced_transport_of_gray_levels_is_sorting():
    """On a line, of as many: the k-th level goes to the k-th."""
    a, b = RNG.uniform(0, 255, (50, 1)), RNG.uniform(0, 255, (50, 1))
    one = np.ones(50)
    found = _sliced(a, one, b, one, 1, np.random.default_rng(0))
    np.testing.assert_allclose(found[np.argsort(a[:, 0]), 0], np.sort(b[:, 0]), atol=1e-9)


def test_sliced_transport_counts_pixels():
    """A colour of many pixels weighs as much as if each were moved: means are exact, whatever the numbers."""
    a, b = RNG.uniform(0, 255, (40, 3)), RNG.uniform(0, 255, (30, 3))
    na, nb = RNG.integers(1, 9, 40) / 1.0, RNG.integers(1, 9, 30) / 1.0
    for iterations in (1, 4):
        found = _sliced(a, na, b, nb, iterations, np.random.default_rng(0))
        np.testing.assert_allclose(np.average(found, 0, na), np.average(b, 0, nb), rtol=1e-9)


def test_sliced_transport_reaches_the_distribution():
    """What Gaussians cannot tell: two clusters, whose projections along directions not used in the search match as well."""
    a = pixels(1500, 1)
    b = np.concatenate([pixels(750, 2) * 0.3, pixels(750, 3) * 0.3 + 150])
    one = np.ones(1500)
    directions = np.linalg.qr(np.random.default_rng(9).standard_normal((3, 3)))[0]

    def apart(x):
        return np.abs(np.sort(x @ directions, axis=0) - np.sort(b @ directions, axis=0)).mean()

    few, many = (apart(_sliced(a, one, b, one, n, np.random.default_rng(0))) for n in (1, 20))
    assert many < 1.5 < few < apart(a) and many < 0.3 * apart(_monge_kantorovich(a, b))


def test_a_smoothed_change_keeps_to_edges():
    """Also of colour alone: a change that steps with the picture is kept, grain of what is level goes, a level change stays exactly."""
    guide = np.full((30, 40, 3), (200.0, 40.0, 90.0))
    guide[:, 20:] = 40, 200, 90
    step = np.where(guide[..., :1] > 100, 50.0, -10.0)
    np.testing.assert_allclose(_guided(step, guide, 4), step, atol=0.6)
    noise = RNG.normal(0, 10, (30, 40, 1))
    assert _guided(noise, guide, 4)[:, 6:14].std() < 2
    np.testing.assert_allclose(_guided(np.full((30, 40, 1), 7.0), guide, 4), 7, atol=1e-9)


def test_seeds_repeat():
    first, second, other = (sliced_transport(A, B, iterations=2, seed=s) for s in (1, 1, 2))
    np.testing.assert_array_equal(first, second)
    assert (first != other).any()


def test_the_luminance_of_one_with_the_colours_of_another():
    low, high = picture(20, 21, 3) // 4 + 96, picture(20, 21, 4) // 4 + 96  # no colour leaves the cube
    found = keep_luminance(low, high).astype(float)
    np.testing.assert_allclose(found @ LUMA, low @ LUMA, atol=0.5)
    chroma = [x - (x @ LUMA)[..., None] for x in (found, high.astype(float))]
    np.testing.assert_allclose(*chroma, atol=0.6)
    np.testing.assert_array_equal(keep_colours(high, low), keep_luminance(low, high))


def test_luminance_is_kept_where_colours_leave_the_cube():
    a, b = RNG.integers(0, 256, (2, 9, 8, 3), "uint8"), RNG.integers(0, 256, (2, 9, 8, 3), "uint8")
    np.testing.assert_allclose(keep_luminance(a, b) @ LUMA, a @ LUMA, atol=0.51)
    np.testing.assert_array_equal(keep_luminance(a, a), a)


@pytest.mark.parametrize("shape", [(1, 1, 3), (1, 7, 3), (5, 3, 3), (2, 5, 4, 3), (0, 5, 4, 3)])
@pytest.mark.parametrize("name", CLASSICAL)
def test_every_way_takes_every_size_and_leaves_its_pictures(name, shape):
    content, style = RNG.integers(0, 256, shape, "uint8"), RNG.integers(0, 256, (9, 11, 3), "uint8")
    before = content.copy(), style.copy()
    found = CLASSICAL[name](content, style)
    assert found.shape == shape and found.dtype == np.uint8
    np.testing.assert_array_equal(content, before[0])
    np.testing.assert_array_equal(style, before[1])


@pytest.mark.parametrize("name", [*CLASSICAL])
def test_pictures_of_a_batch_are_as_alone_and_gray_ones_stay_gray(name):
    content, style = np.stack([picture(12, 10, s) for s in (1, 2)]), np.stack([picture(9, 9, s) for s in (3, 4)])
    both = CLASSICAL[name](content, style)
    np.testing.assert_array_equal(both[0], CLASSICAL[name](content[0], style[0]))
    if name != "quilting":  # whose seeds are those of rows
        np.testing.assert_array_equal(both[1], CLASSICAL[name](content[1], style[1]))
    if name != "reinhard":
        assert CLASSICAL[name](content[..., :1], style[..., :1]).shape == (2, 12, 10, 1)


@pytest.mark.parametrize(
    "function, content, style, message",
    [
        (match_histograms, A / 255, B, "uint8 of shape .*float64"),
        (match_histograms, A.astype("uint16"), B, "uint16.*load_image"),
        (match_histograms, np.zeros((4, 4, 4), "uint8"), B, "with_channels"),
        (match_histograms, A[..., 0], B, "uint8 of shape"),
        (match_histograms, A[:0], B, "uint8 of shape"),
        (match_histograms, A, None, "`style`"),
        (match_histograms, A[..., :1], B, "as many channels, got 1 and 3"),
        (match_histograms, A[None], np.stack([B, B]), "one for each of 1 pictures, got 2"),
        (reinhard, A[..., :1], B[..., :1], "in colour"),
        (keep_luminance, A, B, "one size"),
        (keep_colours, A, A[None], "one shape"),
        (lambda a, b: sliced_transport(a, b, iterations=0), A, B, "iterations"),
        (lambda a, b: sliced_transport(a, b, smooth=-1), A, B, "smooth"),
        (monge_kantorovich, [[1, 2], [3]], B, "uint8 of shape"),
    ],
)
def test_what_is_wrong_is_said_in_a_line(function, content, style, message):
    with pytest.raises(ValueError, match=message) as error:
        function(content, style)
    assert "\n" not in str(error.value)
