"""What is measured of a picture is what was done to it."""

import io
import os

import numpy as np
import pytest
from PIL import Image

from keras_imgen.inference.measures import blocking, grain, light, noise_level

skimage = pytest.importorskip("skimage")
RNG = np.random.default_rng(0)


def photograph(name="chelsea.png"):
    with Image.open(os.path.join(os.path.dirname(skimage.__file__), "data", name)) as image:
        return np.asarray(image.convert("RGB"))


def jpeg(picture, quality):
    file = io.BytesIO()
    Image.fromarray(picture).save(file, "JPEG", quality=quality)
    return np.asarray(Image.open(file))


@pytest.mark.parametrize("sigma", [0, 5, 15, 25, 50])
def test_noise_that_was_added_is_found(sigma):
    picture = photograph() / 127.5 - 1
    noisy = (picture + RNG.normal(0, sigma / 127.5, picture.shape)).astype("float32")
    for found in (noise_level(noisy), noise_level(noisy[..., 1])):
        assert found == pytest.approx(sigma, rel=0.05, abs=1)


@pytest.mark.parametrize("sigma", [5, 15])
def test_texture_fools_it_less_than_wavelets(sigma):
    """Against scikit-image's estimate (Donoho and Johnstone 1994) on a picture of much texture."""
    pytest.importorskip("pywt")
    from skimage.restoration import estimate_sigma

    noisy = photograph("gravel.png")[..., 0] + RNG.normal(0, sigma, (512, 512))
    ours, theirs = noise_level((noisy / 127.5 - 1).astype("float32")), estimate_sigma(noisy)
    assert abs(ours - sigma) < abs(theirs - sigma)


def test_what_is_blown_out_and_what_is_drawn():
    picture = np.clip(photograph() + RNG.normal(0, 10, (300, 451, 3)), 0, 255)
    picture[:, :150] = 255
    assert noise_level(picture.astype("uint8")) == pytest.approx(10, rel=0.1)
    drawn = np.where(np.add.outer(np.arange(99), np.arange(77)) % 120 < 60, 255, 0).astype("uint8")
    assert noise_level(drawn) == 0 and grain(drawn) == 0
    for tiny in ((1, 1), (2, 9, 3), (7, 7), (12, 10, 4)):
        assert noise_level(RNG.integers(0, 256, tiny).astype("uint8")) >= 0
    deep = np.full((200, 200), 30000) + RNG.normal(0, 10 * 257, (200, 200))
    assert noise_level(deep.astype("uint16")) == pytest.approx(10, rel=0.1)


def test_grain_is_seen_where_neighbours_are_alike():
    """Noise of a camera lies on several pixels: its finest component is weak, in flat places it is all there."""
    cv2 = pytest.importorskip("cv2")
    noise = cv2.GaussianBlur(RNG.normal(0, 30, (300, 451)), (0, 0), 1.5)
    noisy = np.clip(photograph() + noise[..., None], 0, 255).astype("uint8")
    assert noise_level(noisy) < noise.std() / 3
    assert grain(noisy) > 0.5 * noise.std() and grain(photograph()) < 2


def test_blocks_are_seen_the_more_the_coarser():
    picture = photograph()
    found = [blocking(picture), *(blocking(jpeg(picture, quality)) for quality in (75, 50, 30, 10))]
    assert (np.diff(found) > 0).all() and found[0] < 1.1 and found[2] > 1.3
    assert blocking(jpeg(picture, 30)[3:, 5:]) == pytest.approx(found[3], rel=0.05)  # a crop: elsewhere
    assert blocking(np.zeros((8, 8), "uint8")) == 1.0


def test_light():
    levels = np.repeat(np.arange(200, dtype="uint8"), 10).reshape(40, 50)
    assert light(levels) == pytest.approx((99.5, 189, 198), abs=1)
    assert light(np.dstack([levels] * 3)) == pytest.approx(light(levels), abs=0.01)


def test_transparent_pictures_are_measured_on_white():
    noisy = np.clip(photograph() + RNG.normal(0, 20, (300, 451, 3)), 0, 255)
    hidden = np.dstack([noisy, np.zeros((300, 451))]).astype("uint8")
    assert noise_level(hidden) == 0 and grain(hidden) < 1e-6
    whole = hidden | np.uint8([0, 0, 0, 255])
    for measure in (noise_level, grain, blocking):
        assert measure(whole) == pytest.approx(measure(noisy.astype("uint8")), rel=1e-4)
    half = np.zeros((20, 20, 4), "uint8")
    half[:5] = (100, 100, 100, 255)
    assert light(half).mean == pytest.approx(100, abs=0.01)
    assert light(half * np.uint8([1, 1, 1, 0])).mean == 255
