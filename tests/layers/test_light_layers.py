import numpy as np
import pytest
from keras import ops

from keras_imgen.inference.restorer import Form, restore
from keras_imgen.layers import Brighten, LogLight, Planes
from keras_imgen.layers.light import display, linear, small_luma

RNG = np.random.default_rng(0)
IMAGES = RNG.uniform(-1, 1, (2, 6, 7, 3)).astype("float32")


def light(images):
    return np.array(linear(ops.convert_to_tensor((images + 1) / 2)))


def brightened(images, stops):
    stops = np.full((*images.shape[:3], 1), stops, "float32")
    return np.array(Brighten()([ops.convert_to_tensor(images), ops.convert_to_tensor(stops)]))


def test_light_is_srgb():
    v = np.linspace(0, 1, 1001, dtype="float32")
    truth = np.where(v <= 0.04045, v / 12.92, ((v + 0.055) / 1.055) ** 2.4)
    np.testing.assert_allclose(linear(ops.convert_to_tensor(v)), truth, atol=1e-6)
    np.testing.assert_allclose(display(linear(ops.convert_to_tensor(v))), v, atol=1e-5)


def test_stops_multiply_the_light_of_shadows_and_white_stays_white():
    dark = IMAGES * 0.05 - 0.95
    np.testing.assert_allclose(light(brightened(dark, 3.0)), 8 * light(dark), rtol=2e-3, atol=1e-5)
    np.testing.assert_allclose(light(brightened(dark, -2.0)), light(dark) / 4, rtol=2e-3, atol=1e-5)
    white = np.ones((1, 2, 2, 3), "float32")
    for stops in (-4.0, 0.7, 6.0):
        np.testing.assert_allclose(brightened(white, stops), white, atol=1e-5)
        assert brightened(IMAGES, stops).max() <= 1 + 1e-5
    np.testing.assert_array_equal(brightened(IMAGES, 0.0), IMAGES)


def test_brighter_stays_brighter_and_hue_stays():
    ramp = np.linspace(-1, 1, 200, dtype="float32").reshape(1, 1, 200, 1)
    for stops in (-3.0, 1.0, 5.0):
        assert (np.diff(brightened(ramp, stops).ravel()) >= -1e-6).all()
    assert (np.diff([brightened(ramp, s).ravel() for s in (-2.0, 0.5, 1.0, 4.0)], axis=0) > -1e-6).all()
    before, after = light(IMAGES), light(brightened(IMAGES, 1.5))
    np.testing.assert_allclose(after / after.max(-1, keepdims=True), before / before.max(-1, keepdims=True), atol=1e-4)


def test_a_stop_is_as_much_everywhere():
    v = np.array([0.1, 0.2, 0.3, 0.6], "float32")
    x = np.array(display(ops.convert_to_tensor(v))).reshape(1, 1, 4, 1) * 2 - 1
    found = np.array(LogLight()(ops.convert_to_tensor(x)))[0, 0]
    np.testing.assert_array_equal(found[:, 0], x.ravel())
    assert (
        found[1, 1] - found[0, 1] == pytest.approx(0.25, abs=0.03) == pytest.approx(found[3, 1] - found[2, 1], abs=0.03)
    )
    white = np.array(LogLight()(ops.ones((1, 1, 1, 1))))[0, 0, 0, 1]
    assert white == pytest.approx(1, abs=2e-3)


def test_planes():
    found = np.array(Planes()([ops.convert_to_tensor(IMAGES), ops.convert_to_tensor(np.float32([[1, 2], [3, 4]]))]))
    assert found.shape == (2, 6, 7, 5) and (found[1, ..., 4] == 4).all() and (found[..., :3] == IMAGES).all()


@pytest.mark.parametrize("size", [(19, 31), (3, 8), (1, 70), (8, 16)])
def test_the_small_luma_is_the_same_in_tensors_and_on_the_host(size):
    pictures = RNG.integers(0, 256, (2, *size, 3)).astype("uint8")
    seen = {}

    def run(arrays):
        seen.update(arrays)
        return arrays["image"]

    restore(run, Form(3, 3, whole=8), pictures)
    found = np.array(small_luma(ops.convert_to_tensor(pictures / np.float32(127.5) - 1), 8))
    assert found.shape == seen["whole"].shape == (2, 8, 8, 1)
    np.testing.assert_allclose(seen["whole"], found, atol=1e-5)
    if size == (8, 16):
        luma = (pictures / 127.5 - 1) @ [0.299, 0.587, 0.114]
        np.testing.assert_allclose(found[..., 0], luma.reshape(2, 8, 8, 2).mean(-1), atol=1e-5)


@pytest.mark.tensorflow
def test_stops_of_nothing_change_nothing_and_have_the_gradient_of_all_others():
    tf = pytest.importorskip("tensorflow")
    images, zero = tf.random.stateless_uniform((1, 6, 6, 3), (1, 2), -0.9, 0.7), tf.zeros((1, 6, 6, 1))
    bright = lambda stops: Brighten()([images, stops])  # noqa: E731
    with tf.GradientTape() as tape:
        tape.watch(zero)
        total = tf.reduce_sum(bright(zero))
    np.testing.assert_array_equal(bright(zero), images)
    found = tape.gradient(total, zero)
    np.testing.assert_allclose(
        found, tf.reduce_sum(bright(zero + 1e-2) - bright(zero - 1e-2), -1, True) / 2e-2, rtol=2e-3
    )
    assert np.all(found > 0)
