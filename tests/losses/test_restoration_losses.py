"""Losses of restoration against NumPy, from their formulas."""

import numpy as np
from keras import ops
from skimage.metrics import structural_similarity

from keras_imgen.losses import exposure, perceptual, pixel

RNG = np.random.default_rng(0)
X, Y = (RNG.uniform(-1, 1, (2, 16, 32, 3)).astype("float32") for _ in range(2))


def value(function, *arrays, **kwargs):
    return float(function(*(ops.convert_to_tensor(a) for a in arrays), **kwargs))


def test_pixels():
    np.testing.assert_allclose(value(pixel.l1, X, Y), np.abs(X - Y).mean(), rtol=1e-5)
    np.testing.assert_allclose(value(pixel.mse, X, Y), ((X - Y) ** 2).mean(), rtol=1e-5)
    np.testing.assert_allclose(
        value(pixel.charbonnier, X, Y, epsilon=0.1), np.sqrt((X - Y) ** 2 + 0.01).mean(), rtol=1e-5
    )
    how = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False, "data_range": 2, "channel_axis": -1}
    maps = [structural_similarity(a, b, full=True, **how)[1][5:-5, 5:-5].mean() for a, b in zip(X + 1, Y + 1)]
    np.testing.assert_allclose(value(pixel.dssim, X, Y), (1 - np.mean(maps)) / 2, rtol=1e-4)
    assert abs(value(pixel.dssim, X, X)) < 1e-6


def test_features():
    a, b = X[..., :2], Y[..., :2]
    pair = [[ops.convert_to_tensor(m), ops.convert_to_tensor(2 * m)] for m in (a, b)]
    distance = 0.5 * ((a - b) ** 2).sum(-1).mean() + 0.5 * 4 * ((a - b) ** 2).sum(-1).mean()
    np.testing.assert_allclose(float(perceptual.feature_distance(*pair)), distance, rtol=1e-5)
    unit = np.array(perceptual.unit_length(ops.convert_to_tensor(a)))
    np.testing.assert_allclose(np.linalg.norm(unit, axis=-1), 1, atol=1e-4)


def test_zero_dce():
    image, enhanced = (X + 1) / 2, (Y + 1) / 2
    regions = lambda x, n: x.mean(-1).reshape(2, 16 // n, n, 32 // n, n).mean((2, 4))  # noqa: E731
    before, after = regions(image, 4), regions(enhanced, 4)
    total = 0.0
    for i in range(4):
        for j in range(8):
            for k, m in ((i + 1, j), (i - 1, j), (i, j + 1), (i, j - 1)):
                if 0 <= k < 4 and 0 <= m < 8:
                    change = np.abs(after[:, i, j] - after[:, k, m]) - np.abs(before[:, i, j] - before[:, k, m])
                    total += (change**2).sum()
    np.testing.assert_allclose(value(exposure.spatial_consistency, image, enhanced), total / before.size, rtol=1e-4)
    expected = ((regions(enhanced, 16) - 0.6) ** 2).mean()
    np.testing.assert_allclose(value(exposure.exposure, enhanced), expected, rtol=1e-4)
    means = enhanced.mean((1, 2))
    pairs = [(means[:, a] - means[:, b]) ** 2 for a, b in ((0, 1), (0, 2), (1, 2))]
    np.testing.assert_allclose(
        value(exposure.colour_constancy, enhanced), np.sqrt(sum(p**2 for p in pairs)).mean(), rtol=1e-3
    )
    down, right = (X[:, 1:] - X[:, :-1]) ** 2, (X[:, :, 1:] - X[:, :, :-1]) ** 2
    expected = 2 * (down.sum() / (15 * 32) + right.sum() / (16 * 31)) / 2
    np.testing.assert_allclose(value(exposure.smoothness, X), expected, rtol=1e-5)
