"""The frame between two: what comes back as it was, what is the same either way, streams, cuts, lost frames, exports."""

import subprocess
import sys

import keras
import numpy as np
import pytest

from keras_imgen import models, networks
from keras_imgen.inference.endpoints import bound
from keras_imgen.kinds import described, from_description

RNG = np.random.default_rng(0)
CLIP = RNG.integers(0, 256, (4, 21, 34, 3), "uint8")


@pytest.fixture(scope="module")
def model():
    found = models.FrameInterpolator(networks.flow_interpolator(width=8), ema=None)
    for v in found.network.trainable_variables:
        v.assign(keras.ops.convert_to_numpy(v) + RNG.normal(0, 0.05, v.shape))
    found.compile()
    return found


def close(a, b, most=1):
    assert a.shape == b.shape and np.abs(a.astype(int) - b).max() <= most


def test_between_two_at_any_times(model):
    first, second = CLIP[:2]
    found = model.between(first, second, [0.0, 0.25, 0.5, 1.0])
    assert found.shape == (4, *first.shape) and found.dtype == np.uint8
    close(found[0], first)
    close(found[3], second)
    np.testing.assert_array_equal(model.between(first, second, 0.25), found[1:2])


def test_alone_or_in_a_batch_to_the_bit(model):
    pairs = model.between(CLIP[:3], CLIP[1:], [0.5, 0.2, 0.7])
    np.testing.assert_array_equal(model.between(CLIP[1], CLIP[2], 0.2)[0], pairs[1])
    np.testing.assert_array_equal(model.between(CLIP[:3], CLIP[1:], 0.5)[0], pairs[0])


def test_a_clip_played_backwards_gives_the_answer_backwards(model):
    close(model.interpolate(CLIP[::-1], 4)[::-1], model.interpolate(CLIP, 4))


def test_given_frames_come_back_as_they_are(model):
    for factor in (1, 2, 3):
        found = model.interpolate(CLIP, factor)
        assert found.shape == (3 * factor + 1, *CLIP.shape[1:])
        np.testing.assert_array_equal(found[::factor], CLIP)


def test_a_clip_of_one_frame_and_of_two(model):
    np.testing.assert_array_equal(model.interpolate(CLIP[:1], 4), CLIP[:1])
    found = model.interpolate(CLIP[:2], 2)
    np.testing.assert_array_equal(found, [CLIP[0], model.between(*CLIP[:2], 0.5)[0], CLIP[1]])
    with pytest.raises(ValueError, match="at least one frame"):
        model.interpolate(CLIP[:0])


def test_a_clip_that_stands_still_does(model):
    np.testing.assert_array_equal(model.interpolate(np.repeat(CLIP[:1], 3, 0), 2), np.repeat(CLIP[:1], 5, 0))


def test_four_times_is_two_times_twice(model):
    once = model.interpolate(model.interpolate(CLIP, 2), 2)
    np.testing.assert_array_equal(model.interpolate(CLIP, 4, recursive=True), once)
    with pytest.raises(ValueError, match="power of two"):
        model.interpolate(CLIP, 6, recursive=True)


def test_over_a_cut_the_nearer_frame_is_repeated(model):
    found = model.interpolate(CLIP, 4, cuts=lambda a, b: b is CLIP[2] or np.array_equal(b, CLIP[2]))
    np.testing.assert_array_equal(found[4:9], CLIP[[1, 1, 2, 2, 2]])
    np.testing.assert_array_equal(found[:5], model.interpolate(CLIP[:2], 4))
    np.testing.assert_array_equal(found[8:], model.interpolate(CLIP[2:], 4))


def test_the_endpoint_of_clips_gives_the_same(model):
    endpoint, shares = model.endpoints()["interpolate"], []
    given = bound(endpoint, (CLIP, 3), {"cuts": lambda a, b: np.array_equal(b, CLIP[2])})
    run = lambda tensors: model.between(tensors["first"], tensors["second"], tensors["times"])  # noqa: E731
    found = endpoint.answer(run, given, lambda newest, share: shares.append(share))
    np.testing.assert_array_equal(found, model.interpolate(CLIP, 3, cuts=given["cuts"]))
    assert shares == [0.25, 0.5, 0.75, 1.0]
    assert from_description(described(endpoint)) == endpoint


def test_a_stream_reads_one_frame_ahead(model):
    read = []

    def frames():
        for k, frame in enumerate(CLIP):
            read.append(k)
            yield frame

    found = model.stream(frames(), 2)
    assert next(found) is not None and read == [0]
    assert next(found) is not None and read == [0, 1]
    assert next(found) is not None and read == [0, 1]


def test_lost_frames_are_filled(model):
    wanted = CLIP.copy()
    wanted[1:3] = model.between(CLIP[0], CLIP[3], [1 / 3, 2 / 3])
    np.testing.assert_array_equal(model.fill(CLIP, [1, 2]), wanted)
    doubled = CLIP.copy()
    doubled[1] = doubled[2] = doubled[0]
    np.testing.assert_array_equal(model.fill(doubled), wanted)
    np.testing.assert_array_equal(model.fill(CLIP), CLIP)
    np.testing.assert_array_equal(model.fill(CLIP, []), CLIP)
    np.testing.assert_array_equal(model.fill(CLIP, [True, True, False, True]), np.repeat(CLIP[2:3], 4, 0))
    with pytest.raises(ValueError, match="not lost"):
        model.fill(CLIP, range(4))


