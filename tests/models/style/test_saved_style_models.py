"""What users of style transfer complain of does not happen in the models that are saved here: dots in flat areas, marks that recur, grids,
borders, tiles that show. On pictures that none of them learned from."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from skimage import data as pictures

from keras_imgen import load_model, metrics
from keras_imgen.data.image_io import resize

pytestmark = [pytest.mark.tensorflow, pytest.mark.slow]
SAVED = Path(__file__).parents[3] / "saved_models"
SIDE = 192
PHOTOS = [
    resize(p, (SIDE, SIDE))
    for p in (pictures.coffee()[:400, :400], pictures.astronaut(), pictures.chelsea()[:300, :300])
]


@pytest.fixture(scope="module", params=["photos-style-starry", "photos-adain"])
def stylize(request):
    """f(picture, **how), in one look."""
    model = load_model(SAVED / request.param / "model.keras")
    if hasattr(model, "num_styles"):
        return model.stylize
    look = np.random.default_rng(0).integers(0, 256, (12, 16, 3), "uint8")  # blots of colour
    look = cv2.resize(look, (256, 192), interpolation=cv2.INTER_NEAREST)
    return lambda picture, **how: model.stylize(picture, look, **how)


def luma(picture):
    return picture.astype("float64") @ [0.299, 0.587, 0.114]


def test_flat_areas_stay_flat(stylize):
    for level in (0, 128, 255):
        assert luma(stylize(np.full((SIDE, SIDE, 3), level, "uint8"))).std() <= 1


def test_stars_stay_where_they_are(stylize):
    """Between them there is nothing."""
    sky = np.zeros((SIDE, SIDE, 3), "uint8")
    sky[40::80, 40::80] = 255
    answer = luma(stylize(sky))
    far = np.ones((SIDE, SIDE), bool)
    for y, x in np.argwhere(sky[..., 0]):
        far[max(0, y - 32) : y + 33, max(0, x - 32) : x + 33] = False
    assert answer[far].std() <= 1


def test_a_gradient_has_no_borders_and_no_grid(stylize):
    """Rows are alike: what varies along a column would be of the network."""
    gradient = np.broadcast_to(np.linspace(30, 220, SIDE)[:, None, None], (SIDE, SIDE, 3)).astype("uint8")
    answer = luma(stylize(gradient))
    assert np.abs(answer - answer[:, SIDE // 2 : SIDE // 2 + 1]).max() <= 2


def test_no_grid_in_photographs(stylize):
    """Energy at the frequency of the upsampling is not above the content's."""

    def energy(picture):
        window = np.hanning(SIDE)
        found = np.abs(np.fft.fft2(luma(picture) * np.outer(window, window))) ** 2
        middle = slice(SIDE // 2 - 1, SIDE // 2 + 2)
        return found[middle].sum() + found[:, middle].sum()

    assert sum(energy(stylize(p)) for p in PHOTOS) <= sum(map(energy, PHOTOS))


def test_no_marks_recur(stylize):
    """Fine structure of the answers to different pictures is not related."""
    answers = [luma(stylize(p)) for p in PHOTOS]
    fine = [(a - cv2.GaussianBlur(a, (0, 0), 2)).ravel() for a in answers]
    related = np.corrcoef(fine)
    assert np.abs(related[np.triu_indices(3, 1)]).max() < 0.05


def test_alpha_0_gives_the_picture_back(stylize):
    found = [float(metrics.psnr(p[None], stylize(p, alpha=0.0)[None])[0]) for p in PHOTOS]
    assert np.mean(found) >= 30, found


def test_tiles_are_the_whole(stylize):
    large = resize(pictures.astronaut(), (500, 700))
    whole, tiles = (stylize(large, tile=t).astype(int) for t in (1024, 448))
    assert np.abs(whole - tiles).max() <= 1
