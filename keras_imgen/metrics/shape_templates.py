"""The shapes of the scenes as templates at sub-pixel places, and the search for the one that a map of coverage shows."""

from functools import lru_cache
from typing import NamedTuple

import numpy as np
from scipy import fft

from keras_imgen.data.sources.shapes import SHAPES, SIZES, _cover

STEPS = 4  # places in a pixel, along each axis
REFINED = 5  # templates that are tried between the pixels: the best ones at whole pixels


class Match(NamedTuple):
    """A template in its place.

    Args:
        shape: one of SHAPES.
        size: one of SIZES.
        x: of its centre, as a share of the image.
        y: of its centre, as a share of the image.
        cover: the share of every pixel that it covers, float32 (size, size).
    """

    shape: str
    size: str
    x: float
    y: float
    cover: np.ndarray


class Templates:
    """Every shape in both sizes, for images of one size: in windows whose middle pixel holds the centre.

    Args:
        size: of the images, which are squares.
    """

    def __init__(self, size: int):
        self.size = size
        self.half = int(np.ceil(max(SIZES.values()) * size)) + 1
        self.width = 2 * self.half + 1
        self.kinds = [(shape, name) for shape in SHAPES for name in SIZES]
        self.covers = np.stack([self._drawn(*kind) for kind in self.kinds])
        self.squares = self.covers**2
        whole = np.zeros((len(self.kinds), size, size), "float32")
        whole[:, : self.width, : self.width] = self.covers[:, 0].reshape(-1, self.width, self.width)
        self.spectra = np.conj(fft.rfft2(whole)), np.conj(fft.rfft2(whole**2))
        centres = (np.arange(size) + self.half) % size  # of windows that begin in each pixel, around the edge
        radii = np.array([[SIZES[name] * size] for _, name in self.kinds])
        inside = (centres >= np.floor(radii)) & (centres <= np.ceil(size - radii))
        self.outside = np.where(inside[:, :, None] & inside[:, None], 0, np.inf).astype("float32")

    def _drawn(self, shape, name):
        """float32 (STEPS * STEPS, width * width), the rows moving down first."""
        places = (self.half + np.arange(STEPS) / STEPS) / self.width
        radius = SIZES[name] * self.size / self.width
        return np.stack([_cover(shape, x, y, radius, self.width).ravel() for y in places for x in places])

    def search(self, target: np.ndarray, visible: np.ndarray | None = None) -> Match:
        """The template T that is nearest to a map of coverage: the least sum of (target - visible * T) squared.

        First at whole pixels, for all templates by Fourier transforms; then the best ones in steps of a quarter pixel.

        Args:
            target: what is seen of the thing, (size, size) in [0, 1].
            visible: the share of every pixel that nothing in front hides; None: all.
        """
        visible = np.ones_like(target) if visible is None else visible
        linear, square = visible * target, visible**2
        error = fft.irfft2(self.spectra[1] * fft.rfft2(square) - 2 * self.spectra[0] * fft.rfft2(linear), target.shape)
        error = (error + self.outside).reshape(len(error), -1)
        padded = np.pad(linear, self.width), np.pad(square, self.width, constant_values=1)
        linear, square = (np.lib.stride_tricks.sliding_window_view(m, [self.width] * 2) for m in padded)
        found = []
        for k in error.min(1).argsort()[:REFINED]:
            y, x = ((v + self.half) % self.size - self.half + self.width for v in divmod(error[k].argmin(), self.size))
            four = slice(y - 1, y + 1), slice(x - 1, x + 1)  # from these windows all steps around the place are reached
            linears, squares = linear[four].reshape(4, -1), square[four].reshape(4, -1)
            errors = squares @ self.squares[k].T - 2 * linears @ self.covers[k].T
            window, step = divmod(int(errors.argmin()), STEPS * STEPS)
            found.append((errors.min(), k, (y - 1 + window // 2, x - 1 + window % 2), divmod(step, STEPS)))
        _, k, (y, x), (down, right) = min(found)
        cover = np.zeros([self.size + 2 * self.width] * 2, "float32")
        cover[y : y + self.width, x : x + self.width] = self.covers[k, down * STEPS + right].reshape(self.width, -1)
        y, x = (float(v - self.width + self.half + step / STEPS) for v, step in ((y, down), (x, right)))
        inner = slice(self.width, -self.width)
        return Match(*self.kinds[k], x / self.size, y / self.size, cover[inner, inner])


@lru_cache(8)
def templates(size: int) -> Templates:
    """`Templates` of a size, made once."""
    return Templates(size)
