"""Pictures in and out: files, bytes and PIL images <-> uint8 arrays. Gray, alpha, 16-bit and EXIF are settled here
(EXIF in a TensorFlow graph: `serving.exif`)."""

import io
import os
import warnings
from collections.abc import Iterable
from contextlib import nullcontext
from typing import Any

import numpy as np
from PIL import Image, ImageCms, ImageOps, UnidentifiedImageError
from PIL.PngImagePlugin import PngInfo, putchunk

from keras_imgen.data.files import one_line, shown, whole

MAX_PIXELS = 128_000_000  # more is refused as a decompression bomb
RESIZE = ("crop", "pad")
HEADER = 33  # bytes of a PNG file before its other chunks
NO_PICTURES = ("BUFR", "EPS", "GRIB", "HDF5", "MPEG", "WMF")  # Pillow decodes none of them without another program

# The limit is ours. For all calls at once: threads share the filters.
warnings.filterwarnings("ignore", category=Image.DecompressionBombWarning)


def load_image(
    source: Any,
    channels: int | None = None,
    background: int = 255,
    keep_depth: bool = False,
    own_colours: bool = False,
) -> np.ndarray:
    """A picture as uint8 (height, width, channels), turned upright by its EXIF orientation.

    16 bits are scaled to 8, and whole numbers of 32 bits are taken for 16. Floats (TIFF, PFM) are taken as [0, 1] if they lie
    in it, else as gray levels [0, 255], else as [0, 65535]. Palette, CMYK and the like become RGB, colours of another profile
    sRGB (those of 16 bits stay); of an animation, the first frame is taken (`frames` counts them).

    Args:
        source: path, bytes, open file or PIL image.
        channels: 1 (luma), 3 or 4; None keeps what the file has: 1 for gray, 3 for colour, 4 where there is alpha.
        background: the gray level behind transparent pixels where alpha is dropped.
        keep_depth: a picture of 16 bits comes as uint16, with the channels of the file.
        own_colours: RGB stays as its profile has it.

    Raises:
        ValueError: not an image, damaged in any way, values that are NaN, infinite, negative or above 65535, or over 128 million
            pixels.
        FileNotFoundError: no such file.
    """
    path = source if isinstance(source, str | os.PathLike) else getattr(source, "filename", None)
    name = shown(path) if path else type(source).__name__
    if channels not in (None, 1, 3, 4):
        raise ValueError(f"Expected channels of 1, 3 or 4, got {channels!r}.")
    if isinstance(source, str | os.PathLike) and os.path.exists(source) and not os.path.isfile(source):
        kind = "a folder" if os.path.isdir(source) else "no regular file"
        raise ValueError(f"{name} is {kind}: expected an image file.")
    try:
        with nullcontext(source) if isinstance(source, Image.Image) else opened(source) as image:
            if not 0 < image.width * image.height <= MAX_PIXELS:
                raise ValueError(f"{image.width}x{image.height} pixels, expected 1 to {MAX_PIXELS:,}")
            if keep_depth and (deep := _sixteen_bits(image)) is not None:
                return deep
            image = _upright(image)
            return _to_array(image if own_colours and image.mode != "CMYK" else _in_srgb(image), channels, background)
    except FileNotFoundError:
        raise
    except UnidentifiedImageError:
        raise ValueError(f"{name} is not an image that Pillow can read.") from None
    except Exception as error:  # decoders raise whatever a damaged file leads them to
        raise ValueError(f"{name} cannot be read: {one_line(error)}.") from None


def _formats():
    Image.init()
    return [kind for kind in Image.ID if kind not in NO_PICTURES]


def endings() -> set[str]:
    """The endings of the files that `load_image` reads, as ".png"."""
    kinds = [*_formats(), "MPO"]  # which Pillow opens as JPEG
    return {ending for ending, kind in Image.registered_extensions().items() if kind in kinds}


def frames(source: str | os.PathLike | bytes) -> int:
    """How many frames or pages a picture has that can be told apart. `load_image` takes the first."""
    try:
        with opened(source) as image:
            return 1 if image.format == "PSD" else getattr(image, "n_frames", 1)  # PSD counts layers, and composes them
    except Exception:  # as in load_image
        return 1


