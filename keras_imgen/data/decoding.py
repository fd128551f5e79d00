"""What Pillow has opened, as it is meant: upright, with its 16 bits, in its colours."""

import io
from functools import lru_cache
from typing import Any

import numpy as np
from PIL import Image, ImageCms

ORIENTATION, PHOTOMETRIC, WHITE_IS_ZERO = 0x0112, 262, 0  # tags of EXIF and TIFF
_WAYS = Image.Transpose
_TURNS = {
    2: _WAYS.FLIP_LEFT_RIGHT,
    3: _WAYS.ROTATE_180,
    4: _WAYS.FLIP_TOP_BOTTOM,
    5: _WAYS.TRANSPOSE,
    6: _WAYS.ROTATE_270,
    7: _WAYS.TRANSVERSE,
    8: _WAYS.ROTATE_90,
}
_MODES = {b"GRAY": "L", b"RGB ": "RGB", b"CMYK": "CMYK"}  # of the pictures that a profile is for, by its colours


def _orientation(image):
    try:
        return image.getexif().get(ORIENTATION, 1)
    except Exception:  # whatever a damaged one leads to
        return 1


def upright(image: Image.Image) -> Image.Image:
    """A picture, loaded and turned by its EXIF orientation; gray of 16 bits is 0 where it is black, as TIFF need not have it.

    `ImageOps.exif_transpose` would write EXIF anew, which fails where that is odd.

    Args:
        image: as it was opened.
    """
    tiff = image.format == "TIFF"
    if tiff:  # Pillow turns it itself; what it maps from a file, by the sides of the turned one
        path, image.filename = image.filename, ""
        image.load()
        image.filename = path
    image.load()
    way = _TURNS.get(_orientation(image))
    found = image if way is None else image.transpose(way)
    if tiff and image.mode.startswith("I;16") and image.tag_v2.get(PHOTOMETRIC) == WHITE_IS_ZERO:
        found = _with_profile_of(image, Image.fromarray((65535 - np.asarray(found)).astype("uint16")))
    return found


def _with_profile_of(image, found):
    if "icc_profile" in image.info:
        found.info["icc_profile"] = image.info["icc_profile"]
    return found


def sixteen_bits(image: Image.Image) -> np.ndarray | None:
    """uint16 (H, W, C) of a picture of 16 bits, upright, None for another: Pillow reads such colours in 8 bits only.

    Args:
        image: as it was opened.
    """
    if image.mode.startswith("I;16") or (image.mode == "I" and image.format == "PPM"):
        return np.array(upright(image)).astype("uint16")[..., None]
    how = image.tile[0][3] if getattr(image, "tile", None) else ""
    if image.format == "PPM" and isinstance(how, tuple) and how[1] > 255:
        deep = _by_opencv(image)
        return None if deep is None else np.round(deep * (65535 / how[1])).astype("uint16")
    how = how[0] if isinstance(how, tuple) else how
    if image.format not in ("PNG", "TIFF") or image.mode not in ("RGB", "RGBA") or "16" not in str(how):
        return None
    if (deep := _by_opencv(image)) is None:
        return None
    if how.startswith("RGBX"):  # the fourth means nothing
        deep = deep[..., :3]
    elif how.startswith("RGBa"):  # colours are multiplied by alpha
        colours = np.round(deep[..., :3] * (65535.0 / np.maximum(deep[..., 3:], 1)))
        colours = np.minimum(colours, 65535).astype("uint16")
        deep = np.concatenate([colours, deep[..., 3:]], -1)
    if image.format == "TIFF":
        return np.ascontiguousarray(deep)  # OpenCV has turned it upright
    orientation = _orientation(image)
    turned = orientation if orientation in _TURNS else 1
    deep = np.swapaxes(deep, 0, 1) if turned >= 5 else deep
    deep = deep[::-1] if turned in (3, 4, 7, 8) else deep
    return np.ascontiguousarray(deep[:, ::-1] if turned in (2, 3, 6, 7) else deep)


def _by_opencv(image):
    """uint16 (H, W, C) of the file of a picture, None where it has other numbers."""
    import cv2

    if image.fp is None:
        return None
    image.fp.seek(0)
    deep = cv2.imdecode(np.frombuffer(image.fp.read(), "uint8"), cv2.IMREAD_UNCHANGED)
    if deep is None or deep.dtype != np.uint16 or deep.ndim == 3 and deep.shape[2] not in (1, 3, 4):
        return None
    return deep[..., None] if deep.ndim == 2 else deep[..., [2, 1, 0, 3][: deep.shape[2]]]


def eight_bits(image: Image.Image) -> Image.Image:
    """A picture of whole numbers of 16 and 32 bits or of floats in 8 bits, by the rule of `image_io.load_image`; another as it is.

    Args:
        image: of any mode.

    Raises:
        ValueError: values that are NaN, infinite, negative or above 65535.
    """
    if not image.mode.startswith(("I", "F")):
        return image
    wide = np.asarray(image).astype("float64")
    low, high = wide.min(), wide.max()
    top = 65535 if image.mode.startswith("I") or high > 255 else 255 if high > 1 else 1
    if not 0 <= low <= high <= top:  # nor if they are NaN
        raise ValueError(f"values from {low:g} to {high:g}, expected none below 0 or above 65535")
    return _with_profile_of(image, Image.fromarray(np.round(wide / top * 255).astype("uint8")))


# === Colours ===


def fits(profile: bytes | None, channels: int) -> bool:
    """Whether a file of so many channels may hold this ICC profile.

    Args:
        profile: its bytes.
        channels: 1, 3 or 4, with alpha.
    """
    return bool(profile) and profile[16:20] == (b"GRAY" if channels == 1 else b"RGB ")


def in_srgb(image: Image.Image) -> Image.Image:
    """A picture in sRGB, gray in that of sRGB, by its ICC profile: as it is where that makes no difference, or cannot be read.

    Args:
        image: of 8 bits; alpha and transparent colours stay transparent.
    """
    profile = image.info.get("icc_profile")
    wanted = _MODES.get(profile[16:20]) if profile else None
    gray, cmyk = image.mode in ("L", "LA"), image.mode == "CMYK"
    known = gray or cmyk or image.mode in ("P", "PA", "RGB", "RGBA", "YCbCr")
    if not known or wanted is None or (wanted == "CMYK") != cmyk or (wanted == "L" and not gray):
        return image
    try:
        if _is_srgb(profile):
            return image
        found = _by_profile(image.convert(wanted), profile)
    except (ImageCms.PyCMSError, OSError):  # one that cannot be read is worth no more than none
        return image
    found = found.getchannel("G") if gray else found
    if image.has_transparency_data:
        found.putalpha(image.convert("RGBA").getchannel("A"))
    return found


def _by_profile(image: Any, profile: bytes) -> Any:
    own = ImageCms.ImageCmsProfile(io.BytesIO(profile))
    return ImageCms.profileToProfile(image, own, ImageCms.createProfile("sRGB"), outputMode="RGB")


@lru_cache(16)
def _is_srgb(profile: bytes) -> bool:
    """By what it does, whatever it is called: no colour changes by more than a level."""
    if profile[16:20] == b"CMYK":
        return False
    levels = np.arange(0, 256, 15, "uint8")
    if profile[16:20] == b"GRAY":
        ramp = Image.fromarray(levels[None])
    else:
        ramp = Image.fromarray(np.stack(np.meshgrid(levels, levels, levels), -1).reshape(-1, len(levels), 3))
    found = np.asarray(_by_profile(ramp, profile)).astype(int)
    return bool(np.abs(found - np.asarray(ramp.convert("RGB"))).max() <= 1)
