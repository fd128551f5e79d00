"""How good images are: against the picture they should be, and as a set against real ones."""

from keras_imgen.inference.measures import noise_level
from keras_imgen.metrics.caption_accuracy import caption_accuracy
from keras_imgen.metrics.classifier_accuracy import classifier_accuracy
from keras_imgen.metrics.clips import attributes_read, clip_distance, clip_features, frame_scores, motion
from keras_imgen.metrics.distances import (
    inception_score,
    kernel_distance,
    mode_coverage,
    neighbours,
    precision_recall,
    sliced_wasserstein,
)
from keras_imgen.metrics.edit_accuracy import edit_accuracy
from keras_imgen.metrics.evaluation import Evaluation, Result, evaluate
from keras_imgen.metrics.extractors import Extractor
from keras_imgen.metrics.features import Features, extract, reference
from keras_imgen.metrics.flicker import flicker
from keras_imgen.metrics.memorisation import Memorisation, memorisation
from keras_imgen.metrics.moments import Accumulator, Moments, frechet_distance, moments
from keras_imgen.metrics.no_reference import (
    brisque,
    clipped_share,
    colourfulness,
    natural,
    niqe,
    sharpness,
)
from keras_imgen.metrics.paired import luma, mae, ms_ssim, psnr, ssim
from keras_imgen.metrics.paired_metrics import MAE, MSSSIM, PSNR, SSIM, PairedMetric, denoising, super_resolution
from keras_imgen.metrics.patch_distance import largest_copied_block, patch_distance
from keras_imgen.metrics.perceptual import PerceptualDistance
from keras_imgen.metrics.report import write_comparison, write_report
from keras_imgen.metrics.retrieval import retrieval
from keras_imgen.metrics.scene_reader import read_scene
from keras_imgen.metrics.style_distance import colour_distance, style_distance

__all__ = [
    "MAE",
    "MSSSIM",
    "PSNR",
    "SSIM",
    "Accumulator",
    "Evaluation",
    "Extractor",
    "Features",
    "Memorisation",
    "Moments",
    "PairedMetric",
    "PerceptualDistance",
    "Result",
    "attributes_read",
    "brisque",
    "caption_accuracy",
    "classifier_accuracy",
    "clip_distance",
    "clip_features",
    "clipped_share",
    "colour_distance",
    "colourfulness",
    "denoising",
    "edit_accuracy",
    "evaluate",
    "extract",
    "flicker",
    "frame_scores",
    "frechet_distance",
    "inception_score",
    "kernel_distance",
    "largest_copied_block",
    "luma",
    "mae",
    "memorisation",
    "mode_coverage",
    "moments",
    "motion",
    "ms_ssim",
    "natural",
    "neighbours",
    "niqe",
    "noise_level",
    "patch_distance",
    "precision_recall",
    "psnr",
    "read_scene",
    "reference",
    "retrieval",
    "sharpness",
    "sliced_wasserstein",
    "ssim",
    "style_distance",
    "super_resolution",
    "write_comparison",
    "write_report",
]