def opened(source: str | os.PathLike | bytes) -> Image.Image:
    """A picture as Pillow has it, of any of the kinds that are read here."""
    return Image.open(io.BytesIO(source) if isinstance(source, bytes) else source, formats=_formats())


def _upright(image):
    return ImageOps.exif_transpose(image) if image.getexif().get(0x0112, 1) != 1 else image  # which would copy it


def _sixteen_bits(image):
    """uint16 (H, W, C) of a picture of 16 bits, None for another: Pillow reads such colours in 8 bits only."""
    if image.mode.startswith("I;16") or (image.mode == "I" and image.format == "PPM"):
        return np.array(_upright(image)).astype("uint16")[..., None]
    how = image.tile[0][3] if getattr(image, "tile", None) else ""
    if image.format == "PPM" and isinstance(how, tuple) and how[1] > 255:
        deep = _by_opencv(image)
        return None if deep is None else np.round(deep * (65535 / how[1])).astype("uint16")
    if image.format not in ("PNG", "TIFF") or "16" not in str(how) or (deep := _by_opencv(image)) is None:
        return None
    if image.format == "TIFF":
        return deep  # OpenCV has turned it upright
    orientation = image.getexif().get(0x0112, 1)
    deep = np.swapaxes(deep, 0, 1) if orientation >= 5 else deep
    deep = deep[::-1] if orientation in (3, 4, 7, 8) else deep
    return np.ascontiguousarray(deep[:, ::-1] if orientation in (2, 3, 6, 7) else deep)


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


def _in_srgb(image):
    """The picture by its colour profile, where it has another than sRGB."""
    if image.mode not in ("RGB", "RGBA", "CMYK") or not image.info.get("icc_profile"):
        return image
    try:
        own = ImageCms.ImageCmsProfile(io.BytesIO(image.info["icc_profile"]))
        if "srgb" in ImageCms.getProfileDescription(own).lower():
            return image
        mode = "RGB" if image.mode == "CMYK" else None
        return ImageCms.profileToProfile(image, own, ImageCms.createProfile("sRGB"), outputMode=mode)
    except (ImageCms.PyCMSError, OSError):  # a profile that cannot be read is worth no more than none
        return image


def _gray_levels(image):
    """A picture of whole numbers of 16 and 32 bits or of floats in 8 bits, by the rule of `load_image`."""
    wide = np.asarray(image).astype("float64")
    low, high = wide.min(), wide.max()
    top = 65535 if image.mode.startswith("I") or high > 255 else 255 if high > 1 else 1
    if not 0 <= low <= high <= top:  # nor if they are NaN
        raise ValueError(f"values from {low:g} to {high:g}, expected none below 0 or above 65535")
    return Image.fromarray(np.round(wide / top * 255).astype("uint8"))


def _to_array(image, channels, background):
    if image.mode.startswith(("I", "F")):
        image = _gray_levels(image)
    alpha = "A" in image.getbands() or "transparency" in image.info
    gray = image.mode in ("1", "L", "LA") or (image.mode == "La")
    if channels is None:
        channels = 4 if alpha else 1 if gray else 3
    if alpha and channels != 4:
        image = image.convert("RGBA")
        behind = Image.new("RGBA", image.size, (background,) * 3 + (255,))
        image = Image.alpha_composite(behind, image)
    mode = {1: "L", 3: "RGB", 4: "RGBA"}[channels]
    array = np.asarray(image if image.mode == mode else image.convert(mode))
    return array[..., None] if channels == 1 else array


def with_channels(images: np.ndarray, channels: int | None) -> np.ndarray:
    """uint8 (..., C) with 1, 3 or 4 channels instead: gray by BT.601 luma, alpha composited on white.

    Raises:
        ValueError: another number of channels.
    """
    now = images.shape[-1]
    if channels is None or channels == now:
        return images
    if now not in (1, 3, 4) or channels not in (1, 3, 4):
        raise ValueError(f"Expected images with 1, 3 or 4 channels, got {now} to turn into {channels}.")
    if now == 4:
        alpha = images[..., 3:].astype("float32") / 255
        images = np.round(images[..., :3] * alpha + 255 * (1 - alpha)).astype("uint8")
    if channels == 1:
        if images.shape[-1] == 1:
            return images
        return np.round(images @ np.array([0.299, 0.587, 0.114]))[..., None].astype("uint8")
    images = np.repeat(images, 3, axis=-1) if images.shape[-1] == 1 else images
    return images if channels == 3 else np.concatenate([images, np.full_like(images[..., :1], 255)], -1)


