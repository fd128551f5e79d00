"""The next frames."""

import subprocess
import sys

import keras
import numpy as np
import pytest
from keras import ops

from keras_imgen import models, networks
from keras_imgen.metrics.clips import frame_scores

GIVEN, TOLD, SHAPE = 3, 2, (8, 8, 1)


def clips(n=6, frames=9):
    """A bar of light that steps on."""
    found = np.zeros((n, frames, *SHAPE), "uint8")
    for k in range(n):
        for f in range(frames):
            found[k, f, (k + f) % 8] = 200
    return found


@pytest.fixture(scope="module")
def model():
    made = models.FramePredictor(networks.simvp((GIVEN, *SHAPE), TOLD, 4, (4, 4), (1, 1)), seed=1)
    made.compile()
    made.fit({"clip": clips()}, epochs=2, batch_size=3, verbose=0)
    return made


def test_one_long_answer_is_several_short_ones(model):
    known = clips()[:2, :GIVEN]
    long = model.predict_frames(known, 5)
    first = model.predict_frames(known, 2)
    second = model.predict_frames(np.concatenate([known, first], 1), 3)
    assert long.shape == (2, 5, *SHAPE) and long.dtype == np.uint8
    np.testing.assert_array_equal(long, np.concatenate([first, second], 1))
    np.testing.assert_array_equal(model.predict_frames(known[1], 5), long[1])  # alone, to the bit
    np.testing.assert_array_equal(model.predict_frames(clips()[:2, 2:5], 2), model.predict_frames(clips()[:2, :5], 2))


def test_what_is_logged_is_what_the_metrics_say(model):
    data = clips(4, GIVEN + TOLD)
    found = model.evaluate({"clip": data}, batch_size=4, verbose=0, return_dict=True)
    with model.averaged():
        answer = ops.convert_to_numpy(model(data[:, :GIVEN].astype("float32") / 127.5 - 1))
    error = (np.clip(answer, -1, 1) + 1) / 2 - data[:, GIVEN:] / 255
    assert found["mse"] == pytest.approx(np.square(error).sum((2, 3, 4)).mean(), rel=1e-4)
    psnr = -10 * np.log10(np.square(error).mean((1, 2, 3, 4)))
    assert found["psnr"] == pytest.approx(psnr.mean(), rel=1e-4)
    target = data[:, GIVEN:].astype("float32") / 127.5 - 1
    assert found["loss"] == pytest.approx(np.square(answer - target).mean(), rel=1e-4)


def test_it_learns_what_goes_straight_on():
    """Twice as far as its network tells, and better by half than the last frame that was given."""
    keras.utils.set_random_seed(0)
    model = models.FramePredictor(networks.simvp((GIVEN, *SHAPE), TOLD, 8, (8,), (1,)), ema=None, seed=0)
    model.compile(keras.optimizers.Adam(0.005))
    data = clips(8, GIVEN + 2 * TOLD)
    model.fit({"clip": data}, epochs=100, batch_size=8, verbose=0)
    after = model.predict_frames(data[:, :GIVEN], 2 * TOLD)
    last = np.repeat(data[:, GIVEN - 1 : GIVEN], 2 * TOLD, 1)
    error, still = (np.square((v.astype(float) - data[:, GIVEN:]) / 255).mean() for v in (after, last))
    assert error < 0.5 * still


def test_what_is_wrong_is_said(model):
    with pytest.raises(ValueError, match="more than the 3 frames that are told, got 3"):
        model.fit({"clip": clips()[:, :3]})
    with pytest.raises(ValueError, match=r"Expected uint8 clip \(N, 3, 8, 8, 1\)"):
        model.predict_frames(clips()[:, :2], 1)
    with pytest.raises(ValueError, match="frames"):
        model.predict_frames(clips(), 0)
    with pytest.raises(ValueError, match="network of clips"):
        models.FramePredictor(networks.unet(SHAPE, (4,), 1, (), log_snr=False))
    with pytest.raises(ValueError, match="divisible by 8"):
        networks.simvp((3, 12, 8, 1), 2)


CHILD = """
import sys, numpy as np
from keras_imgen import serving
served, clips = serving.load(sys.argv[1]), np.load(sys.argv[2])
np.save(sys.argv[3], served.predict_frames(clips, 5))
"""


@pytest.mark.slow
@pytest.mark.tensorflow
def test_served_in_a_fresh_process(model, tmp_path):
    model.export(str(tmp_path / "m"))
    np.save(tmp_path / "clips.npy", clips())
    paths = [str(tmp_path / name) for name in ("m", "clips.npy", "answer.npy")]
    subprocess.run([sys.executable, "-c", CHILD, *paths], check=True)
    np.testing.assert_array_equal(np.load(paths[2]), model.predict_frames(clips(), 5))


def test_scores_of_frames():
    skimage = pytest.importorskip("skimage.metrics")
    rng = np.random.default_rng(0)
    target, made = rng.integers(0, 256, (2, 2, 3, 16, 16, 1), "uint8")
    found = frame_scores(target, made)
    assert all(v.shape == (2, 3) for v in found.values())
    for k, f in ((0, 0), (1, 2)):
        a, b = target[k, f, ..., 0], made[k, f, ..., 0]
        assert found["psnr"][k, f] == pytest.approx(skimage.peak_signal_noise_ratio(a, b), rel=1e-5)
        assert found["mse"][k, f] == pytest.approx(256 * skimage.mean_squared_error(a / 255, b / 255))
        how = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False, "data_range": 255}
        whole = skimage.structural_similarity(a, b, full=True, **how)[1]
        assert found["ssim"][k, f] == pytest.approx(whole[5:-5, 5:-5].mean(), abs=1e-4)
    with pytest.raises(ValueError, match="of one shape"):
        frame_scores(target, made[:, :2])
