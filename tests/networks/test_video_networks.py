"""Networks of clips: exact sizes, the middle frame to begin with, and a run of frames gives what each window gives."""

import keras
import numpy as np
import pytest

from keras_imgen import networks
from keras_imgen.layers import Fold, MiddleFrames, NoiseLevel, RowsAsFrames, Upscale, Windows

SINGLE, FLOW = {"width": 4, "blocks": 1}, {"width": 8, "levels": 2, "radius": 1}
SMALL = {  # name: (radius, scale, channels more, maker)
    "video_denoiser": (2, 1, 0, lambda: networks.video_denoiser(1, width=4, blocks=(1, 1))),
    "video_denoiser_told": (2, 1, 0, lambda: networks.video_denoiser(3, width=4, blocks=(1,), noise_map=True)),
    "video_sr": (2, 3, 0, lambda: networks.video_sr(3, width=4, blocks=(1, 1))),
    "aligned_sr": (2, 2, 0, lambda: networks.aligned_sr(width=4, blocks=(1, 1), single=SINGLE, flow=FLOW)),
    "film_repairer": (3, 1, 5, lambda: networks.film_repairer(width=4, blocks=(1,))),
}


def given(network, frames, size, seed=0):
    rng = np.random.default_rng(seed)
    channels = network.input["clip"].shape[-1]
    found = {"clip": rng.uniform(-1, 1, (2, frames, *size, channels)).astype("float32")}
    if "mask" in network.input:
        found["mask"] = rng.integers(-1, 2, (2, frames, *size, 1)).astype("float32")
    if "sigma" in network.input:
        found["sigma"] = np.array([5.0, 40.0], "float32")
    return found


@pytest.fixture(params=SMALL)
def network(request):
    keras.utils.set_random_seed(0)
    return (*SMALL[request.param][:3], SMALL[request.param][3]())


def test_every_size(network):
    radius, scale, more, function = network
    for frames, size in ((2 * radius + 1, (1, 1)), (2 * radius + 3, (5, 7))):
        x = given(function, frames, size)
        out = function(x)
        shape = (2, frames - 2 * radius, size[0] * scale, size[1] * scale, x["clip"].shape[-1] + more)
        assert out.shape == shape and keras.backend.standardize_dtype(out.dtype) == "float32"
        spec = {k: keras.KerasTensor(v.shape) for k, v in x.items()}
        assert function.compute_output_spec(spec).shape == shape


def test_it_starts_as_the_middle_frame_and_each_window_is_its_own(network):
    radius, scale, _, function = network
    x = given(function, 2 * radius + 3, (9, 10))
    start = np.array(function(x))
    if scale > 1:
        middle = x["clip"][:, radius:-radius]
        large = np.array(Upscale(scale)(middle.reshape(-1, *middle.shape[2:])))
        large = large.reshape(start.shape)
        inside = (
            slice(None),
            slice(None),
            slice(0, -4),
            slice(0, -4),
        )  # beyond the picture it is repeated to whole strides
        np.testing.assert_allclose(start[inside], large[inside], atol=1e-5)
    else:  # where a mask is 1 it is filled, where it is -1 nothing is found yet
        known = x["mask"][:, radius:-radius] <= 0 if "mask" in x else True
        middle = x["clip"][:, radius:-radius]
        np.testing.assert_array_equal(np.where(known, start[..., : middle.shape[-1]], middle), middle)
    rng = np.random.default_rng(1)
    for v in function.trainable_variables:
        if not np.array(v).any():
            v.assign(rng.normal(0, 0.1, v.shape))
    whole = np.array(function(x))
    assert (whole != start).mean() > 0.2
    for k in range(3):
        part = {n: v[:, k : k + 2 * radius + 1] if v.ndim == 5 else v for n, v in x.items()}
        np.testing.assert_allclose(np.array(function(part))[:, 0], whole[:, k], atol=1e-5)


def test_layers_of_clips():
    clip = np.random.default_rng(0).normal(size=(2, 5, 3, 4, 2)).astype("float32")
    rows = Fold()(clip)
    np.testing.assert_array_equal(rows, clip.reshape(10, 3, 4, 2))
    np.testing.assert_array_equal(RowsAsFrames()([rows, clip]), clip)
    beside = np.concatenate([clip[:, :3], clip[:, 1:4], clip[:, 2:]], -1)
    np.testing.assert_array_equal(Windows(3)(clip), beside)
    np.testing.assert_array_equal(MiddleFrames(1)(clip), clip[:, 1:4])
    level = np.array(NoiseLevel()([clip, np.array([0.0, 127.5], "float32")]))[..., -1]
    assert (level[0] == 0).all() and (level[1] == 1).all()


def test_wrong_sizes_are_refused():
    with pytest.raises(ValueError, match="1 to 4 resolutions"):
        networks.video_denoiser(blocks=())
    with pytest.raises(ValueError, match="2 or more"):
        networks.video_sr(1)


def test_a_repairer_gives_the_logits_of_the_frames_around_as_theirs():
    keras.utils.set_random_seed(0)
    network = networks.film_repairer(width=4, blocks=(1,))
    for weight in network.trainable_weights:
        if not np.any(np.asarray(weight)):
            weight.assign(0.1 * np.random.default_rng(0).standard_normal(weight.shape))
    logits = np.array(network(given(network, 12, (8, 8))))[..., 3:]  # of six frames
    assert np.ptp(logits) > 0
    for k in range(5):
        np.testing.assert_array_equal(logits[:, k : k + 2, ..., 2], logits[:, 2:4, ..., k])