def resize(image: np.ndarray, size: tuple[int, int], policy: str = "crop") -> np.ndarray:
    """uint8 (H, W, C) -> (*size, C), keeping its aspect: antialiased bicubic (Pillow), each channel alike.

    Args:
        image: uint8 (H, W, C).
        size: (height, width) wanted.
        policy: "crop" fills the size and cuts off what sticks out evenly on both sides; "pad" fits inside and repeats the edge.

    Raises:
        ValueError: another policy.
    """
    if policy not in RESIZE:
        raise ValueError(f"Expected resize to be one of {', '.join(RESIZE)}, got {policy!r}.")
    height, width = size
    if image.shape[:2] == (height, width):
        return image
    factor = (max if policy == "crop" else min)(height / image.shape[0], width / image.shape[1])
    if policy == "crop":  # the part that fills the size, cut before it is scaled
        h, w = height / factor, width / factor
        top, left = max(0.0, (image.shape[0] - h) / 2), max(0.0, (image.shape[1] - w) / 2)  # rounding may be below 0
        box = (left, top, min(left + w, image.shape[1]), min(top + h, image.shape[0]))
        return scaled(image, (height, width), box)
    h = min(height, max(1, round(image.shape[0] * factor)))
    w = min(width, max(1, round(image.shape[1] * factor)))
    inside = scaled(image, (h, w))
    top, left = (height - h) // 2, (width - w) // 2
    return np.pad(inside, ((top, height - h - top), (left, width - w - left), (0, 0)), mode="edge")


def scaled(
    image: np.ndarray, size: tuple[int, int], box: tuple[float, float, float, float] | None = None
) -> np.ndarray:
    """uint8 (H, W, C) -> (*size, C), whatever its aspect: antialiased bicubic (Pillow), each channel alike.

    Args:
        image: uint8 (H, W, C).
        size: (height, width) wanted.
        box: the part that is taken, (left, top, right, bottom) in pixels; None is the whole.
    """
    planes = [
        np.asarray(Image.fromarray(image[..., c]).resize(size[::-1], Image.Resampling.BICUBIC, box=box))
        for c in range(image.shape[-1])
    ]
    return np.stack(planes, axis=-1)


def to_uint8(images: np.ndarray) -> np.ndarray:
    """Float [-1, 1] -> uint8 [0, 255], rounded and clipped; uint8 stays."""
    images = np.asarray(images)
    if images.dtype == np.uint8:
        return images
    return np.round(np.clip(images.astype("float64"), -1, 1) * 127.5 + 127.5).astype("uint8")


def to_model_range(images: np.ndarray) -> np.ndarray:
    """uint8 [0, 255] -> float32 [-1, 1]."""
    return np.asarray(images).astype("float32") / 127.5 - 1.0


def save_image(path: str, image: np.ndarray, metadata: dict[str, str] | None = None) -> None:
    """Write a picture as a PNG, whole or not at all.

    Args:
        path: ends in .png.
        others: see `png`.

    Raises:
        ValueError: another type or shape, or a name that does not end in .png.
        OSError: the file cannot be written, by its name.
    """
    if not str(path).lower().endswith(".png"):
        raise ValueError(f"Expected a file name that ends in .png, got {path}.")
    data = png(image, metadata)
    with whole(path) as beside, open(beside, "wb") as f:
        f.write(data)


