"""MATLAB's antialiased bicubic `imresize`, which the published super-resolution numbers rest on."""

import numpy as np

from keras_imgen.bicubic import resizing_matrix


def imresize(image: np.ndarray, size: tuple[int, int] | None = None, scale: float | None = None) -> np.ndarray:
    """(H, W, C) or (H, W) resized as MATLAB's `imresize(image, ..., "bicubic")` does.

    The kernel is Keys' cubic with a = -0.5 (Keys 1981), widened by 1/scale when shrinking; edges are mirrored. Computed in float64.
    uint8 comes back as uint8, rounded and clipped; floats as float64, not clipped.

    Args:
        image: (H, W) or (H, W, C).
        size: (height, width) wanted.
        scale: or a factor for both, the size being rounded up. One of the two.

    Raises:
        ValueError: another shape, both or neither of `size` and `scale`.
    """
    if (size is None) == (scale is None):
        raise ValueError(f"Expected either `size` or `scale`, got size={size!r} and scale={scale!r}.")
    image = np.asarray(image)
    if image.ndim not in (2, 3):
        raise ValueError(f"Expected an image (H, W) or (H, W, C), got shape {image.shape}.")
    if size is None:
        if not scale > 0:
            raise ValueError(f"Expected `scale` above 0, got {scale!r}.")
        size, factors = tuple(int(np.ceil(n * scale)) for n in image.shape[:2]), (scale, scale)
    else:
        factors = tuple(new / old for new, old in zip(size, image.shape[:2]))
    out = image.astype("float64")
    for axis in np.argsort(factors, kind="stable"):  # MATLAB takes the smaller factor first
        weights = resizing_matrix(image.shape[axis], size[axis], factors[axis])
        out = np.moveaxis(np.tensordot(weights, out, (1, axis)), 0, axis)
    return np.clip(np.floor(out + 0.5), 0, 255).astype("uint8") if image.dtype == np.uint8 else out


def mod_crop(image: np.ndarray, scale: int) -> np.ndarray:
    """The image without the rows and columns, at the bottom and right, that `scale` does not divide."""
    height, width = (n - n % scale for n in image.shape[:2])
    return image[:height, :width]
