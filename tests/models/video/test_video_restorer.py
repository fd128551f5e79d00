"""Clips restored by windows of frames: what they learn is what theory says, and no block, tile, batch or end of a clip shows."""

import os
import subprocess
import sys

import keras
import numpy as np
import pytest
from keras import layers

from keras_imgen import models, networks, serving
from keras_imgen.inference import clips
from keras_imgen.layers import MiddleFrames, Windows

RNG = np.random.default_rng(0)
CLIP = RNG.integers(0, 256, (11, 20, 26, 3), "uint8")  # longer than a block
NOT_ZERO = 0.3  # standard deviation of weights that start at zero


def denoiser(**how):
    return networks.video_denoiser(**{"width": 4, "blocks": (1,), **how})


def awake(network, scale=NOT_ZERO):
    """Weights that start at zero are set, so that the network does something."""
    rng = np.random.default_rng(1)
    for v in network.trainable_variables:
        if not np.array(v).any():
            v.assign(rng.normal(0, scale / np.sqrt(np.prod(v.shape[:-1]) or 1), v.shape))
    return network


@pytest.fixture(scope="module")
def model():
    keras.utils.set_random_seed(0)
    return models.VideoRestorer(awake(denoiser()), (0, 55))


@pytest.fixture(scope="module")
def repairer():
    keras.utils.set_random_seed(0)
    return models.FilmRepairer(awake(networks.film_repairer(width=4, blocks=(1,)), 3.0))


# === What they learn ===


@pytest.mark.one_backend
def test_a_linear_one_learns_the_mean_of_a_static_clip():
    """Of x ~ N(0, s^2), seen three times with noise of sigma, the best linear answer weighs each by s^2 / (3 s^2 + sigma^2)."""
    clip = keras.Input((None, None, None, 1), name="clip")
    shared = layers.Conv3D(1, 1, use_bias=False, kernel_initializer=keras.initializers.Constant(0.2), dtype="float32")
    model = models.VideoRestorer(
        keras.Model({"clip": clip}, shared(Windows(3)(clip))), sigma=40.0, objectives="mse", ema=None
    )
    assert model.form.radius == 1
    still = np.repeat(RNG.normal(0, 0.2, (96, 1, 12, 12, 1)).clip(-1, 1).astype("float32"), 5, 1)
    model.compile(keras.optimizers.Adam(0.02))
    model.fit({"clip": still}, batch_size=16, epochs=15, verbose=0)
    s2, sigma2 = still.var(), (40 / 127.5) ** 2
    np.testing.assert_allclose(np.array(model.network.weights[0]).squeeze(), s2 / (3 * s2 + sigma2), atol=0.02)
    scores = model.evaluate({"clip": still}, batch_size=16, verbose=0, return_dict=True)
    assert abs(scores["loss"] / (s2 * sigma2 / (3 * s2 + sigma2)) - 1) < 0.05  # the error that theory leaves
    assert abs(scores["psnr"] - scores["clip_psnr"]) < 0.5


def test_untrained_it_gives_back_every_bit():
    assert (models.VideoRestorer(denoiser(), 25.0).restore(CLIP) == CLIP).all()


def test_a_static_clip_stays_static(model):
    found = model.restore(np.repeat(CLIP[:1], 11, 0))
    assert (found == found[:1]).all() and (found[0] != CLIP[0]).any()


def test_noise_levels_are_told():
    model = models.VideoRestorer(awake(denoiser(noise_map=True)), (5, 50))
    assert (model.restore(CLIP, sigma=10) != model.restore(CLIP, sigma=40)).any()
    both = model.restore(np.stack([CLIP, CLIP]), sigma=[10, 40])
    np.testing.assert_array_equal(both[1], model.restore(CLIP, sigma=40))
    with pytest.raises(ValueError, match="needs `sigma`"):
        model.restore(CLIP)


# === Blocks, tiles, batches, ends ===


