"""Tiles: no seams, every pixel once, bounded memory, and going on with smaller tiles when memory runs out."""

import numpy as np
import pytest
from scipy.ndimage import uniform_filter

from keras_imgen.inference.tiling import spans, tiled, weights


@pytest.mark.parametrize("multiple", [1, 4, 8])
@pytest.mark.parametrize("length", [8, 64, 96, 128, 200, 1000])
def test_spans_cover_and_share(length, multiple):
    found = spans(length, 64, 32, multiple)
    assert found[0][0] == 0 and found[-1][1] == length
    assert all(stop - start == min(64, length) and start % multiple == 0 for start, stop in found)
    assert all(a[1] - b[0] >= 32 for a, b in zip(found, found[1:]))


@pytest.mark.parametrize("scale", [1, 3])
@pytest.mark.parametrize("length", range(64, 200, 7))
def test_weights_sum_to_one(length, scale):
    """Also where three tiles meet, and no pixel within 3/8 of the overlap of a tile's inner edge counts."""
    found, total = spans(length, 64, 32), np.zeros(length * scale)
    for i, (start, stop) in enumerate(found):
        w = weights(found, i, scale)
        total[start * scale : stop * scale] += w
        if i > 0:
            assert not w[: 12 * scale].any()
        if i + 1 < len(found):
            assert not w[-12 * scale :].any()
    np.testing.assert_allclose(total, 1.0, atol=1e-6)


def run_on(picture, function, scale=1, **how):
    out = np.full((1, picture.shape[1] * scale, picture.shape[2] * scale, 1), np.nan)

    def write(rows, values):
        assert np.isnan(out[:, rows]).all()  # every row once
        out[:, rows] = values

    def read(rows, columns):
        missing = [max(0, s.stop - n) for s, n in zip((rows, columns), picture.shape[1:3])]
        part = picture[:, rows, columns]
        return {"image": np.pad(part, [(0, 0), (0, missing[0]), (0, missing[1]), (0, 0)], mode="edge")}

    tiled(lambda arrays: function(arrays["image"]), read, write, picture.shape[1:3], scale, **how)
    return out


def blur(x):
    """Looks 10 pixels around itself, and takes zeros beyond its input, as a convolution does."""
    return uniform_filter(x, (0, 21, 21, 0), mode="constant")


@pytest.mark.parametrize("size", [(40, 50), (64, 64), (150, 210), (65, 300)])
def test_tiles_equal_the_whole(size):
    picture = np.random.default_rng(0).normal(size=(1, *size, 1)).astype("float32")
    np.testing.assert_allclose(run_on(picture, blur, tile=64, overlap=32), blur(picture), atol=1e-5)
    grown = lambda x: blur(x).repeat(2, 1).repeat(2, 2)  # noqa: E731
    np.testing.assert_allclose(run_on(picture, grown, 2, tile=64, overlap=32), grown(picture), atol=1e-5)


def test_strides_stay_in_step():
    """A function that works on blocks of 8 pixels gives the same in tiles, for sizes that 8 does not divide."""

    def blocks(x):
        assert x.shape[1] % 8 == 0 and x.shape[2] % 8 == 0
        shape = (len(x), x.shape[1] // 8, 8, x.shape[2] // 8, 8, 1)
        return np.broadcast_to(x.reshape(shape).mean((2, 4), keepdims=True), shape).reshape(x.shape)

    picture = np.random.default_rng(0).normal(size=(1, 107, 211, 1)).astype("float32")
    padded = np.pad(picture, [(0, 0), (0, 5), (0, 5), (0, 0)], mode="edge")
    out = run_on(picture, blocks, tile=64, overlap=32, multiple=8)
    np.testing.assert_allclose(out, blocks(padded)[:, :107, :211], atol=1e-5)


def test_smaller_tiles_when_memory_runs_out():
    picture = np.random.default_rng(0).normal(size=(1, 300, 260, 1)).astype("float32")
    sizes, calls = [], []

    def hungry(x):
        calls.append(x.shape[1:3])
        if len(calls) > 6 and max(x.shape[1:3]) > 64:  # not at once: some rows are written already
            raise MemoryError
        sizes.append(x.shape[1:3])
        return blur(x)

    out = run_on(picture, hungry, tile=128, overlap=32)
    np.testing.assert_allclose(out, blur(picture), atol=1e-5)
    assert (128, 128) in sizes and (64, 64) in sizes

    def never(x):
        raise MemoryError("no")

    with pytest.raises(MemoryError):
        run_on(picture, never, tile=128, overlap=32)

    def broken(x):
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        run_on(picture, broken, tile=128, overlap=32)


def test_a_large_overlap_shrinks_with_the_tiles():
    picture = np.random.default_rng(0).normal(size=(1, 300, 260, 1)).astype("float32")

    def hungry(x):
        if max(x.shape[1:3]) > 64:
            raise MemoryError
        return blur(x)

    out = run_on(picture, hungry, tile=128, overlap=64)
    np.testing.assert_allclose(out, blur(picture), atol=1e-5)


def test_tiles_share_what_a_large_stride_leaves():
    """An overlap that is rounded up to the strides makes tiles larger: they never lie side by side without a seam's worth to share."""
    picture = np.random.default_rng(0).normal(size=(1, 200, 200, 1)).astype("float32")
    padded = np.pad(picture, [(0, 0), (0, 56), (0, 56), (0, 0)], mode="edge")
    out = run_on(picture, blur, tile=64, overlap=32, multiple=64)
    np.testing.assert_allclose(out, blur(padded)[:, :200, :200], atol=1e-5)


def test_too_small_tiles_are_refused():
    with pytest.raises(ValueError, match="twice the overlap"):
        run_on(np.zeros((1, 99, 99, 1)), blur, tile=40, overlap=32)
