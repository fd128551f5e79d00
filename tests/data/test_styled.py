"""`data.styled`: squares of the styles, their numbers, draws that repeat."""

import numpy as np
import pytest

from keras_imgen.data import patches, set_epoch, styled

pytestmark = pytest.mark.tensorflow
RNG = np.random.default_rng(0)
PHOTO = RNG.integers(0, 256, (40, 50, 3), "uint8")
STYLES = [
    np.full((30, 40, 3), 10, "uint8"),
    RNG.integers(100, 120, (90, 80, 3), "uint8"),
    np.full((8, 12, 3), 250, "uint8"),
]


def batches(**how):
    found = [{k: np.array(v) for k, v in b.items()} for b in styled(patches([PHOTO], 24, 6, 3), STYLES, **how)]
    return {k: np.concatenate([b[k] for b in found]) for k in found[0]}


def test_squares_of_the_style_with_their_number():
    found = batches()
    assert found["image"].shape == found["style"].shape == (18, 24, 24, 3) and set(found["label"]) == {0, 1, 2}
    for style, label in zip(found["style"], found["label"]):
        assert STYLES[label].min() <= style.min() and style.max() <= STYLES[label].max()
    windows = np.lib.stride_tricks.sliding_window_view(STYLES[1], (24, 24, 3))[:, :, 0]
    one = found["style"][found["label"] == 1][0]
    assert (windows == one).all((-1, -2, -3)).any()  # cut out, not scaled


def test_draws_repeat_by_seed_and_epoch():
    set_epoch(0)
    first, again, other = batches(seed=1), batches(seed=1), batches(seed=2)
    set_epoch(1)
    later = batches(seed=1)
    set_epoch(0)
    for k in first:
        np.testing.assert_array_equal(first[k], again[k])
    assert (first["label"] != other["label"]).any() and (first["label"] != later["label"]).any()


def test_recoloured():
    plain, mixed = batches(), batches(recolour=1.0)
    changed = (plain["style"] != mixed["style"]).any((1, 2, 3))
    assert changed.mean() > 0.9
    flat = mixed["style"][mixed["label"] == 0]
    assert (flat == flat[:, :1, :1]).all()  # one colour becomes one colour


def test_what_is_refused():
    with pytest.raises(ValueError, match="square pictures"):
        styled(patches([PHOTO], 24, 6, 3).map(lambda b: b["image"]), STYLES)
    with pytest.raises(ValueError, match="recolour"):
        batches(recolour=2)
    with pytest.raises(ValueError, match="at least one"):
        styled(patches([PHOTO], 24, 6, 3), np.zeros((0, 30, 30, 3), "uint8"))
