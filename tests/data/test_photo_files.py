"""Photographs' files: their pixels come back in every format, and what else they hold is kept or named."""

import io
import os
import struct

import cv2
import numpy as np
import odd_profiles
import pytest
from PIL import Image

from keras_imgen.data import photo_files
from keras_imgen.data.image_io import load_image
from keras_imgen.data.photo_files import EXIF, GPS, origin, save_photo

RNG = np.random.default_rng(0)
SRGB = odd_profiles.SRGB
GRAY = SRGB[:16] + b"GRAY" + SRGB[20:]
ENDINGS = [".png", ".jpg", ".webp", ".tif"]


def smooth(shape, dtype="uint8"):
    """A ramp, which JPEG and WebP keep."""
    top = np.iinfo(dtype).max
    rows = np.linspace(0, 0.5, shape[0])[:, None, None] + np.linspace(0, 0.5, shape[1])[None, :, None]
    return np.round(rows * top * np.linspace(1, 0.5, shape[2])).astype(dtype)


@pytest.mark.parametrize("ending", [".png", ".tif", ".tiff"])
@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_lossless_files_give_every_number_back(tmp_path, ending, dtype, channels):
    image = RNG.integers(0, np.iinfo(dtype).max + 1, (13, 17, channels)).astype(dtype)
    path = str(tmp_path / f"a{ending}")
    assert save_photo(path, image) == []
    np.testing.assert_array_equal(load_image(path, keep_depth=True), image)
    theirs = cv2.imread(path, cv2.IMREAD_UNCHANGED)
    theirs = theirs[..., None] if channels == 1 else theirs[..., [2, 1, 0, 3][:channels]]
    if not (channels == 4 and dtype == "uint8" and ending != ".png"):  # there OpenCV multiplies colours by alpha
        np.testing.assert_array_equal(theirs, image)
    with Image.open(path) as opened:
        opened.load()
        assert opened.size == (17, 13) and not {EXIF, GPS, 0x0112, 0x0131} & set(opened.getexif())


@pytest.mark.parametrize("ending", [".jpg", ".jpeg", ".webp"])
@pytest.mark.parametrize("channels", [1, 3])
def test_lossy_files_are_near_and_say_what_they_cannot_hold(tmp_path, ending, channels):
    image, path = smooth((40, 56, channels)), str(tmp_path / f"a{ending}")
    assert save_photo(path, image) == []
    found = load_image(path, channels)
    assert np.abs(found.astype(int) - image).mean() < 2
    save_photo(str(tmp_path / f"b{ending}"), RNG.integers(0, 256, (64, 64, 3)).astype("uint8"), quality=10)
    save_photo(str(tmp_path / f"c{ending}"), RNG.integers(0, 256, (64, 64, 3)).astype("uint8"), quality=95)
    assert os.path.getsize(tmp_path / f"b{ending}") < os.path.getsize(tmp_path / f"c{ending}") / 2
    (said,) = save_photo(path, smooth((40, 56, channels), "uint16"))
    assert "16 bits" in said and np.abs(load_image(path, channels).astype(int) - image).mean() < 2
    clear = np.zeros((8, 8, 4), "uint8")
    said = save_photo(path, clear)
    if ending == ".webp":
        assert said == [] and load_image(path).shape[-1] == 4
    else:
        assert "transparency" in said[0] and load_image(path).min() > 250


def photograph(path, size=(60, 40)):
    """As from a camera, held upright: with all that files hold."""
    exif = Image.Exif()
    exif[0x0112], exif[0x010F], exif[0x0110], exif[0x0132] = 6, "Maker", "Camera 1", "2024:05:06 07:08:09"
    exif[EXIF] = {
        0x9003: "2024:05:06 07:08:09",
        0x829A: 0.008,
        0x8827: 1600,
        0x927C: b"secret" * 50,
        0xA002: 60,
        0xA003: 40,
    }
    exif[GPS] = {1: "N", 2: (47.0, 30.0, 0.0), 3: "E", 4: (9.0, 15.0, 0.0)}
    picture = Image.fromarray(RNG.integers(0, 256, (*size[::-1], 3)).astype("uint8"))
    picture.save(path, exif=exif.tobytes(), icc_profile=SRGB)