def test_the_same_bits_alone_in_a_batch_and_in_a_stream(model):
    alone = model.restore(CLIP)
    assert alone.dtype == np.uint8 and alone.shape == CLIP.shape
    np.testing.assert_array_equal(model.restore(np.stack([CLIP[::-1], CLIP]))[1], alone)
    np.testing.assert_array_equal(model.restore([CLIP[:3], CLIP])[1], alone)
    np.testing.assert_array_equal(np.stack(list(model.stream(iter(CLIP)))), alone)


@pytest.mark.parametrize("frames", [1, 2, 3, 4, 5, 8, 9])
def test_frames_in_are_frames_out(model, frames):
    """As if the clip were reflected at its ends."""
    places = clips.reflected_places(frames, 2)
    assert list(clips.reflected(range(frames), 2)) == places
    windows = np.stack([CLIP[places[k : k + 5]] for k in range(frames)])
    found = model.restore(CLIP[:frames])
    each = np.array(model({"clip": windows.astype("float32") / 127.5 - 1}))[:, 0]
    assert np.abs(found - np.clip(each * 127.5 + 127.5, 0, 255)).max() < 0.51


def test_a_stream_holds_a_block_of_frames(model):
    """It reads no more of a film than it needs for the next answers."""
    read = []
    stream = model.stream(read.append(k) or CLIP[k % 11] for k in range(100))
    for k in range(20):
        next(stream)
        assert len(read) <= k + clips.AT_ONCE + 2


def test_tiles_do_not_show(model):
    wide = RNG.integers(0, 256, (5, 40, 150, 3), "uint8")
    whole, tiled = (model.restore(wide, tile=tile, overlap=64).astype(int) for tile in (256, 128))
    assert np.abs(whole - tiled).max() <= 1 and (whole == tiled).mean() > 0.999


def test_blocks_do_not_show(model):
    """A frame far from the ends of two clips is the same in both, though it lies elsewhere in a block."""
    np.testing.assert_allclose(model.restore(CLIP)[5:9].astype(int), model.restore(CLIP[2:])[3:7], atol=1)


def test_gray_clips_and_clips_of_other_kinds(model):
    gray = CLIP[..., :1]
    assert model.restore(gray).shape == gray.shape
    flat = list(model.stream(CLIP[..., 0]))
    assert flat[0].shape == (20, 26) and (np.stack(flat)[..., None] == model.restore(gray)).all()
    for wrong, said in (
        (CLIP[0], "Expected a clip as uint8"),
        (CLIP.astype("float32"), "Expected a clip as uint8"),
        (CLIP[..., :2], "Expected a clip as uint8"),
    ):
        with pytest.raises(ValueError, match=said):
            model.restore(wrong)
    with pytest.raises(ValueError, match="takes no `sigma`"):
        model.restore(CLIP, sigma=3)
    with pytest.raises(ValueError, match="takes no `masks`"):
        model.restore(CLIP, masks=CLIP[..., 0])
    with pytest.raises(ValueError, match="frames uint8"):
        list(model.stream([CLIP[0], CLIP[0][:10]]))


def test_wrong_networks_and_batches_are_refused(model):
    with pytest.raises(ValueError, match="Expected a network of a dict of `clip`"):
        models.VideoRestorer(networks.ffdnet(3, width=4, depth=2))
    with pytest.raises(ValueError, match="takes a `mask`"):
        models.FilmRepairer(denoiser())
    model.compile(keras.optimizers.Adam())
    for batch, said in (
        (CLIP[None, :4], "clips of 5 frames or more"),
        (CLIP, "Expected clips of shape"),
        ({"clip": CLIP[None], "target": CLIP[None, :9]}, "In 'target'"),
    ):
        with pytest.raises(ValueError, match=said):
            model.fit(batch, verbose=0)


# === Repair ===


