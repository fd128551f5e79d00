"""Damage of film: where the mask says, for as long as it says, a function of the seed; and other degradations on clips."""

import numpy as np
import pytest

tf = pytest.importorskip("tensorflow")

from keras_imgen.data import degrade, degraded, set_epoch, windows  # noqa: E402

pytestmark = pytest.mark.tensorflow
GRAY = np.full((2, 12, 48, 64, 3), 120, "uint8")
NONE = {"lines": 0, "blotches": 0, "hairs": 0}


def damaged(clips=GRAY, seed=0, **how):
    found = degrade.Scratches(**{**NONE, **how})(clips, seed)
    return found["clip"].numpy(), found["mask"].numpy()


def test_what_is_not_masked_is_untouched_and_a_seed_is_a_seed():
    rng = np.random.default_rng(0)
    clips = rng.integers(0, 256, GRAY.shape, "uint8")
    how = {"lines": 3, "blotches": 5, "hairs": 2}
    clip, mask = damaged(clips, 3, **how)
    assert clip.dtype == mask.dtype == np.uint8 and mask.shape == (*clips.shape[:4], 1) and set(mask.flat) == {0, 1}
    np.testing.assert_array_equal(np.where(mask, clips, clip), clips)
    assert (clip != clips).any(-1)[mask[..., 0] > 0].mean() > 0.95
    np.testing.assert_array_equal(damaged(clips, 3, **how)[0], clip)
    assert (damaged(clips, 4, **how)[1] != mask).any() and (mask[0] != mask[1]).any()
    graph = tf.function(lambda x: degrade.Scratches(**how)(x, 3)["clip"])(clips)
    np.testing.assert_array_equal(graph, clip)


def test_as_many_as_were_asked_for():
    assert not damaged()[1].any()
    shares = [damaged(seed=1, blotches=n)[1].mean() for n in (1, 4, 16)]
    assert shares[0] < shares[1] < shares[2] < 0.5


def test_a_line_stays_where_it_was_and_a_blotch_does_not():
    """Of frames one after the other: what is damaged in one, and within a pixel of that in the next."""

    def stays(mask):
        wide = np.maximum.reduce([np.roll(mask, k, 3) for k in (-1, 0, 1)])
        return (mask[:, :-1] * wide[:, 1:]).sum() / mask[:, :-1].sum()

    assert stays(damaged(seed=2, lines=4)[1]) > 0.6
    assert stays(damaged(seed=2, blotches=4)[1]) < 0.2


def test_lines_are_upright_and_both_bright_and_dark():
    clip, mask = damaged(seed=5, lines=4)
    height, width = mask.any((0, 1, 4)).sum(0).max(), mask[0, 0, :, :, 0].sum(1).max()
    assert height == 48 and width < 48
    assert (clip > 120).any() and (clip < 120).any()


def test_wrong_settings_are_refused():
    for wrong in ({"lines": -1}, {"blotches": (2, 1)}, {"width": 0.1}):
        with pytest.raises(ValueError, match="Expected `"):
            degrade.Scratches(**wrong)
    with pytest.raises(ValueError, match="Expected clips as uint8"):
        degrade.Scratches()(GRAY[0], 0)


def test_what_is_made_for_pictures_takes_the_frames_of_clips():
    clips = np.random.default_rng(1).integers(0, 256, (2, 3, 16, 20, 3), "uint8")
    small = degrade.Downscale(2)
    found = small(clips, 0)
    assert set(found) == {"clip"}
    each = small(clips.reshape(6, 16, 20, 3), 0)["image"]
    np.testing.assert_array_equal(found["clip"], each.numpy().reshape(2, 3, 8, 10, 3))
    both = degrade.Chain(degrade.Scratches(lines=5), degrade.GaussianNoise(5))(clips, 0)
    assert both["mask"].shape == (2, 3, 16, 20, 1) and both["clip"].shape == clips.shape


def test_pairs_of_clips():
    set_epoch(0)
    data = degraded(windows([GRAY[0]], 5, 32, batch=2, steps=3), degrade.Scratches(blotches=9))
    first, again = (next(iter(data)) for _ in range(2))
    assert set(first) == {"clip", "target", "mask"} and (first["target"].numpy() == 120).all()
    np.testing.assert_array_equal(first["clip"], again["clip"])
    assert first["clip"].shape == first["target"].shape == (2, 5, 32, 32, 3)
