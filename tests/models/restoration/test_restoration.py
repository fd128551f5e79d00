"""Restoring models: what they learn is what theory says, what they keep, and that they go on to the bit."""

import keras
import numpy as np
import pytest
from keras import layers, ops
from PIL import Image
from skimage import color

from keras_imgen import load_model, serving
from keras_imgen.models import Colorizer, Deblurrer, Denoiser, Enhancer, Inpainter, SuperResolution, ZeroDCE
from keras_imgen.models.adversarial import GradientPenalty, LeCam
from keras_imgen.models.restoration import objectives
from keras_imgen.models.restoration.lab import lab, rgb
from keras_imgen.networks import (
    compact_inpainter,
    copy_weights,
    edsr,
    ffdnet,
    inpainting_unet,
    latent_encoder,
    lowlight_unet,
    patchgan,
    zero_dce,
)

RNG = np.random.default_rng(0)
COLOUR = RNG.integers(0, 256, (24, 16, 16, 3)).astype("uint8")
GRAY = COLOUR[..., :1]


def small(scale=1, channels=3, **kwargs):
    keras.utils.set_random_seed(0)
    return edsr(scale, channels, width=8, blocks=1, **kwargs)


def awake(network):
    """Weights that start at zero are set, so that the network does something."""
    rng = np.random.default_rng(1)
    for v in network.trainable_variables:
        if not np.array(v).any():
            v.assign(rng.normal(0, 0.1, v.shape))
    return network


# === What they learn ===


def one_number():
    """y = w x."""
    start = keras.initializers.Constant(0.3)
    layer = layers.Conv2D(1, 1, use_bias=False, kernel_initializer=start, dtype="float32", name="gain")
    return keras.Sequential([keras.Input((None, None, 1), name="image"), layer])


@pytest.mark.one_backend
def test_a_linear_denoiser_learns_wieners_gain():
    """Of x ~ N(0, s^2) and noise of sigma the best linear answer is s^2 / (s^2 + sigma^2) times the sum."""
    clean = RNG.normal(0, 0.2, (256, 16, 16, 1)).clip(-1, 1).astype("float32")
    model = Denoiser(one_number(), sigma=30.0)
    model.compile(keras.optimizers.Adam(0.02))
    model.fit(clean, batch_size=32, epochs=12, verbose=0)
    s2, sigma2 = clean.var(), (30 / 127.5) ** 2
    gain = float(np.array(model.network.weights[0]).squeeze())
    assert abs(gain - s2 / (s2 + sigma2)) < 0.02
    scores = model.evaluate(clean, verbose=0, return_dict=True)
    assert abs(scores["loss"] / (s2 * sigma2 / (s2 + sigma2)) - 1) < 0.03  # the error that theory leaves
    assert scores == model.evaluate(clean, verbose=0, return_dict=True)


@pytest.mark.one_backend
def test_noise_has_the_levels_that_were_asked_for():
    model = Denoiser(awake(ffdnet(1, width=8, depth=3)), sigma=(10, 50))
    image = ops.zeros((400, 12, 12, 1))
    given, target = model.pair({"image": image}, model.next_keys(400))
    sigma = np.array(given["sigma"])
    assert sigma.min() >= 10 and sigma.max() <= 50 and abs(sigma.mean() - 30) < 2
    measured = np.array(given["image"]).std(axis=(1, 2, 3)) * 127.5
    assert np.abs(measured / sigma - 1).mean() < 0.06  # of 144 numbers: 1 / sqrt(288)
    assert not np.array(target).any()


@pytest.mark.one_backend
@pytest.mark.slow
def test_conditional_vae_has_several_answers():
    """The target is lighter or darker than the image by chance: without latents the best L1 is the step itself."""
    step = RNG.choice([-60, 60], (96, 1, 1, 1))
    image = np.full((96, 4, 4, 1), 128, "uint8")
    target = (image + step).astype("uint8")
    keras.utils.set_random_seed(0)
    network = edsr(1, 1, width=8, blocks=1, latent_channels=1)
    model = Enhancer(network, encoder=latent_encoder(1, 1, 1, width=8), kl_weight=0.05, ema=None)
    model.compile(keras.optimizers.Adam(1e-2))
    logs = model.fit(image, target, batch_size=16, epochs=25, verbose=0).history
    assert logs["loss"][-1] < 0.25 < 0.45 < logs["loss"][0]  # the step is 0.47
    assert logs["kl"][-1] > 0.5  # ln 2 = 0.69 nats tell which
    drawn = [model.restore(image[0], seed=k).astype(int).mean() for k in range(32)]
    assert min(drawn) < 100 and max(drawn) > 156
    assert (model.restore(image[0], seed=3) == model.restore(image[0], seed=3)).all()
    small_copy = model.for_inference()
    np.testing.assert_array_equal(small_copy.restore(image[:2], seed=1), model.restore(image[:2], seed=1))


