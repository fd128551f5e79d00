"""Pictures of every kind through a function of floats: what comes out is what went in, where the function says so."""

import numpy as np
import pytest
from PIL import Image

from keras_imgen.data.image_io import save_image
from keras_imgen.inference.pixels import LUMA
from keras_imgen.inference.restorer import Form, restore

RNG = np.random.default_rng(0)
COLOUR = RNG.integers(0, 256, (19, 31, 3)).astype("uint8")
HOLES = RNG.random((19, 31)) < 0.3
GRAY, ONE, BOTH = Form(1, 1), Form(3, 3), Form(1, 1, scale=2, colour="luma")


def same(arrays):
    assert arrays["image"].dtype == np.float32 and np.abs(arrays["image"]).max() <= 1
    return arrays["image"]


def twice(arrays):
    return arrays["image"].repeat(2, 1).repeat(2, 2)


def negative(arrays):
    return -arrays["image"]


@pytest.mark.parametrize("form", [GRAY, ONE], ids=["gray network", "colour network"])
@pytest.mark.parametrize("channels", [None, 1, 3, 4])
@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
def test_what_changes_nothing_changes_nothing(form, channels, dtype):
    shape = (19, 31) if channels is None else (19, 31, channels)
    top = {"uint8": 256, "uint16": 65536, "float32": 2}[dtype]
    picture = RNG.uniform(0, top, shape)
    picture = (picture - 1 if dtype == "float32" else picture).astype(dtype)
    if channels == 4:  # what is transparent has no colour
        picture[..., 3] = np.where(
            RNG.random((19, 31)) < 0.2, -1 if dtype == "float32" else 0, top - 1 if top > 2 else 1
        )
        picture[..., :3] = np.where(picture[..., 3:] > 0, picture[..., :3], -1 if dtype == "float32" else 0)
    out = restore(same, form, picture)
    assert out.dtype == picture.dtype and out.shape == picture.shape
    tolerance = {"uint8": 0, "uint16": 0 if channels != 4 else 1, "float32": 1e-6}[dtype]
    np.testing.assert_allclose(out.astype("float64"), picture.astype("float64"), atol=tolerance)


def test_sixteen_bits_are_not_cut_to_eight():
    picture = np.arange(19 * 31, dtype="uint16").reshape(19, 31) * 7
    np.testing.assert_array_equal(restore(negative, GRAY, picture), 65535 - picture)


def test_gray_through_a_colour_network_is_its_luma():
    tint = lambda arrays: arrays["image"] * np.float32([1.0, 0.5, 0.0])  # noqa: E731
    picture = COLOUR[..., 0]
    out = restore(tint, ONE, picture)
    expected = (picture / 127.5 - 1) * (LUMA @ np.float32([1.0, 0.5, 0.0]))
    assert np.abs(out - (expected + 1) * 127.5).max() <= 0.51 and out.shape == picture.shape


