"""Photographs in motion: the middle frame and its flow are exact, and every batch can be made again."""

import cv2
import numpy as np
import pytest
from skimage import data as pictures

from keras_imgen.data import joined, moving, set_epoch, windows, with_flow
from keras_imgen.data.clips import bordered
from keras_imgen.data.flow import warped

pytestmark = pytest.mark.tensorflow
PHOTOS = [cv2.GaussianBlur(p, (0, 0), 3.0) for p in (pictures.astronaut(), pictures.coffee())]


def batches(data):
    return [{k: np.array(v) for k, v in batch.items()} for batch in data]


def test_what_a_batch_holds():
    (batch,) = batches(moving(PHOTOS, 48, 3, 1))
    assert {k: (v.dtype.name, v.shape) for k, v in batch.items()} == {
        "clip": ("uint8", (3, 3, 48, 48, 3)),
        "time": ("float32", (3,)),
        "flow": ("float32", (3, 48, 48, 5)),
    }
    assert (batch["flow"][..., 4] == 1).all()
    (batch,) = batches(moving([p[..., 1] for p in PHOTOS], 32, 2, 1, channels=1, halfway=1.0))
    assert batch["clip"].shape == (2, 3, 32, 32, 1) and (batch["time"] == 0.5).all()


def test_the_flow_leads_from_the_middle_frame_to_the_others():
    """Of one layer everywhere; of several but for what one of the frames does not show."""
    for layers, share in ((1, 0.02), (4, 0.3)):
        for batch in batches(moving(PHOTOS, 64, 6, 2, speed=8.0, layers=layers)):
            for clip, flow, time in zip(batch["clip"], batch["flow"], batch["time"]):
                assert 0.1 <= time <= 0.9
                for end, f in ((clip[0], flow[..., :2]), (clip[2], flow[..., 2:4])):
                    off = np.abs(warped(end, f) - clip[1]).max(-1)[12:-12, 12:-12]
                    assert (off > 8).mean() <= share


def test_longer_runs_go_on_as_short_ones_do():
    (long,) = batches(moving(PHOTOS, 48, 3, 1, frames=5, speed=8.0, layers=2))
    (short,) = batches(moving(PHOTOS, 48, 3, 1, speed=8.0, layers=2, halfway=1.0))
    assert long["clip"].shape == (3, 5, 48, 48, 3)
    np.testing.assert_array_equal(long["clip"][:, ::2], short["clip"])
    for key in ("time", "flow"):
        np.testing.assert_array_equal(long[key], short[key])
    between = np.abs(np.diff(long["clip"].astype(int), axis=1)).mean((2, 3, 4))
    assert (between > 0).any(axis=1).all()


def test_nothing_moves_at_no_speed_but_what_turns():
    (batch,) = batches(moving(PHOTOS, 64, 8, 1, speed=0.0, layers=1))
    middle = np.abs(batch["flow"][:, 31:33, 31:33, :4])
    assert middle.max() < 0.2


def test_a_batch_is_a_function_of_seed_epoch_and_number():
    first, again, other = (batches(moving(PHOTOS, 32, 2, 2, seed=s)) for s in (0, 0, 1))
    np.testing.assert_array_equal(first[1]["clip"], again[1]["clip"])
    assert (first[0]["clip"] != first[1]["clip"]).any() and (first[0]["clip"] != other[0]["clip"]).any()
    data = moving(PHOTOS, 32, 2, 2)
    try:
        set_epoch(1)
        assert (batches(data)[0]["clip"] != first[0]["clip"]).any()
    finally:
        set_epoch(0)


def test_clips_get_the_flow_that_opencv_finds_and_join_photographs():
    wide = cv2.GaussianBlur(pictures.astronaut(), (0, 0), 1.0)
    clip = np.stack([wide[100:200, 100 + 2 * k : 220 + 2 * k] for k in range(5)])
    data = with_flow(windows([clip], 3, 64, 2, 3, flips=False))
    (batch, *_) = batches(data)
    flow, known = batch["flow"][:, 16:-16, 16:-16, :4], batch["flow"][:, 16:-16, 16:-16, 4]
    assert known.mean() > 0.9 and np.abs(np.median(flow, (0, 1, 2)) - [2, 0, -2, 0]).max() < 0.2
    both = joined(data, moving(PHOTOS, 64, 3, 3))
    assert len(both) == 3 and batches(both)[0]["clip"].shape == (5, 3, 64, 64, 3)
    np.testing.assert_array_equal(batches(both)[0]["clip"][:2], batch["clip"])


def test_what_is_refused():
    for how in (
        {"size": 4},
        {"speed": -1.0},
        {"layers": 0},
        {"halfway": 2.0},
        {"frames": 1},
        {"frames": 4},
        {"plain": 2},
        {"borders": 2},
    ):
        with pytest.raises(ValueError, match=next(iter(how))):
            moving(PHOTOS, **{"size": 32, **how})


def test_plain_shapes_have_colours_that_no_photograph_has():
    black = [np.zeros((160, 160, 3), "uint8")] * 2
    (none,), (some,) = (batches(moving(black, 48, 8, 1, frames=5, speed=5.0, plain=p)) for p in (0.0, 1.0))
    assert not none["clip"].any() and some["clip"].any(axis=(2, 3, 4)).any()


def test_no_flow_counts_under_a_border():
    (batch,) = batches(moving([np.full((160, 160, 3), 255, "uint8")], 48, 8, 1, layers=1, borders=1.0))
    bright = batch["clip"].min((1, 4)) == 255
    np.testing.assert_array_equal(batch["flow"][..., 4], bright)
    assert 0.1 < bright.mean() < 0.99


def test_black_borders_stand_still_and_leave_the_middle_as_it_was():
    white = np.full((4, 40, 60, 1), 255, "uint8")
    state = (rng := np.random.default_rng(0)).bit_generator.state
    assert bordered(white, 0.0, rng)[0] is white and rng.bit_generator.state == state
    every, inside = zip(*(bordered(white, 1.0, rng) for _ in range(40)))
    for one, free in zip(every, inside):
        assert (one[0, free] == 255).all() and (one[0, ~free] < 255).all()
        assert one.dtype == "uint8" and (one == one[:1]).all() and (one[:, 14:26, 20:40] == 255).all()
    edges = np.array([[one[0, 0].max(), one[0, -1].max(), one[0, :, 0].max(), one[0, :, -1].max()] for one in every])
    assert ((0.2 < (edges < 128).mean(0)) & ((edges < 128).mean(0) < 0.8)).all()
    (batch,) = batches(windows([np.repeat(white, 3, -1)], 2, 32, 8, 1, borders=1.0))
    assert (batch["clip"].min((1, 2, 3, 4)) < 128).any()