@pytest.mark.slow
@pytest.mark.one_backend
def test_zero_dce_lights_the_dark_without_targets():
    dark = (COLOUR[:16].repeat(2, 1).repeat(2, 2) // 8).astype("uint8")
    keras.utils.set_random_seed(0)
    model = ZeroDCE(zero_dce(width=8), ema=None)
    model.compile(keras.optimizers.Adam(5e-3))
    logs = model.fit(dark, batch_size=8, epochs=40, verbose=0).history
    assert logs["exposure"][-1] < 0.5 * logs["exposure"][0]
    assert model.restore(dark[0]).mean() > 2 * dark[0].mean()
    assert set(model.evaluate(dark, verbose=0, return_dict=True)) == {
        "loss",
        "spatial",
        "exposure",
        "colour",
        "smoothness",
    }


def test_objectives_are_summed_by_weight():
    a, b = (ops.convert_to_tensor(RNG.uniform(-1, 1, (2, 16, 16, 3)).astype("float32")) for _ in range(2))
    model = Deblurrer(small(), [objectives.L1(0.5), objectives.DSSIM(2.0), "charbonnier"])
    loss, logs, restored = model.losses({"image": a}, b, model.next_keys(2), False)
    x, y = np.array(restored), np.array(b)
    np.testing.assert_allclose(float(logs["l1"]), np.abs(x - y).mean(), rtol=1e-5)
    np.testing.assert_allclose(float(logs["charbonnier"]), np.sqrt((x - y) ** 2 + 1e-6).mean(), rtol=1e-5)
    total = 0.5 * float(logs["l1"]) + 2.0 * float(logs["dssim"]) + float(logs["charbonnier"])
    np.testing.assert_allclose(float(loss), total, rtol=1e-5)
    error = ((x.clip(-1, 1) - y) ** 2).mean((1, 2, 3))
    np.testing.assert_allclose(float(logs["psnr"]), (10 * np.log10(4 / error)).mean(), rtol=1e-5)
    with pytest.raises(ValueError, match="each once"):
        Deblurrer(small(), ["l1", "l1"])
    with pytest.raises(ValueError, match="Expected one of"):
        Deblurrer(small(), "l3")


def test_objectives_follow_the_step(tmp_path):
    """A weight that falls and a lazy objective: in training, in evaluation, where nothing is lazy, and after loading."""
    falling = keras.optimizers.schedules.PolynomialDecay(1.0, 10, 0.0)  # 1 - t / 10
    model = Enhancer(one_number(), [objectives.L1(falling), objectives.MSE(2.0, every=2)], ema=None)
    model.compile(keras.optimizers.SGD(0.0))
    data = {"image": GRAY, "target": 255 - GRAY}
    x, y = GRAY / 127.5 - 1, 1 - GRAY / 127.5
    l1, mse = np.abs(0.3 * x - y).mean(), ((0.3 * x - y) ** 2).mean()
    logs = model.fit(data, batch_size=24, epochs=4, verbose=0).history
    lazy = np.array([2 * mse, 0, 2 * mse, 0])
    np.testing.assert_allclose(logs["l1"], [l1] * 4, rtol=1e-5)
    np.testing.assert_allclose(logs["mse"], lazy, rtol=1e-5)
    np.testing.assert_allclose(logs["loss"], (1 - np.arange(4) / 10) * l1 + 2.0 * lazy, rtol=1e-5)
    model.save(tmp_path / "m.keras")
    for each in (model, load_model(str(tmp_path / "m.keras"))):
        found = each.evaluate(data, batch_size=24, verbose=0, return_dict=True)
        np.testing.assert_allclose([found["mse"], found["loss"]], [mse, 0.7 * l1 + 2.0 * mse], rtol=1e-5)


@pytest.mark.one_backend
def test_features_and_their_statistics_as_objectives(tmp_path):
    """With the pixels as features, it is the angle between colours; its style does not see where things are. The trunk is kept."""
    image = keras.Input((None, None, 3))
    pixels = layers.Rescaling(1 / 127.5, -1.0)(image)
    trunk = keras.Model(image, [pixels, layers.Conv2D(2, 1, name="mixed")(pixels)])
    a, b = (ops.convert_to_tensor(RNG.uniform(-1, 1, (2, 8, 8, 3)).astype("float32")) for _ in range(2))
    same = objectives.Perceptual(trunk=trunk, layers=(0,))
    x, y = np.array(a), np.array(b)
    cosine = (x * y).sum(-1) / np.linalg.norm(x, axis=-1) / np.linalg.norm(y, axis=-1)
    np.testing.assert_allclose(float(same(a, b)), (2 - 2 * cosine).mean(), rtol=1e-4)
    style = objectives.Style(trunk=trunk, layers=(0,))
    gram = lambda v: np.einsum("nhwc,nhwd->ncd", v, v)  # noqa: E731
    shares = ((gram(x) - gram(y)) ** 2).sum((1, 2)) / (gram(x) ** 2).sum((1, 2))
    np.testing.assert_allclose(float(style(a, b)), shares.mean(), rtol=1e-4)
    assert float(style(a, ops.flip(a, axis=1))) < 1e-6 < float(same(a, ops.flip(a, axis=1)))
    model = Enhancer(small(), ["l1", objectives.Perceptual(0.1, trunk=trunk), objectives.Style(0.1, trunk=trunk)])
    model.compile()
    logs = model.fit(COLOUR, 255 - COLOUR, batch_size=8, verbose=0).history
    assert np.isfinite([v[0] for v in logs.values()]).all()
    model.save(tmp_path / "m.keras")
    again = load_model(str(tmp_path / "m.keras"))
    np.testing.assert_array_equal(again.trunks[0].get_weights()[0], trunk.get_weights()[0])
    assert model.for_inference().count_params() < model.network.count_params() + 10


# === What they keep ===


@pytest.mark.one_backend
def test_lab_is_the_one_of_scikit_image():
    x = RNG.uniform(0, 1, (50, 50, 3)).astype("float32")
    np.testing.assert_allclose(np.array(lab(ops.convert_to_tensor(2 * x - 1))), color.rgb2lab(x), atol=2e-3)
    back = (np.array(rgb(lab(ops.convert_to_tensor(2 * x - 1)))) + 1) / 2
    np.testing.assert_allclose(back, x, atol=1e-4)


@pytest.mark.one_backend
def test_a_colorizer_keeps_the_lightness():
    network = keras.Sequential([keras.Input((None, None, 1)), layers.Conv2D(2, 3, padding="same", dtype="float32")])
    network.layers[0].set_weights([RNG.normal(0, 0.05, (3, 3, 1, 2)), np.array([0.1, -0.1])])
    model = Colorizer(network)
    gray = RNG.integers(90, 160, (20, 24)).astype("uint8")  # where nothing is clipped
    out = model.restore(gray)
    assert out.shape == (20, 24, 3) and np.ptp(out.astype(int), axis=-1).min() > 5
    lightness = lambda v: color.rgb2lab(v)[..., 0]  # noqa: E731
    assert np.abs(lightness(out) - lightness(np.repeat(gray[..., None], 3, -1))).max() < 0.5
    model.compile()
    assert np.isfinite(model.fit(COLOUR, batch_size=8, verbose=0).history["loss"]).all()


@pytest.mark.one_backend
def test_an_inpainter_paints_holes_alone():
    network = awake(inpainting_unet(3, width=8, depth=2))
    model = Inpainter(network)
    holes = (RNG.random((24, 16, 16, 1)) < 0.3).astype("uint8")
    out = model.restore(COLOUR, masks=holes)
    assert (out == COLOUR)[np.broadcast_to(holes == 0, out.shape)].all() and (out != COLOUR).any()
    other = np.where(holes, 255 - COLOUR, COLOUR)
    np.testing.assert_array_equal(
        model.restore(other, masks=holes) * holes, out * holes
    )  # what is in a hole does not matter
    model.compile()
    assert np.isfinite(model.fit({"image": COLOUR, "target": COLOUR, "mask": holes}, verbose=0).history["loss"]).all()
    with pytest.raises(ValueError, match="`mask` of shape"):
        model.fit(COLOUR, COLOUR)
    with pytest.raises(ValueError, match="takes a `mask`"):
        Inpainter(small())


@pytest.mark.one_backend
def test_tiles_do_not_show():
    picture = RNG.integers(0, 256, (150, 131, 3)).astype("uint8")
    for model in (SuperResolution(awake(small(2)), 2), Denoiser(awake(small()))):
        whole = model.restore(picture).astype(int)
        assert np.abs(whole - model.restore(picture, tile=96, overlap=32)).max() <= 1
        assert (whole != picture.repeat(model.scale, 0).repeat(model.scale, 1)).any()


def test_a_hole_in_a_picture_below_1024_pixels_is_painted_from_all_of_it():
    picture = np.repeat(np.linspace(0, 255, 700).astype("uint8")[None, :, None], 3, -1).repeat(70, 0)
    holes = np.zeros(picture.shape[:2], bool)
    holes[:, 100:650] = True
    model = Inpainter(compact_inpainter(widths=(4,)))
    painted = model.restore(picture, masks=holes)
    np.testing.assert_array_equal(painted, model.restore(picture, masks=holes, tile=2048))
    assert (painted != model.restore(picture, masks=holes, tile=512)).any()


@pytest.mark.one_backend
def test_tiles_agree_about_the_light_of_the_whole():
    rows = np.linspace(0, 200, 200)[:, None, None] * np.ones((1, 150, 3))  # dark above, light below
    picture = (rows + RNG.integers(0, 20, rows.shape)).astype("uint8")
    model = Enhancer(awake(lowlight_unet(width=6, blocks=(1,), whole=16)), overlap=48)
    whole = model.restore(picture).astype(int)
    tiles = model.restore(picture, tile=112).astype(int)
    assert np.abs(whole - tiles).mean() < 0.5 and np.percentile(np.abs(whole - tiles), 99.9) <= 3
    top = model.restore(picture[:112]).astype(int)  # without the rest it is another picture
    assert np.abs(whole[:64] - top[:64]).mean() > 0.05 + np.abs(whole[:64] - tiles[:64]).mean()


def test_exposure_and_grain_are_the_users():
    network = lowlight_unet(width=6, blocks=(1,), whole=16)
    model = Enhancer(awake(network))
    picture = RNG.integers(20, 120, (2, 24, 24, 3)).astype("uint8")
    plain = model.restore(picture).astype(int)
    np.testing.assert_array_equal(plain, model.restore(picture, exposure=0, grain=0))
    darker, brighter = (model.restore(picture, exposure=e).astype(int) for e in (-1, 1))
    assert darker.mean() < plain.mean() < brighter.mean()
    each = model.restore(picture, exposure=[-1, 1], conditions={"grain": 0.0})
    np.testing.assert_array_equal(each, np.stack([darker[0], brighter[1]]))
    assert (plain != model.restore(picture, grain=1.0)).any()
    for wrong in ({"exposure": 9}, {"grain": -0.1}, {"exposure": "x"}, {"exposure": [1, 2, 3]}):
        with pytest.raises(ValueError, match=next(iter(wrong))):
            model.restore(picture, **wrong)
    with pytest.raises(TypeError, match="exposure"):
        Enhancer(small()).restore(picture, exposure=1)


@pytest.mark.one_backend
def test_stops_are_learned_and_grain_keeps_noise_alone():
    """All grain kept, a dark picture becomes as bright as without."""
    target = RNG.integers(60, 200, (8, 4, 4, 3)).astype("uint8").repeat(6, 1).repeat(6, 2)
    dark = (target // 3).astype("uint8")
    model = Enhancer(lowlight_unet(width=6, blocks=(1,), whole=16))
    model.compile(keras.optimizers.Adam(0.01))
    model.fit({"image": dark, "target": target}, epochs=40, batch_size=8, verbose=0)
    assert np.abs(np.array(model.network.get_layer("stops").kernel)).max() > 0
    for grain in (0.0, 1.0):
        assert model.restore(dark, grain=grain).mean() > 0.75 * target.mean()


def test_a_denoiser_of_other_noise_sees_gaussian_noise_too():
    """Pairs whose image says nothing: what is learned from the rest is the target with noise."""
    model = Denoiser(small(1, 1), sigma=20.0, gaussian_share=0.25)
    target = ops.convert_to_tensor(np.zeros((400, 8, 8, 1), "float32"))
    keys = model.next_keys(400)
    given, found = model.pair({"image": target - 5.0, "target": target}, keys)
    noisy = np.array(given["image"]).mean((1, 2, 3)) > -4
    assert noisy.mean() == pytest.approx(0.25, abs=0.08) and (np.array(found) == 0).all()
    assert np.array(given["image"])[noisy].std() * 127.5 == pytest.approx(20, rel=0.05)
    with pytest.raises(ValueError, match="`gaussian_share` in"):
        Denoiser(small(1, 1), gaussian_share=1.5)


@pytest.mark.one_backend
def test_frozen_layers_stay_and_weights_move_to_another_scale():
    first = awake(small(2))
    network = small(3)
    assert copy_weights(first, network) == ["up0_conv"]  # 4 and 9 times the features
    np.testing.assert_array_equal(
        network.get_layer("block0_conv0").get_weights()[0], first.get_layer("block0_conv0").get_weights()[0]
    )
    for layer in network.layers:
        layer.trainable = layer.name in ("up0_conv", "conv_out")
    before = {layer.name: layer.get_weights() for layer in network.layers if layer.weights}
    model = SuperResolution(network, 3)
    model.compile(keras.optimizers.Adam(1e-2))
    model.fit(COLOUR, COLOUR.repeat(3, 1).repeat(3, 2), batch_size=8, verbose=0)
    moved = {n for n, w in before.items() if any((a != b).any() for a, b in zip(w, network.get_layer(n).get_weights()))}
    assert moved == {"up0_conv", "conv_out"}
    with pytest.raises(ValueError, match="No layer"):
        copy_weights(one_number(), network)


# === Against a discriminator; saving; serving ===


def adversarial():
    keras.utils.set_random_seed(0)
    model = SuperResolution(
        small(2),
        2,
        ["l1", "dssim"],
        discriminator=patchgan((None, None, 3), width=8, depth=1),
        adversarial="wasserstein",
        adversarial_weight=0.1,
        regularizers=[GradientPenalty(every=2), LeCam()],
    )
    model.compile(network_optimizer=keras.optimizers.Adam(1e-3), discriminator_optimizer=keras.optimizers.Adam(2e-3))
    return model


PAIRS = {"image": COLOUR, "target": COLOUR.repeat(2, 1).repeat(2, 2)}


@pytest.mark.one_backend
def test_the_discriminator_plays():
    model = adversarial()
    before = [np.array(v) for v in model.discriminator.trainable_variables]
    logs = model.fit(PAIRS, batch_size=8, epochs=1, verbose=0).history
    assert {
        "loss",
        "psnr",
        "l1",
        "dssim",
        "adversarial",
        "discriminator_loss",
        "real_accuracy",
        "fake_accuracy",
        "gradient_penalty",
        "lecam",
    } == set(logs)
    assert logs["gradient_penalty"][0] > 0
    with pytest.raises(ValueError, match="each of the `regularizers` once"):
        Deblurrer(small(), discriminator=model.discriminator, regularizers=[LeCam(), LeCam(0.5)])
    with pytest.raises(ValueError, match="no discriminator"):
        Deblurrer(small(), regularizers=[LeCam()])
    assert any((a != np.array(b)).any() for a, b in zip(before, model.discriminator.trainable_variables))
    total = logs["l1"][0] + logs["dssim"][0] + 0.1 * logs["adversarial"][0]
    np.testing.assert_allclose(logs["loss"][0], total, rtol=1e-4)


@pytest.mark.one_backend
@pytest.mark.parametrize("way", ["residual", "adversarial", "variational"])
@pytest.mark.parametrize("task", ["super-resolution", "denoising", "enhancement"])
def test_every_task_in_every_way(task, way):
    """Training changes every network that plays, and what comes out has the right size."""
    scale = 2 if task == "super-resolution" else 1
    kwargs, latents = {"ema": None}, None
    if way == "adversarial":
        kwargs["discriminator"] = patchgan((None, None, 3), width=8, depth=1)
    if way == "variational":
        kwargs["encoder"], latents = latent_encoder(scale, 3, 2, width=8), 2
    network = small(scale, latent_channels=latents)
    make = {
        "super-resolution": lambda: SuperResolution(network, 2, **kwargs),
        "denoising": lambda: Denoiser(network, **kwargs),
    }
    model = make.get(task, lambda: Enhancer(network, **kwargs))()
    model.compile(run_eagerly=keras.backend.backend() == "tensorflow")
    data = {"image": COLOUR[:4]} if task == "denoising" else {**{k: v[:4] for k, v in PAIRS.items()}}
    if task == "enhancement":
        data = {"image": COLOUR[:4], "target": 255 - COLOUR[:4]}
    before = {name: [np.array(v) for v in player.trainable_variables] for name, player in model.players.items()}
    for _ in range(4):  # what starts at zero lets gradients through in the step after
        logs = model.train_on_batch(data, return_dict=True)
    assert np.isfinite([float(v) for v in logs.values()]).all() and ("kl" in logs) == (way == "variational")
    for name, player in model.players.items():
        still = [b.path for a, b in zip(before[name], player.trainable_variables) if not (a != np.array(b)).any()]
        assert set(still) <= {"logits/bias"}  # a relativistic loss sees differences alone
    assert model.restore(COLOUR[0]).shape == (16 * scale, 16 * scale, 3)


@pytest.mark.tensorflow
@pytest.mark.slow
def test_served_as_in_memory(tmp_path):
    import tensorflow as tf

    picture = RNG.integers(90, 166, (40, 29, 3)).astype("uint8")  # so that no colour is clipped
    holes = RNG.random((40, 29)) < 0.2
    keras.utils.set_random_seed(0)
    cases = [
        (SuperResolution(awake(small(2, 1)), 2), {}),
        (Denoiser(awake(ffdnet(1, width=8, depth=3))), {"sigma": 15}),
        (Inpainter(awake(inpainting_unet(3, width=8, depth=2))), {"masks": holes}),
        (Denoiser(awake(small(latent_channels=2)), encoder=latent_encoder(1, 3, 2, width=8)), {}),
    ]
    for k, (model, given) in enumerate(cases):
        model.export(str(tmp_path / f"m{k}"))
        served = serving.load(str(tmp_path / f"m{k}"))
        expected = model.restore(picture, **given, **({"consistent": False} if k == 0 else {}))
        for image in (picture, np.dstack([picture, picture[..., 0]]), picture.astype("uint16") * 257, picture[:1, :1]):
            extra = given if image.shape[:2] == (40, 29) or "masks" not in given else {"masks": holes[:1, :1]}
            for more in ({}, {"strength": 0.4}, {"consistent": False} if k == 0 else {}):
                how = {**extra, **more}
                np.testing.assert_array_equal(served.restore(image, **how), model.restore(image, **how))
        endpoint = tf.saved_model.load(str(tmp_path / f"m{k}")).signatures["restore_bytes"]
        text = lambda x: tf.constant([tf.io.encode_png(x).numpy()] * 2)  # noqa: E731
        strings = {"image_bytes": text(picture)}
        if "sigma" in given:
            strings["sigma"] = tf.constant([15.0, 15.0])
        if "masks" in given:
            strings["mask_bytes"] = text(holes[..., None].astype("uint8") * 255)
        out = tf.io.decode_png(endpoint(**strings)["image_bytes"][1]).numpy()
        assert out.shape == expected.shape
        assert np.abs(out.astype(int) - expected).max() <= 1  # roundings
    exif = Image.Exif()
    exif[0x0112] = 6  # held on its side
    Image.fromarray(picture).save(tmp_path / "held.jpg", exif=exif)
    endpoint = tf.saved_model.load(str(tmp_path / "m3")).signatures["restore_bytes"]
    out = endpoint(image_bytes=tf.constant([(tmp_path / "held.jpg").read_bytes()]))["image_bytes"]
    assert tf.io.decode_png(out[0]).shape == (29, 40, 3)


@pytest.mark.one_backend
def test_what_is_wrong_is_said():
    model = SuperResolution(small(2), 2)
    model.compile()
    with pytest.raises(ValueError, match="'image' and 'target'"):
        model.fit(COLOUR)
    with pytest.raises(ValueError, match="In 'target'.*32x32, got 16x16"):
        model.fit(COLOUR, COLOUR)
    with pytest.raises(ValueError, match="3 channel"):
        model.fit(GRAY, PAIRS["target"])
    with pytest.raises(TypeError, match="restore"):
        model.generate(2)
    with pytest.raises(ValueError, match="enlarges by 3"):
        SuperResolution(small(2), 3)
    variational = Enhancer(small(latent_channels=1))
    variational.compile()
    with pytest.raises(ValueError, match="encoder"):
        variational.fit(COLOUR, COLOUR)
    with pytest.raises(ValueError, match="encoder"):
        Enhancer(small(), encoder=latent_encoder(1, 3, 1, width=8))
    with pytest.raises(ValueError, match="`sigma`"):
        Denoiser(small(), sigma=(20, 10))
    told = Denoiser(ffdnet(3, width=8, depth=3))
    told.compile()
    with pytest.raises(ValueError, match="noise level"):
        told.fit(COLOUR, COLOUR)
    with pytest.raises(ValueError, match="do not apply"):
        ZeroDCE(zero_dce(width=8), discriminator=small())
    fixed = keras.Sequential([keras.Input((8, 8, 3)), layers.Conv2D(3, 3, padding="same")])
    with pytest.raises(ValueError, match="any size"):
        Enhancer(fixed)
    strided = keras.Sequential([keras.Input((None, None, 3)), layers.Conv2D(4, 2, 2), layers.Conv2DTranspose(3, 2, 2)])
    with pytest.raises(ValueError, match="PadToMultiple"):
        Enhancer(strided)


@pytest.mark.tensorflow
@pytest.mark.one_backend
def test_pairs_come_in_every_form_that_keras_has():
    """Tuples, dicts, datasets, validation data and single batches: the second is the target everywhere."""
    import tensorflow as tf

    image, target = RNG.uniform(-1.2, 1.2, (8, 8, 8, 3)).astype("float32"), np.full((8, 8, 8, 3), 0.5, "float32")
    model = Denoiser(small(), objectives="mse", ema=None)
    model.compile(keras.optimizers.SGD(0.0))
    expected = ((image - target) ** 2).mean()  # it starts as the identity
    rows = {"image": image, "target": target}
    for given in (
        (image, target),
        (rows, None),
        ({"image": image}, target),
        (tf.data.Dataset.from_tensor_slices((image, target)).batch(4), None),
        (tf.data.Dataset.from_tensor_slices(rows).batch(4), None),
    ):
        arrays = {} if hasattr(given[0], "element_spec") else {"batch_size": 4}
        held = {} if hasattr(given[0], "element_spec") else {"validation_data": given}
        logs = model.fit(*given, verbose=0, **arrays, **held).history
        np.testing.assert_allclose([v[0] for k, v in logs.items() if k.endswith("loss")], expected, rtol=1e-5)
        np.testing.assert_allclose(model.evaluate(*given, verbose=0, return_dict=True)["loss"], expected, rtol=1e-5)
    np.testing.assert_allclose(model.train_on_batch(image, target, return_dict=True)["loss"], expected, rtol=1e-5)
    gray = Colorizer(keras.Sequential([keras.Input((None, None, 1)), layers.Conv2D(2, 1)]))
    gray.compile()
    assert np.isfinite(gray.fit(GRAY, COLOUR, batch_size=8, verbose=0).history["loss"][0])


def test_float32_after_training_in_bfloat16(tmp_path):
    """What `restore` gives is what the saved file gives, and the optimizer goes on where it was."""
    from keras_imgen.training.precision import compute_in

    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        network = small(2)
    finally:
        keras.config.set_dtype_policy("float32")
    model = SuperResolution(awake(network), 2)
    model.compile(keras.optimizers.Adam(1e-3))
    model.fit(PAIRS, batch_size=8, verbose=0)
    half = model.restore(COLOUR.astype("float32") / 127.5 - 1)
    compute_in(model, "float32")
    whole = model.restore(COLOUR.astype("float32") / 127.5 - 1)
    assert 0 < np.abs(whole - half).max() < 0.05 and int(model.optimizer.iterations) == 3
    model.save(tmp_path / "m.keras")
    again = load_model(str(tmp_path / "m.keras"))
    np.testing.assert_array_equal(again.restore(COLOUR), model.restore(COLOUR))
    assert {v.compute_dtype for v in again.network.layers} == {"float32"}
    model.fit(PAIRS, batch_size=8, verbose=0)
    assert int(model.optimizer.iterations) == 6
