"""Whatever is damaged is an array of the right form, or one line that names the file."""

import io
import os
import warnings

import numpy as np
import pytest
from PIL import Image

from keras_imgen.data.image_io import frames, load_image

CASES, SEED = int(os.environ.get("DAMAGED_CASES", 300)), int(os.environ.get("DAMAGED_SEED", 0))


def pictures():
    """Files of every format, by name: gray, colour, alpha, 16 bits, floats, palettes, text, profiles, frames."""
    rng = np.random.default_rng(0)
    rows, columns = np.mgrid[:23, :31]
    smooth = np.stack([rows * 11, columns * 8, rows * 4 + columns * 4], -1).astype("uint8")
    noise = rng.integers(0, 256, smooth.shape).astype("uint8")
    colour = Image.fromarray(smooth // 2 + noise // 2)
    gray, alpha = colour.convert("L"), colour.copy()
    alpha.putalpha(gray)
    deep, floats = Image.fromarray(np.asarray(gray).astype("uint16") * 257), Image.fromarray(smooth[..., 0] / np.float32(255))
    exif = Image.Exif()
    exif[0x0112] = 6
    more = {"save_all": True, "append_images": [gray.convert("RGB")]}
    every = {
        "colour.png": (colour, {"exif": exif}),
        "deep.png": (deep, {}),
        "palette.png": (colour.convert("P"), {"transparency": 3}),
        "frames.png": (colour, more),
        "colour.jpg": (colour, {"exif": exif, "icc_profile": profile()}),
        "progressive.jpg": (colour, {"progressive": True}),
        "cmyk.jpg": (colour.convert("CMYK"), {}),
        "pair.mpo": (colour, more),
        "lossless.webp": (alpha, {"lossless": True}),
        "frames.webp": (colour, more),
        "colour.tif": (colour, {"compression": "tiff_lzw"}),
        "deflated.tif": (alpha, {"compression": "tiff_adobe_deflate"}),
        "jpeg.tif": (colour, {"compression": "jpeg"}),
        "deep.tif": (deep, {}),
        "floats.tif": (floats, {}),
        "pages.tif": (colour, more),
        "colour.bmp": (colour, {}),
        "palette.bmp": (colour.convert("P"), {}),
        "frames.gif": (colour, more),
        "colour.ppm": (colour, {}),
        "deep.pgm": (deep, {}),
        "floats.pfm": (floats, {}),
        "alpha.ico": (alpha, {"sizes": [(16, 16)]}),
        "colour.jp2": (colour, {}),
        "colour.tga": (colour, {"compression": "tga_rle"}),
        "alpha.dds": (alpha, {}),
        "gray.pcx": (gray, {}),
        "colour.sgi": (colour, {}),
        "colour.qoi": (colour, {}),
        "alpha.icns": (alpha.resize((16, 16)), {}),
    }
    if ".avif" in Image.registered_extensions():
        every |= {"colour.avif": (colour, {}), "frames.avif": (colour, more)}
    found = {}
    for name, (image, how) in every.items():
        out, ending = io.BytesIO(), os.path.splitext(name)[1]
        how = {k: [i.copy() for i in v] if k == "append_images" else v for k, v in how.items()}  # saving leaves marks
        image.copy().save(out, {".pgm": "PPM", ".pfm": "PPM"}.get(ending, Image.registered_extensions()[ending]), **how)
        found[name] = out.getvalue()
    return found


def profile():
    from PIL import ImageCms

    return ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()


def damaged(data, rng):
    """The file cut off, with other bytes, other numbers in its header, a part left out, or a part of it again."""
    data, kind = bytearray(data), rng.integers(6)
    at = int(rng.integers(len(data)))
    if kind == 0:
        return bytes(data[:at])
    if kind == 1:
        for k in rng.integers(len(data), size=rng.integers(1, 9)):
            data[k] = rng.integers(256)
    elif kind == 2:
        head = int(rng.integers(min(96, len(data))))
        width = int(rng.choice([1, 2, 4]))
        data[head : head + width] = int(rng.choice([0, 1, 2 ** (8 * width) - 1, 2 ** (8 * width - 1)])).to_bytes(width)
    elif kind == 3:
        del data[at : at + int(rng.integers(1, 64))]
    elif kind == 4:
        data[at:at] = data[at : at + 200]
    else:
        data[at] ^= 1 << int(rng.integers(8))
    return bytes(data)


def outcome(path, **how):
    """What came of a file: "read", or the kind of error it would have been."""
    try:
        image = load_image(str(path), **how)
    except ValueError as error:
        assert str(error).startswith(str(path)) and "\n" not in str(error), error
        return str(error)
    assert image.dtype == np.uint8 or (how.get("keep_depth") and image.dtype == np.uint16)
    assert image.ndim == 3 and image.size and image.shape[2] == how.get("channels", image.shape[2])
    assert image.shape[2] in (1, 3, 4)
    return "read"


@pytest.mark.filterwarnings("ignore::UserWarning:PIL")
def test_damaged_pictures_are_read_or_named(tmp_path):
    every, rng = pictures(), np.random.default_rng(SEED)
    for name, data in every.items():
        (tmp_path / name).write_bytes(data)
        assert outcome(tmp_path / name) == outcome(tmp_path / name, keep_depth=True) == "read", name
    seen = []
    names = list(every)
    for case in range(CASES):
        name = names[case % len(names)]
        path = tmp_path / f"{case}-{name}"
        path.write_bytes(damaged(every[name], rng))
        how = [{}, {"channels": 1}, {"channels": 3}, {"channels": 4}, {"keep_depth": True}][int(rng.integers(5))]
        seen.append(outcome(path, **how))
        assert frames(path) >= 1
        path.unlink()
    assert 0.1 < seen.count("read") / CASES < 0.9