def png(image: np.ndarray, metadata: dict[str, str] | None = None, more: Iterable[tuple[bytes, bytes]] = ()) -> bytes:
    """A picture as the bytes of a PNG file.

    Args:
        image: uint8 or uint16, (H, W) or (H, W, 1 | 3 | 4).
        metadata: goes to the text chunks, before the picture.
        more: further chunks before the picture, (kind, bytes).

    Raises:
        ValueError: another type or shape.
    """
    image = np.asarray(image)
    image = image[..., 0] if image.ndim == 3 and image.shape[-1] == 1 else image
    flat = image.ndim == 2 or (image.ndim == 3 and image.shape[-1] in (3, 4))
    if image.dtype not in (np.uint8, np.uint16) or not flat or image.size == 0:
        raise ValueError(
            f"Expected uint8 or uint16 of shape (height, width, 1, 3 or 4), got {image.dtype} of shape {image.shape}."
        )
    info, buffer, chunks = PngInfo(), io.BytesIO(), io.BytesIO()
    for key, value in (metadata or {}).items():  # a file's name may be other than UTF-8
        info.add_text(key, str(value).encode("utf-8", "backslashreplace").decode())
    if image.dtype == np.uint8:
        Image.fromarray(image).save(buffer, format="PNG")
        data = buffer.getvalue()
    else:
        import cv2

        image = image if image.ndim == 2 else image[..., [2, 1, 0, 3][: image.shape[2]]]
        data = cv2.imencode(".png", image)[1].tobytes()
    for kind, content in (*((kind, text) for kind, text, _ in info.chunks), *more):
        putchunk(chunks, kind, content)
    return data[:HEADER] + chunks.getvalue() + data[HEADER:]


def read_metadata(path: str) -> dict[str, str]:
    """The text chunks of a PNG."""
    with opened(path) as image:
        return {k: str(v) for k, v in image.text.items()}


def make_grid(images: np.ndarray, columns: int | None = None, scale: int | None = None, gap: int = 2) -> np.ndarray:
    """uint8 (N, H, W, C) -> one picture, row by row on white. Of clips (N, T, H, W, C) the frames stand side by side.

    Args:
        images: uint8 (N, H, W, C).
        columns: by default as square as it goes.
        scale: whole enlargement; by default small images grow to about 48 px.
        gap: white pixels between images.

    Raises:
        ValueError: another type or shape, or no images.
    """
    images = as_strips(np.asarray(images))
    if images.ndim != 4 or images.dtype != np.uint8 or len(images) == 0:
        raise ValueError(f"Expected uint8 images (N, H, W, C), got {images.dtype} of shape {images.shape}.")
    n, h, w, c = images.shape
    scale = scale or max(1, round(48 / max(h, w)))
    columns = columns or int(np.ceil(np.sqrt(n)))
    lines = -(-n // columns)
    cell_h, cell_w = h * scale + gap, w * scale + gap
    grid = np.full((lines * cell_h + gap, columns * cell_w + gap, c), 255, "uint8")
    for k, image in enumerate(images):
        top, left = gap + k // columns * cell_h, gap + k % columns * cell_w
        grid[top : top + h * scale, left : left + w * scale] = image.repeat(scale, 0).repeat(scale, 1)
    return grid


def as_strips(images: np.ndarray) -> np.ndarray:
    """Clips (N, T, H, W, C) as pictures (N, H, T x W, C), their frames side by side; pictures as they are."""
    if images.ndim != 5:
        return images
    n, t, h, w, c = images.shape
    return images.transpose(0, 2, 1, 3, 4).reshape(n, h, t * w, c)


def as_frames(strip: np.ndarray, frames: int) -> np.ndarray:
    """The inverse of `as_strips` for one picture: (H, frames x W, C) as a clip (frames, H, W, C)."""
    h, w, c = strip.shape
    return strip.reshape(h, frames, w // frames, c).transpose(1, 0, 2, 3)


def beside(*rows: np.ndarray) -> np.ndarray:
    """Pictures uint8 (N, H, W, C), or clips, of several kinds, side by side: (N, H, kinds x W, C). Gray ones become colour beside colour,
    small ones grow by nearest neighbour."""
    rows = [as_strips(r) for r in rows]
    channels, height = max(r.shape[-1] for r in rows), max(r.shape[1] for r in rows)
    rows = [r.repeat(height // r.shape[1], 1).repeat(height // r.shape[1], 2) for r in rows]
    return np.concatenate([np.repeat(r, channels, -1) if r.shape[-1] < channels else r for r in rows], axis=2)
