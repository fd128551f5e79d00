"""The denoiser that follows motion: exact sizes, windows alone and together, and each of its parts by closed forms."""

import keras
import numpy as np
import pytest

from keras_imgen import models, networks
from keras_imgen.networks.motion import AlongMotion, WeightedMean
from keras_imgen.training.precision import compute_in

FLOW = {"width": 8, "levels": 2, "radius": 1}


def small(channels=3):
    keras.utils.set_random_seed(0)
    return networks.aligned_denoiser(channels, 8, (1, 1), flow=FLOW)


def clip_of(frames, size, channels=3):
    return np.random.default_rng(0).uniform(-1, 1, (2, frames, *size, channels)).astype("float32")


@pytest.mark.one_backend
@pytest.mark.parametrize(("size", "channels"), [((1, 1), 3), ((5, 7), 1), ((16, 24), 3)])
def test_every_size_and_each_window_is_its_own(size, channels):
    network = small(channels)
    rng = np.random.default_rng(1)
    for v in network.weights:
        v.assign(v + rng.normal(0, 0.05, v.shape))
    clip = clip_of(7, size, channels)
    whole = network({"clip": clip})
    assert whole.shape == (2, 3, *size, channels) and keras.backend.standardize_dtype(whole.dtype) == "float32"
    assert network.compute_output_spec({"clip": keras.KerasTensor(clip.shape)}).shape == whole.shape
    assert np.abs(whole - clip[:, 2:-2]).max() > 1e-3
    for k in range(3):
        part = network({"clip": clip[:, k : k + 5]})
        np.testing.assert_allclose(np.array(part)[:, 0], np.array(whole)[:, k], atol=2e-5)


def test_what_moves_is_laid_on_its_frame():
    wide = np.random.default_rng(0).uniform(-1, 1, (1, 40, 60, 3)).astype("float32")
    clip = np.stack([wide[:, 10 - k : 26 - k, 2 * k + 10 : 2 * k + 34] for k in range(7)], 1)  # by (-2, 1) a frame
    laid = AlongMotion(2, {"channels": 3, **FLOW})
    steps = []

    def told(first, second, size):
        steps.append((np.array(first[0]), np.array(second[0])))
        moved = np.array([-2.0, 1.0]) * (-1 if len(steps) == 1 else 1)
        return np.broadcast_to(moved, (len(first[0]), *size, 2)).astype("float32")

    laid.flow.seen, laid.flow.optical_flow = lambda images: [images], told
    values, seen = (np.array(x).reshape(3, 8, 16, 24, -1) for x in laid([clip, 0.5 * clip]))
    inner, middle = (slice(3, -3), slice(5, -5)), clip[0, 2:5]
    for k, (way, far) in enumerate([(-1, 1), (-1, 2), (1, 1), (1, 2)]):
        neighbour = clip[0, 2 + way * far : 5 + way * far]
        np.testing.assert_allclose(values[:, 2 * k][:, *inner], middle[:, *inner], atol=1e-5)
        np.testing.assert_array_equal(values[:, 2 * k + 1], neighbour)
        np.testing.assert_allclose(seen[:, 2 * k + 1, ..., :3], 0.5 * middle, atol=1e-6)
        np.testing.assert_allclose(seen[:, 2 * k + 1, ..., 3:6], 0.5 * neighbour, atol=1e-6)
        np.testing.assert_allclose(seen[:, 2 * k + 1, ..., 6:], neighbour - middle, atol=1e-6)
    backward, forward = steps
    # Motion is looked for in what is clean, between frames beside each other, no more than is made use of.
    for (first, second), at, way in ((backward, 1, -1), (forward, 2, 1)):
        np.testing.assert_array_equal(first, 0.5 * clip[0, at : at + 4])
        np.testing.assert_array_equal(second, 0.5 * clip[0, at + way : at + way + 4])


def test_the_mean_and_what_noise_is_left_of_it():
    rng = np.random.default_rng(0)
    frame, others = rng.normal(size=(2, 4, 5, 3)), rng.normal(size=(2, 6, 4, 5, 3))
    logits = rng.normal(size=(2, 6, 4, 5, 1))
    rows = others.reshape(12, 4, 5, 3), logits.reshape(12, 4, 5, 1)
    mean, left = (np.array(x) for x in WeightedMean(6)([frame, *rows]))
    weights = np.exp(np.concatenate([np.zeros((2, 1, 4, 5, 1)), logits], 1))
    weights /= weights.sum(1, keepdims=True)
    every = np.concatenate([frame[:, None], others], 1)
    np.testing.assert_allclose(mean, (weights * every).sum(1), atol=1e-5)
    np.testing.assert_allclose(left, np.sqrt((weights**2).sum(1)), atol=1e-6)
    np.testing.assert_allclose(WeightedMean(6)([frame, rows[0], 0 * rows[1]])[1], 7**-0.5, atol=1e-6)
    np.testing.assert_allclose(WeightedMean(6)([frame, rows[0], 0 * rows[1] - 50])[0], frame, atol=1e-6)


