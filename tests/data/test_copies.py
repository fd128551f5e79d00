"""Pictures of pictures, each against its formula."""

import numpy as np
import pytest

tf = pytest.importorskip("tensorflow")

from keras_imgen.data import degrade  # noqa: E402
from keras_imgen.data.degrade.linear import linear  # noqa: E402

pytestmark = pytest.mark.tensorflow


def flat(level, size=96, channels=3):
    return np.full((1, size, size, channels), level, "uint8")


def light(images):
    return linear(tf.constant(images, "float32")).numpy()


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("level", [0, 60, 128, 200, 250, 255])
def test_dots_keep_the_light_of_an_area(level, channels):
    image = flat(level, channels=channels)
    printed = degrade.Halftone(6.0)(image, 1)["image"].numpy()
    np.testing.assert_allclose(light(printed).mean((1, 2)), light(image).mean((1, 2)), atol=0.012)
    if level in (0, 255):
        assert (printed == level).all()
    else:
        assert np.ptp(printed) > 20


def test_dots_stand_at_their_angles_as_far_apart_as_was_asked():
    """The strongest wave of each ink's screen."""
    size, pitch = 240, 8.0
    printed = degrade.Halftone(pitch, blur=0)(flat(150, size), 3)["image"].numpy()[0].astype("float64")
    for channel, angle in enumerate((15, 75, 0)):
        spectrum = np.abs(np.fft.fft2(printed[..., channel] - printed[..., channel].mean()))[: size // 2, : size // 2]
        down, across = np.array(np.unravel_index(spectrum.argmax(), spectrum.shape)) / size
        assert np.hypot(down, across) == pytest.approx(1 / pitch, abs=1.5 / size)
        assert min(abs(np.rad2deg(np.arctan2(down, across)) - a) for a in (angle, 90 - angle)) < 3


def test_a_scan_is_its_formula():
    fixed = {"fading": 0.05, "paper": 0.8, "yellow": 0.2, "uneven": 0, "noise": 0}
    for level in (0, 100, 255):
        found = light(degrade.Scan(**fixed)(flat(level), 0)["image"].numpy())[0, 0, 0]
        there = (0.05 + 0.95 * light(flat(level))[0, 0, 0, 0]) * 0.8
        np.testing.assert_allclose(found, [there, there * (1 - 0.2 / 3), there * 0.8], atol=0.006)
    assert degrade.Scan()(flat(90, channels=1), 0)["image"].shape == (1, 96, 96, 1)


def test_dithering_keeps_the_mean_of_an_area_and_has_as_many_levels_as_asked():
    for level in (3, 77, 128, 240):
        found = degrade.OrderedDither(4)(flat(level), 0)["image"].numpy()
        assert set(np.unique(found)) <= {0, 85, 170, 255}
        assert found.mean() == pytest.approx(level, abs=85 / 64)
    ramp = np.arange(256, dtype="uint8").reshape(1, 16, 16, 1)
    np.testing.assert_array_equal(degrade.OrderedDither(256)(ramp, 0)["image"], ramp)


def test_letters_are_in_the_target_too_and_what_follows_is_not():
    found = degrade.Chain(degrade.Lettering(0.2), degrade.GaussianNoise(20))(flat(100), 5)
    image, target = found["image"].numpy().astype(int), found["target"].numpy().astype(int)
    written = (target != 100).any(-1)
    assert written.mean() == pytest.approx(0.2, abs=0.01) and len(np.unique(target[written], axis=0)) == 1
    assert np.std(image - target) == pytest.approx(20, abs=2)