@pytest.mark.parametrize("ending", ENDINGS)
def test_of_exif_what_is_true_of_the_answer_is_kept(tmp_path, ending):
    source, path = str(tmp_path / "source.jpg"), str(tmp_path / f"answer{ending}")
    photograph(source)
    found, upright = origin(source), load_image(source)
    assert upright.shape == (60, 40, 3) and (found.kind, found.size, found.frames) == ("JPEG", (60, 40), 1)
    for gps in (False, True):
        assert save_photo(path, np.repeat(upright, 2, 0), found, {"model": "photos_x"}, gps=gps) == []
        with Image.open(path) as opened:
            exif = opened.getexif()
            own, place = exif.get_ifd(EXIF), exif.get_ifd(GPS)
            assert opened.size == (40, 120) and opened.info["icc_profile"] == SRGB
        assert exif.get(0x0112, 1) == 1 and exif[0x0110] == "Camera 1" and exif[0x0132] == "2024:05:06 07:08:09"
        assert (
            own[0x9003] == "2024:05:06 07:08:09" and own[0x8827] == 1600 and float(own[0x829A]) == pytest.approx(0.008)
        )
        assert (own[0xA002], own[0xA003]) == (40, 120) and 0x927C not in own
        assert (place.get(2) == (47.0, 30.0, 0.0)) == gps == bool(place)
        with open(path, "rb") as f:
            assert b"secret" not in f.read()
        assert load_image(path).shape == (120, 40, 3)
        if ending != ".png":
            assert exif[0x0131] == "keras_imgen photos_x"


@pytest.mark.parametrize("ending", [".png", ".tif"])
def test_sixteen_bits_have_their_profile_and_exif_too(tmp_path, ending):
    source, path = str(tmp_path / "source.jpg"), str(tmp_path / f"answer{ending}")
    photograph(source)
    image = RNG.integers(0, 65536, (9, 7, 3)).astype("uint16")
    save_photo(path, image, origin(source), {"model": "m"})
    np.testing.assert_array_equal(load_image(path, keep_depth=True), image)
    again = origin(path)
    assert again.profile == SRGB and again.exif[0x0110] == "Camera 1"
    save_photo(str(tmp_path / f"again{ending}"), image, again)
    assert origin(str(tmp_path / f"again{ending}")).exif.get_ifd(EXIF)[0x8827] == 1600


def test_profiles_of_other_colours_are_left_out(tmp_path):
    for profile, channels, kept in (
        (SRGB, 3, True),
        (SRGB, 4, True),
        (SRGB, 1, False),
        (GRAY, 1, True),
        (GRAY, 3, False),
    ):
        path = str(tmp_path / f"{channels}{kept}.png")
        save_photo(path, np.zeros((4, 4, channels), "uint8"), photo_files.Origin(profile=profile))
        assert (origin(path).profile == profile) == kept


def test_colours_stay_in_their_profile_or_become_srgb(tmp_path):
    """A profile whose red and blue are exchanged."""
    profile = odd_profiles.exchanged()
    picture = np.tile(np.uint8([[[200, 100, 30]]]), (8, 8, 1))
    Image.fromarray(picture).save(tmp_path / "odd.png", icc_profile=profile)
    np.testing.assert_array_equal(load_image(tmp_path / "odd.png", own_colours=True), picture)
    assert np.abs(load_image(tmp_path / "odd.png").astype(int) - picture[..., ::-1]).max() <= 1


@pytest.mark.parametrize("maxval", [1000, 4095, 65535])
def test_netpbm_files_keep_sixteen_bits(tmp_path, maxval):
    gray, colour = (RNG.integers(0, maxval + 1, (5, 7, n)).astype(">u2") for n in (1, 3))
    (tmp_path / "a.pgm").write_bytes(b"P5\n# made by hand\n7 5\n%d\n" % maxval + gray.tobytes())
    (tmp_path / "a.ppm").write_bytes(b"P6 7 5 %d\n" % maxval + colour.tobytes())
    for name, image in (("a.pgm", gray), ("a.ppm", colour)):
        found = load_image(tmp_path / name, keep_depth=True)
        assert found.dtype == np.uint16 and found.shape == image.shape
        np.testing.assert_allclose(found, image.astype("float64") * 65535 / maxval, atol=0.51)


