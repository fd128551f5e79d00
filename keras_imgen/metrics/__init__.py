"""How good images are: against the picture they should be, and as a set against real ones."""

from keras_imgen.metrics.distances import (
    inception_score,
    kernel_distance,
    mode_coverage,
    neighbours,
    precision_recall,
    sliced_wasserstein,
)
from keras_imgen.metrics.memorisation import Memorisation, memorisation
from keras_imgen.metrics.moments import Accumulator, Moments, frechet_distance, moments
from keras_imgen.metrics.paired import luma, mae, ms_ssim, psnr, ssim
from keras_imgen.metrics.paired_metrics import MAE, MSSSIM, PSNR, SSIM, PairedMetric, denoising, super_resolution

__all__ = [
    "MAE",
    "MSSSIM",
    "PSNR",
    "SSIM",
    "Accumulator",
    "Memorisation",
    "Moments",
    "PairedMetric",
    "denoising",
    "frechet_distance",
    "inception_score",
    "kernel_distance",
    "luma",
    "mae",
    "memorisation",
    "mode_coverage",
    "moments",
    "ms_ssim",
    "neighbours",
    "precision_recall",
    "psnr",
    "sliced_wasserstein",
    "ssim",
    "super_resolution",
]
