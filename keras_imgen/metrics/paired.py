"""Metrics of a picture against the one it should be: MAE, PSNR, SSIM, MS-SSIM. Functions of batches; one number for each image."""

import math
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_imgen.losses import structure

SCALES = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)  # Wang et al. 2003, table 1


def mae(
    target: Any,
    image: Any,
    data_range: float | None = None,
    low: float | None = None,
    channels: str = "all",
    shave: int = 0,
) -> Any:
    """Mean absolute error (N,), in units of the data.

    Args:
        target: (N, H, W, C), uint8 or float.
        image: of the same shape and type.
        data_range: see `psnr`.
        low: see `psnr`.
        channels: see `psnr`.
        shave: pixels left out along each border.

    Raises:
        ValueError: see `psnr`.
    """
    target, image, _ = _prepared(target, image, data_range, low, channels, shave)
    return ops.mean(ops.abs(target - image), axis=(1, 2, 3))


def psnr(
    target: Any,
    image: Any,
    data_range: float | None = None,
    low: float | None = None,
    channels: str = "all",
    shave: int = 0,
) -> Any:
    """Peak signal-to-noise ratio in dB (N,): 10 log10(range² / mean squared error); infinite for equal images.

    Args:
        target: (N, H, W, C), uint8 or float.
        image: of the same shape and type.
        data_range: the largest value less the smallest: 255 for uint8, which need not say so. Floats must: 2 for [-1, 1].
        low: the smallest value: by default -1 where the range is 2, otherwise 0.
        channels: "all", or "y": the luma of BT.601 as MATLAB's rgb2ycbcr computes it, 16 to 235 of 255; gray is taken as it is.
        shave: pixels left out along each border.

    Raises:
        ValueError: different shapes or types, floats without `data_range`, an image smaller than its borders.
    """
    target, image, top = _prepared(target, image, data_range, low, channels, shave)
    error = ops.mean(ops.square(target - image), axis=(1, 2, 3))
    return 10.0 * ops.log(top**2 / error) / math.log(10.0)


def ssim(
    target: Any,
    image: Any,
    data_range: float | None = None,
    low: float | None = None,
    channels: str = "all",
    shave: int = 0,
) -> Any:
    """Structural similarity (N,) (Wang et al. 2004): 11x11 Gaussian window of sigma 1.5, where it fits whole; K = 0.01, 0.03.

    Channels are averaged.

    Args:
        target: (N, H, W, C), uint8 or float, 11 pixels or more on each side.
        image: of the same shape and type.
        data_range: see `psnr`.
        low: see `psnr`.
        channels: see `psnr`.
        shave: pixels left out along each border.

    Raises:
        ValueError: see `psnr`; fewer than 11 pixels on a side.
    """
    target, image, top = _prepared(target, image, data_range, low, channels, shave)
    return ops.mean(structure.ssim(target, image, top)[0], axis=-1)


def ms_ssim(
    target: Any,
    image: Any,
    data_range: float | None = None,
    low: float | None = None,
    channels: str = "all",
    shave: int = 0,
) -> Any:
    """Multi-scale structural similarity (N,) (Wang et al. 2003): five scales, halved by averages of 2x2.

    Negative contrast terms, which have no real power, count as zero.

    Args:
        target: (N, H, W, C), uint8 or float, 176 pixels or more on each side.
        image: of the same shape and type.
        data_range: see `psnr`.
        low: see `psnr`.
        channels: see `psnr`.
        shave: pixels left out along each border.

    Raises:
        ValueError: see `psnr`; fewer than 176 pixels on a side.
    """
    target, image, top = _prepared(target, image, data_range, low, channels, shave)
    if min(target.shape[1:3]) < 176:
        raise ValueError(f"MS-SSIM needs 176 pixels on each side, 11 at the fifth scale; got {target.shape[1:3]}.")
    product = 1.0
    for i, power in enumerate(SCALES):
        whole, contrast = structure.ssim(target, image, top)
        last = i == len(SCALES) - 1
        product = product * ops.maximum(whole if last else contrast, 0.0) ** power
        if not last:
            target, image = (ops.average_pool(v, (2, 2), (2, 2), padding="valid") for v in (target, image))
    return ops.mean(product, axis=-1)


def luma(images: Any) -> Any:
    """RGB in [0, 255], (..., 3) -> Y in [16, 235], (..., 1), by BT.601."""
    return 16.0 + ops.sum(images * ops.convert_to_tensor(_BT601), axis=-1, keepdims=True)


_BT601 = np.array([65.481, 128.553, 24.966], "float32") / np.float32(255)


def _prepared(target, image, data_range, low, channels, shave):
    """Both as float32, and the data range."""
    target, image = (ops.convert_to_tensor(v) for v in (target, image))
    kinds = [keras.backend.standardize_dtype(v.dtype) for v in (target, image)]
    if len(target.shape) != 4 or len(image.shape) != 4 or not _same(target.shape, image.shape):
        raise ValueError(
            f"Expected two batches (N, H, W, C) of one shape, got {tuple(target.shape)} and {tuple(image.shape)}."
        )
    whole = ["int" in k for k in kinds]
    if whole[0] != whole[1]:
        raise ValueError(
            f"Expected both images as uint8 or both as floats of one range, got {kinds[0]} and {kinds[1]}."
        )
    if data_range is None:
        if not whole[0]:
            raise ValueError("Expected `data_range` for float images: 2 for [-1, 1], 1 for [0, 1].")
        data_range = 255.0
    low = (-1.0 if data_range == 2 else 0.0) if low is None else low
    if channels not in ("all", "y"):
        raise ValueError(f"Expected `channels` 'all' or 'y', got {channels!r}.")
    height, width = target.shape[1:3]
    if shave < 0 or (height is not None and min(height, width) <= 2 * shave):
        raise ValueError(f"Expected `shave` to leave something of images of {height}x{width}, got {shave}.")
    pair = []
    for v in (target, image):
        v = ops.cast(v, "float32") - low
        if channels == "y" and v.shape[-1] == 3:
            v = luma(v * (255.0 / data_range)) * (data_range / 255.0)
        pair.append(v[:, shave:-shave, shave:-shave] if shave else v)
    return *pair, float(data_range)


def _same(a, b):
    return all(m == n or m is None or n is None for m, n in zip(a, b))
