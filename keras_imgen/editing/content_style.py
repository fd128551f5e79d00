"""What classical style transfer is given: pictures, or one, and pictures whose style they are to take. NumPy only."""

from collections.abc import Callable
from typing import Any

import numpy as np

from keras_imgen.arguments import as_numbers, shown

ADVICE = {
    4: " `data.image_io.with_channels(images, 3)` puts what is transparent on white.",
    "uint16": " `data.image_io.load_image` scales 16 bits to 8.",
}


def as_batch(name: str, images: Any) -> np.ndarray:
    """Pictures uint8 (N, H, W, C), also of one (H, W, C).

    Args:
        name: what messages call them.
        images: what was passed, of 1 or 3 channels and sides of at least 1.

    Raises:
        ValueError: another form.
    """
    found = as_numbers(images)
    if found.dtype != np.uint8 or found.ndim not in (3, 4) or found.shape[-1] not in (1, 3) or 0 in found.shape[-3:]:
        advice = ADVICE.get(found.dtype.name) or (ADVICE.get(found.shape[-1], "") if found.ndim in (3, 4) else "")
        wanted = "uint8 of shape (N, H, W, 1 or 3) or (H, W, 1 or 3)"
        raise ValueError(f"Expected `{name}` as {wanted}, got {shown(found)}.{advice}")
    return found if found.ndim == 4 else found[None]


def each(change: Callable[[int, np.ndarray, np.ndarray], np.ndarray], images: Any, style: Any) -> np.ndarray:
    """Every picture changed after a style picture: uint8 of the form of `images`, which stay as they are.

    Args:
        change: (k, picture k, its style picture), both uint8 (H, W, C), to a picture of the first one's shape.
        images: uint8 (N, H, W, C) or (H, W, C).
        style: uint8 (h, w, C) or (1, h, w, C) for all pictures, (N, h, w, C) for each its own.

    Raises:
        ValueError: pictures of another form, other numbers of pictures or channels.
    """
    batch, styles = as_batch("images", images), as_batch("style", style)
    if batch.shape[-1] != styles.shape[-1]:
        raise ValueError(
            f"Expected `images` and `style` of as many channels, got {batch.shape[-1]} and {styles.shape[-1]}."
            " `data.image_io.with_channels` makes gray pictures and colour ones the same."
        )
    if len(styles) not in (1, len(batch)):
        raise ValueError(f"Expected one style picture, or one for each of {len(batch)} pictures, got {len(styles)}.")
    changed = np.empty_like(batch)
    for k, picture in enumerate(batch):
        changed[k] = change(k, picture, styles[k % len(styles)])
    return changed.reshape(np.shape(images))


def to_gray_levels(levels: np.ndarray) -> np.ndarray:
    """uint8, rounded and clipped.

    Args:
        levels: floats, 0 black, 255 white.
    """
    return np.rint(np.clip(levels, 0.0, 255.0)).astype("uint8")
