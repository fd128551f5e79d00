"""Pictures as numbers: what a person has as an array, gray levels as floats in [-1, 1] and back, luma, colours and alpha. NumPy and Pillow
only."""

from typing import Any

import numpy as np
from PIL import Image

LUMA = np.array([0.299, 0.587, 0.114], "float32")  # BT.601, full range: as JPEG has it


def as_array(picture: Any) -> np.ndarray:
    """A picture as uint8, uint16 or float32, (H, W), or (H, W, 1 | 3 | 4).

    Args:
        picture: an array of these types or of floats in [-1, 1]; a tensor; a path; a PIL image.

    Raises:
        ValueError: another shape, type or range.
    """
    if not isinstance(picture, np.ndarray):
        from keras_imgen.data.image_io import load_image

        if hasattr(picture, "__array__") and not isinstance(picture, Image.Image):
            picture = np.asarray(picture)
        else:
            return load_image(picture, keep_depth=True)  # a path or a PIL image
    if picture.ndim not in (2, 3) or (picture.ndim == 3 and picture.shape[-1] not in (1, 3, 4)) or not picture.size:
        raise ValueError(
            f"Expected a picture (height, width), or with 1, 3 or 4 channels, got an array of shape {picture.shape}."
        )
    if picture.dtype.kind == "f":
        if not np.isfinite(picture).all():
            raise ValueError("The picture holds NaN or infinity.")
        if np.abs(picture).max() > 4:  # noise goes beyond [-1, 1], but not so far
            raise ValueError(f"Expected floats in [-1, 1], got up to {np.abs(picture).max():g}: pass uint8 instead.")
        return picture.astype("float32")
    if picture.dtype not in (np.uint8, np.uint16):
        raise ValueError(f"Expected uint8, uint16 or floats in [-1, 1], got {picture.dtype}.")
    return picture


def floats(x: np.ndarray) -> np.ndarray:
    """uint8, uint16 or float32 -> float32 in [-1, 1]."""
    return x if x.dtype == np.float32 else x.astype("float32") / np.float32(top(x.dtype) / 2) - 1


def quantized(x: np.ndarray, dtype: Any) -> np.ndarray:
    """Floats as uint8, uint16 or float32, clipped to [-1, 1] and rounded.

    Args:
        x: of any shape.
        dtype: wanted.
    """
    x = np.clip(x, -1.0, 1.0)
    if dtype == np.float32:
        return x
    return np.round((x + 1) * np.float32(top(dtype) / 2)).astype(dtype)


def top(dtype: Any) -> float:
    """The largest level of uint8 or uint16; of floats, 255."""
    return 65535.0 if dtype == np.uint16 else 255.0


def share_of(x: np.ndarray) -> np.ndarray:
    """A picture's levels, as of its alpha, as float32 in [0, 1]."""
    return np.clip((floats(x) + 1) / 2, 0, 1)


def premultiplied(x: np.ndarray, share: np.ndarray) -> np.ndarray:
    """Colours in [-1, 1] as they are on black, by their opacity in [0, 1]."""
    return (x + 1) * share - 1


def unmultiplied(x: np.ndarray, share: np.ndarray) -> np.ndarray:
    """Back from `premultiplied`; black where nothing is seen."""
    return np.where(share > 0, (x + 1) / np.maximum(share, 1e-6) - 1, -1.0)


def with_channels(x: np.ndarray, channels: int) -> np.ndarray:
    """Floats (..., C) with 1 or 3 channels: gray is repeated, of colours the luma is taken.

    Args:
        x: of 1 or 3 channels.
        channels: wanted, 1 or 3.
    """
    if x.shape[-1] == channels:
        return x
    return np.repeat(x, channels, -1) if x.shape[-1] == 1 else (x @ LUMA)[..., None]


def with_luma(colours: np.ndarray, luma: np.ndarray) -> np.ndarray:
    """The colours of a picture (..., 3) in [-1, 1], Cb and Cr, with another luma (..., 1)."""
    return luma + colours - (colours @ LUMA)[..., None]


def enlarged(x: np.ndarray, scale: int) -> np.ndarray:
    """(N, h, w, C) by bicubic (Pillow), in its own depth; floats are not clipped."""
    return x if scale == 1 else _scaled(x, (x.shape[1] * scale, x.shape[2] * scale))


def resized(picture: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """uint8 or uint16 (H, W, C) -> (*size, C) by antialiased bicubic (Pillow), colours by their opacity.

    Args:
        picture: of 1, 3 or 4 channels.
        size: (height, width) wanted.
    """
    x = floats(picture)[None]
    if picture.shape[-1] < 4:
        return quantized(_scaled(x, size), picture.dtype)[0]
    alpha = np.clip(_scaled(share_of(picture[None, ..., 3:]), size), 0, 1)
    colours = unmultiplied(_scaled(premultiplied(x[..., :3], share_of(picture[None, ..., 3:])), size), alpha)
    return quantized(np.concatenate([colours, 2 * alpha - 1], -1), picture.dtype)[0]


def _scaled(x, size):
    wide = x.dtype == np.uint16  # which Pillow resizes as floats
    planes = np.moveaxis(x, -1, 1).reshape(-1, *x.shape[1:3])
    planes = planes.astype("float32") if wide else planes
    made = [Image.fromarray(plane).resize(size[::-1], Image.Resampling.BICUBIC) for plane in planes]
    made = np.stack([np.asarray(plane) for plane in made])
    made = np.clip(np.round(made), 0, 65535).astype("uint16") if wide else made
    return np.moveaxis(made.reshape(len(x), x.shape[-1], *size), 1, -1)


def same_channels(x: np.ndarray) -> np.ndarray:
    """bool (N,): which pictures (N, H, W, C) are gray, all their channels being the same."""
    return np.all([(x[..., :1] == x[..., k : k + 1]).all((1, 2, 3)) for k in range(x.shape[-1])], 0)
