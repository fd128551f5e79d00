"""Folders of pictures as people have them: of every kind and depth, turned, animated, damaged, with odd names; and what comes of each."""

import os

import numpy as np
from PIL import Image

from keras_imgen.data.photo_files import EXIF, GPS, save_photo

PROBLEMS = ("broken", "empty", "cut", "words", "huge")  # kinds that cannot be restored


def make(folder: str, count: int, seed: int = 0) -> tuple[dict[str, tuple[int, int]], set[str]]:
    """Write `count` of them; returns the (height, width) of those that can be restored, as they are seen, and the names of the others."""
    rng, good, bad = np.random.default_rng(seed), {}, set()
    kinds = [*_KINDS, *PROBLEMS]
    for k in range(count):
        kind = kinds[k % len(kinds)]
        below = ("", "below", "below/deeper")[k // len(kinds) % 3]
        os.makedirs(os.path.join(folder, below), exist_ok=True)
        height, width = (int(n) for n in rng.integers(1, 40, 2))
        stem = os.path.join(below, f"{k:04d} {'äß✓'[k % 3]}{kind}")
        if kind in PROBLEMS:
            bad.add(_problem(folder, stem, kind, rng))
        else:
            name, turned = _KINDS[kind](folder, stem, (height, width), rng)
            good[name] = (width, height) if turned else (height, width)
    return good, bad


def _drawn(size, channels, rng, dtype="uint8"):
    return rng.integers(0, np.iinfo(dtype).max + 1, (*size, channels)).astype(dtype)


def _saved(ending, channels=3, dtype="uint8"):
    def write(folder, stem, size, rng):
        save_photo(os.path.join(folder, stem + ending), _drawn(size, channels, rng, dtype))
        return stem + ending, False

    return write


def _pillow(ending, mode="RGB", **how):
    def write(folder, stem, size, rng):
        picture = Image.fromarray(_drawn(size, 3, rng)).convert(mode)
        others = [Image.fromarray(_drawn(size, 3, rng)).convert(mode) for _ in range(3)]
        several = {"save_all": True, "append_images": others} if how.get("frames") else {}
        exif = {}
        if how.get("exif"):
            found = Image.Exif()
            found[0x0112], found[0x0110] = 6, "Camera 1"
            found[EXIF], found[GPS] = {0x9003: "2024:05:06 07:08:09"}, {1: "N", 2: (47.0, 30.0, 0.0)}
            exif = {"exif": found.tobytes()}
        picture.save(os.path.join(folder, stem + ending), **several, **exif)
        return stem + ending, bool(exif)

    return write


def _netpbm(folder, stem, size, rng):
    pixels = _drawn(size, 1, rng, "uint16").astype(">u2")
    with open(os.path.join(folder, stem + ".pgm"), "wb") as f:
        f.write(b"P5 %d %d 65535\n" % size[::-1] + pixels.tobytes())
    return stem + ".pgm", False


_KINDS = {
    "png": _saved(".png"),
    "gray": _saved(".png", 1),
    "alpha": _saved(".png", 4),
    "deep": _saved(".png", 3, "uint16"),
    "deepgray": _saved(".tif", 1, "uint16"),
    "deepalpha": _saved(".TIFF", 4, "uint16"),
    "jpeg": _pillow(".JPG"),
    "turned": _pillow(".jpeg", exif=True),
    "webp": _pillow(".webp"),
    "webpturned": _pillow(".webp", exif=True),
    "bmp": _pillow(".bmp"),
    "palette": _pillow(".gif", "P"),
    "film": _pillow(".gif", frames=True),
    "filmwebp": _pillow(".webp", frames=True),
    "pages": _pillow(".tif", frames=True),
    "pair": _pillow(".mpo", frames=True),
    "cmyk": _pillow(".jpg", "CMYK"),
    "bits": _pillow(".png", "1"),
    "netpbm": _netpbm,
    "tga": _pillow(".tga"),
    "avif": _pillow(".avif"),
}


def _problem(folder, stem, kind, rng):
    name = stem + (".png" if kind == "huge" else ".jpg")
    path = os.path.join(folder, name)
    if kind == "huge":
        Image.fromarray(np.zeros((301, 400), "uint8")).save(path)
        return name
    Image.fromarray(_drawn((60, 60), 3, rng)).save(path)
    with open(path, "rb") as f:
        data = f.read()
    data = {
        "broken": b"\xff\xd8\xff" + rng.bytes(300),
        "empty": b"",
        "cut": data[: len(data) // 3],
        "words": b"no picture",
    }[kind]
    with open(path, "wb") as f:
        f.write(data)
    return name