@pytest.mark.one_backend
def test_it_begins_as_the_denoiser_of_pictures_and_with_the_flow_that_are_given():
    network, flow = small(), networks.flow_interpolator(**FLOW)
    denoiser = networks.compact_denoiser(3, 8, (1, 1))
    rng = np.random.default_rng(0)
    for v in (*denoiser.weights, *flow.weights):
        v.assign(rng.normal(0, 0.1, v.shape))
    networks.begin_with(network, denoiser, flow)
    clip = clip_of(5, (12, 16))
    own = network.get_layer("denoiser")([clip[0], rng.uniform(0, 1, (5, 12, 16, 1)).astype("float32")])
    np.testing.assert_allclose(own, denoiser(clip[0]), atol=1e-5)
    for mine, given in zip(network.get_layer("laid").flow.weights, flow.weights):
        np.testing.assert_array_equal(mine, given)
    # Where no neighbour counts, it is that denoiser.
    last = network.get_layer("weigher").get_layer("conv_out")
    last.bias.assign(np.full(last.bias.shape, -60.0))
    np.testing.assert_allclose(network({"clip": clip})[:, 0], denoiser(clip[:, 2]), atol=1e-5)
    trained = {v.path for v in network.trainable_variables}
    assert trained == {v.path for name in ("denoiser", "weigher") for v in network.get_layer(name).trainable_variables}
    with pytest.raises(ValueError, match="Expected as `single`"):
        networks.begin_with(network, networks.compact_denoiser(3, 16, (1, 1)), flow)
    with pytest.raises(ValueError, match="Expected as `flow`"):
        networks.begin_with(network, denoiser, networks.flow_interpolator(width=16))


@pytest.mark.one_backend
def test_the_flow_alone_is_that_of_the_interpolator_at_the_first_picture():
    flow = networks.flow_interpolator(**FLOW)
    rng = np.random.default_rng(0)
    for v in flow.weights:
        v.assign(rng.normal(0, 0.1, v.shape))
    first, second = clip_of(2, (16, 24)).swapaxes(0, 1)
    found = np.array(flow.optical_flow(flow.seen(first), flow.seen(second), (16, 24)))
    whole = flow({"first": first, "second": second, "time": np.zeros(2, "float32")})
    quarter = np.array(whole["flows"][-1])[..., 2:]
    assert found.shape == (2, 16, 24, 2) and np.abs(quarter).max() > 0.1
    double = keras.layers.UpSampling2D(2, interpolation="bilinear")
    np.testing.assert_allclose(found, double(double(quarter)), atol=1e-4)
    assert not np.array(whole["flows"][-1])[..., :2].any()


@pytest.mark.one_backend
def test_it_comes_back_from_its_file(tmp_path):
    network, clip = small(), clip_of(5, (8, 8))
    network.save(tmp_path / "network.keras")
    again = keras.saving.load_model(tmp_path / "network.keras")
    np.testing.assert_array_equal(again({"clip": clip}), network({"clip": clip}))
    assert len(again.trainable_variables) == len(network.trainable_variables)


@pytest.mark.one_backend
def test_it_works_in_bfloat16_too():
    network, clip = small(), clip_of(5, (16, 24))
    model = models.VideoRestorer(network, (0, 55))
    coarse = compute_in(models.VideoRestorer(small(), (0, 55)), "mixed_bfloat16")
    frames = np.round(clip[0] * 127.5 + 127.5).astype("uint8")
    fine, found = (m.restore(frames).astype(int) for m in (model, coarse))
    assert np.abs(fine - found).max() <= 4


def test_what_cannot_be_is_named():
    with pytest.raises(ValueError, match="radius"):
        AlongMotion(0, {"channels": 3, **FLOW})
    flow = networks.flow_interpolator(**FLOW)
    with pytest.raises(ValueError, match="Expected as `network` a networks.aligned_denoiser or aligned_sr"):
        networks.begin_with(
            networks.video_denoiser(width=4, blocks=(1,)), networks.compact_denoiser(3, 8, (1, 1)), flow
        )
    with pytest.raises(ValueError, match="Expected as `single` a blind networks.compact_denoiser"):
        networks.begin_with(small(), networks.dncnn(3, 3, 8), flow)
