"""Pictures in and out: files, bytes and PIL images <-> uint8 arrays. Gray, alpha, 16-bit and EXIF are settled here
(EXIF in a TensorFlow graph: `serving.exif`)."""

import io
import os
import struct
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, nullcontext
from itertools import count
from threading import Lock
from typing import Any

import numpy as np
from PIL import Image, UnidentifiedImageError
from PIL.PngImagePlugin import PngInfo, putchunk

from keras_imgen.data.decoding import eight_bits, fits, in_srgb, sixteen_bits, upright
from keras_imgen.data.files import one_line, shown, whole

MAX_PIXELS = 128_000_000  # more is refused as a decompression bomb
RESIZE = ("crop", "pad")
HEADER, END = 33, 12  # bytes of a PNG file before its other chunks, and of its last one
NO_PICTURES = ("BUFR", "EPS", "GRIB", "HDF5", "MPEG", "WMF")  # Pillow decodes none of them without another program

# The limit is ours. For all calls at once: threads share the filters.
warnings.filterwarnings("ignore", category=Image.DecompressionBombWarning)
_LIMIT = Lock()


def load_image(
    source: Any,
    channels: int | None = None,
    background: int = 255,
    keep_depth: bool = False,
    own_colours: bool = False,
    limited: bool = True,
) -> np.ndarray:
    """A picture as uint8 (height, width, channels), turned upright by its EXIF orientation.

    16 bits are scaled to 8, and whole numbers of 32 bits are taken for 16. Floats (TIFF, PFM) are taken as [0, 1] if they lie
    in it, else as gray levels [0, 255], else as [0, 65535]. Palette, CMYK and the like become RGB, colours and gray of
    another profile sRGB (those of 16 bits stay where they are kept); of an animation, the first frame is taken (`frames` counts them).

    Args:
        source: path, bytes, open file or PIL image.
        channels: 1 (luma), 3 or 4; None keeps what the file has: 1 for gray, 3 for colour, 4 where there is alpha.
        background: the gray level behind transparent pixels where alpha is dropped.
        keep_depth: a picture of 16 bits comes as uint16, with the channels of the file.
        own_colours: they stay as their profile has them, where it is one of pictures with such channels.
        limited: refuse what has more than `MAX_PIXELS`; not so of files that are our own.

    Raises:
        ValueError: not an image, damaged in any way, values that are NaN, infinite, negative or above 65535, or over 128 million
            pixels.
        FileNotFoundError: no such file.
    """
    path = source if isinstance(source, str | os.PathLike) else getattr(source, "filename", None)
    name = shown(path) if path else type(source).__name__
    if channels not in (None, 1, 3, 4):
        raise ValueError(f"Expected channels of 1, 3 or 4, got {channels!r}.")
    _refuse_no_file(source)
    try:
        with (
            nullcontext() if limited else _of_any_size(),
            nullcontext(source) if isinstance(source, Image.Image) else opened(source) as image,
        ):
            if limited and not 0 < image.width * image.height <= MAX_PIXELS:
                raise ValueError(f"{image.width}x{image.height} pixels, expected 1 to {MAX_PIXELS:,}")
            if keep_depth and (deep := sixteen_bits(image)) is not None:
                return deep
            image = eight_bits(upright(image))
            if not (own_colours and fits(image.info.get("icc_profile"), channels or _channels(image))):
                image = in_srgb(image)
            return _to_array(image, channels or _channels(image), background)
    except FileNotFoundError:
        raise
    except UnidentifiedImageError:
        raise ValueError(f"{name} is not an image that Pillow can read.") from None
    except Exception as error:  # decoders raise whatever a damaged file leads them to
        raise ValueError(f"{name} cannot be read: {one_line(error)}.") from None


def _refuse_no_file(source):
    if isinstance(source, str | os.PathLike) and os.path.exists(source) and not os.path.isfile(source):
        kind = "a folder" if os.path.isdir(source) else "no regular file"
        raise ValueError(f"{shown(source)} is {kind}: expected an image file.")


@contextmanager
def _of_any_size() -> Iterator[None]:
    """Pillow has a limit of its own, for all threads."""
    with _LIMIT:
        before, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None
        try:
            yield
        finally:
            Image.MAX_IMAGE_PIXELS = before


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
    """A picture as Pillow has it, of any of the kinds that are read here.

    Raises:
        ValueError: a folder or a pipe, which would be waited for.
    """
    _refuse_no_file(source)
    return Image.open(io.BytesIO(source) if isinstance(source, bytes) else source, formats=_formats())


def _has_alpha(image):
    return "A" in image.getbands() or "transparency" in image.info


def _channels(image):
    return 4 if _has_alpha(image) else 1 if image.mode in ("1", "L", "LA", "La") else 3


def _to_array(image, channels, background):
    if _has_alpha(image) and channels != 4:
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


def apng(frames: np.ndarray, metadata: dict[str, str] | None = None, rate: int = 8) -> bytes:
    """A clip as the bytes of an animated PNG file, which begins again at its end. (Pillow's own makes one frame of those that are alike.)

    Args:
        frames: uint8 (F, H, W, 1 | 3 | 4).
        metadata: see `png`.
        rate: frames in a second.
    """
    height, width = frames.shape[1:3]
    number, out = count(), io.BytesIO()

    def control():
        return b"fcTL", struct.pack(">IIIIIHHBB", next(number), width, height, 0, 0, 1, rate, 0, 0)

    first = png(frames[0], metadata, [(b"acTL", struct.pack(">II", len(frames), 0)), control()])
    out.write(first[:-END])
    for frame in frames[1:]:
        putchunk(out, *control())
        for data in _data_of(png(frame)):
            putchunk(out, b"fdAT", struct.pack(">I", next(number)) + data)
    out.write(first[-END:])
    return out.getvalue()


def _data_of(file):
    """What the IDAT chunks of a PNG file hold."""
    place = HEADER
    while place < len(file):
        (size,) = struct.unpack_from(">I", file, place)
        if file[place + 4 : place + 8] == b"IDAT":
            yield file[place + 8 : place + 8 + size]
        place += 12 + size


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
