"""Files as they really are: gray, alpha, 16-bit, palettes, EXIF, damage; and the way back."""

import io
import os

import numpy as np
import pytest
from PIL import Image, ImageCms

from keras_imgen.data import image_io
from keras_imgen.data.image_io import load_image, make_grid, read_metadata, resize, save_image


def encoded(image, kind="PNG", **kwargs):
    out = io.BytesIO()
    image.save(out, kind, **kwargs)
    return out.getvalue()


def test_own_channels():
    for mode, channels in (("1", 1), ("L", 1), ("RGB", 3), ("RGBA", 4), ("LA", 4), ("P", 3), ("CMYK", 3)):
        image = Image.new(mode, (5, 3))
        assert load_image(image).shape == (3, 5, channels), mode


def test_alpha_is_composited_on_the_background():
    image = Image.fromarray(np.array([[[200, 0, 0, 255], [200, 0, 0, 0], [200, 0, 0, 51]]], "uint8"))
    assert load_image(image, 3)[0].tolist() == [[200, 0, 0], [255, 255, 255], [244, 204, 204]]  # 255 + 0.2 (c - 255)
    assert load_image(image, 3, background=0)[0, 1].tolist() == [0, 0, 0]
    assert load_image(image, 4)[0, 2].tolist() == [200, 0, 0, 51]


def test_sixteen_bits_are_scaled_not_cut():
    wide = np.array([[0, 257 * 100, 65535]], "uint16")
    assert load_image(encoded(Image.fromarray(wide)))[0, :, 0].tolist() == [0, 100, 255]


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_sixteen_bits_are_kept_and_upright(kind, orientation):
    """As the 8-bit picture is, whichever library reads it."""
    pixels = np.arange(6, dtype="uint8").reshape(2, 3) * 40
    exif = Image.Exif()
    exif[0x0112] = orientation
    deep = load_image(encoded(Image.fromarray(pixels.astype("uint16") * 257), kind, exif=exif), keep_depth=True)
    shallow = load_image(encoded(Image.fromarray(pixels), kind, exif=exif))
    assert deep.dtype == np.uint16
    np.testing.assert_array_equal(deep, shallow.astype("uint16") * 257)


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_sixteen_bits_come_back_from_a_file(channels, tmp_path):
    deep = np.random.default_rng(0).integers(0, 65536, (5, 7, channels)).astype("uint16")
    save_image(str(tmp_path / "deep.png"), deep)
    np.testing.assert_array_equal(load_image(str(tmp_path / "deep.png"), keep_depth=True), deep)
    assert load_image(str(tmp_path / "deep.png")).dtype == np.uint8
    assert load_image(Image.fromarray(deep[..., 0]), keep_depth=True).dtype == np.uint16


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([100.0] * 3, [100] * 3),  # flat, whatever its maximum
        ([0.0, 0.5, 1.0], [0, 128, 255]),
        ([0.0, 0.0, 0.0], [0, 0, 0]),
        ([0.0, 1.01, 254.6], [0, 1, 255]),
        ([0.0, 257.0, 65535.0], [0, 1, 255]),
        ([0.0, float("nan"), 1.0], "nan"),
        ([0.0, float("inf"), 1.0], "inf"),
        ([-0.5, 0.0, 1.0], "-0.5 to 1"),
        ([0.0, 65536.0, 1.0], "0 to 65536"),
    ],
)
def test_floats_are_taken_by_a_stated_rule(values, expected, tmp_path):
    path = tmp_path / "floats.tif"
    Image.fromarray(np.array([values], "float32")).save(path)
    if isinstance(expected, list):
        assert load_image(path, keep_depth=True)[0, :, 0].tolist() == expected
    else:
        with pytest.raises(ValueError, match=f"floats.tif cannot be read: values from .*{expected}"):
            load_image(path)


def test_whole_numbers_of_32_bits_are_taken_for_16(tmp_path):
    path = tmp_path / "wide.tif"
    Image.fromarray(np.array([[0, 257 * 7, 65535]], "int32")).save(path)
    assert load_image(path)[0, :, 0].tolist() == [0, 7, 255]
    for beyond in (-1, 65536):
        Image.fromarray(np.array([[0, beyond]], "int32")).save(path)
        with pytest.raises(ValueError, match=f"wide.tif cannot be read: values.*{beyond}"):
            load_image(path)


def test_colours_of_another_profile_become_srgb():
    """A profile that swaps nothing but says Lab: pictures without one, with sRGB's and with a broken one stay as they are."""
    pixels = np.random.default_rng(0).integers(0, 256, (4, 4, 3)).astype("uint8")
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    for profile in (srgb, b"no profile"):
        np.testing.assert_array_equal(load_image(encoded(Image.fromarray(pixels), icc_profile=profile)), pixels)


