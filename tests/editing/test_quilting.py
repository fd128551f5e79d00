"""Pictures of pieces of others: every pixel stands in the swatch, cuts are the least, and what repeats is continued."""

from itertools import product

import numpy as np
import pytest
from scipy import ndimage

from keras_imgen.editing.quilting import _quilted, _Search, least_cut, synthesize, texture_transfer

RNG = np.random.default_rng(0)
SWATCH = RNG.integers(0, 256, (40, 36, 3), "uint8")


def test_the_cut_is_the_least_of_all():
    for seed in range(20):
        differences = np.random.default_rng(seed).integers(0, 9, (5, 4))
        paths = [p for p in product(range(4), repeat=5) if max(np.abs(np.diff(p))) <= 1]
        found = least_cut(differences)
        assert tuple(found) in paths
        assert differences[range(5), found].sum() == min(differences[range(5), p].sum() for p in paths)
    np.testing.assert_array_equal(least_cut(np.ones((3, 1))), [0, 0, 0])


def test_differences_are_those_of_every_block():
    """Against the sum itself, of colours in an L and of luminance in a whole block."""
    levels = RNG.uniform(-128, 127, (3, 17, 14)).astype("float32")
    known = np.ones((5, 5), "float32")
    known[2:, 2:] = 0
    luma = np.array([[0.3, 0.6, 0.1]])
    sought, gray = RNG.uniform(-128, 127, (3, 5, 5)).astype("float32"), RNG.uniform(-128, 127, (1, 5, 5))
    found, off = _Search(levels, 5)("kind", [(np.eye(3), known, sought), (luma, 0.5 * np.ones((5, 5)), gray)])
    assert found.shape == (13, 10)
    for r, c in product(range(13), range(10)):
        block = levels[:, r : r + 5, c : c + 5]
        wanted = (known * (block - sought) ** 2).sum() + 0.5 * ((np.tensordot(luma, block, 1) - gray) ** 2).sum()
        assert abs(found[r, c] - wanted) < off


@pytest.mark.parametrize("block, overlap", [(8, 3), (9, 1), (5, 0), (8, 6), (2, 1)])
def test_every_pixel_is_one_of_the_swatch_in_its_place(block, overlap):
    """Inside a block, beyond what others overlap, all pixels come from one place of the swatch."""
    height, width = (33, 29) if block > 2 else (9, 11)
    rows, columns = _quilted(SWATCH, (height, width), block, overlap, 0.1, np.random.default_rng(0))
    assert 0 <= rows.min() and rows.max() < 40 and 0 <= columns.min() and columns.max() < 36
    step = block - overlap
    y, x = np.mgrid[:height, :width]
    for top, left in product(range(0, height, step), range(0, width, step)):
        own = np.s_[top + overlap * (top > 0) : top + step, left + overlap * (left > 0) : left + step]
        for found, there in ((rows, y), (columns, x)):
            assert len(np.unique((found - there)[own])) <= 1
    made = synthesize(SWATCH, (height, width), block=block, overlap=overlap)
    np.testing.assert_array_equal(made, SWATCH[rows, columns])


def test_in_an_overlap_a_pixel_is_of_one_block_or_the_other():
    """Of two blocks side by side: left of one column in each row the first, then the second, in their places."""
    rows, columns = _quilted(SWATCH, (10, 16), 10, 4, 0.1, np.random.default_rng(3))
    shift = columns - np.arange(16)
    assert (shift[:, :6] == shift[0, 0]).all() and (shift[:, 10:] == shift[0, -1]).all()
    for line in shift:
        assert (np.diff((line == shift[0, -1]).astype(int)) >= 0).all() and set(line) <= {shift[0, 0], shift[0, -1]}


