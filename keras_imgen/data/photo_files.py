"""What a photograph's file holds besides its pixels, and the files that answers are written to: PNG, JPEG, WebP and TIFF, with it."""

import io
import os
import struct
import warnings
import zlib
from dataclasses import dataclass

import numpy as np
from PIL import Image
from PIL.TiffImagePlugin import ImageFileDirectory_v2

from keras_imgen.data import image_io
from keras_imgen.data.decoding import fits, in_srgb
from keras_imgen.data.files import whole

FORMATS = {"png": ".png", "jpg": ".jpg", "webp": ".webp", "tif": ".tif"}  # the ending of each
SAME = {".png": "png", ".jpg": "jpg", ".jpeg": "jpg", ".jpe": "jpg", ".webp": "webp", ".tif": "tif", ".tiff": "tif"}
EXIF, GPS, MAKER_NOTE, INTEROP, SIZE, SOFTWARE, ICC = 0x8769, 0x8825, 0x927C, 0xA005, (0xA002, 0xA003), 0x0131, 34675
# Of the first directory what says something of the photograph: title, maker, camera, resolution, time, author, rights.
KEPT = (0x010E, 0x010F, 0x0110, 0x011A, 0x011B, 0x0128, 0x0132, 0x013B, 0x8298)
SEGMENT = 65533  # bytes of one of a JPEG, at most: of all its EXIF
SEVERAL = {"TIFF": "pages", "MPO": "pictures", "ICO": "sizes", "GIF": "frames", "WEBP": "frames", "PNG": "frames"}


@dataclass(frozen=True)
class Origin:
    """What a picture's file holds besides its pixels.

    Args:
        kind: Pillow's name of its format.
        size: (width, height), as it is stored.
        frames: how many pictures it holds.
        exif: its EXIF, None without one that can be read.
        profile: its ICC profile.
    """

    kind: str = ""
    size: tuple[int, int] = (1, 1)
    frames: int = 1
    exif: Image.Exif | None = None
    profile: bytes | None = None

    def several(self) -> str | None:
        """In words, that it holds more than the picture that is taken; None if it does not."""
        if self.frames < 2 or self.kind == "PSD":  # which counts layers, and composes them
            return None
        return f"the first of its {self.frames} {SEVERAL.get(self.kind, 'frames')} is taken"


def origin(path: str) -> Origin:
    """What the file of a picture holds; of a damaged one as much as can be read.

    Args:
        path: of the file.
    """
    try:
        with image_io.opened(path) as image:
            kind, size, profile = image.format, image.size, image.info.get("icc_profile")
            try:
                exif = image.getexif()
                exif.get_ifd(EXIF), exif.get_ifd(GPS)
            except Exception:  # whatever a damaged one leads to
                exif = None
            try:  # last: it goes through all of them
                frames = getattr(image, "n_frames", 1)
            except Exception:  # as of the directory of a second page
                frames = 1
            return Origin(kind, size, frames, exif=exif if exif else None, profile=profile if profile else None)
    except Exception:  # as in `load_image`, which says what is wrong
        return Origin()