def test_luma_is_restored_and_colours_are_enlarged():
    """A flat picture keeps its colour; of any picture the luma is the network's answer to its luma."""
    flat = np.broadcast_to(np.uint8([200, 90, 40]), (9, 7, 3))
    assert np.abs(restore(twice, BOTH, flat).astype(int) - np.uint8([200, 90, 40])).max() <= 1
    picture = np.clip(COLOUR // 4 + 96, 0, 255).astype("uint8")  # so that nothing is clipped
    out = restore(twice, BOTH, picture)
    luma = (picture @ LUMA).repeat(2, 0).repeat(2, 1)
    assert out.shape == (38, 62, 3) and np.abs(out @ LUMA - luma).max() < 1.1


def test_each_channel_alone_and_colours_from_gray():
    np.testing.assert_array_equal(restore(negative, GRAY, COLOUR), 255 - COLOUR)
    red = lambda arrays: np.concatenate([arrays["image"], -np.ones_like(arrays["image"]).repeat(2, -1)], -1)  # noqa: E731
    out = restore(red, Form(1, 3, colour="drop"), COLOUR)
    assert out.shape == COLOUR.shape and not out[..., 1:].any()
    assert np.abs(out[..., 0] - COLOUR @ LUMA).max() < 0.51
    assert restore(red, Form(1, 3, colour="drop"), COLOUR[..., 0]).shape == COLOUR.shape


@pytest.mark.parametrize("form", [Form(3, 3, scale=2), Form(1, 1, scale=2), BOTH], ids=["colour", "each", "luma"])
def test_alpha_is_premultiplied_and_enlarged(form):
    """Colour behind full transparency never reaches the network, and half transparent edges get no dark rim."""
    seen = []

    def look(arrays):
        seen.append(arrays["image"])
        return twice(arrays)

    picture = np.dstack([np.full((8, 8, 3), 250, "uint8"), np.zeros((8, 8), "uint8")])
    picture[:, 4:, 3] = 255
    out = restore(look, form, picture)
    assert all(np.abs(x[:, :, :4] + 1).max() < 1e-6 for x in seen)
    assert out.shape == (16, 16, 4) and (out[..., 12:, 3] == 255).all() and (out[..., :4, 3] == 0).all()
    assert np.abs(out[:, 9:, :3].astype(int) - 250).max() <= (form.colour == "luma")


def test_known_pixels_are_untouched():
    holes = RNG.random((19, 31)) < 0.3
    form = Form(3, 3, mask=True)
    for picture in (COLOUR, COLOUR.astype("uint16") * 257, COLOUR[..., 0], np.dstack([COLOUR, COLOUR[..., 0]])):
        out = restore(lambda arrays: -arrays["image"] + arrays["mask"], form, picture, masks=holes)
        assert (out[~holes] == picture[~holes]).all() and (out[holes] != picture[holes]).any()


def test_sigma_and_latents_reach_the_network():
    form = Form(1, 1, sigma=True, latent=2)

    def check(arrays):
        n, h, w, _ = arrays["image"].shape
        assert arrays["latent"].shape == (n, -(-h // 4), -(-w // 4), 2)
        return arrays["image"] + arrays["sigma"][:, None, None, None] / 127.5 + arrays["latent"].mean()

    pictures = np.full((3, 16, 12, 1), 100, "uint8")
    out = restore(check, form, pictures, sigma=[1, 2, 3])
    assert out[:, 0, 0, 0].tolist() == [101, 102, 103]
    drawn = restore(check, form, pictures, sigma=0, seed=5)
    assert (drawn != pictures).any() and (drawn == restore(check, form, pictures, sigma=0, seed=5)).all()


def test_a_noise_level_that_is_not_given_is_estimated():
    form, seen = Form(3, 3, sigma=True), []

    def look(arrays):
        seen.extend(arrays["sigma"])
        return arrays["image"]

    pictures = [(RNG.normal(0, s / 127.5, (64, 64, 3))).astype("float32") for s in (5, 20)]
    restore(look, form, pictures)
    np.testing.assert_allclose(seen, [5, 20], rtol=0.1)
    restore(look, form, pictures, sigma=[1, 2])
    assert seen[2:] == [1, 2]


def test_gray_stays_gray():
    """Through a network that tints, beside coloured pictures, with alpha, in tiles; not where it is there for colours."""
    tint = lambda arrays: arrays["image"] * np.float32([1.0, 0.5, 0.0])  # noqa: E731
    gray = np.repeat(COLOUR[..., :1], 3, -1)
    expected = restore(tint, ONE, COLOUR[..., 0])
    both = restore(tint, ONE, np.stack([gray, COLOUR]))
    assert all((v == expected[..., None]).all() for v in (both[0], restore(tint, ONE, gray, tile=16, overlap=4)))
    np.testing.assert_array_equal(both[1], restore(tint, ONE, COLOUR))
    with_alpha = restore(tint, ONE, np.dstack([gray, np.full((19, 31), 255, "uint8")]))
    np.testing.assert_array_equal(with_alpha[..., :3], both[0])
    large = restore(twice, BOTH, gray)
    assert (large == large[..., :1]).all() and (large[..., 0] == restore(twice, BOTH, COLOUR[..., 0])).all()
    red = lambda arrays: np.concatenate([arrays["image"], -np.ones_like(arrays["image"]).repeat(2, -1)], -1)  # noqa: E731
    assert not restore(red, Form(1, 3, colour="drop"), gray)[..., 1:].any()


def test_the_ensemble_is_the_mean_over_eight_symmetries():
    """A function that shifts to the right becomes one that spreads evenly; one without direction stays as it is."""
    picture = np.zeros((9, 9), "float32")
    picture[4, 4] = 1.0
    out = restore(lambda arrays: np.roll(arrays["image"], 1, axis=2), GRAY, picture, ensemble=True)
    expected = np.zeros((9, 9))
    expected[[3, 5, 4, 4], [4, 4, 3, 5]] = 0.25
    np.testing.assert_allclose(out, expected, atol=1e-6)
    np.testing.assert_array_equal(
        restore(twice, Form(3, 3, scale=2), COLOUR, ensemble=True), restore(twice, Form(3, 3, 2), COLOUR)
    )


def test_what_comes_back_has_the_form_of_what_came(tmp_path):
    save_image(str(tmp_path / "a.png"), COLOUR)
    for given in (COLOUR, str(tmp_path / "a.png"), tmp_path / "a.png", Image.fromarray(COLOUR)):
        np.testing.assert_array_equal(restore(negative, ONE, given), 255 - COLOUR)
    both = restore(negative, ONE, [COLOUR, COLOUR[:4, :5]])
    assert [v.shape for v in both] == [(19, 31, 3), (4, 5, 3)]
    batch = np.stack([COLOUR] * 5)
    np.testing.assert_array_equal(restore(negative, ONE, batch, tile=32, overlap=8), 255 - batch)
    assert restore(twice, Form(3, 3, scale=2), batch[:0]).shape == (0, 38, 62, 3)
    assert restore(negative, ONE, []) == []
    assert restore(twice, Form(3, 3, scale=2), COLOUR[:1, :1]).shape == (2, 2, 3)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"images": np.zeros((4, 4, 2), "uint8")}, "1, 3 or 4 channels"),
        ({"images": np.zeros((0, 4, 3), "uint8")}, "shape"),
        ({"images": np.zeros((4, 4), "int64")}, "uint8, uint16 or floats"),
        ({"images": np.full((4, 4), 200.0)}, "uint8 instead"),
        ({"images": np.full((4, 4), np.nan)}, "NaN"),
        ({"images": COLOUR, "sigma": 3}, "no `sigma`"),
        ({"images": COLOUR, "masks": COLOUR}, "no `masks`"),
        ({"images": COLOUR, "seed": 3}, "no latents"),
        ({"images": COLOUR, "sigma": -3}, "`sigma`"),
    ],
)
def test_what_is_wrong_is_said(given, message):
    with pytest.raises(ValueError, match=message):
        restore(same, ONE, **given)