def test_what_is_known_comes_back_untouched(repairer):
    """Where nothing is found, or no mask says so, not a bit changes; where it is, something does."""
    found = repairer.find(CLIP)
    assert found.shape == (*CLIP.shape[:3], 1) and set(found.flat) == {0, 255}
    restored = repairer.restore(CLIP)
    np.testing.assert_array_equal(np.where(found, CLIP, restored), CLIP)
    assert (restored != CLIP).any(-1)[found[..., 0] > 0].mean() > 0.5
    mask = np.zeros(CLIP.shape[1:3], bool)
    mask[4:9, 5:20] = True
    given = repairer.restore(CLIP, masks=mask)
    np.testing.assert_array_equal(given[:, ~mask], CLIP[:, ~mask])
    assert (given != CLIP)[:, mask].any()
    np.testing.assert_array_equal(repairer.restore(CLIP, masks=np.repeat(mask[None], 11, 0)), given)
    np.testing.assert_array_equal(np.stack(list(repairer.stream(CLIP, masks=[mask] * 11))), given)


@pytest.mark.parametrize("around", [1, 5])
def test_logits_are_of_the_frames_that_they_stand_for(around):
    """Of a network that reads the damage off the clip: all of it is found, in its own frame, as learned and as used."""
    clip, mask = keras.Input((None, None, None, 3), name="clip"), keras.Input((None, None, None, 1), name="mask")
    found = MiddleFrames(3 - around // 2)(
        layers.Conv3D(1, 1, kernel_initializer=keras.initializers.Constant(5.0))(clip)
    )
    frames = layers.Concatenate()([MiddleFrames(3)(clip), Windows(around)(found)])
    model = models.FilmRepairer(keras.Model({"clip": clip, "mask": mask}, frames), ema=None)
    damaged = np.random.default_rng(0).random((2, 9, 12, 12, 1)) < 0.1
    clips = np.where(damaged, 255, 0).astype("uint8").repeat(3, -1)
    model.compile(keras.optimizers.SGD(0.0))
    batch = {"clip": clips, "target": clips, "mask": damaged.astype("uint8")}
    assert model.evaluate(batch, verbose=0, return_dict=True)["f1"] == 1.0
    assert model.test_on_batch(batch, return_dict=True)["detection"] < 0.2
    np.testing.assert_array_equal(model.find(clips), np.where(damaged, 255, 0))
    with pytest.raises(ValueError, match="odd number of frames, at most 7, got 2"):
        two = layers.Concatenate()([MiddleFrames(3)(clip), *[MiddleFrames(3)(layers.Conv3D(1, 1)(clip))] * 2])
        models.FilmRepairer(keras.Model({"clip": clip, "mask": mask}, two))


def test_what_is_in_a_hole_does_not_count(repairer):
    """Of masks that are given: whatever was there, the answer is the same."""
    mask = np.zeros(CLIP.shape[:3], bool)
    mask[3, 4:9, 5:20] = mask[4, 2:5] = True
    other = np.where(mask[..., None], 255 - CLIP, CLIP)
    np.testing.assert_array_equal(repairer.restore(CLIP, masks=mask)[mask], repairer.restore(other, masks=mask)[mask])


FRESH = """
import numpy as np, sys, tensorflow as tf
clips = np.load(sys.argv[2])
served = tf.saved_model.load(sys.argv[1])
found = {k: served.signatures[k](clips=tf.constant(clips)) for k in ("restore", "find")}
np.savez(sys.argv[3], restore=found["restore"]["clips"], find=found["find"]["masks"])
assert "keras_imgen" not in sys.modules
"""


@pytest.mark.slow
@pytest.mark.tensorflow
def test_an_export_needs_tensorflow_alone(repairer, tmp_path):
    both = np.stack([CLIP, CLIP[::-1]])
    repairer.export(str(tmp_path / "m"))
    streamed = serving.load(str(tmp_path / "m")).stream(iter(CLIP))
    np.testing.assert_array_equal(np.stack(list(streamed)), repairer.restore(CLIP))
    np.save(tmp_path / "clips.npy", both)
    given = [sys.executable, "-c", FRESH, *(str(tmp_path / name) for name in ("m", "clips.npy", "answers.npz"))]
    env = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    subprocess.run(given, check=True, cwd=tmp_path, env={**env, "TF_USE_LEGACY_KERAS": "0"})
    with np.load(tmp_path / "answers.npz") as answers:
        assert (answers["find"] == repairer.find(both)).mean() > 0.999
        assert (answers["restore"] == repairer.restore(both)).mean() > 0.999
