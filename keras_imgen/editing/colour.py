"""The colours of one picture for another. NumPy and SciPy alone.

Each way is a map from colour to colour, found from the two pictures' colours without regard to where they stand. `WAYS` has them by name.
"""

from typing import Any

import numpy as np
from scipy import ndimage

from keras_imgen.arguments import integer
from keras_imgen.editing.content_style import each, to_gray_levels

# Gray levels squared: the variance of rounding. Where colours vary no more than this there is nothing to stretch.
FLAT = 1 / 12
# RGB to the responses of cones, and the logarithms of these to l, alpha and beta (Reinhard et al. 2001, equations 4 and 6).
LMS = np.array([[0.3811, 0.5783, 0.0402], [0.1967, 0.7244, 0.0782], [0.0241, 0.1288, 0.8444]])
LAB = np.diag([3**-0.5, 6**-0.5, 2**-0.5]) @ np.array([[1, 1, 1], [1, 1, -2], [1, -1, 0]])
LUMA = np.array([0.299, 0.587, 0.114])  # BT.601, the Y of YIQ
EDGE = 10.0  # gray levels: the step of colour from which on a smoothed change may step as well


def match_histograms(images: Any, style: Any) -> np.ndarray:
    """Each channel with the histogram of the style's, as far as a growing function of one level takes it there.

    scikit-image's `exposure.match_histograms`, rounded where that one cuts off.

    Args:
        images: uint8 (N, H, W, C) or (H, W, C), C of 1 or 3.
        style: uint8 (h, w, C) for all pictures or (N, h, w, C) for each its own, of any size.

    Returns:
        uint8 of the shape of `images`.

    Raises:
        ValueError: pictures of another form.
    """
    return each(_mapped(_histogram), images, style)


def reinhard(images: Any, style: Any) -> np.ndarray:
    """Mean and standard deviation of the style's l, alpha and beta, each by itself (Reinhard et al. 2001, Color Transfer between Images).

    Args:
        images: uint8 (N, H, W, 3) or (H, W, 3).
        style: uint8 (h, w, 3) for all pictures or (N, h, w, 3) for each its own, of any size.

    Returns:
        uint8 of the shape of `images`.

    Raises:
        ValueError: pictures of another form, also gray ones.
    """
    _coloured(images)
    return each(_mapped(_reinhard), images, style)


def monge_kantorovich(images: Any, style: Any) -> np.ndarray:
    """Mean and covariance of the style's colours, by the linear map that moves them least (Pitié & Kokaram 2007, The Linear
    Monge-Kantorovitch Linear Colour Mapping).

    In directions in which the colours vary no more than by rounding, as of a gray picture across the gray axis, they stay level.

    Args:
        images: uint8 (N, H, W, C) or (H, W, C), C of 1 or 3.
        style: uint8 (h, w, C) for all pictures or (N, h, w, C) for each its own, of any size.

    Returns:
        uint8 of the shape of `images`.

    Raises:
        ValueError: pictures of another form.
    """
    return each(_mapped(_monge_kantorovich), images, style)


def sliced_transport(images: Any, style: Any, *, iterations: int = 10, smooth: int = 8, seed: int = 0) -> np.ndarray:
    """The whole distribution of the style's colours: along the axes of one random rotation after another, each projection gets the
    style's (Pitié et al. 2005, N-Dimensional Probability Density Function Transfer; Bonneel et al. 2015, Sliced and Radon Wasserstein
    Barycenters).

    That stretches the grain of what is level, as a sky; the change is smoothed between the picture's edges (Rabin et al. 2011, Removing
    Artefacts from Color and Contrast Modifications; here by the guided filter of He et al. 2010).

    Args:
        images: uint8 (N, H, W, C) or (H, W, C), C of 1 or 3.
        style: uint8 (h, w, C) for all pictures or (N, h, w, C) for each its own, of any size.
        iterations: rotations, 1 or more; gray pictures need one.
        smooth: pixels to each side over which the change is smoothed, 0 or more; 0 leaves the distribution as it was found.
        seed: of the rotations, the same for every picture.

    Returns:
        uint8 of the shape of `images`.

    Raises:
        ValueError: pictures of another form, numbers outside their range.
    """
    iterations, smooth = integer("iterations", iterations, 1), integer("smooth", smooth, 0)
    seed = integer("seed", seed, 0)

    def change(k, picture, style):
        colours, counts, where = _counted(picture)
        moved = _sliced(colours, counts, *_counted(style)[:2], iterations, np.random.default_rng(seed))
        change = (moved - colours)[where].reshape(picture.shape)
        return to_gray_levels(picture + (_guided(change, picture.astype("float64"), smooth) if smooth else change))

    return each(change, images, style)