def test_one_mask_serves_all_and_files_are_read(tmp_path):
    save_image(str(tmp_path / "mask.png"), np.uint8(HOLES) * 255)
    form = Form(3, 3, mask=True)
    paint = lambda arrays: -arrays["image"]  # noqa: E731
    expected = restore(paint, form, [COLOUR, COLOUR], masks=[HOLES, HOLES])
    save_image(str(tmp_path / "rgb.png"), np.repeat(np.uint8(HOLES)[..., None] * 255, 3, -1))
    pil = Image.open(tmp_path / "rgb.png")
    for masks in (HOLES, HOLES[..., None], str(tmp_path / "mask.png"), str(tmp_path / "rgb.png"), pil):
        np.testing.assert_array_equal(restore(paint, form, [COLOUR, COLOUR], masks=masks), expected)
        np.testing.assert_array_equal(restore(paint, form, np.stack([COLOUR, COLOUR]), masks=masks), expected)


def test_pictures_of_several_sizes_have_each_its_mask():
    form, pictures = Form(3, 3, mask=True), [COLOUR, COLOUR[:5]]
    answers = restore(lambda arrays: -arrays["image"], form, pictures, masks=[HOLES, HOLES[:5]])
    for picture, holes, answer in zip(pictures, (HOLES, HOLES[:5]), answers):
        np.testing.assert_array_equal(answer, np.where(holes[..., None], 255 - picture, picture))


def test_small_tiles_make_do_with_less_overlap():
    np.testing.assert_array_equal(restore(negative, ONE, COLOUR, tile=8), 255 - COLOUR)


def test_fewer_pictures_at_once_when_memory_runs_out():
    sizes = []

    def hungry(arrays):
        sizes.append(len(arrays["image"]))
        if sizes[-1] > 3:
            raise MemoryError
        return -arrays["image"]

    batch = np.stack([COLOUR] * 10)
    np.testing.assert_array_equal(restore(hungry, ONE, batch), 255 - batch)
    assert sizes[0] == 10 and max(sizes[2:]) <= 3


def test_bands_of_a_luma_picture_equal_the_whole():
    """Colours are enlarged band by band."""
    picture = np.clip(RNG.integers(0, 256, (150, 40, 4)) // 2 + 64, 0, 255).astype("uint8")
    whole = restore(twice, BOTH, picture).astype(int)
    assert np.abs(whole - restore(twice, BOTH, picture, tile=32, overlap=8)).max() <= 1


def test_masks_that_do_not_fit_are_refused():
    form = Form(3, 3, mask=True)
    for masks, message in ((None, "needs `masks`"), (np.zeros((3, 3)), "mask of shape")):
        with pytest.raises(ValueError, match=message):
            restore(same, form, COLOUR, masks=masks)
    with pytest.raises(ValueError, match="as many"):
        restore(same, form, [COLOUR], masks=[COLOUR[..., 0]] * 2)
