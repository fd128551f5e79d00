"""What a picture tells of its quality without the picture that it should be; `inference.measures` has its noise."""

from typing import Any, NamedTuple

import numpy as np

from keras_imgen.arguments import as_numbers, shown
from keras_imgen.data.image_io import with_channels
from keras_imgen.data.imresize import imresize

BLOCK = 96  # pixels, of which NIQE's features are taken
SHARP = 0.75  # of the sharpest block: those that natural pictures are known by
_SHAPES = np.arange(0.2, 10.001, 0.001)


def clipped_share(image: Any) -> tuple[float, float]:
    """(share of the pixels of which all channels are 0, share of those of which one is 255): where the picture no longer tells the light.

    Args:
        image: uint8 (H, W), or (H, W, 1 or 3).

    Raises:
        ValueError: another form.
    """
    x = _picture(image, 1)
    return float((x == 0).all(-1).mean()), float((x == 255).any(-1).mean())


def colourfulness(image: Any) -> float:
    """How colourful people find it, 0 of gray, about 45 "moderately", 109 "extremely" (Hasler & Süsstrunk 2003, "Measuring colourfulness in
    natural images", M3).

    Args:
        image: see `clipped_share`.

    Raises:
        ValueError: another form.
    """
    r, g, b = np.moveaxis(with_channels(_picture(image, 1), 3).astype("float64"), -1, 0)
    opponents = r - g, (r + g) / 2 - b
    spread, mean = (np.sqrt(sum(f(v) ** 2 for v in opponents)) for f in (np.std, np.mean))
    return float(spread + 0.3 * mean)


def sharpness(image: Any) -> float:
    """Variance of the Laplacian of the luma (Pech-Pacheco et al. 2000, "Diatom autofocusing in brightfield microscopy"): of two pictures of
    one scene the sharper, or noisier, has more.

    Args:
        image: see `clipped_share`.

    Raises:
        ValueError: another form.
    """
    import cv2

    return float(cv2.Laplacian(with_channels(_picture(image, 3), 1)[..., 0], cv2.CV_64F).var())


def brisque(image: Any, model: str, ranges: str) -> float:
    """BRISQUE (Mittal et al. 2012, "No-reference image quality assessment in the spatial domain"), by OpenCV's contrib: lower is better.

    Args:
        image: see `clipped_share`.
        model: path of OpenCV's brisque_model_live.yml.
        ranges: path of its brisque_range_live.yml.

    Raises:
        ValueError: another form.
        ModuleNotFoundError: OpenCV is there without its contrib.
    """
    import cv2

    if not hasattr(cv2, "quality"):
        raise ModuleNotFoundError(
            "BRISQUE needs OpenCV's contrib: pip install opencv-contrib-python-headless, in place of opencv-python-headless."
        )
    colours = np.ascontiguousarray(with_channels(_picture(image, 16), 3)[..., ::-1])
    return float(cv2.quality.QualityBRISQUE_compute(colours, model, ranges)[0])


# === NIQE ===


class Natural(NamedTuple):
    """A Gaussian of what NIQE measures of good pictures.

    Args:
        mean: (36,).
        covariance: (36, 36).
    """

    mean: np.ndarray
    covariance: np.ndarray


def natural(pictures: Any) -> Natural:
    """What good pictures are like, for `niqe`: of each the sharp blocks count.

    Args:
        pictures: a list of uint8 (H, W) or (H, W, 1 or 3), of at least 96 x 96. The paper has 125 photographs.

    Raises:
        ValueError: none, pictures of another form, or too little in them to learn from.
    """
    found = [f[sharp > SHARP * sharp.max()] for f, sharp in map(_blocks, pictures)]
    if not found:
        raise ValueError("Expected at least one picture to learn from, got none.")
    every = np.concatenate(found)
    every = every[np.isfinite(every).all(1)]
    if len(every) < 2:
        raise ValueError(
            f"Expected at least two sharp blocks of {BLOCK} x {BLOCK} with texture to learn from, got {len(every)}."
        )
    return Natural(every.mean(0), np.cov(every, rowvar=False))