def save_photo(
    path: str,
    image: np.ndarray,
    origin: Origin | None = None,
    metadata: dict[str, str] | None = None,
    quality: int = 95,
    gps: bool = False,
) -> list[str]:
    """Write a picture as its name ends, whole or not at all, with the EXIF and the ICC profile of the file that it was made of.

    The picture is upright, so that the orientation goes, as do the thumbnail, the maker's notes and the place; camera, lens, settings,
    time, author and rights stay.

    Args:
        path: ends in .png, .jpg, .webp or .tif, or as `SAME` has it.
        image: uint8 or uint16, (H, W) or (H, W, 1 | 3 | 4). JPEG and WebP have 8 bits, JPEG no alpha: it is laid on white.
        origin: what is kept; None has nothing.
        metadata: into a PNG's texts; of the others its `model` becomes EXIF's software.
        quality: of JPEG and WebP, 1 to 100.
        gps: keep where it was taken.

    Returns:
        What could not be kept, in words.

    Raises:
        ValueError: another type, shape or ending.
        OSError: the file cannot be written, by its name.
    """
    ending = os.path.splitext(path)[1].lower()
    if ending not in SAME:
        raise ValueError(f"Expected a name that ends in {', '.join(SAME)}, got {path}.")
    kind, lost = SAME[ending], []
    image = np.asarray(image)
    image = image[..., None] if image.ndim == 2 else image
    deep = image.dtype == np.uint16
    if kind in ("jpg", "webp") and deep:
        image = np.round(image / 257).astype("uint8")
        lost.append(f"16 bits: .{kind} has 8")
    if kind == "jpg" and image.shape[-1] == 4:
        image = image_io.with_channels(image, 3)
        lost.append("transparency: .jpg has none")
    origin = origin or Origin()
    profile = origin.profile if fits(origin.profile, image.shape[-1]) else None
    if deep and origin.profile and profile is None:  # of 8 bits, colours that it does not fit are in sRGB
        lost.append("its colour profile: it is of other colours")
    if kind == "webp" and profile and image.shape[-1] == 1:  # which has colours only
        gray = Image.fromarray(image[..., 0])
        gray.info["icc_profile"] = profile
        image, profile = np.asarray(in_srgb(gray))[..., None], None
    exif = _kept(origin.exif, image, metadata if kind != "png" else None, gps)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of Pillow, of tags that it does not know
            stored = exif.tobytes() if len(exif) else b""
    except Exception:  # values that no file may hold; those of a picture may be anything
        exif, stored = Image.Exif(), b""
        lost.append("its EXIF: it is damaged")
    if kind == "jpg" and len(stored) > SEGMENT:
        stored = b""
        lost.append("its EXIF: it is too long for .jpg")
    if kind == "png":
        data = image_io.png(image, metadata, _chunks(stored, profile))
    elif kind == "tif":
        data = _tiff(image, dict(exif), profile)
    else:
        how = {"exif": stored} if stored else {}
        how |= {"icc_profile": profile} if profile else {}
        how |= {"subsampling": "4:4:4" if quality >= 90 else "4:2:0"} if kind == "jpg" else {"method": 4}
        buffer = io.BytesIO()
        Image.fromarray(image[..., 0] if image.shape[-1] == 1 else image).save(
            buffer, "JPEG" if kind == "jpg" else "WEBP", quality=quality, **how
        )
        data = buffer.getvalue()
    with whole(path) as beside, open(beside, "wb") as f:
        f.write(data)
    return lost


def _kept(exif, image, metadata, gps):
    """A new EXIF of what is worth keeping."""
    found = Image.Exif()
    if exif is not None:
        found.update({tag: exif[tag] for tag in KEPT if tag in exif})
        own = {k: v for k, v in exif.get_ifd(EXIF).items() if k not in (MAKER_NOTE, INTEROP)}
        if own:
            found[EXIF] = {**own, **dict(zip(SIZE, image.shape[1::-1]))}
        if gps and (place := dict(exif.get_ifd(GPS))):
            found[GPS] = place
    if metadata and metadata.get("model"):
        found[SOFTWARE] = f"keras_imgen {metadata['model']}".encode("ascii", "replace").decode()
    return found


def _chunks(exif, profile):
    """Of PNG."""
    if profile:
        yield b"iCCP", b"ICC Profile\0\0" + zlib.compress(profile)
    if exif:
        yield b"eXIf", exif.removeprefix(b"Exif\0\0")


def _tiff(image, exif, profile):
    """The bytes of a TIFF file: one strip, Deflate; Pillow writes no colours of 16 bits."""
    height, width, channels = image.shape
    strip = zlib.compress(np.ascontiguousarray(image).astype(image.dtype.newbyteorder("<")).tobytes())
    ifd = ImageFileDirectory_v2(prefix=b"II")
    for tag, value in exif.items():
        ifd[tag] = value
    ifd[256], ifd[257], ifd[277], ifd[278] = width, height, channels, height
    ifd[258], ifd[339] = (8 * image.itemsize,) * channels, (1,) * channels
    ifd[259], ifd[262], ifd[284] = 8, 1 if channels == 1 else 2, 1  # Deflate; gray or RGB; channels side by side
    ifd[273], ifd[279] = 0, len(strip)  # it comes after the directory: Pillow adds where that ends
    if channels == 4:
        ifd[338] = 2  # alpha, colours not multiplied by it
    if profile:
        ifd.tagtype[ICC] = 7
        ifd[ICC] = profile
    return struct.pack("<2sHI", b"II", 42, 8) + ifd.tobytes(8) + strip
