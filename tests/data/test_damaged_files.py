"""Whatever is damaged is an array of the right form, or one line that names the file."""

import io
import os
import zipfile

import numpy as np
import pytest
from PIL import Image

from keras_imgen.data import photos
from keras_imgen.data.image_io import frames, load_image
from keras_imgen.data.sources import Request, find

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
    deep = Image.fromarray(np.asarray(gray).astype("uint16") * 257)
    floats = Image.fromarray(smooth[..., 0] / np.float32(255))
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
    """What came of a file: "read", or what was said."""
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


def archives():
    """.npz files of arrays and of packed pictures, compressed and not, and a zip file of pictures."""
    images = np.random.default_rng(0).integers(0, 256, (6, 9, 8, 3)).astype("uint8")
    files = [io.BytesIO() for _ in images]
    for file, image in zip(files, images):
        Image.fromarray(image).save(file, "JPEG")
    files = [f.getvalue() for f in files]
    pack = {"jpeg": np.frombuffer(b"".join(files), "uint8"), "offsets": np.cumsum([0, *map(len, files)])}
    found = {}
    for name, save, arrays in (
        ("arrays.npz", np.savez, {"image": images, "label": np.arange(6)}),
        ("small.npz", np.savez_compressed, {"x_train": images, "y_train": np.arange(6)}),
        ("pack.npz", np.savez, {**pack, "label": np.arange(6), "classes": list("abcdef")}),
    ):
        out = io.BytesIO()
        save(out, **arrays)
        found[name] = out.getvalue()
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for k, file in enumerate(files):
            archive.writestr(f"{k}.jpg", file)
    return {**found, "pictures.zip": out.getvalue()}


def damaged_archive(data, rng):
    """As `damaged`, or other bytes where it is told what there is: in the headers of zip and of NumPy."""
    if rng.random() < 0.4:
        return damaged(data, rng)
    data = bytearray(data)
    marks = (b"PK\1\2", b"PK\3\4", b"PK\5\6", b"\x93NUMPY", b"descr", b"'shape'")
    places = [k for mark in marks for k in range(len(data)) if data.startswith(mark, k)]
    for _ in range(rng.integers(1, 4)):
        at = min(len(data) - 1, int(rng.choice(places)) + int(rng.integers(50)))
        data[at] = rng.integers(256) if rng.random() < 0.6 else rng.choice(list(b"0123456789-,()<>|OUufMV"))
    return bytes(data)


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_damaged_archives_are_read_or_named(tmp_path):
    every, rng = archives(), np.random.default_rng(SEED)
    for case in range(CASES):
        name = list(every)[case % len(every)]
        path = tmp_path / f"{case}-{name}"
        path.write_bytes(damaged_archive(every[name], rng) if case >= len(every) else every[name])
        try:
            if name == "pictures.zip":
                assert all(p.dtype == np.uint8 and p.shape[2] == 3 for p in photos(path))
            else:
                found = find(f"npz:{path}", Request("train"))
                image = found.fetch(np.arange(found.count))["image"]
                assert image.shape == (found.count, *found.shape) and image.dtype == np.uint8
        except ValueError as error:
            assert case >= len(every) and str(path) in str(error) and "\n" not in str(error), error
