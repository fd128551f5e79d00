"""What Pillow has opened, as it is meant: TIFFs as others write them, odd EXIF, colour profiles."""

import io
import struct

import numpy as np
import odd_profiles
import pytest
from PIL import Image
from PIL.TiffImagePlugin import ImageFileDirectory_v2

from keras_imgen.data.image_io import load_image

WAYS = {
    1: lambda x: x,
    2: np.fliplr,
    3: lambda x: np.rot90(x, 2),
    4: np.flipud,
    5: lambda x: x.swapaxes(0, 1),
    6: lambda x: np.rot90(x, -1),
    7: lambda x: np.rot90(x, 2).swapaxes(0, 1),
    8: np.rot90,
}


def tiff(image, photometric, extra=None, orientation=1):
    """Uncompressed."""
    height, width, channels = image.shape
    ifd = ImageFileDirectory_v2(prefix=b"II")
    ifd[256], ifd[257], ifd[277], ifd[278] = width, height, channels, height
    ifd[258], ifd[339] = (8 * image.itemsize,) * channels, (1,) * channels
    ifd[259], ifd[262], ifd[274], ifd[284] = 1, photometric, orientation, 1
    ifd[273], ifd[279] = 0, image.nbytes
    if extra is not None:
        ifd[338] = extra
    return struct.pack("<2sHI", b"II", 42, 8) + ifd.tobytes(8) + np.ascontiguousarray(image).tobytes()


@pytest.mark.parametrize("orientation", WAYS)
@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_tiffs_come_upright_from_their_path(tmp_path, orientation, dtype, channels):
    image = np.random.default_rng(0).integers(0, np.iinfo(dtype).max + 1, (4, 6, channels)).astype(dtype)
    how = (1 if channels == 1 else 2, 2 if channels == 4 else None, orientation)
    (tmp_path / "a.tif").write_bytes(tiff(image, *how))
    np.testing.assert_array_equal(load_image(tmp_path / "a.tif", keep_depth=True), WAYS[orientation](image))


def deep(*levels):
    return np.tile(np.uint16(levels), (4, 6, 1))


@pytest.mark.parametrize("orientation", [1, 6])
@pytest.mark.parametrize(
    ("image", "photometric", "extra", "expected"),
    [
        (deep(60000, 30000, 10, 7), 2, 0, (60000, 30000, 10)),
        (deep(30000, 15000, 0, 32768), 2, 1, (59999, 30000, 0, 32768)),
        (deep(0, 0, 0, 0), 2, 1, (0, 0, 0, 0)),
        (deep(60000, 30000, 10, 20000), 2, 2, (60000, 30000, 10, 20000)),
        (deep(65535 - 30000), 0, None, (30000,)),
    ],
    ids=["padded", "multiplied", "clear", "alpha", "white is zero"],
)
def test_what_the_numbers_of_sixteen_bits_mean(image, photometric, extra, expected, orientation):
    data = tiff(image, photometric, extra, orientation)
    found = load_image(data, keep_depth=True)
    assert found.dtype == np.uint16 and found.shape[-1] == len(expected)
    assert np.abs(found.astype(int) - expected).max() <= 1
    shallow = load_image(data)
    assert shallow.shape == found.shape and np.abs(shallow.astype(int) - np.array(expected) / 257).max() <= 2


def test_cmyk_of_sixteen_bits_is_not_taken_for_alpha():
    found = load_image(tiff(deep(0, 65535, 65535, 0), 5), keep_depth=True)
    assert found.dtype == np.uint8 and found.shape == (4, 6, 3) and found[0, 0].tolist() == [255, 0, 0]


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("tag", [0x0213, 0x0128, None], ids=["positioning", "unit", "garbage"])
def test_odd_exif_costs_no_picture(kind, tag):
    """Tags of a type that Pillow reads and does not write: what it says of the orientation holds; and what is no EXIF."""
    tags = struct.pack("<HHIHH", 0x0112, 3, 1, 6, 0) + struct.pack("<HHII", tag or 0, 4, 1, 70000)
    exif = b"Exif\0\0" + (b"II*\0\x08\0\0\0\x02\0" + tags + bytes(4) if tag else b"GARBAGEGARBAGE")
    file = io.BytesIO()
    Image.new("RGB", (6, 4)).save(file, kind, exif=exif)
    assert load_image(file.getvalue(), keep_depth=True).shape == ((6, 4, 3) if tag else (4, 6, 3))


def encoded(image, kind="PNG", **how):
    file = io.BytesIO()
    image.save(file, kind, **how)
    return file.getvalue()


def test_colours_go_by_what_a_profile_does_not_by_its_name():
    """Palettes, too; the alpha of each stays."""
    data = np.tile(np.uint8([[[200, 100, 30, 90]]]), (8, 8, 1))
    picture = Image.fromarray(data)
    profile = odd_profiles.exchanged()
    for mode, channels in (("RGB", 3), ("RGBA", 4), ("P", 3)):
        plain = picture.convert("RGB").quantize(2) if mode == "P" else picture.convert(mode)
        file = encoded(plain, icc_profile=profile)
        expected = data[..., [2, 1, 0, 3][:channels]].astype(int)
        assert np.abs(load_image(file) - expected).max() <= 1, mode
        np.testing.assert_array_equal(load_image(file, own_colours=True), data[..., :channels])
    clear = picture.convert("RGB").quantize(2)
    found = load_image(encoded(clear, icc_profile=profile, transparency=clear.getpixel((0, 0))))
    assert np.abs(found[0, 0].astype(int) - [30, 100, 200, 0]).max() <= 1
    np.testing.assert_array_equal(load_image(encoded(picture, icc_profile=odd_profiles.SRGB)), data)


@pytest.mark.parametrize("own_colours", [False, True])
def test_gray_by_its_profile(own_colours):
    """With alpha it becomes colour, which no gray profile is for."""
    profile = odd_profiles.linear_gray()
    level = lambda image, **how: load_image(encoded(image, icc_profile=profile, **how), own_colours=own_colours)[0, 0]  # noqa: E731
    gray, rgb = Image.new("L", (8, 8), 60), Image.new("RGB", (8, 8), (60, 60, 60))
    assert level(gray).tolist() == ([60] if own_colours else [pytest.approx(132, abs=1)])
    assert level(Image.new("LA", (8, 8), (60, 200))).tolist() == [pytest.approx(132, abs=1)] * 3 + [200]
    assert level(gray, transparency=60).tolist() == [pytest.approx(132, abs=1)] * 3 + [0]
    assert level(rgb).tolist() == [60, 60, 60]  # of a profile that is none of its own
