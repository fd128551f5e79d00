"""Fusing: what is kept, and seams whose cure is known in closed form."""

import numpy as np
import pytest

from keras_imgen.editing.fuse import WAYS, as_mask, fuse, grown

RNG = np.random.default_rng(0)


def ground(shape=(2, 24, 20, 3), low=60, high=180):
    return RNG.integers(low, high, shape).astype("uint8")


def shapes_of_masks(height=24, width=20):
    """By name, bool (H, W): every kind of border."""
    none = np.zeros((height, width), bool)
    found = {name: none.copy() for name in ("pixel", "corner", "stripe", "several", "ring", "diagonal", "all but one")}
    found["pixel"][7, 9] = True
    found["corner"][:6, :5] = True
    found["stripe"][10:13] = True
    found["several"][2:5, 2:5] = found["several"][8:20, 9:20] = found["several"][22, 1] = True
    found["ring"][4:20, 4:16] = True
    found["ring"][9:14, 8:12] = False
    found["diagonal"][np.arange(20), np.arange(20)] = True  # corners alone touch: as many parts as pixels
    found["all but one"][:] = True
    found["all but one"][11, 11] = False
    return {**found, "random": RNG.random((height, width)) < 0.5, "empty": none, "full": ~none}


MASKS = shapes_of_masks()
WITH_BORDER = [name for name in MASKS if name not in ("empty", "full")]


@pytest.mark.parametrize("how", WAYS)
@pytest.mark.parametrize("name", MASKS)
def test_what_is_outside_stays_to_the_bit(name, how):
    images, edited = ground(low=0, high=256), ground(low=0, high=256)
    given = images.copy()
    fused = fuse(images, edited, MASKS[name], how)
    assert fused.dtype == np.uint8
    np.testing.assert_array_equal(fused[:, ~MASKS[name]], images[:, ~MASKS[name]])
    np.testing.assert_array_equal(images, given)
    if name == "full":
        np.testing.assert_array_equal(fused, edited)


@pytest.mark.parametrize("beyond", [True, False], ids=["beyond the mask", "ending with it"])
@pytest.mark.parametrize("name", [name for name in WITH_BORDER if name != "all but one"])
def test_an_offset_vanishes(name, beyond):
    images = ground()
    offset = np.array([40, -30, 7])
    edited = np.where(beyond | MASKS[name][..., None], images + offset, images).astype("uint8")
    np.testing.assert_allclose(fuse(images, edited, MASKS[name]).astype(int), images, atol=1)


def test_an_offset_vanishes_from_all_but_one_pixel():
    images = ground()
    np.testing.assert_allclose(fuse(images, images + 40, MASKS["all but one"]).astype(int), images, atol=1)


def test_a_harmonic_change_vanishes():
    """x² - y² is harmonic for the five-point Laplacian too; the mask must not touch the picture's border, where changes are level."""
    y, x = np.mgrid[:24, :20].astype(float) - 10
    change = np.rint(x**2 - y**2)[..., None] / 4
    images = np.full((1, 24, 20, 1), 128.0)
    edited = np.clip(np.rint(images + change), 0, 255).astype("uint8")
    fused = fuse(images.astype("uint8"), edited, MASKS["ring"])
    np.testing.assert_allclose(fused.astype(int), 128, atol=1)


def test_at_the_border_of_the_picture_nothing_is_prescribed():
    """One column is kept, of which the rows want -0, -10, ..., -40: far from it, between level borders, the mean of these is left."""
    images = np.full((1, 5, 40, 1), 100, "uint8")
    offset = np.arange(0, 50, 10)[None, :, None, None]
    mask = np.ones((5, 40), bool)
    mask[:, 0] = False
    fused = fuse(images, (images + offset).astype("uint8"), mask)
    np.testing.assert_allclose(fused[:, :, 25:], np.broadcast_to(80 + offset, (1, 5, 15, 1)))


def test_the_solution_is_that_of_the_equation():
    """Gradients of the result are those of the edit, in the sense of least squares: the discrete Poisson equation holds, unrounded."""
    from keras_imgen.editing.fuse import _correction

    picture, change = RNG.random((9, 8, 2)), RNG.random((9, 8, 2))
    inside = np.zeros((9, 8), bool)
    inside[2:7, 3:] = True
    full = np.where(inside[..., None], change, picture)
    full[inside] += _correction(picture, change, inside)
    for r, c in zip(*np.nonzero(inside)):
        around = [(r + 1, c), (r - 1, c), (r, c + 1), (r, c - 1)]
        around = [n for n in around if n[1] < 8]
        found, wanted = (sum(f[r, c] - f[n] for n in around) for f in (full, change))
        np.testing.assert_allclose(found, wanted, atol=1e-12)