def test_exif_orientation_is_applied():
    pixels = np.arange(6, dtype="uint8").reshape(2, 3) * 40
    exif = Image.Exif()
    exif[0x0112] = 6  # turn by 90 degrees clockwise
    data = encoded(Image.fromarray(pixels), "PNG", exif=exif)
    np.testing.assert_array_equal(load_image(data)[..., 0], np.rot90(pixels, -1))


@pytest.mark.parametrize("keep", [0.0, 0.3, 0.9])
def test_damaged_files_are_refused(keep, tmp_path):
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 256, (40, 40, 3), "uint8"))
    for kind in ("PNG", "JPEG", "WEBP"):
        data = encoded(noise, kind)
        path = tmp_path / f"x.{kind.lower()}"
        path.write_bytes(data[: int(keep * len(data))])
        with pytest.raises(ValueError, match="x."):
            load_image(str(path))
    with pytest.raises(FileNotFoundError):
        load_image(str(tmp_path / "none.png"))
    with pytest.raises(ValueError, match="folder"):
        load_image(str(tmp_path))


def test_decompression_bombs_are_refused(monkeypatch):
    monkeypatch.setattr(image_io, "MAX_PIXELS", 99)
    with pytest.raises(ValueError, match="pixels"):
        load_image(encoded(Image.new("L", (10, 10))))
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 9)
    assert load_image(encoded(Image.new("L", (10, 10))), limited=False).shape == (10, 10, 1)
    assert Image.MAX_IMAGE_PIXELS == 9


def test_what_is_no_file_is_refused_at_once(tmp_path):
    """A pipe nobody writes to would be waited for, a PostScript file run through Ghostscript."""
    os.mkfifo(tmp_path / "pipe.png")
    with pytest.raises(ValueError, match="pipe.png is no regular file"):
        load_image(tmp_path / "pipe.png")
    assert image_io.frames(tmp_path / "pipe.png") == 1
    Image.new("RGB", (4, 4)).save(tmp_path / "program.eps")
    (tmp_path / "program.eps").rename(tmp_path / "program.jpg")
    with pytest.raises(ValueError, match="program.jpg is not an image"):
        load_image(tmp_path / "program.jpg")


def test_frames_are_counted(tmp_path):
    pages = [Image.fromarray(np.full((6, 7, 3), 60 * k, "uint8")) for k in range(4)]
    for ending, how in ((".gif", {}), (".webp", {"lossless": True}), (".tif", {}), (".mpo", {}), (".png", {})):
        several = {"save_all": True, "append_images": pages[1:], **how}
        pages[0].save(tmp_path / f"x{ending}", **several)
        assert image_io.frames(tmp_path / f"x{ending}") == 4, ending
        assert (load_image(tmp_path / f"x{ending}") == 0).all(), ending
    assert image_io.frames(encoded(pages[0])) == image_io.frames(encoded(pages[0], "JPEG")) == 1
    assert {".png", ".jpg", ".mpo", ".avif", ".jp2", ".tga"} <= image_io.endings()
    assert not {".pdf", ".eps", ".ps", ".mpg", ".h5", ".wmf"} & image_io.endings()


def test_resize_gives_every_size_of_every_picture():
    """Rounding put the box of the crop outside pictures of 49x49 and others: such ones at all
    sizes to 128, and all to 200x200 at one size; a fifth of these."""
    noise = np.random.default_rng(0).integers(0, 256, (200, 200, 1)).astype("uint8")
    asked = [(h, w, s, s) for h in (1, 49, 98, 107) for w in (1, 2, 49, 50, 103, 197) for s in range(1, 129)]
    asked += [(h, w, (7 * h + w) % 128 + 1, (h + 11 * w) % 128 + 1) for h in range(1, 201) for w in range(1, 201)]
    for h, w, height, width in asked[::5]:
        for policy in image_io.RESIZE:
            assert resize(noise[:h, :w], (height, width), policy).shape == (height, width, 1), (h, w, height, width)
    for shape in ((1, 10_000), (10_000, 1), (1, 100_000)):
        ends = np.zeros((*shape, 3), "uint8")
        for size in ((1, 1), (128, 128), (128, 1), (1, 128), (5, 90)):
            for policy in image_io.RESIZE:
                assert resize(ends, size, policy).shape == (*size, 3)


def test_the_crop_is_the_middle():
    """Of three squares side by side."""
    image = np.zeros((49, 147, 1), "uint8")
    image[:, 49:98] = 200
    assert resize(image, (49, 49)).tolist() == image[:, 49:98].tolist()