def niqe(image: Any, model: Natural) -> float:
    """NIQE (Mittal, Soundararajan & Bovik 2013, "Making a 'completely blind' image quality analyzer"): the distance of a picture's
    statistics from those of good ones, in blocks of 96 x 96; lower is better. With other pictures than the authors' 125 in `natural` it is
    not comparable with published figures: say with which.

    Args:
        image: uint8 (H, W) or (H, W, 1 or 3), of at least 96 x 96.
        model: of good pictures.

    Raises:
        ValueError: another form, or a picture without any texture.
    """
    features = _blocks(image)[0]
    features = features[np.isfinite(features).all(1)]
    if not len(features):
        raise ValueError("The picture is flat: in no block of 96 x 96 is there anything to measure.")
    covariance = np.cov(features, rowvar=False) if len(features) > 1 else np.zeros_like(model.covariance)
    away = features.mean(0) - model.mean
    return float(np.sqrt(away @ np.linalg.pinv((model.covariance + covariance) / 2) @ away))


def _blocks(image):
    """(features (n, 36), sharpness (n,)) of the blocks of a picture."""
    gray = with_channels(_picture(image, BLOCK), 1)[..., 0].astype("float64")
    rows, columns = (n // BLOCK for n in gray.shape)
    gray = gray[: rows * BLOCK, : columns * BLOCK]
    features = []
    for size in (BLOCK, BLOCK // 2):
        normalised, deviation = _normalised(gray)
        cut = lambda x: x.reshape(rows, size, columns, size).swapaxes(1, 2).reshape(-1, size, size)  # noqa: B023, E731
        features.append([_features(block) for block in cut(normalised)])
        if size == BLOCK:
            sharp = cut(deviation).mean((1, 2))
        gray = imresize(gray, scale=0.5)
    return np.concatenate(features, 1), sharp


def _normalised(gray):
    """Luma less its local mean over its local deviation, and the deviation: windows of 7 x 7, Gaussian of 7/6 pixels."""
    import cv2

    blur = lambda x: cv2.GaussianBlur(x, (7, 7), 7 / 6, borderType=cv2.BORDER_REPLICATE)  # noqa: E731
    mean = blur(gray)
    deviation = np.sqrt(np.abs(blur(gray * gray) - mean * mean))
    return (gray - mean) / (deviation + 1), deviation


def _features(block):
    """18 numbers: the shape and width of the values, and of the products of neighbours in four directions."""
    shape, left, right = generalised(block)
    found = [shape, (left + right) / 2]
    for shift in ((0, 1), (1, 0), (1, 1), (1, -1)):
        shape, left, right = generalised(block * np.roll(block, shift, (0, 1)))
        found += [shape, (right - left) * _gamma(2 / shape) / _gamma(1 / shape), left, right]
    return found


def generalised(values: np.ndarray) -> tuple[float, float, float]:
    """(shape, scale to the left, to the right) of an asymmetric generalised Gaussian of mode 0, by its moments (Lasmar et al. 2009): shape
    2 is the Gaussian, of scale sqrt(2) sigma; 1 that of Laplace. NaN where all values are of one sign.

    Args:
        values: of any shape.
    """
    below, above = values[values < 0], values[values > 0]
    if not below.size or not above.size:
        return np.nan, np.nan, np.nan
    left, right = (np.sqrt(np.mean(np.square(part))) for part in (below, above))
    ratio = left / right
    moments = np.mean(np.abs(values)) ** 2 / np.mean(np.square(values))
    moments *= (ratio**3 + 1) * (ratio + 1) / (ratio**2 + 1) ** 2
    of_shape = _gamma(2 / _SHAPES) ** 2 / (_gamma(1 / _SHAPES) * _gamma(3 / _SHAPES))
    shape = _SHAPES[np.argmin(np.abs(of_shape - moments))]
    scale = np.sqrt(_gamma(1 / shape) / _gamma(3 / shape))
    return float(shape), float(left * scale), float(right * scale)


def _gamma(x):
    from scipy.special import gamma

    return gamma(x)


def _picture(image, least):
    found = as_numbers(image)
    found = found[..., None] if found.ndim == 2 else found
    if found.dtype != np.uint8 or found.ndim != 3 or found.shape[-1] not in (1, 3) or min(found.shape[:2]) < least:
        raise ValueError(
            f"Expected a picture as uint8 (H, W) or (H, W, 1 or 3) of at least {least} x {least}, got {shown(found)}."
        )
    return found
