"""The metrics by the names that `evaluate` takes. Imports nothing, so that help can list them."""

METRICS = {
    "frechet": "distance of the features' Gaussians: FID with inceptionv3, else Fréchet classifier distance",
    "kernel": "unbiased distance with a cubic kernel, for few images too: KID with inceptionv3",
    "precision_recall": "precision, recall, density, coverage with k = 5 neighbours",
    "inception_score": "sure and varied classes: Inception score with inceptionv3, else classifier score",
    "sliced_wasserstein": "distance of the features' projections",
    "modes": "classes that occur, and KL divergence of their shares from the real ones",
    "memorisation": "share of samples that are copies of a training image, by pixels",
    "classifier_accuracy": "test accuracy of a small network that learned the samples alone; needs labels, minutes",
}
DEFAULT = tuple(name for name in METRICS if name != "classifier_accuracy")
INCEPTION_NAMES = {"fid": "frechet", "kid": "kernel"}  # kept for Inception-v3
PAIRED = {
    "mae": "mean absolute error, in levels of 255; of pictures with those of the same names",
    "psnr": "peak signal-to-noise ratio in dB, of pictures with those of the same names",
    "ssim": "structural similarity, of pictures with those of the same names",
    "ms_ssim": "structural similarity at five scales, 176 pixels at least",
}
