"""What every restoration network promises: exact sizes, float32, saving, and the shape its paper gives it."""

import math

import keras
import numpy as np
import pytest
from keras import ops

from keras_imgen import networks
from keras_imgen.layers import Upscale, WindowAttention
from keras_imgen.training import backend

SIZES = [(1, 1), (5, 7), (17, 33)]
# name: (scale, one channel or three, maker of a small one)
SMALL = {
    "srcnn": (3, 1, lambda: networks.srcnn(3)),
    "fsrcnn": (3, 1, lambda: networks.fsrcnn(3, d=8, s=4, m=1)),
    "espcn": (2, 3, lambda: networks.espcn(2, 3)),
    "vdsr": (2, 1, lambda: networks.vdsr(2, depth=3, width=4)),
    "edsr": (4, 3, lambda: networks.edsr(4, width=4, blocks=2)),
    "edsr_same_size": (1, 3, lambda: networks.edsr(1, width=4, blocks=1, residual_scaling=0.1)),
    "edsr_latent": (3, 3, lambda: networks.edsr(3, width=4, blocks=1, latent_channels=2)),
    "srresnet": (2, 3, lambda: networks.srresnet(2, width=4, blocks=1)),
    "rcan": (3, 3, lambda: networks.rcan(3, width=4, groups=2, blocks=1, reduction=2)),
    "rrdb": (4, 3, lambda: networks.rrdb(4, width=4, growth=2, blocks=1)),
    "compact_sr": (3, 1, lambda: networks.compact_sr(3, width=4, blocks=2)),
    "compact_real_sr": (2, 3, lambda: networks.compact_real_sr(2, width=6, blocks=(1, 1, 1))),
    "swinir_light": (2, 3, lambda: networks.swinir_light(2, width=4, depths=(2,), heads=2, window=4)),
    "dncnn": (1, 1, lambda: networks.dncnn(depth=4, width=4)),
    "ffdnet": (1, 1, lambda: networks.ffdnet(depth=3, width=4)),
    "drunet": (1, 3, lambda: networks.drunet(widths=(4, 6, 8), blocks=1)),
    "drunet_blind": (1, 1, lambda: networks.drunet(1, widths=(4, 6), blocks=1, noise_map=False)),
    "compact_denoiser": (1, 1, lambda: networks.compact_denoiser(width=6, blocks=(1, 1, 1))),
    "lowlight_unet": (1, 3, lambda: networks.lowlight_unet(width=6, blocks=(1, 1), whole=16)),
    "inpainting_gated": (1, 3, lambda: networks.inpainting_unet(width=4, depth=2)),
    "inpainting_partial": (1, 3, lambda: networks.inpainting_unet(width=4, depth=2, convolution="partial")),
    "compact_inpainter": (1, 3, lambda: networks.compact_inpainter(widths=(4, 6, 8))),
}
ADDS_TO_BICUBIC = (
    "vdsr",
    "edsr",
    "edsr_same_size",
    "edsr_latent",
    "srresnet",
    "rcan",
    "rrdb",
    "compact_sr",
    "compact_real_sr",
    "swinir_light",
)
IDENTITY = ("dncnn", "compact_denoiser", "lowlight_unet")


