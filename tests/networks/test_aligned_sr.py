"""Super-resolution that follows motion: it begins as that of single pictures, and takes from the frames around what one does not show."""

import keras
import numpy as np
import pytest

from keras_imgen import networks
from keras_imgen.layers import Upscale
from keras_imgen.networks.aligned_sr import Luma

pytestmark = pytest.mark.one_backend
FLOW, SINGLE = {"width": 8, "levels": 2, "radius": 1}, {"width": 8, "blocks": 1}


def small(channels=3):
    keras.utils.set_random_seed(0)
    network = networks.aligned_sr(2, channels, 8, (1, 1), single=SINGLE, flow=FLOW)
    enlarger, flow = networks.compact_sr(2, **SINGLE), networks.flow_interpolator(channels=channels, **FLOW)
    rng = np.random.default_rng(0)
    for v in (*enlarger.weights, *flow.weights):
        v.assign(rng.normal(0, 0.1, v.shape))
    networks.begin_with(network, enlarger, flow)
    return network, enlarger


@pytest.mark.parametrize("channels", [1, 3])
def test_it_begins_as_super_resolution_of_single_pictures(channels):
    network, enlarger = small(channels)
    clip = np.random.default_rng(1).uniform(-0.5, 0.5, (1, 6, 9, 12, channels)).astype("float32")
    found, frames = np.array(network({"clip": clip}))[0], clip[0, 2:4]
    bicubic, luma = np.array(Upscale(2)(frames)), np.array(Luma()(frames))
    assert found.shape == (2, 18, 24, channels) and np.abs(found - bicubic).max() > 0.1
    np.testing.assert_allclose(Luma()(found), enlarger(luma), atol=1e-4)
    np.testing.assert_allclose(found - Luma()(found), bicubic - Luma()(bicubic), atol=1e-4)
    flow = {v.path for v in network.get_layer("laid").flow.variables}
    trained = {v.path for v in network.trainable_variables}
    assert flow and not flow & trained and {v.path for v in network.get_layer("enlarger").variables} <= trained


@pytest.mark.slow
def test_a_pattern_too_fine_for_one_frame_is_seen_in_those_around():
    """Of random dots that move by a pixel of the large frames, each small frame has half of the rows: together they have all."""
    rng = np.random.default_rng(0)
    network = networks.aligned_sr(2, 1, 16, (1, 1), radius=1, single=SINGLE, flow=FLOW)
    weights = [np.array(v) for v in network.weights]

    def batch(still):
        large = rng.choice([-0.8, 0.8], (8, 24, 16, 1)).astype("float32")
        frames = np.stack([large[:, k : k + 20] for k in ((1, 1, 1) if still else (0, 1, 2))], 1)
        return frames[:, :, ::2, ::2], frames[:, 1:2]

    def error(still):
        for v, w in zip(network.weights, weights):
            v.assign(w)
        model = keras.Model(network.input, network.output)
        model.compile(keras.optimizers.Adam(0.005), "mae")
        for _ in range(250):
            clip, target = batch(still)
            model.train_on_batch({"clip": clip}, target)
        clip, target = batch(still)
        off = np.abs(np.array(model({"clip": clip})) - target)[:, 0, 2:-2, 2:-2:2]
        return off.mean()  # of the columns that the small frames have

    assert error(still=False) < 0.6 * error(still=True)


def test_it_comes_back_from_its_file(tmp_path):
    network, _ = small()
    clip = np.random.default_rng(0).uniform(-1, 1, (1, 5, 8, 8, 3)).astype("float32")
    network.save(tmp_path / "network.keras")
    again = keras.saving.load_model(tmp_path / "network.keras")
    np.testing.assert_array_equal(again({"clip": clip}), network({"clip": clip}))


def test_luma_and_what_cannot_be():
    x = np.array([[[[1.0, 0, 0], [0, 1, 0], [0, 0, 1], [1, 1, 1]]]], "float32")
    np.testing.assert_allclose(np.array(Luma()(x)).ravel(), [0.299, 0.587, 0.114, 1.0], atol=1e-6)
    np.testing.assert_array_equal(Luma()(x[..., :1]), x[..., :1])
    for how, said in (((2, 2), "1 or 3"), ((1,), "2 or more")):
        with pytest.raises(ValueError, match=said):
            networks.aligned_sr(*how)
    with pytest.raises(ValueError, match="Expected as `single` a networks.compact_sr of the luma"):
        networks.begin_with(
            networks.aligned_sr(2, 3, 8, (1,), single=SINGLE, flow=FLOW),
            networks.compact_sr(3, **SINGLE),
            networks.flow_interpolator(**FLOW),
        )