def keep_luminance(images: Any, colours: Any) -> np.ndarray:
    """The luminance of one picture with the colours of another (Gatys et al. 2016, Preserving Color in Neural Artistic Style Transfer).

    In YIQ. Where a colour of that luminance lies outside of the cube it loses saturation, not luminance.

    Args:
        images: uint8 (N, H, W, 3) or (H, W, 3), whose luminance is taken.
        colours: uint8 of the same height and width, whose hue and saturation are taken; one for all pictures or one for each.

    Returns:
        uint8 of the shape of `images`.

    Raises:
        ValueError: pictures of another form, also gray ones, or of two sizes.
    """
    _coloured(images)
    if np.shape(images)[-3:-1] != np.shape(colours)[-3:-1]:
        raise ValueError(
            f"Expected two pictures of one size, got shapes {np.shape(images)} and {np.shape(colours)}: resize one."
        )
    return each(
        lambda k, picture, other: to_gray_levels(_with_luminance(other / 1.0, picture @ LUMA)),
        images,
        colours,
    )


def keep_colours(images: Any, stylized: Any) -> np.ndarray:
    """A stylised picture in the colours that it had: the luminance of `stylized` with the colours of `images`.

    The other way is to give the style picture the content's colours before it is used: `monge_kantorovich(style, images)`. There colours
    follow the brush; here every colour keeps its place (Gatys et al. 2016, Preserving Color in Neural Artistic Style Transfer).

    Args:
        images: uint8 (N, H, W, 3) or (H, W, 3), the content.
        stylized: uint8 of the same shape, made of it.

    Returns:
        uint8 of the shape of `images`.

    Raises:
        ValueError: pictures of another form, also gray ones, or of two shapes.
    """
    if np.shape(images) != np.shape(stylized):
        raise ValueError(f"Expected pictures of one shape, got {np.shape(images)} and {np.shape(stylized)}.")
    return keep_luminance(stylized, images)


WAYS = {
    "histogram": match_histograms,
    "reinhard": reinhard,
    "monge-kantorovich": monge_kantorovich,
    "sliced": sliced_transport,
}


def _coloured(images):
    if np.shape(images)[-1:] == (1,):
        raise ValueError("Expected pictures in colour, got gray ones: `match_histograms` takes these.")


def _mapped(way):
    """A change of pictures by one of pixels, float64 (pixels, C) in gray levels."""

    def change(k, picture, style):
        pixels, others = (p.reshape(-1, p.shape[-1]).astype("float64") for p in (picture, style))
        return to_gray_levels(way(pixels, others)).reshape(picture.shape)

    return change


def _with_luminance(colours, luminance):
    """Colours (..., 3) made of this luminance (...): the chroma is I and Q, and is scaled so far as [0, 255] asks."""
    chroma, level = colours - (colours @ LUMA)[..., None], luminance[..., None]
    room = np.where(chroma > 0, 255.0 - level, level)
    return level + chroma * np.min(room / np.maximum(np.abs(chroma), np.maximum(room, 1e-9)), axis=-1, keepdims=True)


