"""What every diffusion network promises: zero at the start, any size, conditions that count, saving, mixed precision."""

import keras
import numpy as np
import pytest
from keras import ops

from keras_imgen.layers import Attention
from keras_imgen.networks import dit, unet

CONDITIONS = {"num_classes": 5, "vector_dim": 3, "sequence_dim": 7}
MAKE = {
    "unet": lambda **k: unet((8, 8, 2), widths=(8, 16), depth=1, attention=(4,), **k),
    "dit": lambda **k: dit((8, 8, 2), patch=2, width=16, depth=2, heads=2, **k),
    "unet with positions": lambda **k: unet((8, 8, 2), (8, 16), 1, (4,), positions=True, **k),
}


def inputs(n=3, size=(8, 8), seed=0, only=("label", "vector", "sequence")):
    rng = np.random.default_rng(seed)
    given = {
        "image": rng.normal(size=(n, *size, 2)).astype("float32"),
        "log_snr": rng.normal(size=n).astype("float32"),
        "label": rng.integers(0, 6, n).astype("int32"),
        "vector": rng.normal(size=(n, 3)).astype("float32"),
        "sequence": rng.normal(size=(n, 4, 7)).astype("float32"),
    }
    return {k: v for k, v in given.items() if k in ("image", "log_snr", *only)}


def awake(network):
    """Every weight that starts at zero is set, so that everything counts."""
    rng = np.random.default_rng(1)
    for v in network.trainable_variables:
        v.assign(rng.normal(0, 0.15, v.shape))
    return network


def run(network, given):
    return ops.convert_to_numpy(network(given, training=False))


@pytest.fixture(params=MAKE)
def make(request):
    return MAKE[request.param]


def test_output_is_zero_at_the_start(make):
    out = run(make(**CONDITIONS), inputs())
    assert out.shape == (3, 8, 8, 2) and not out.any()


def test_every_condition_counts_and_rows_are_apart(make):
    network = awake(make(**CONDITIONS))
    before, other = inputs(), inputs(seed=9)
    out = run(network, before)
    for name in before:
        changed = {**before, name: np.concatenate([before[name][:2], other[name][2:]])}
        if name == "label":
            changed[name] = np.array([*before[name][:2], (before[name][2] + 1) % 6], "int32")
        after = run(network, changed)
        np.testing.assert_allclose(after[:2], out[:2], atol=1e-5)
        assert np.abs(after[2] - out[2]).max() > 1e-3, name


def test_without_conditions_and_at_other_sizes(make):
    network = awake(make())
    for size in ((8, 8), (12, 4), (16, 20)):
        assert run(network, inputs(size=size, only=())).shape == (3, *size, 2)


def test_every_weight_gets_a_gradient(make):
    from keras_imgen.training import backend

    network = awake(make(**CONDITIONS))
    variables = network.trainable_variables
    model = keras.Model(network.inputs, network.outputs)
    given = inputs()

    def loss():
        value = ops.mean(ops.square(network(given, training=True)))
        return value, value

    _, grads = backend.gradients(model, loss, variables)
    silent = [v.path for v, g in zip(variables, grads) if not np.abs(ops.convert_to_numpy(g)).max() > 0]
    # A key's bias adds the same to every score, which softmax does not see: its gradient is rounding.
    assert not [path for path in silent if not path.endswith("key/bias")]


def test_saved_and_loaded_is_the_same(make, tmp_path):
    network = awake(make(**CONDITIONS))
    network.save(tmp_path / "n.keras")
    loaded = keras.saving.load_model(tmp_path / "n.keras")
    np.testing.assert_array_equal(run(network, inputs()), run(loaded, inputs()))
    assert loaded.num_classes == 5 and loaded.image_shape == (8, 8, 2)


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
def test_mixed_precision_is_near_float32(make, policy):
    network = awake(make(**CONDITIONS))
    keras.config.set_dtype_policy(policy)
    try:
        half = make(**CONDITIONS)
    finally:
        keras.config.set_dtype_policy("float32")
    half.set_weights(network.get_weights())
    expected, out = run(network, inputs()), run(half, inputs())
    assert out.dtype == np.float32
    assert np.abs(out - expected).max() < (0.02 if policy == "mixed_float16" else 0.15) * np.abs(expected).max()


@pytest.mark.slow
def test_attention_of_a_unet_can_be_told_where_it_is():
    """What attention sees is the same everywhere in a flat picture far from its edges: only positions tell places apart."""
    keras.utils.set_random_seed(0)
    given = {**inputs(1, (48, 48), only=("sequence",)), "image": np.ones((1, 48, 48, 2), "float32")}
    spread = {}
    for positions in (False, True):
        network = awake(unet((48, 48, 2), (8,), 1, (48,), sequence_dim=7, positions=positions))
        spread[positions] = run(network, given)[0, 16:32, 16:32].std((0, 1)).max()
    assert spread[False] < 1e-5 and spread[True] > 1e-3