def test_what_a_file_holds_beside_the_picture_is_said(tmp_path):
    frames = [Image.fromarray(np.full((4, 5, 3), 50 * k, "uint8")) for k in range(3)]
    words = {"a.gif": "frames", "a.webp": "frames", "a.png": "frames", "a.tif": "pages", "a.mpo": "pictures"}
    for name, what in words.items():
        frames[0].copy().save(tmp_path / name, save_all=True, append_images=[f.copy() for f in frames[1:]])
        assert origin(str(tmp_path / name)).several() == f"the first of its 3 {what} is taken"
    frames[0].save(tmp_path / "one.png")
    assert origin(str(tmp_path / "one.png")).several() is None


def test_damaged_exif_stops_nothing(tmp_path):
    photograph(tmp_path / "good.jpg")
    good = (tmp_path / "good.jpg").read_bytes()
    at = good.index(b"Exif\0\0")
    for _ in range(60):
        data = bytearray(good)
        for place in RNG.integers(at + 6, at + 400, 12):
            data[place] = RNG.integers(0, 256)
        (tmp_path / "bad.jpg").write_bytes(data)
        for ending in ENDINGS:
            save_photo(
                str(tmp_path / f"answer{ending}"), np.zeros((4, 4, 3), "uint8"), origin(str(tmp_path / "bad.jpg"))
            )
            assert load_image(tmp_path / f"answer{ending}").shape == (4, 4, 3)
    (tmp_path / "none.jpg").write_bytes(b"no picture")
    assert origin(str(tmp_path / "none.jpg")) == photo_files.Origin()


def test_exif_that_is_too_long_for_a_jpeg_is_named(tmp_path):
    exif = Image.Exif()
    exif[0x010F], exif[0x010E] = "Maker", "x" * 70_000
    for ending in ENDINGS:
        path = str(tmp_path / f"answer{ending}")
        lost = save_photo(path, np.zeros((4, 4, 3), "uint8"), photo_files.Origin(exif=exif))
        assert lost == (["its EXIF: it is too long for .jpg"] if ending == ".jpg" else [])
        assert load_image(path).shape == (4, 4, 3)


@pytest.mark.parametrize("ending", ENDINGS)
def test_gray_of_its_own_profile_looks_alike_in_every_file(tmp_path, ending):
    """WebP has colours only, and keeps none of gray."""
    image, path = np.full((8, 8, 1), 60, "uint8"), str(tmp_path / f"a{ending}")
    assert save_photo(path, image, photo_files.Origin(profile=odd_profiles.linear_gray())) == []
    assert np.abs(load_image(path)[..., 0].astype(int) - 132).max() <= 2
    assert (origin(path).profile is None) == (ending == ".webp")


def test_a_profile_that_sixteen_bits_cannot_keep_is_named(tmp_path):
    image = np.zeros((4, 4, 4), "uint16")
    (lost,) = save_photo(str(tmp_path / "a.png"), image, photo_files.Origin(profile=odd_profiles.linear_gray()))
    assert "profile" in lost


def test_of_a_damaged_second_page_and_a_pipe(tmp_path):
    """What the first page holds stays; nothing is waited for."""
    path = tmp_path / "a.tif"
    Image.new("RGB", (8, 6)).save(path, icc_profile=SRGB)
    data = bytearray(path.read_bytes())
    start = struct.unpack("<I", data[4:8])[0]
    after = start + 2 + 12 * struct.unpack("<H", data[start : start + 2])[0]
    data[after : after + 4] = struct.pack("<I", 0x30)
    path.write_bytes(data)
    found = origin(str(path))
    assert (found.kind, found.size, found.profile) == ("TIFF", (8, 6), SRGB)
    os.mkfifo(tmp_path / "b.png")
    for wrong in ("b.png", "none.png", "."):
        assert origin(str(tmp_path / wrong)) == photo_files.Origin()


def test_what_is_wrong_is_said(tmp_path):
    with pytest.raises(ValueError, match="ends in"):
        save_photo(str(tmp_path / "a.bmp"), np.zeros((4, 4, 3), "uint8"))
    with pytest.raises(OSError, match="no/a.tif"):
        save_photo(str(tmp_path / "no" / "a.tif"), np.zeros((4, 4, 3), "uint8"))
    file = io.BytesIO()
    Image.new("CMYK", (4, 4), (0, 255, 255, 0)).save(file, "JPEG")
    assert load_image(file.getvalue(), own_colours=True).shape == (4, 4, 3)
