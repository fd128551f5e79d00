"""Texture made of pieces of a swatch, and pictures made of pieces of a painting: image quilting (Efros & Freeman 2001, Image Quilting for
Texture Synthesis and Transfer). NumPy and SciPy alone.

Every pixel of an answer is one of the swatch: nothing is averaged.
"""

from typing import Any

import numpy as np
from scipy import fft

from keras_imgen.arguments import finite, integer, shown
from keras_imgen.editing.colour import LUMA, match_histograms
from keras_imgen.editing.content_style import as_batch, each

ROUNDING = 1e-6  # of the product of the two norms: by how much a squared difference found by float32 FFT is off


def synthesize(
    swatch: Any,
    size: tuple[int, int],
    *,
    block: int | None = None,
    overlap: int | None = None,
    tolerance: float = 0.1,
    seed: int = 0,
) -> np.ndarray:
    """More of a texture.

    Blocks are laid down line by line, each drawn from those of the swatch that fit best what they overlap, and cut along the path of least
    difference (section 2).

    Args:
        swatch: uint8 (h, w, C) or (N, h, w, C), C of 1 or 3.
        size: (height, width) of the answer, of any size.
        block: side of a block, larger than what is seen as one thing in the texture; None is a quarter of the swatch's shorter side, 64
            at most.
        overlap: pixels by which blocks overlap, 0 to `block` - 1; None is a sixth of the block.
        tolerance: blocks that fit worse than the best by this share are drawn as well, 0 or more; 0 copies longer pieces.
        seed: of the draws; swatch k takes `seed + k`.

    Returns:
        uint8 (*size, C) or (N, *size, C).

    Raises:
        ValueError: a swatch of another form, numbers outside their range, a block larger than the swatch.
    """
    swatches = as_batch("swatch", swatch)
    size = _size(size)
    shorter = min(swatches.shape[1:3])
    block, overlap = _blocks(block, overlap, min(64, shorter // 4), shorter)
    tolerance, seed = float(finite("tolerance", tolerance, 0.0)), integer("seed", seed, 0)
    found = np.empty((len(swatches), *size, swatches.shape[-1]), "uint8")
    for k, one in enumerate(swatches):
        rows, columns = _quilted(one, size, block, overlap, tolerance, np.random.default_rng(seed + k))
        found[k] = one[rows, columns]
    return found if np.ndim(swatch) == 4 else found[0]


def texture_transfer(
    images: Any,
    style: Any,
    *,
    block: int | None = None,
    overlap: int | None = None,
    alpha: float = 0.1,
    iterations: int = 2,
    tolerance: float = 0.1,
    seed: int = 0,
) -> np.ndarray:
    """Pictures made of pieces of a style picture (section 3).

    A block must fit those beside it, as in `synthesize`, and the picture in luminance, whose histogram is matched to the style's. Each
    further iteration lays smaller blocks, by a third, which must also fit what was there before.

    Args:
        images: uint8 (N, H, W, C) or (H, W, C), C of 1 or 3.
        style: uint8 (h, w, C) for all pictures or (N, h, w, C) for each its own, of any size. Seconds are as its pixels.
        block: side of the first blocks; None is a 24th of the picture's longer side, at least 8.
        overlap: pixels by which the first blocks overlap, 0 to `block` - 1; None is a sixth of the block.
        alpha: how much the fit to other blocks counts beside that to the picture, in [0, 1]: less shows the picture better. It rises to
            0.9 in the last iteration.
        iterations: 1 or more.
        tolerance: blocks that fit worse than the best by this share are drawn as well, 0 or more.
        seed: of the draws; picture k takes `seed + k`.

    Returns:
        uint8 of the shape of `images`.

    Raises:
        ValueError: pictures of another form, numbers outside their range, a block larger than the style picture.
    """
    sides, shorter = as_batch("images", images).shape[1:3], min(as_batch("style", style).shape[1:3])
    block, overlap = _blocks(block, overlap, min(max(8, max(sides) // 24), shorter), shorter)
    alpha, tolerance = float(finite("alpha", alpha, 0.0, 1.0)), float(finite("tolerance", tolerance, 0.0))
    iterations, seed = integer("iterations", iterations, 1), integer("seed", seed, 0)

    def change(k, picture, style):
        guide = _luminance(match_histograms(_luminance(picture), _luminance(style)))
        guide, laid, rng = guide[..., 0] / 1.0, None, np.random.default_rng(seed + k)
        for i in range(iterations):
            share = alpha + (max(0.9, alpha) - alpha) * i / max(1, iterations - 1)
            side = max(min(2, block), round(block * (2 / 3) ** i))
            over = min(side - 1, max(min(1, overlap), round(overlap * side / block)))
            laid = _quilted(style, sides, side, over, tolerance, rng, share, guide, laid)
        return style[laid[0], laid[1]]

    return each(change, images, style)


def least_cut(differences: np.ndarray) -> np.ndarray:
    """The column in each row of a path from top to bottom along which the differences sum to the least; from row to row it moves by one
    column at most.

    Args:
        differences: (rows, columns).

    Returns:
        int (rows,).
    """
    sums = np.pad(differences.astype("float64"), ((0, 0), (1, 1)), constant_values=np.inf)
    for above, row in zip(sums, sums[1:]):
        row[1:-1] += np.minimum(np.minimum(above[:-2], above[1:-1]), above[2:])
    path = [int(np.argmin(sums[-1]))]
    for row in sums[-2::-1].tolist():
        last = path[-1]
        path.append(min((last - 1, last, last + 1), key=row.__getitem__))
    return np.array(path[::-1]) - 1


def _size(size):
    try:
        height, width = size
    except (TypeError, ValueError):
        raise ValueError(f"Expected `size` as (height, width), got {shown(size)}.") from None
    return integer("height", height, 1), integer("width", width, 1)


def _blocks(block, overlap, usual, largest):
    hint = f" The swatch or style picture has a shorter side of {largest}."
    block = integer("block", max(1, usual) if block is None else block, 1, largest, hint)
    usual = max(min(1, block - 1), block // 6)
    return block, integer("overlap", usual if overlap is None else overlap, 0, block - 1, " It is less than the block.")


def _luminance(picture):
    """uint8 (H, W, 1)."""
    return picture if picture.shape[-1] == 1 else np.rint(picture @ LUMA).astype("uint8")[..., None]


def _quilted(swatch, size, block, overlap, tolerance, rng, share=1.0, guide=None, laid=None):
    """Where in the swatch each pixel of the answer stands: int (2, height, width).

    Args:
        swatch: uint8 (h, w, C).
        size: (height, width).
        block: side.
        overlap: less than the side.
        tolerance: of the draw.
        rng: NumPy's.
        share: of the fit to other blocks, beside that to the guide.
        guide: luminance (height, width) to follow.
        laid: an earlier answer, which this one is to be like.
    """
    # About their means: differences stay, and are rounded least.
    levels = np.moveaxis(swatch, -1, 0).astype("float64")
    mean = levels.mean(axis=(1, 2), keepdims=True)
    levels = (levels - mean).astype("float32")
    own, luma = np.eye(len(levels), dtype="float32"), LUMA[None] if len(levels) == 3 else np.ones((1, 1))
    step = block - overlap
    counts = [max(1, -(-(side - overlap) // step)) for side in size]
    shape = [n * step + overlap for n in counts]
    beyond = [(0, whole - side) for whole, side in zip(shape, size)]
    if guide is not None:
        guide = np.pad(guide - luma @ mean[:, 0, 0], beyond, mode="edge")[None].astype("float32")
    earlier = None if laid is None else np.pad(levels[:, laid[0], laid[1]], ((0, 0), *beyond), mode="edge")
    search, places = _Search(levels, block), np.zeros((2, *shape), int)
    offsets, whole = np.mgrid[:block, :block], np.ones((block, block), "float32")
    for top, left in np.ndindex(*counts):
        known = np.zeros_like(whole)
        known[: overlap * (top > 0)] = 1
        known[:, : overlap * (left > 0)] = 1
        part = np.s_[top * step : top * step + block, left * step : left * step + block]
        before = levels[:, places[0][part], places[1][part]]
        terms = [(own, share * known, before)]
        if earlier is not None:
            terms.append((own, share * whole, earlier[:, *part]))
        if guide is not None:
            terms.append((luma, (1.0 - share) * whole, guide[:, *part]))
        differences, rounding = search((top > 0, left > 0), terms)
        fit = np.flatnonzero(differences <= max(differences.min(), 0.0) * (1.0 + tolerance) + rounding)
        place = np.array(np.unravel_index(rng.choice(fit), differences.shape))[:, None, None] + offsets
        new = np.ones((block, block), bool)
        if overlap:
            steps = ((before - levels[:, place[0], place[1]]) ** 2).sum(axis=0)
            if left:
                new &= np.arange(block) >= least_cut(steps[:, :overlap])[:, None]
            if top:
                new &= np.arange(block)[:, None] >= least_cut(steps[:overlap].T)
        places[:, *part] = np.where(new, place, places[:, *part])
    return places[:, : size[0], : size[1]]


class _Search:
    """Squared differences of every block of a swatch to what is sought, by FFT."""

    def __init__(self, levels, block):
        self.levels, self.block = levels, block
        self.shape = tuple(fft.next_fast_len(side, real=True) for side in levels.shape[1:])
        self.fourier = fft.rfft2(levels, self.shape)
        self.norm = float(np.linalg.norm(levels))
        self.energies = {}

    def correlated(self, fourier, blocks):
        """(C, block, block) at every place of a swatch of such Fourier coefficients: the sum over pixels and channels."""
        rows = fft.rfft(blocks, self.shape[1])  # the rest of the lines is empty
        found = fft.irfft2((fourier * fft.fft(rows, self.shape[0], axis=1).conj()).sum(axis=0), self.shape)
        height, width = self.levels.shape[1:]
        return found[: height - self.block + 1, : width - self.block + 1]

    def energy(self, matrix, weight):
        squares = (np.tensordot(matrix, self.levels.astype("float64"), 1) ** 2).sum(axis=0, keepdims=True)
        return self.correlated(fft.rfft2(squares, self.shape), weight[None].astype("float64"))

    def __call__(self, kind, terms):
        """(places down, places across), and by how much these may be off.

        Args:
            kind: what has the same matrices and weights in every call.
            terms: (p, C), of channels to what is compared; (block, block), weights; (p, block, block), what is sought.
        """
        if kind not in self.energies:
            self.energies[kind] = sum(self.energy(matrix, weight) for matrix, weight, _ in terms)
        sought = sum(np.tensordot(matrix.T, weight * target, 1) for matrix, weight, target in terms).astype("float32")
        constant = sum(float((weight * target**2).sum(dtype="float64")) for _, weight, target in terms)
        found = self.energies[kind] - 2.0 * self.correlated(self.fourier, sought) + constant
        return found, ROUNDING * self.norm * float(np.linalg.norm(sought))