@pytest.mark.parametrize("how", ["poisson", "feather"])
def test_there_is_no_seam(how):
    """On a slope, an edit that is brighter and has waves: steps over the border are no larger than those inside."""
    y, x = np.mgrid[:48, :48].astype(float)
    images = (60 + x)[None, ..., None]
    edited = images + 35 + 10 * np.sin(x / 2)[None, ..., None]
    images, edited = images.astype("uint8"), np.rint(edited).astype("uint8")
    inside = (x - 24) ** 2 + (y - 22) ** 2 < 15**2
    steps = {}
    for name, picture in (("cut", fuse(images, edited, inside, "cut")), (how, fuse(images, edited, inside, how, 8))):
        step = np.abs(np.diff(picture[0, ..., 0].astype(int), axis=1))
        crossing = inside[:, 1:] != inside[:, :-1]
        steps[name] = step[crossing].max(), step[inside[:, 1:] & inside[:, :-1]].max()
    assert steps["cut"][0] > 20
    assert steps[how][0] <= steps[how][1] + 1


def test_what_is_not_of_tone_does_not_run():
    """On a ground that is 10 too bright, an edit paints a bar which ends at the border: there alone it is cut, and keeps its colour."""
    images = np.full((1, 16, 16, 1), 50, "uint8")
    mask = np.zeros((16, 16), bool)
    mask[3:13, 3:13] = True
    edited = images + 10
    edited[:, 7:9] = 200
    for beyond in (True, False):
        one = edited if beyond else fuse(images, edited, mask, "cut")
        fused = fuse(images, one, mask)[0, ..., 0]
        np.testing.assert_array_equal(fused[mask], np.where(one[0, ..., 0] == 200, 190, 50)[mask])
        assert fuse(images, one, mask, limit=None)[0, 7, 3, 0] < 160
    np.testing.assert_array_equal(fuse(images, edited, mask, limit=5), fuse(images, edited, mask, "cut"))


def test_feathering_is_a_ramp():
    images, edited = np.zeros((1, 1, 12, 1), "uint8"), np.full((1, 1, 12, 1), 100, "uint8")
    mask = np.arange(12)[None] >= 4
    fused = fuse(images, edited, mask, "feather", 3)
    np.testing.assert_array_equal(fused.ravel(), [0, 0, 0, 0, 25, 50, 75, 100, 100, 100, 100, 100])
    np.testing.assert_array_equal(fuse(images, edited, mask, "feather", 0), fuse(images, edited, mask, "cut"))


def test_a_thing_that_its_mask_fits_tightly_keeps_its_new_colour():
    """Its old edge is under the border, so that nothing tells what the tone there should be."""
    images = np.full((1, 20, 20, 3), 20, "uint8")
    thing = np.zeros((20, 20), bool)
    thing[5:14, 6:15] = True
    images[:, thing] = (220, 30, 30)
    edited = images.copy()
    edited[:, thing] = (230, 220, 40)
    np.testing.assert_array_equal(fuse(images, edited, thing), edited)
    looser = grown(thing[None], 2)[0]
    np.testing.assert_array_equal(fuse(images, edited, looser), edited)  # its border lies on the ground


def test_masks_of_every_form_are_one():
    mask = np.stack([MASKS["ring"], MASKS["stripe"]])
    for given in (mask, mask[..., None], mask * 255.0, (mask * 3).astype("int64")):
        np.testing.assert_array_equal(as_mask(given, (2, 24, 20, 3)), mask)
    np.testing.assert_array_equal(as_mask(mask[0], (2, 24, 20, 3)), mask[[0, 0]])


def test_masks_grow():
    wide = grown(MASKS["pixel"][None], 2)[0]
    y, x = np.nonzero(wide)
    assert wide.sum() == 21 and np.hypot(y - 7, x - 9).max() < 2.5  # a disc
    np.testing.assert_array_equal(grown(np.array([MASKS["empty"], MASKS["full"]]), 3), [MASKS["empty"], MASKS["full"]])
    np.testing.assert_array_equal(grown(MASKS["ring"][None], 0)[0], MASKS["ring"])
    assert grown(np.zeros((0, 4, 4), bool), 1).shape == (0, 4, 4)


def test_no_pictures():
    assert fuse(np.zeros((0, 8, 8, 3), "uint8"), np.zeros((0, 8, 8, 3), "uint8"), np.zeros((0, 8, 8))).shape[0] == 0


@pytest.mark.parametrize(
    "change, message",
    [
        ({"images": np.zeros((2, 24, 20, 3))}, "uint8 of shape .N, H, W, C.*float64"),
        ({"edited": np.zeros((1, 24, 20, 3), "uint8")}, "`edited`.*2, 24, 20, 3.*1, 24, 20, 3"),
        ({"mask": np.zeros((3, 24, 20))}, "mask of shape .2, 24, 20.*3, 24, 20"),
        ({"mask": np.full((24, 20), np.nan)}, "finite"),
        ({"mask": None}, "mask of shape"),
        ({"how": "blend"}, "poisson, feather, cut.*'blend'"),
        ({"width": -1}, "width"),
        ({"limit": np.nan}, "limit"),
    ],
)
def test_what_is_wrong_is_said_in_a_line(change, message):
    given = {"images": ground(), "edited": ground(), "mask": MASKS["ring"], **change}
    with pytest.raises(ValueError, match=message) as error:
        fuse(**given)
    assert "\n" not in str(error.value)
