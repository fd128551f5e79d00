"""Pictures as drawings and paintings without a style picture: OpenCV's non-photorealistic filters. OpenCV and NumPy alone.

Gray pictures are filtered as colour ones of equal channels, and come back gray.
"""

from typing import Any

import cv2
import numpy as np

from keras_imgen.arguments import finite, integer
from keras_imgen.editing.content_style import as_batch


def pencil_sketch(
    images: Any, *, sigma_s: float = 60.0, sigma_r: float = 0.07, shade_factor: float = 0.05, colour: bool = False
) -> np.ndarray:
    """A pencil drawing (`cv2.pencilSketch`; Gastal & Oliveira 2011, Domain Transform for Edge-Aware Image and Video Processing).

    Args:
        images: uint8 (N, H, W, C) or (H, W, C), C of 1 or 3.
        sigma_s: pixels that are smoothed over, in (0, 200].
        sigma_r: how different colours of [0, 1] may be and still be smoothed together, in (0, 1].
        shade_factor: how bright the drawing is, in [0, 0.1].
        colour: drawn with coloured pencils; otherwise the three channels are equal.

    Returns:
        uint8 of the shape of `images`.

    Raises:
        ValueError: pictures of another form, numbers outside their range.
    """
    sigmas = _sigmas(sigma_s, sigma_r)
    shade = float(finite("shade_factor", shade_factor, 0.0, 0.1))

    def draw(picture):
        gray, coloured = cv2.pencilSketch(picture, **sigmas, shade_factor=shade)
        return coloured if colour else gray[..., None]

    return _filtered(images, draw)


def stylization(images: Any, *, sigma_s: float = 60.0, sigma_r: float = 0.45) -> np.ndarray:
    """Level areas between strong edges, as in a watercolour (`cv2.stylization`; Gastal & Oliveira 2011).

    Args:
        images: uint8 (N, H, W, C) or (H, W, C), C of 1 or 3.
        sigma_s: pixels that are smoothed over, in (0, 200].
        sigma_r: how different colours of [0, 1] may be and still be smoothed together, in (0, 1].

    Returns:
        uint8 of the shape of `images`.

    Raises:
        ValueError: pictures of another form, numbers outside their range.
    """
    sigmas = _sigmas(sigma_s, sigma_r)
    return _filtered(images, lambda picture: cv2.stylization(picture, **sigmas))


def edge_preserving(images: Any, *, sigma_s: float = 60.0, sigma_r: float = 0.4, recursive: bool = True) -> np.ndarray:
    """Smooth between edges, which stay (`cv2.edgePreservingFilter`; Gastal & Oliveira 2011).

    Args:
        images: uint8 (N, H, W, C) or (H, W, C), C of 1 or 3.
        sigma_s: pixels that are smoothed over, in (0, 200].
        sigma_r: how different colours of [0, 1] may be and still be smoothed together, in (0, 1].
        recursive: recursive filtering, the fast one; otherwise normalised convolution, with sharper edges.

    Returns:
        uint8 of the shape of `images`.

    Raises:
        ValueError: pictures of another form, numbers outside their range.
    """
    sigmas = _sigmas(sigma_s, sigma_r)
    flags = cv2.RECURS_FILTER if recursive else cv2.NORMCONV_FILTER
    return _filtered(images, lambda picture: cv2.edgePreservingFilter(picture, flags=flags, **sigmas))


def oil_painting(images: Any, *, size: int = 4, dyn_ratio: int = 16) -> np.ndarray:
    """Each pixel the mean of those around it that have the brightness most frequent there (Holzmann 1988, Beyond Photography: the Digital
    Darkroom).

    What `cv2.xphoto.oilPainting` makes, which OpenCV's own package lacks: the package with it takes the same place as the one that this
    library needs.

    Args:
        images: uint8 (N, H, W, C) or (H, W, C), C of 1 or 3.
        size: pixels to each side that are around one, 1 to 64.
        dyn_ratio: gray levels that count as one brightness, 1 to 127; seconds are as its inverse.

    Returns:
        uint8 of the shape of `images`.

    Raises:
        ValueError: pictures of another form, numbers outside their range.
    """
    size, dyn_ratio = integer("size", size, 1, 64), integer("dyn_ratio", dyn_ratio, 1, 127)

    def paint(picture):
        brightness = np.rint(cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY) / dyn_ratio)
        counted = np.dstack([np.ones(brightness.shape, "float32"), picture.astype("float32")])
        best = np.zeros_like(counted)
        for level in np.unique(brightness):
            window = (2 * size + 1, 2 * size + 1)
            part = counted * (brightness == level)[..., None]
            sums = cv2.boxFilter(part, -1, window, normalize=False, borderType=cv2.BORDER_CONSTANT)
            sums = sums.reshape(best.shape)
            more = sums[..., 0] > best[..., 0] + 0.5
            best[more] = sums[more]
        return np.rint(best[..., 1:] / best[..., :1]).astype("uint8")

    return _filtered(images, paint)


def _sigmas(sigma_s, sigma_r):
    return {
        "sigma_s": float(finite("sigma_s", sigma_s, 0.0, 200.0, above=True)),
        "sigma_r": float(finite("sigma_r", sigma_r, 0.0, 1.0, above=True)),
    }


def _filtered(images, change):
    """A change of pictures uint8 (H, W, 3), in OpenCV's order of channels, to such or gray ones."""
    batch = as_batch("images", images)
    found = np.empty_like(batch)
    for k, picture in enumerate(batch):
        found[k] = change(np.ascontiguousarray(np.broadcast_to(picture[..., ::-1], (*picture.shape[:2], 3))))[
            ..., : -batch.shape[-1] - 1 : -1
        ]
    return found.reshape(np.shape(images))