@pytest.mark.parametrize("period", [(4, 6), (7, 3), (1, 5)])
def test_what_repeats_is_continued_without_an_error(period):
    tile = RNG.integers(0, 256, (*period, 3), "uint8")
    swatch = np.tile(tile, (30, 10, 1))[:30, :27]
    for seed in range(2):
        found = synthesize(swatch, (61, 50), block=16, overlap=8, seed=seed)
        y, x = np.mgrid[:61, :50]
        starts = product(range(period[0]), range(period[1]))
        assert any((found == tile[(y + r) % period[0], (x + c) % period[1]]).all() for r, c in starts)


def test_seeds_repeat_and_rows_have_their_own():
    both = synthesize(np.stack([SWATCH, SWATCH]), (20, 20), block=8, seed=5)
    np.testing.assert_array_equal(both[0], synthesize(SWATCH, (20, 20), block=8, seed=5))
    np.testing.assert_array_equal(both[1], synthesize(SWATCH, (20, 20), block=8, seed=6))
    assert (both[0] != both[1]).any()


@pytest.mark.parametrize("shape", [(1, 1, 3), (1, 9, 1), (3, 2, 3), (17, 11, 1)])
def test_swatches_of_every_size_give_every_size(shape):
    swatch = RNG.integers(0, 256, shape, "uint8")
    for size in ((1, 1), (7, 20), (3, 1)):
        found = synthesize(swatch, size)
        assert found.shape == (*size, shape[-1]) and found.dtype == np.uint8
        assert np.isin(found, swatch).all()


def test_a_picture_of_its_own_pieces_is_itself():
    """With all weight on luminance, every block is found where it stands."""
    smooth = ndimage.gaussian_filter(SWATCH, (2, 2, 0))
    smooth = np.rint((smooth - smooth.min()) * (255.0 / np.ptp(smooth))).astype("uint8")
    found = texture_transfer(smooth, smooth, block=8, alpha=0.0, iterations=1, tolerance=0.0)
    inside = np.s_[:32, :32]  # beyond, blocks follow the border that was repeated
    assert (found[inside] == smooth[inside]).all(axis=-1).mean() > 0.9


def test_a_transfer_follows_the_picture_in_the_style_s_colours():
    """A half dark picture of a painting of dark reds and bright greens: the halves are red and green, and all pixels the painting's."""
    style = np.zeros((40, 40, 3), "uint8")
    style[:20] = RNG.integers(10, 60, (20, 40, 1)) * np.array([1, 0, 0])
    style[20:] = RNG.integers(180, 250, (20, 40, 1)) * np.array([0, 1, 0])
    content = np.full((30, 44, 3), 90, "uint8")
    content[:, 22:] = 150
    found = texture_transfer(content, style, block=9, iterations=3)
    known = {tuple(p) for p in style.reshape(-1, 3)}
    assert {tuple(p) for p in found.reshape(-1, 3)} <= known
    assert (found[:, :18, 1] == 0).all() and (found[:, 26:, 0] == 0).all()


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: synthesize(SWATCH / 255, (9, 9)), "`swatch` as uint8.*float64"),
        (lambda: synthesize(SWATCH, 9), "height, width"),
        (lambda: synthesize(SWATCH, (0, 9)), "height"),
        (lambda: synthesize(SWATCH, (9, 9), block=37), "at most 36.*shorter side of 36"),
        (lambda: synthesize(SWATCH, (9, 9), block=8, overlap=8), "overlap.*at most 7.*less than the block"),
        (lambda: synthesize(SWATCH, (9, 9), tolerance=-1), "tolerance"),
        (lambda: synthesize(SWATCH, (9, 9), seed=-1), "seed"),
        (lambda: texture_transfer(SWATCH, SWATCH, alpha=1.5), "alpha"),
        (lambda: texture_transfer(SWATCH, SWATCH, iterations=0), "iterations"),
        (lambda: texture_transfer(SWATCH, SWATCH[..., :1]), "channels"),
    ],
)
def test_what_is_wrong_is_said_in_a_line(call, message):
    with pytest.raises(ValueError, match=message) as error:
        call()
    assert "\n" not in str(error.value)
