"""Guidance: how two denoisers' outputs become one. Pure functions of clean-image estimates D."""

from typing import Any

from keras import ops


def classifier_free(d_cond: Any, d_uncond: Any, scale: Any) -> Any:
    """D_uncond + scale·(D_cond - D_uncond) (Ho & Salimans 2022); scale 1 returns D_cond to the bit.

    Autoguidance (Karras et al. 2024) is the same formula with a weaker model's estimate as `d_uncond`.

    Args:
        d_cond: estimates (N, ...) under the condition.
        d_uncond: estimates (N, ...) without it.
        scale: number, or tensor that broadcasts with them.
    """
    return d_cond + (scale - 1) * (d_cond - d_uncond)


def of_picture_and_text(d_both: Any, d_picture: Any, d_none: Any, scale: Any, image_scale: Any) -> Any:
    """D_none + image_scale·(D_picture - D_none) + scale·(D_both - D_picture) (Brooks et al. 2023, "InstructPix2Pix", eq. 3); an image_scale
    of 1 is `classifier_free(d_both, d_picture, scale)`.

    Args:
        d_both: estimates (N, ...) told all.
        d_picture: estimates (N, ...) told the picture alone.
        d_none: estimates (N, ...) told nothing.
        scale: of the text, number, or tensor that broadcasts with them.
        image_scale: of the picture, the same way.
    """
    return classifier_free(d_both, d_picture, scale) + (image_scale - 1) * (d_picture - d_none)


def rescale(d: Any, d_cond: Any, phi: float) -> Any:
    """Each image's standard deviation brought back towards the conditional one's (Lin et al. 2024).

    Args:
        d: guided estimates (N, ...).
        d_cond: estimates (N, ...) under the condition.
        phi: by what share, in [0, 1].
    """
    axes = tuple(range(1, len(d.shape)))
    ratio = ops.std(d_cond, axis=axes, keepdims=True) / ops.maximum(ops.std(d, axis=axes, keepdims=True), 1e-8)
    return d * (1 + phi * (ratio - 1))


def interval(scale: Any, log_snr: Any, low: float, high: float) -> Any:
    """The guidance scale where low <= log-SNR <= high, and 1 outside (Kynkäänniemi et al. 2024).

    Args:
        scale: tensor.
        log_snr: of the level, of a shape that broadcasts with it.
        low: least log-SNR of the interval.
        high: largest log-SNR of the interval.
    """
    inside = ops.logical_and(log_snr >= low, log_snr <= high)
    return ops.where(inside, scale, ops.ones_like(scale))