def given(network, size, n=2, seed=0):
    """Random inputs for whatever a network asks for, at a size of the image."""
    rng = np.random.default_rng(seed)
    quarter = [-(-s // 4) for s in size]
    make = {
        "image": lambda c: rng.uniform(-1, 1, (n, *size, c)),
        "sigma": lambda c: rng.uniform(5, 50, n),
        "mask": lambda c: rng.uniform(size=(n, *size, 1)) < 0.4,
        "latent": lambda c: rng.normal(size=(n, *quarter, c)),
        "whole": lambda c: rng.uniform(-1, 1, (n, 16, 16, c)),
        "exposure": lambda c: np.zeros(n),
        "grain": lambda c: np.zeros(n),
    }
    inputs = {v.name: make[v.name](v.shape[-1]).astype("float32") for v in network.inputs}
    return inputs if len(inputs) > 1 else inputs["image"]


def awake(network):
    """Every weight that starts at zero is set, so that everything counts."""
    rng = np.random.default_rng(1)
    for v in network.trainable_variables:
        v.assign(rng.normal(0, min(0.3, 1.2 / math.sqrt(math.prod(v.shape[:-1]))), v.shape))
    return network


def run(network, inputs):
    if keras.backend.backend() == "jax":  # as one compiled graph, sizes known; else every operation is compiled alone
        return network.predict_on_batch(inputs)
    return ops.convert_to_numpy(network(inputs, training=False))


@pytest.fixture(params=SMALL)
def case(request):
    return request.param, *SMALL[request.param]


def test_exact_sizes_and_a_good_start(case):
    name, scale, channels, make = case
    network = make()
    for size in SIZES:
        inputs = given(network, size)
        out = run(network, inputs)
        assert out.shape == (2, size[0] * scale, size[1] * scale, channels) and out.dtype == np.float32
        image = inputs["image"] if isinstance(inputs, dict) else inputs
        if name in ADDS_TO_BICUBIC:
            np.testing.assert_allclose(out, Upscale(scale)(image) if scale > 1 else image, atol=1e-6)
        if name in IDENTITY:
            np.testing.assert_array_equal(out, image)


def test_every_weight_gets_a_gradient(case):
    network = awake(case[3]())
    inputs, variables = given(network, (6, 9)), network.trainable_variables

    def loss():
        value = ops.mean(ops.square(network(inputs, training=True)))
        return value, value

    _, grads = backend.gradients(network, loss, variables)
    assert not [v.path for v, g in zip(variables, grads) if not np.abs(ops.convert_to_numpy(g)).max() > 0]


def test_saved_and_loaded_is_the_same(case, tmp_path):
    network = awake(case[3]())
    network.save(tmp_path / "n.keras")
    inputs = given(network, (5, 7))
    np.testing.assert_array_equal(run(network, inputs), run(keras.saving.load_model(tmp_path / "n.keras"), inputs))


def test_mixed_precision_gives_float32_near_float32(case):
    network = awake(case[3]())
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        half = case[3]()
    finally:
        keras.config.set_dtype_policy("float32")
    half.set_weights(network.get_weights())
    inputs = given(network, (9, 6))
    expected, out = run(network, inputs), run(half, inputs)
    assert out.dtype == np.float32
    assert np.abs(out - expected).max() < 0.08 * np.abs(expected).max()


@pytest.mark.tensorflow
@pytest.mark.parametrize("jit_compile", [False, True])
def test_one_graph_for_every_size(case, jit_compile):
    import tensorflow as tf

    network = awake(case[3]())
    inputs = given(network, (5, 7))
    specs = {v.name: tf.TensorSpec(v.shape, "float32") for v in network.inputs}
    signature = specs if isinstance(inputs, dict) else specs["image"]
    graph = tf.function(lambda x: network(x, training=False), input_signature=[signature], jit_compile=jit_compile)
    for size in [(5, 7)] if jit_compile else SIZES:
        inputs = given(network, size)
        expected = run(network, inputs)
        np.testing.assert_allclose(graph(inputs), expected, atol=1e-5 * max(np.abs(expected).max(), 1))


LOCAL = {"srcnn": 12, "fsrcnn": 12, "espcn": 12, "vdsr": 12, "edsr": 14, "compact_sr": 12, "rrdb": 14, "dncnn": 12}


@pytest.mark.parametrize("name", LOCAL)
def test_a_moved_picture_gives_a_moved_result(name):
    """Away from the borders, where zeros are seen; also, with that, nothing looks further than it should."""
    scale, channels, make = SMALL[name]
    network, border = awake(make()), LOCAL[name]
    wide = np.random.default_rng(0).uniform(-1, 1, (1, 2 * border + 9, 2 * border + 9, channels)).astype("float32")
    one, moved = run(network, wide[:, :-3, :-2]), run(network, wide[:, 3:, 2:])
    cut, down, right = border * scale, 3 * scale, 2 * scale
    a = one[:, cut + down : one.shape[1] - cut, cut + right : one.shape[2] - cut]
    b = moved[:, cut : moved.shape[1] - cut - down, cut : moved.shape[2] - cut - right]
    assert a.size and a.std() > 0
    np.testing.assert_allclose(a, b, atol=1e-4 * np.abs(a).max())


def weights(network, without=()):
    return sum(math.prod(v.shape) for v in network.trainable_variables if not any(w in v.path for w in without))


def test_published_numbers_of_weights():
    assert weights(networks.srcnn(3), ("bias",)) == 57_184
    assert weights(networks.fsrcnn(3), ("bias", "prelu")) == 12_464  # the paper counts convolutions alone
    assert weights(networks.espcn(3)) == 64 * 26 + 32 * (9 * 64 + 1) + 9 * (9 * 32 + 1)
    assert weights(networks.vdsr(2)) == 665_921
    assert weights(networks.edsr(2)) == 1_369_859  # without the shift by the mean colour
    assert weights(networks.edsr(4)) == 1_517_571
    assert weights(networks.dncnn()) == 556_097
    assert weights(networks.ffdnet()) == 485_316
    assert weights(networks.ffdnet(3, 96, 12)) == 852_108
    assert weights(networks.zero_dce()) == 79_416


@pytest.mark.parametrize("scale, full, published", [(2, 910_152, 878), (3, 918_267, 886), (4, 929_628, 897)])
def test_swinir_light_has_the_published_number_of_weights(scale, full, published):
    """The authors' code has `full`; the paper's table leaves out the tables of the offsets' biases."""
    network = networks.swinir_light(scale)
    assert weights(network) == full
    assert round(weights(network, ("offset_bias",)) / 1000) == published


def test_compact_networks_are():
    for scale in (2, 3, 4):
        assert weights(networks.compact_sr(scale)) < 100_000
    for make in (networks.compact_denoiser, networks.compact_inpainter):
        assert 500_000 < weights(make()) < 780_000  # of a file of 3 MB, compressed


@pytest.mark.slow
def test_published_numbers_of_weights_of_the_large():
    assert weights(networks.drunet()) == 32_640_960
    assert weights(networks.rrdb(4)) == 16_697_987
    assert weights(networks.rcan(2)) == 15_444_667 - 2 * 12  # without the shifts by the mean colour


def test_drunet_scales_with_its_input():
    network = awake(SMALL["drunet"][2]())
    inputs = given(network, (9, 10))
    once, twice = run(network, inputs), run(network, {k: 2.5 * v for k, v in inputs.items()})
    assert np.abs(once).max() > 0.01
    np.testing.assert_allclose(twice, 2.5 * once, atol=1e-5 * np.abs(twice).max())


@pytest.mark.parametrize("name", ["ffdnet", "drunet"])
def test_the_noise_level_counts_for_its_own_image(name):
    network = awake(SMALL[name][2]())
    inputs = given(network, (8, 8))
    before = run(network, inputs)
    after = run(network, {**inputs, "sigma": inputs["sigma"] * np.array([1, 2], "float32")})
    np.testing.assert_allclose(after[0], before[0], atol=1e-6)
    assert np.abs(after[1] - before[1]).max() > 1e-3


@pytest.mark.parametrize("name", ["inpainting_gated", "inpainting_partial", "compact_inpainter"])
def test_holes_are_not_looked_into(name):
    network = awake(SMALL[name][2]())
    inputs = given(network, (17, 33))
    other = {**inputs, "image": np.where(inputs["mask"] > 0, 0.9, inputs["image"]).astype("float32")}
    np.testing.assert_array_equal(run(network, inputs), run(network, other))
    seen = {**inputs, "image": inputs["image"] * 0.5}
    assert np.abs(run(network, inputs) - run(network, seen)).max() > 1e-3


def test_every_latent_place_counts_where_it_lies():
    network = awake(SMALL["edsr_latent"][2]())
    inputs = given(network, (30, 30), n=1)
    changed = inputs["latent"].copy()
    changed[0, 3, 4] += 1  # pixels 12..15, 16..19
    difference = np.abs(run(network, inputs) - run(network, {**inputs, "latent": changed})).max(-1)[0]
    row, column = (np.flatnonzero(difference.max(axis)) / 3 for axis in (1, 0))
    assert row.min() < 12.5 and row.max() > 15 and 5 < row.min() and row.max() < 23
    assert 9 < column.min() < 16.5 and 19 < column.max() < 27


def test_shifted_windows_speak_to_each_other():
    """With shifts a place is seen beyond its window; every other attention layer has them."""
    network = networks.swinir_light(2, width=4, depths=(2, 2), heads=2, window=4)
    assert [v.shift for v in network.layers if isinstance(v, WindowAttention)] == [0, 2, 0, 2]


def test_colorizer_starts_gray_and_takes_any_size():
    network = networks.colorizer(width=4, depth=3)
    for size in SIZES:
        out = run(network, given(network, size))
        assert out.shape == (2, *size, 2) and not out.any()
    assert run(awake(network), given(network, (5, 7))).any()


def test_light_curves_are_the_formula():
    network = awake(networks.zero_dce(width=4, iterations=3))
    image = given(network, (5, 7))
    maps = run(network, image)
    assert maps.shape == (2, 5, 7, 9) and np.abs(maps).max() <= 1
    u = (np.float64(image) + 1) / 2
    for i in range(3):
        u = u + maps[..., 3 * i : 3 * i + 3] * u * (1 - u)
    np.testing.assert_allclose(networks.light_curves(ops.convert_to_tensor(image), maps), 2 * u - 1, atol=1e-5)
    with pytest.raises(ValueError, match="multiple of the 3 channels, got 8"):
        networks.light_curves(image, maps[..., :8])


def test_latent_encoder_fits_the_network_it_is_for():
    network = networks.latent_encoder(3, latent_channels=2, width=4)
    for size in SIZES:
        image = np.random.default_rng(0).uniform(-1, 1, (2, *size, 3)).astype("float32")
        target = np.repeat(np.repeat(image, 3, 1), 3, 2)
        out = run(network, {"image": image, "target": target})
        assert out.shape == (2, -(-size[0] // 4), -(-size[1] // 4), 4) and not out.any()
    before = run(awake(network), {"image": image, "target": target})
    assert np.abs(before - run(network, {"image": image, "target": -target})).max() > 1e-3
    assert np.abs(before - run(network, {"image": -image, "target": target})).max() > 1e-3


def test_patchgan_judges_images_of_any_size():
    network = awake(networks.patchgan((None, None, 3), width=4, depth=2))
    assert run(network, np.ones((2, 32, 20, 3), "float32")).shape == (2, 8, 5, 1)


def test_without_the_skip_the_weights_are_the_same_and_the_start_is_random():
    small = {
        "edsr": {"blocks": 1},
        "srresnet": {"blocks": 1},
        "rcan": {"groups": 1, "blocks": 1},
        "rrdb": {"blocks": 1},
    }
    for name, arguments in {**small, "swinir_light": {"depths": (1,), "heads": 2, "window": 4}}.items():
        with_skip, published = (getattr(networks, name)(2, width=4, skip=v, **arguments) for v in (True, False))
        assert weights(published) == weights(with_skip)
        image = given(published, (5, 7))
        assert run(published, image).shape == (2, 10, 14, 3)
        assert np.abs(run(published, image) - run(with_skip, image)).max() > 0.1


def test_bad_arguments_are_refused():
    with pytest.raises(ValueError, match="1 to 4 resolutions"):
        networks.compact_denoiser(blocks=())
    with pytest.raises(ValueError, match="power of two, got 6"):
        networks.edsr(6)
    with pytest.raises(ValueError, match="at least 1, got 0"):
        networks.fsrcnn(0)
    with pytest.raises(ValueError, match="heads=7"):
        networks.swinir_light(2, heads=7)
    with pytest.raises(ValueError, match="gated"):
        networks.inpainting_unet(convolution="plain")
