import os

import keras
import numpy as np
import pytest
from PIL import Image
from skimage import data as pictures

from keras_imgen.data.image_io import resize
from keras_imgen.metrics import PerceptualDistance, extractors
from keras_imgen.networks import lenet


def test_resizing_is_pillow_on_float_planes_and_antialiased():
    image = pictures.chelsea()[:200, :300]
    got = extractors.bicubic(image[None], (40, 50))[0]
    plane = Image.fromarray(image[..., 1].astype("float32"), mode="F").resize((50, 40), Image.Resampling.BICUBIC)
    np.testing.assert_array_equal(got[..., 1], np.clip(np.asarray(plane), 0, 255))
    assert got.dtype == np.float32 and (got % 1 != 0).any()  # not rounded
    checks = np.indices((64, 64)).sum(0)[None, ..., None].astype("uint8") % 2 * 255
    assert np.ptp(extractors.bicubic(checks, (16, 16))[0, 2:-2, 2:-2]) < 10  # aliasing would keep black and white
    assert extractors.bicubic(image[None], (200, 300)).tobytes() == image.astype("float32").tobytes()


@pytest.fixture
def saved(tmp_path):
    keras.utils.set_random_seed(0)
    model = lenet((16, 16, 1), 10, name="my_lenet")
    path = str(tmp_path / "judge.keras")
    model.save(path)
    return model, path


def test_a_classifier_from_a_file(saved):
    model, path = saved
    judge = extractors.get(path)
    images = np.random.default_rng(0).integers(0, 256, (5, 16, 16, 1), dtype="uint8")
    features, probabilities = judge(images)
    assert features.shape == (5, 64)
    np.testing.assert_allclose(probabilities, keras.ops.softmax(model(images)), rtol=1e-5)
    inner = keras.Model(model.input, model.get_layer("features").output)
    np.testing.assert_allclose(features, inner(images), rtol=1e-5, atol=1e-6)
    colour = np.repeat(images, 3, -1)
    np.testing.assert_allclose(judge(colour)[0], features, rtol=1e-4, atol=1e-4)  # gray by luma
    assert judge.identity.startswith("my-lenet@") and len(judge.digest) == 4
    assert judge.named("Fréchet") == f"Fréchet classifier distance [{judge.identity}]"


def test_the_digest_is_of_the_weights(saved, tmp_path):
    model, path = saved
    first = extractors.get(path).digest
    assert extractors.get(path).digest == first
    kernel = model.layers[-1].kernel
    kernel.assign(kernel + 1e-3)
    model.save(path)
    assert extractors.get(path).digest != first


@pytest.mark.slow
def test_inception_with_random_weights_and_what_is_missing(monkeypatch):
    keras.utils.set_random_seed(0)
    judge = extractors.inception(weights=None)
    features, probabilities = judge(np.random.default_rng(0).integers(0, 256, (2, 32, 32, 1), dtype="uint8"))
    assert features.shape == (2, 2048) and probabilities.shape == (2, 1000)
    np.testing.assert_allclose(probabilities.sum(1), 1, rtol=1e-5)
    assert judge.named("Fréchet") == "FID" and judge.named("kernel") == "KID"

    def offline(*args, **kwargs):
        raise Exception("URL fetch failure on somewhere: None -- unreachable")

    monkeypatch.setattr(keras.applications, "InceptionV3", offline)
    with pytest.raises(FileNotFoundError, match="could not be downloaded.*efficientnet-lite0"):
        extractors.get("inceptionv3")


def test_unknown_ones_are_refused(monkeypatch, tmp_path):
    with pytest.raises(ValueError, match="Choose one of inceptionv3"):
        extractors.get("vgg")
    with pytest.raises(FileNotFoundError, match="no classifier"):
        extractors.get("nowhere.keras")
    monkeypatch.setenv("KERAS_IMGEN_DATA", str(tmp_path))
    with pytest.raises(FileNotFoundError, match="KERAS_IMGEN_DATA"):
        extractors.get("efficientnet-lite0")
    with pytest.raises(ValueError, match="uint8"):
        extractors.get("digits-lenet")(np.zeros((2, 16, 16, 1), "float32"))


def test_the_shipped_judges_know_their_pictures():
    from keras_imgen.data import load

    judge = extractors.get("digits-lenet")
    right = [
        judge(np.asarray(b["image"]))[1].argmax(1) == np.asarray(b["label"])
        for b in load("digits", "test", 16, 99, shuffle=False)
    ]
    assert np.concatenate(right).mean() > 0.96


def test_efficientnet_knows_a_cat_an_espresso_and_a_missile(real_data):
    judge = extractors.get("efficientnet-lite0")
    for name, classes in {"chelsea": range(281, 286), "coffee": (967,), "rocket": (657,)}.items():
        features, probabilities = judge(resize(getattr(pictures, name)(), (224, 224))[None])
        assert features.shape == (1, 1280) and probabilities[0].argmax() in classes, name


def test_squeezenet_distance_grows_with_blur_and_noise(real_data):
    from skimage.filters import gaussian

    clean = pictures.astronaut()[100:228, 100:228].astype("float32") / 127.5 - 1
    distance = PerceptualDistance()
    assert distance.name == "perceptual distance [squeezenet11]"
    noise = np.random.default_rng(0).normal(size=clean.shape).astype("float32")
    for changed in (
        [gaussian(clean, s, channel_axis=-1) for s in (0.5, 1, 2, 4)],
        [clean + s * noise for s in (0.02, 0.05, 0.1, 0.3)],
    ):
        values = [float(distance.distance(clean[None], v[None].astype("float32"))[0]) for v in changed]
        assert values == sorted(values) and values[0] > 0
    assert float(distance.distance(clean[None], clean[None])[0]) == 0


def test_perceptual_distance_is_its_equation():
    """On a trunk that is the identity: the squared difference of unit vectors, weighted, averaged over places."""
    image = keras.Input((None, None, 3))
    trunk = keras.Model(image, [keras.layers.Identity()(image), keras.layers.AveragePooling2D(2)(image)], name="toy")
    rng = np.random.default_rng(0)
    a, b = rng.uniform(10, 255, (2, 4, 8, 8, 3)).astype("float32")
    heads = [np.array([1.0, 2.0, 3.0]), np.array([0.5, 0.0, 1.0])]
    unit = lambda v: v / np.linalg.norm(v, axis=-1, keepdims=True)  # noqa: E731
    pool = lambda v: v.reshape(4, 4, 2, 4, 2, 3).mean((2, 4))  # noqa: E731
    expected = sum(
        (((unit(f(a)) - unit(f(b))) ** 2) @ h).mean((1, 2)) for f, h in ((lambda v: v, heads[0]), (pool, heads[1]))
    )
    metric = PerceptualDistance(trunk, heads, data_range=255)
    np.testing.assert_allclose(metric.distance(a, b), expected, rtol=1e-4)
    metric.update_state(a[:1], b[:1])
    metric.update_state(a[1:], b[1:])
    assert float(metric.result()) == pytest.approx(expected.mean(), rel=1e-4) and metric.name == "lpips [toy]"
    with pytest.raises(ValueError, match="sizes"):
        PerceptualDistance(trunk, heads[:1])


def test_files_that_are_not_the_networks(tmp_path):
    from keras_imgen.networks import efficientnet_lite0

    path = os.path.join(tmp_path, "weights.npz")
    np.savez(path, nothing=np.zeros(3))
    with pytest.raises(ValueError, match="_conv_stem.weight"):
        efficientnet_lite0(path)