def test_a_unet_of_another_kind_of_output():
    network = awake(unet((8, 8, 2), (8, 16), 1, (4,), vector_dim=3, out_channels=5, log_snr=False))
    assert [*network.input] == ["image", "vector"]
    given = {k: v for k, v in inputs(only=("vector",)).items() if k != "log_snr"}
    assert run(network, given).shape == (3, 8, 8, 5)
    assert run(awake(unet((8, 8, 2), (8,), 1, (), log_snr=False)), {"image": given["image"]}).shape == (3, 8, 8, 2)


def test_dit_knows_where_a_patch_is():
    """Without positions, attention would return the same for patches in any order."""
    network = awake(MAKE["dit"]())
    given = inputs(only=())
    turned = {**given, "image": given["image"][:, :, ::-1]}
    out, back = run(network, given), run(network, turned)[:, :, ::-1]
    assert np.abs(out - back).max() > 1e-2


def test_attention_is_the_formula():
    rng = np.random.default_rng(0)
    layer = Attention(heads=2, zero=False)
    x, context = rng.normal(size=(2, 5, 8)).astype("float32"), rng.normal(size=(2, 3, 6)).astype("float32")
    out = ops.convert_to_numpy(layer(x, context))
    q, k, v = (
        (np.float64(a) @ np.float64(d.kernel) + np.float64(d.bias)).reshape(2, -1, 2, 4).transpose(0, 2, 1, 3)
        for a, d in ((x, layer.query), (context, layer.key), (context, layer.value))
    )
    p = np.exp(q @ k.transpose(0, 1, 3, 2) / 2.0)
    mixed = (p / p.sum(-1, keepdims=True) @ v).transpose(0, 2, 1, 3).reshape(2, 5, 8)
    np.testing.assert_allclose(out, mixed @ np.float64(layer.out.kernel) + np.float64(layer.out.bias), atol=1e-5)


def test_bad_sizes_are_refused():
    with pytest.raises(ValueError, match="divisible by 4"):
        unet((10, 8, 1), widths=(8, 8, 8))
    with pytest.raises(ValueError, match="widths that 4 divides, for positions"):
        unet((8, 8, 1), widths=(6,), positions=True)
    with pytest.raises(ValueError, match="patch of 4"):
        dit((10, 8, 1), patch=4)
    with pytest.raises(ValueError, match="heads=3"):
        dit((8, 8, 1), width=16, heads=3)


# === Adversarial ===


@pytest.mark.parametrize("kind", ["mlp", "dcgan", "resnet_gan"])
@pytest.mark.parametrize("size, classes", [(28, None), (32, 10), (64, None)])
def test_players_fit_each_other(kind, size, classes):
    from keras_imgen import networks

    if kind == "resnet_gan" and size == 64:
        pytest.skip("as 32")
    make, judge = getattr(networks, f"{kind}_generator"), getattr(networks, f"{kind}_discriminator")
    small = {} if kind == "mlp" else {"width": 4}
    generator, discriminator = make((size, size, 3), 8, num_classes=classes, **small), None
    labels = {} if classes is None else {"label": np.array([1, 7])}
    latent = np.random.default_rng(0).normal(size=(2, 8)).astype("float32")
    images = np.array(generator({"latent": latent, **labels}))
    assert images.shape == (2, size, size, 3) and np.abs(images).max() <= 1
    for conditioning in ("concat", "projection", "auxiliary"):
        discriminator = judge((size, size, 3), num_classes=classes, conditioning=conditioning, **small)
        found = discriminator({"image": images, **labels})
        if classes and conditioning == "auxiliary":
            assert found["class_logits"].shape == (2, 10)
            found = found["logits"]
        assert found.shape == (2, 1)


def test_patches_are_as_large_as_said():
    """A logit of depth 1 depends on 16 pixels a side."""
    from keras_imgen.networks import patchgan

    network = patchgan((64, 64, 1), width=2, depth=1)
    for layer in network.layers:
        if "norm" in layer.name:  # instance norm looks at the whole picture
            layer.call = lambda x, modulation=None: x
    x = np.zeros((1, 64, 64, 1), "float32")
    x[0, 32, 32] = 1
    changed = (np.array(network(x)) != np.array(network(0 * x)))[0, ..., 0]
    reach = 2 * changed.any(1).sum()
    assert 12 <= reach <= 18, reach
