"""Cuts between the clips under KERAS_IMGEN_DATA, duplicates, and what is neither."""

import itertools

import cv2
import numpy as np
import pytest

from keras_imgen.data import clips, find_cuts, find_duplicates, is_cut, is_duplicate

RNG = np.random.default_rng(0)


@pytest.fixture(scope="module")
def shots():
    """Twenty frames of each clip to choose by, in one size."""
    try:
        found = clips("clips:train")
    except FileNotFoundError:
        pytest.skip("needs the clips under KERAS_IMGEN_DATA")
    return [[cv2.resize(frame, (256, 144)) for frame in clip[10:30]] for clip in found.values()]


def test_every_cut_and_nothing_else(shots):
    for change in (lambda f: f, lambda f: np.repeat(f[..., 1:2], 3, -1)):  # in colour, in gray
        for order in itertools.islice(itertools.permutations(range(len(shots))), 0, 720, 240):
            film = [change(frame) for k in order for frame in shots[k]]
            assert find_cuts(film) == [20, 40, 60, 80, 100]
    assert find_cuts(iter(film[:1])) == [] and find_cuts([]) == []


def test_flashes_fades_noise_and_fast_cameras_are_no_cuts(shots):
    for frames in shots:
        a, b = frames[3].astype("float32"), frames[4].astype("float32")
        for changed in (b * 1.3 + 20, b * 0.7, b + RNG.normal(0, 25, b.shape), np.roll(b, 12, 1)):
            assert not is_cut(a.astype("uint8"), np.clip(changed, 0, 255).astype("uint8"))
    black = np.zeros((144, 256, 3), "uint8")
    assert not is_cut(black, black) and not is_cut(black, black + 2)


@pytest.mark.parametrize("shape", [(1, 1, 3), (5, 300, 1), (144, 256, 1)])
def test_any_shape(shape):
    assert is_cut(np.zeros(shape, "uint8"), np.full(shape, 255, "uint8"))
    assert not is_cut(np.full(shape, 9, "uint8"), np.full(shape, 9, "uint8"))


def test_duplicates(shots):
    moving = shots[0]
    film = [moving[0], moving[0], moving[1], moving[2], moving[2], moving[2], moving[3]]
    noisy = [np.clip(f + RNG.normal(0, 1.0, f.shape), 0, 255).astype("uint8") for f in film]
    assert find_duplicates(film) == find_duplicates(noisy) == [1, 4, 5]
    small = moving[0].copy()
    small[50:60, 50:60] += 40
    assert not is_duplicate(moving[0], small) and is_duplicate(small, small.copy())
