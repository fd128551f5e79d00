"""Clips: flow of known motion, what is hidden, and flicker that is taken away where nothing changed."""

import numpy as np
import pytest
from PIL import Image

from keras_imgen.data.flow import optical_flow, seen_in_both, warped
from keras_imgen.editing.style_clip import stylize_clip
from keras_imgen.metrics.flicker import flicker


def ground(height=96, width=120, seed=0):
    small = np.random.default_rng(seed).integers(0, 256, (12, 15, 3), "uint8")
    return np.asarray(Image.fromarray(small).resize((width, height), Image.Resampling.BICUBIC))


LARGE = ground(120, 160)
CLIP = np.stack([LARGE[10 + k : 100 + k, 10 + 2 * k : 130 + 2 * k] for k in range(5)])  # moves by (1, 2) pixels


def test_the_flow_of_a_shift():
    flow = optical_flow(CLIP[1], CLIP[0])[10:-10, 10:-10]
    np.testing.assert_allclose(flow.mean((0, 1)), [2, 1], atol=0.1)
    moved = warped(CLIP[0], np.full((90, 120, 2), (2.0, 1.0), "float32"))
    np.testing.assert_array_equal(moved[:-1, :-2], CLIP[1][:-1, :-2])


def test_what_leaves_the_picture_is_not_seen_in_both():
    there = np.full((40, 50, 2), (7.0, 0.0), "float32")
    seen = seen_in_both(there, -there)
    assert seen[:, :43].all() and not seen[:, 43:].any()
    assert not seen_in_both(there, there).any()


def test_a_clip_that_only_moves_does_not_flicker():
    rng = np.random.default_rng(0)
    noisy = np.clip(CLIP + rng.normal(0, 10, CLIP.shape), 0, 255).astype("uint8")
    assert flicker(CLIP) < 1.5
    assert flicker(noisy, CLIP) == pytest.approx(
        2 * 10 / np.pi**0.5, rel=0.2
    )  # the mean of |a - b|, less for what bilinear smooths


def test_flicker_is_taken_away():
    rng = np.random.default_rng(0)
    change = lambda frame: np.clip(255 - frame + rng.normal(0, 15, frame.shape), 0, 255).astype("uint8")  # noqa: E731
    alone, together = (stylize_clip(CLIP, change, strength) for strength in (0.0, 0.8))
    assert flicker(together, CLIP) < 0.5 * flicker(alone, CLIP)
    error = np.abs(together.astype(int) - (255 - CLIP))[-1].mean()
    assert error < np.abs(alone.astype(int) - (255 - CLIP))[-1].mean()  # it moves with the clip, and does not smear


def test_a_cut_is_kept():
    clip = np.stack([CLIP[0], ground(90, 120, 5)])
    made = stylize_clip(clip, lambda frame: 255 - frame, 1.0)
    assert np.abs(made[1].astype(int) - (255 - clip[1])).mean() < 3


def test_what_is_refused():
    with pytest.raises(ValueError, match="F, H, W"):
        stylize_clip(CLIP[0], lambda frame: frame)
    with pytest.raises(ValueError, match="answers uint8"):
        stylize_clip(CLIP, lambda frame: frame[:4])
    with pytest.raises(ValueError, match="two frames"):
        flicker(CLIP[:1])
    assert stylize_clip(CLIP[:1], lambda frame: 255 - frame).shape == CLIP[:1].shape