def test_resize_keeps_the_aspect():
    """A disc stays a disc, by either policy."""
    y, x = np.mgrid[:60, :90]
    image = (np.hypot(y - 29.5, x - 44.5) < 20).astype("uint8")[..., None] * 255
    for policy, radius in (("crop", 20 * 40 / 60), ("pad", 20 * 40 / 90)):
        out = resize(image, (40, 40), policy)[..., 0] / 255
        spread = [np.sqrt((out * (axis - 19.5) ** 2).sum() / out.sum()) for axis in np.mgrid[:40, :40]]
        np.testing.assert_allclose(spread, radius / 2, rtol=0.03)  # of a disc: r/2 along each axis
    assert resize(image, (60, 90)) is image


def test_resize_is_antialiased():
    checks = np.indices((64, 64)).sum(0)[..., None] % 2 * np.uint8(255)
    assert np.abs(resize(checks.astype("uint8"), (16, 16)).astype(int) - 128).max() < 8


def test_round_trip_with_metadata(tmp_path):
    path = str(tmp_path / "x.png")
    for channels in (1, 3, 4):
        image = np.random.default_rng(0).integers(0, 256, (6, 7, channels), "uint8")
        save_image(path, image, {"seed": "7", "model": "für alle"})
        np.testing.assert_array_equal(load_image(path), image)
        assert read_metadata(path) == {"seed": "7", "model": "für alle"}
    assert os.listdir(tmp_path) == ["x.png"]
    with pytest.raises(ValueError, match="uint8"):
        save_image(path, image.astype("float32"))
    with pytest.raises(ValueError, match=".png"):
        save_image(str(tmp_path / "x.jpg"), image)


def test_names_that_are_not_utf8_are_written_and_shown(tmp_path):
    name = os.fsdecode(b"caf\xe9\n.png")
    save_image(str(tmp_path / name), np.zeros((4, 4, 3), "uint8"), {"from": name})
    assert read_metadata(str(tmp_path / name)) == {"from": "caf\\udce9\n.png"}
    (tmp_path / name).write_bytes(b"no picture")
    with pytest.raises(ValueError, match=r"/caf\\udce9\\n\.png is not an image") as refused:
        load_image(tmp_path / name)
    str(refused.value).encode()


@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
def test_a_picture_that_cannot_be_written_is_named(dtype, tmp_path):
    """No room for it, and no folder: an OSError by the picture's name, and nothing is left behind."""
    import resource

    noise = np.random.default_rng(0).integers(0, 256, (90, 90, 3)).astype(dtype)
    path, limits = tmp_path / "large.png", resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (3000, limits[1]))
    try:
        with pytest.raises(OSError, match="File too large: .*/large.png'"):
            save_image(str(path), noise)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert not list(tmp_path.iterdir())
    with pytest.raises(FileNotFoundError) as gone:
        save_image(str(tmp_path / "none" / "x.png"), np.zeros((4, 4), dtype))
    assert gone.value.filename == str(tmp_path / "none" / "x.png")
    with pytest.raises(ValueError, match="Expected uint8 or uint16"):
        save_image(str(path), np.zeros((0, 4), dtype))


def test_model_range_and_back():
    every = np.arange(256, dtype="uint8")
    floats = image_io.to_model_range(every)
    assert floats.min() == -1 and floats.max() == 1
    np.testing.assert_array_equal(image_io.to_uint8(floats), every)


def test_grid_places_images_row_by_row():
    images = np.arange(5, dtype="uint8")[:, None, None, None] * np.ones((1, 4, 6, 1), "uint8")
    grid = make_grid(images, columns=3, scale=2, gap=1)
    assert grid.shape == (2 * 9 + 1, 3 * 13 + 1, 1)
    assert grid[1, 1, 0] == 0 and grid[8, 12 + 13, 0] == 1 and grid[10, 14, 0] == 4 and grid[10, 27, 0] == 255


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_a_clip_as_an_animated_png(channels):
    noise = (
        np.random.default_rng(0).integers(0, 256, (4, 200, 300, channels)).astype("uint8")
    )  # several chunks of data each
    frames = np.concatenate([noise[:2], noise[1:2], noise[1:]])  # two are alike
    file = image_io.apng(frames, {"seed": "7", "caption": "a\nstar"}, rate=5)
    with Image.open(io.BytesIO(file)) as image:
        assert image.n_frames == len(frames) and image.text == {"seed": "7", "caption": "a\nstar"}
        for k, frame in enumerate(frames):
            image.seek(k)
            assert image.info["duration"] == 200 and image.info.get("loop") == 0
            np.testing.assert_array_equal(np.asarray(image).reshape(frame.shape), frame)
    np.testing.assert_array_equal(load_image(file), frames[0])
