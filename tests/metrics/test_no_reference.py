import numpy as np
import pytest
from scipy import ndimage, stats
from skimage import data

from keras_imgen.metrics import brisque, clipped_share, colourfulness, natural, niqe, sharpness
from keras_imgen.metrics.no_reference import generalised

PICTURES = [data.astronaut()[:384, :480], data.chelsea()[:288], data.coffee()[:384, :480]]


def noisy(image, sigma, seed=0):
    noise = np.random.default_rng(seed).normal(0, sigma, image.shape)
    return np.clip(np.round(image + noise), 0, 255).astype("uint8")


def blurred(image, sigma):
    return ndimage.gaussian_filter(image, (sigma, sigma, 0))


def test_clipped_colourful_sharp():
    image = np.full((4, 5, 3), 100, "uint8")
    image[0, 0], image[1, 1], image[2, 2, 1] = 0, 255, 255
    assert clipped_share(image) == (1 / 20, 2 / 20)
    assert colourfulness(np.full((8, 8), 90, "uint8")) == 0 == sharpness(image[3:, :, 0].repeat(4, 0))
    halves = np.zeros((8, 8, 3), "uint8")
    halves[:4, :, 0], halves[4:, :, 1] = 200, 200  # rg = +-200, yb = 100
    assert colourfulness(halves) == pytest.approx(200 + 0.3 * 100)
    assert sharpness(blurred(PICTURES[0], 1)) < sharpness(PICTURES[0]) < sharpness(noisy(PICTURES[0], 10))
    spot = np.zeros((9, 9), "uint8")
    spot[4, 4] = 100  # its Laplacian: -400 once, 100 four times
    assert sharpness(spot) == pytest.approx((400**2 + 4 * 100**2) / 81)


@pytest.mark.parametrize("shape, left, right", [(2.0, 1.0, 1.0), (1.0, 0.5, 0.5), (0.6, 2.0, 2.0), (1.4, 0.7, 1.6)])
def test_the_generalised_gaussian_is_found(shape, left, right):
    rng = np.random.default_rng(0)
    size = np.abs(stats.gennorm.rvs(shape, size=400_000, random_state=rng))
    sides = rng.random(400_000) < left / (left + right)
    found = generalised(np.where(sides, -left, right) * size)
    np.testing.assert_allclose(found, (shape, left, right), rtol=0.03)


def test_niqe_grows_with_damage():
    model = natural([*PICTURES, data.rocket()])
    assert model.mean.shape == (36,) and model.covariance.shape == (36, 36)
    image = data.astronaut()[128:]
    good = niqe(image, model)
    for worse, worst in ((noisy(image, 10), noisy(image, 40)), (blurred(image, 1.5), blurred(image, 4))):
        assert good < niqe(worse, model) < niqe(worst, model)
    assert niqe(image[..., 0], model) > 0
    with pytest.raises(ValueError, match="flat"):
        niqe(np.full((96, 96), 9, "uint8"), model)


def test_what_is_no_picture():
    for wrong in (np.zeros((8, 8, 3)), np.zeros((8, 8, 4), "uint8"), np.zeros((2, 8, 8, 3), "uint8"), "x"):
        for measure in (clipped_share, colourfulness, sharpness):
            with pytest.raises(ValueError, match="Expected a picture as uint8"):
                measure(wrong)
    with pytest.raises(ValueError, match="at least 96 x 96"):
        natural([np.zeros((95, 200), "uint8")])
    for little in (np.full((192, 96), 7, "uint8"), noisy(np.full((96, 96), 128), 20)):
        with pytest.raises(ValueError, match="at least two sharp blocks"):
            natural([little])
    with pytest.raises(ValueError, match="got none"):
        natural([])


def test_brisque_needs_the_contrib():
    import cv2

    if hasattr(cv2, "quality"):
        pytest.skip("OpenCV's contrib is there; its model is not")
    with pytest.raises(ModuleNotFoundError, match="opencv-contrib"):
        brisque(PICTURES[0], "model.yml", "range.yml")