def test_motion_of_large_frames_is_looked_for_in_smaller_ones(model):
    long = RNG.integers(0, 256, (2, 2, 1030, 3), "uint8")
    np.testing.assert_array_equal(model.between(*long, 0.5), model.between(*long, 0.5, scale=2))
    small = long[:, :, :40]
    np.testing.assert_array_equal(model.between(*small, 0.5), model.between(*small, 0.5, scale=1))
    assert (model.between(*small, 0.5) != model.between(*small, 0.5, scale=2)).any()


def test_what_is_refused(model):
    for given, words in (
        ((CLIP[0], CLIP[1, :9], 0.5), "one size"),
        ((CLIP[0], CLIP[1], 1.5), r"in \[0, 1\]"),
        ((CLIP[0].astype("float32"), CLIP[1].astype("float32"), 0.5), "uint8"),
        ((CLIP[:2], CLIP[:2], [0.1, 0.2, 0.3]), "as many"),
    ):
        with pytest.raises(ValueError, match=words):
            model.between(*given)
    with pytest.raises(ValueError, match="scale"):
        model.between(*CLIP[:2], 0.5, scale=3)
    with pytest.raises(ValueError, match="one size"):
        model.interpolate([CLIP[0], CLIP[1, :9]])
    with pytest.raises(ValueError, match="3 frames"):
        model.fit({"clip": CLIP[None, :2]}, verbose=0)
    with pytest.raises(ValueError, match="`flow`"):
        model.fit({"clip": CLIP[None], "flow": np.zeros((1, 21, 34, 2), "float32")}, verbose=0)


@pytest.mark.slow
def test_it_learns_from_the_ends_and_the_middle():
    """And from flows: a picture that moves by 2 pixels a frame; the other frames of a clip do not count."""
    wide = keras.ops.convert_to_numpy(keras.ops.image.resize(RNG.uniform(0, 255, (12, 20, 3)), (48, 80), "bicubic"))
    wide = wide.clip(0, 255).astype("uint8")
    clip = np.stack([wide[:, 2 * k : 2 * k + 64] for k in range(5)])[None].repeat(2, 0)
    clip[:, 1], clip[:, 3] = 0, 255
    flow = np.ones((2, 48, 64, 5), "float32") * np.float32([4, 0, -4, 0, 1])
    model = models.FrameInterpolator(networks.flow_interpolator(width=8), ["l1", "laplacian", "census"], ema=0.5)
    model.compile(keras.optimizers.Adam(3e-3))
    before = model.evaluate({"clip": clip, "flow": flow}, verbose=0, return_dict=True)
    model.fit({"clip": clip, "flow": flow}, epochs=30, verbose=0)
    after = model.evaluate({"clip": clip, "flow": flow}, verbose=0, return_dict=True)
    assert set(after) == {"loss", "psnr", "l1", "laplacian", "census", "flow"}
    assert after["psnr"] > before["psnr"] + 3 and after["flow"] < 0.8 * before["flow"]
    shown = model.show({"clip": clip})
    assert list(shown) == ["first", "last", "answer", "target"]
    np.testing.assert_array_equal(shown["answer"], model.between(clip[:, 0], clip[:, 4], 0.5))


IN_A_FRESH_PROCESS = """
import sys, numpy as np, tensorflow as tf
model, given = tf.saved_model.load(sys.argv[1]), np.load(sys.argv[2])
tensors = {k: tf.constant(given[k]) for k in ("first", "second", "times")}
full = model.signatures["between"](**tensors, scale=tf.constant(0.0))["images"]
default = model.signatures["serving_default"](**tensors)["images"]
png = [tf.io.encode_png(given[k][0]).numpy() for k in ("first", "second")]
files = model.signatures["between_bytes"](
    first_bytes=tf.constant(png[:1]), second_bytes=tf.constant(png[1:]), times=tensors["times"][:1], scale=tf.constant(0.0)
)["image_bytes"]
np.savez(sys.argv[3], full=full, default=default, png=tf.io.decode_png(files[0]))
"""


@pytest.mark.slow
@pytest.mark.tensorflow
def test_an_export_in_a_fresh_process_answers_the_same(model, tmp_path):
    times = np.float32([0.5, 0.2, 0.7])
    wanted = model.between(CLIP[:3], CLIP[1:], times)
    model.export(str(tmp_path / "m"))
    np.savez(tmp_path / "given.npz", first=CLIP[:3], second=CLIP[1:], times=times)
    paths = [str(tmp_path / name) for name in ("m", "given.npz", "found.npz")]
    subprocess.run([sys.executable, "-c", IN_A_FRESH_PROCESS, *paths], check=True)
    found = np.load(tmp_path / "found.npz")
    close(found["full"], wanted)
    close(found["default"], wanted)
    close(found["png"], wanted[0])
    from keras_imgen import serving

    close(serving.load(paths[0]).interpolate(CLIP, 2), model.interpolate(CLIP, 2))
