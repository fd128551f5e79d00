"""Degradations in time: what they say they are, of clips alone, in a graph, by seed."""

import cv2
import numpy as np
import pytest

tf = pytest.importorskip("tensorflow")
pytest.importorskip("av")

from keras_imgen.data import degrade, degraded  # noqa: E402

pytestmark = pytest.mark.tensorflow
RNG = np.random.default_rng(0)
SMOOTH = cv2.resize(RNG.integers(40, 216, (6, 8, 3)).astype("uint8"), (65, 49), interpolation=cv2.INTER_CUBIC)
CLIPS = np.repeat(np.repeat(SMOOTH[None, None], 7, 1), 3, 0)  # (3, 7, 49, 65, 3)
EVERY = [
    degrade.PerClip(degrade.GaussianNoise((5, 50))),
    degrade.PerClip(degrade.Chain(degrade.GaussianBlur(), degrade.PoissonNoise())),
    degrade.VideoCompression((20, 45)),
    degrade.Flicker((0.05, 0.2), 5),
    degrade.LostFrames((0.2, 0.8)),
    degrade.CameraShake((1, 4), (0.2, 1)),
    degrade.Chain(degrade.Flicker(), degrade.PerClip(degrade.GaussianNoise(9)), degrade.LostFrames(0.5)),
]
MOVING = CLIPS.copy()
for _k in range(7):
    MOVING[:, _k] = np.roll(CLIPS[:, _k], 3 * _k, 2)


@pytest.mark.parametrize("degradation", EVERY, ids=lambda d: repr(d)[:40])
def test_a_function_of_the_seed_with_its_own_strength_for_each_clip(degradation):
    one = degradation(MOVING, 7)
    graph = tf.function(lambda x, s: degradation(x, s))(MOVING, tf.constant([7, 0]))
    assert one["clip"].dtype == tf.uint8 and one["clip"].shape == MOVING.shape and set(one) == set(graph)
    difference = np.abs(one["clip"].numpy().astype(int) - graph["clip"].numpy())
    assert (difference > 1).mean() < 1e-4  # a rate in its last bit may be another count
    assert (one["clip"].numpy() != degradation(MOVING, 8)["clip"].numpy()).any()
    assert len({clip.tobytes() for clip in one["clip"].numpy()}) == 3
    with pytest.raises(ValueError, match="Expected clips as uint8"):
        degradation(MOVING[0], 7)


def test_one_strength_for_a_clip_and_noise_of_its_own_for_each_frame():
    flat = np.full((40, 5, 32, 32, 1), 128, "uint8")
    noise = degrade.PerClip(degrade.GaussianNoise((5, 40)))(flat, 1)["clip"].numpy().astype(float) - 128
    sigma = noise.std((2, 3, 4))
    assert sigma.std(1).max() < 2.5 and sigma.mean(1).std() > 7  # steady in a clip, not between clips
    assert abs(np.mean(noise[:, 0] * noise[:, 1])) < 5  # independent from frame to frame
    blurred = degrade.PerClip(degrade.GaussianBlur((1, 4)))(CLIPS, 3)["clip"].numpy()
    assert (blurred == blurred[:, :1]).all() and len({clip.tobytes() for clip in blurred}) == 3
    mask = degrade.PerClip(degrade.Holes("boxes"))(CLIPS, 3)["mask"].numpy()
    assert mask.shape == (3, 7, 49, 65, 1) and (mask == mask[:, :1]).all()
    small = degrade.PerClip(degrade.Downscale(2))(CLIPS[:, :, :48, :64], 0)["clip"]
    alone = degrade.Downscale(2)(CLIPS[0, :1, :48, :64], 0)["image"]
    np.testing.assert_array_equal(small[0, :1], alone)


def test_compression_loses_more_at_a_higher_factor_and_keeps_the_mean():
    errors = []
    for crf in (10, 30, 45):
        found = degrade.VideoCompression(crf)(MOVING[:1], 0)["clip"].numpy().astype(float)
        errors.append(np.abs(found - MOVING[:1]).mean())
        assert abs(found.mean() - MOVING[:1].mean()) < (1 if crf < 40 else 4)
    assert errors[0] < errors[1] < errors[2] and errors[0] < 5  # chroma has half the size
    gray = degrade.VideoCompression(10)(MOVING[:1, ..., :1], 0)["clip"].numpy()
    assert gray.shape[-1] == 1 and np.abs(gray.astype(float) - MOVING[:1, ..., :1]).mean() < 2.5


def test_flicker_is_a_gain_and_an_offset_of_each_frame():
    ramp = np.broadcast_to(np.linspace(60, 160, 64).astype("uint8")[:, None, None], (50, 8, 64, 4, 1))
    found = degrade.Flicker(0.1, 6)(ramp, 2)["clip"].numpy().astype(float)
    x = ramp[0, 0, :, 0, 0].astype(float)
    fits = np.array([np.polyfit(x, frame[:, 0, 0], 1) for clip in found for frame in clip])
    assert abs(fits[:, 0].mean() - 1) < 0.02 and abs(fits[:, 0].std() - 0.1) < 0.015 and abs(fits[:, 1].std() - 6) < 1
    steady = degrade.Flicker(0, 0)(CLIPS, 0)["clip"].numpy()
    np.testing.assert_array_equal(steady, CLIPS)


def test_lost_frames_show_the_one_before():
    clips = np.broadcast_to(np.arange(20, dtype="uint8")[:, None, None, None], (30, 20, 4, 4, 1))
    out = degrade.LostFrames((0.2, 0.4))(clips, 5)
    lost, shown = out["lost"].numpy(), out["clip"].numpy()[..., 0, 0, 0]
    assert lost.shape == (30, 20) and not lost[:, 0].any() and 0.2 < lost[:, 1:].mean() < 0.4
    for row, gone in zip(shown, lost):
        for k in range(20):
            assert row[k] == (row[k - 1] if gone[k] else k)


def test_shaking_is_told_and_can_be_taken_back():
    out = degrade.CameraShake((2, 3), (0.3, 0.5))(CLIPS, 4)
    shake = out["shake"].numpy()
    assert shake.shape == (3, 7, 2, 3)
    for frame, matrix, clean in zip(out["clip"].numpy()[0], shake[0], CLIPS[0]):
        back = cv2.warpAffine(frame, matrix, (65, 49), flags=cv2.INTER_CUBIC)  # the inverse of what was done
        assert np.abs(back.astype(float) - clean)[12:-12, 12:-12].mean() < 1.5
    many = degrade.CameraShake(3, 0)(np.zeros((200, 12, 8, 8, 1), "uint8"), 0)["shake"].numpy()[..., 2]
    assert abs(many.std() - 3) < 0.2 and abs(np.mean(many[:, 1:] * many[:, :-1]) / many.var() - 0.7) < 0.05


def test_pairs_of_clips():
    data = tf.data.Dataset.from_tensors({"clip": MOVING})
    batch = next(iter(degraded(data, degrade.Chain(degrade.Flicker(0.1), degrade.LostFrames(0.5)))))
    np.testing.assert_array_equal(batch["target"], MOVING)
    assert batch["clip"].shape == MOVING.shape and batch["lost"].shape == (3, 7)


def test_what_is_wrong_is_said():
    with pytest.raises(ValueError, match="made for pictures, got LostFrames"):
        degrade.PerClip(degrade.LostFrames())
    for wrong in (lambda: degrade.Flicker(-1), lambda: degrade.LostFrames(2), lambda: degrade.VideoCompression(99)):
        with pytest.raises(ValueError, match=r"Expected `\w+` as a number or \(low, high\)"):
            wrong()