def _guided(change, guide, radius):
    """(H, W, D) smoothed where the guide (H, W, C) is level: in every window linear in its colours (He et al. 2010, section 3.5)."""
    channels, own = guide.shape[-1], (2 * radius + 1, 2 * radius + 1)

    def mean(x):
        return ndimage.uniform_filter(x, own + (0,) * (x.ndim - 2), mode="nearest")

    of_guide, of_change = mean(guide), mean(change)
    variance = mean(guide[..., :, None] * guide[..., None, :]) - of_guide[..., :, None] * of_guide[..., None, :]
    covariance = mean(guide[..., :, None] * change[..., None, :]) - of_guide[..., :, None] * of_change[..., None, :]
    slope = np.linalg.solve(variance + EDGE**2 * np.eye(channels), covariance)
    offset = of_change - (of_guide[..., None, :] @ slope)[..., 0, :]
    return (guide[..., None, :] @ mean(slope))[..., 0, :] + mean(offset)


# === The ways: pixels (P, C) and the style's (Q, C), float64, to pixels (P, C) ===


def _histogram(pixels, style):
    found = np.empty_like(pixels)
    for c in range(pixels.shape[1]):
        _, where, counts = np.unique(pixels[:, c], return_inverse=True, return_counts=True)
        levels, others = np.unique(style[:, c], return_counts=True)
        ranks, of_style = np.cumsum(counts) / len(pixels), np.cumsum(others) / len(style)
        found[:, c] = np.interp(ranks, of_style, levels)[where]
    return found


def _reinhard(pixels, style):
    """One gray level is added before the logarithm, so that black has one."""
    a, b = (np.log10(np.maximum(p @ LMS.T, 0.0) + 1.0) @ LAB.T for p in (pixels, style))
    deviation = a.std(axis=0)
    scale = np.where(deviation > 1e-9, b.std(axis=0) / np.maximum(deviation, 1e-9), 0.0)
    found = (a - a.mean(axis=0)) * scale + b.mean(axis=0)
    return (10.0 ** (found @ LAB) - 1.0) @ np.linalg.inv(LMS).T  # LAB is orthonormal


def _monge_kantorovich(pixels, style):
    """T = A^-1/2 (A^1/2 B A^1/2)^1/2 A^-1/2 of the covariances A and B."""
    a, b = pixels - pixels.mean(axis=0), style - style.mean(axis=0)
    variances, axes = np.linalg.eigh(a.T @ a / len(a))
    roots = np.where(variances > FLAT, np.sqrt(np.maximum(variances, FLAT)), 0.0)
    inverse = np.divide(1.0, roots, out=np.zeros_like(roots), where=roots > 0)
    root, inverse = (axes * roots) @ axes.T, (axes * inverse) @ axes.T
    inner, own = np.linalg.eigh(root @ (b.T @ b / len(b)) @ root)
    middle = (own * np.sqrt(np.maximum(inner, 0.0))) @ own.T
    return a @ (inverse @ middle @ inverse) + style.mean(axis=0)


def _counted(picture):
    """The colours of a picture, float64 (K, C), how many pixels have each, and the number of each pixel's."""
    pixels = picture.reshape(-1, picture.shape[-1])
    codes = pixels @ (256 ** np.arange(pixels.shape[1]))
    _, first, where, counts = np.unique(codes, return_index=True, return_inverse=True, return_counts=True)
    return pixels[first].astype("float64"), counts.astype("float64"), where


def _sliced(colours, counts, style, others, iterations, rng):
    """Colours (K, C) of so many pixels each (K,), moved to those of the style, (L, C) and (L,)."""
    moved, channels = colours, colours.shape[1]
    for _ in range(iterations):
        axes = np.linalg.qr(rng.standard_normal((channels, channels)))[0]
        before, wanted = moved @ axes, style @ axes
        moved = np.stack([_line(*of) for of in zip(before.T, [counts] * channels, wanted.T, [others] * channels)], -1)
        moved = moved @ axes.T
    return moved


def _line(x, counts, y, others):
    """Optimal transport on a line: each x gets the mean of the y of its ranks, so that the mean over all is exact."""
    order, wanted = np.argsort(x), np.argsort(y)
    shares, given = counts[order] / counts.sum(), others[wanted] / others.sum()
    ranks, of_style = (np.concatenate([[0.0], np.cumsum(s)]) for s in (shares, given))
    sums = np.concatenate([[0.0], np.cumsum(y[wanted] * given)])
    found = np.empty_like(x)
    found[order] = np.diff(np.interp(ranks, of_style, sums)) / shares
    return found
