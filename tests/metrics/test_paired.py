import io
import os
import zipfile

import keras
import numpy as np
import pytest
from PIL import Image
from skimage import data as pictures
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from keras_imgen import metrics
from keras_imgen.data.imresize import imresize, mod_crop


@pytest.fixture(scope="module")
def pair():
    clean = pictures.astronaut()[:200, :232]
    noise = np.random.default_rng(0).normal(0, 15, clean.shape)
    return clean, np.clip(clean + noise, 0, 255).astype("uint8")


def test_equal_scikit_image(pair):
    clean, noisy = pair
    a, b = clean[None], noisy[None]
    assert abs(float(metrics.psnr(a, b)[0]) - peak_signal_noise_ratio(clean, noisy)) < 1e-3
    same = {"channel_axis": -1, "gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False}
    expected = structural_similarity(clean, noisy, data_range=255, **same)
    assert abs(float(metrics.ssim(a, b)[0]) - expected) < 1e-5
    assert abs(float(metrics.mae(a, b)[0]) - np.abs(clean.astype(float) - noisy).mean()) < 1e-3
    flat = np.full((1, 32, 32, 1), 250, "uint8")  # where float32 is worst: bright and almost even
    other = flat + np.random.default_rng(0).integers(0, 2, flat.shape, dtype="uint8")
    expected = structural_similarity(
        flat[0, ..., 0], other[0, ..., 0], data_range=255, **{**same, "channel_axis": None}
    )
    assert abs(float(metrics.ssim(flat, other)[0]) - expected) < 1e-4


def test_ranges_are_the_same_metric(pair):
    a, b = (v[None] for v in pair)
    x, y = (v / np.float32(127.5) - 1 for v in (a, b))
    for f in (metrics.psnr, metrics.ssim, metrics.ms_ssim):
        np.testing.assert_allclose(f(a, b), f(x, y, data_range=2), rtol=1e-4)


def test_ms_ssim_equals_its_definition_in_float64(pair):
    """Five scales, contrast at the first four and all of it at the last, from scikit-image's full maps."""
    powers, x, y = metrics.paired.SCALES, *(v[:192, :224, 0].astype(float) for v in pair)
    product = 1.0
    for i, power in enumerate(powers):
        blur = lambda v: _valid_blur(v)  # noqa: E731
        mx, my = blur(x), blur(y)
        vx, vy, c = blur(x * x) - mx**2, blur(y * y) - my**2, blur(x * y) - mx * my
        contrast = (2 * c + 58.5225) / (vx + vy + 58.5225)
        whole = contrast * (2 * mx * my + 6.5025) / (mx**2 + my**2 + 6.5025)
        product *= (whole if i == 4 else contrast).mean() ** power
        x, y = (v.reshape(v.shape[0] // 2, 2, -1, 2).mean((1, 3)) if i < 4 else v for v in (x, y))
    got = metrics.ms_ssim(*(v[None, :192, :224, :1] for v in pair))
    assert abs(float(got[0]) - product) < 1e-5


def _valid_blur(v):
    from scipy.ndimage import correlate1d

    w = np.exp(-0.5 * (np.arange(-5, 6) / 1.5) ** 2)
    return correlate1d(correlate1d(v, w / w.sum(), 0), w / w.sum(), 1)[5:-5, 5:-5]


def test_luma_of_white_black_and_primaries():
    colours = np.array([[0, 0, 0], [255, 255, 255], [255, 0, 0], [0, 255, 0], [0, 0, 255]], "float32")
    np.testing.assert_allclose(metrics.luma(colours)[:, 0], [16, 235, 81.481, 144.553, 40.966], atol=1e-3)


def test_batches_weigh_images_not_batches(pair):
    a, b = (v[None] / np.float32(127.5) - 1 for v in pair)
    metric = metrics.PSNR()
    metric.update_state(np.concatenate([a] * 3), np.concatenate([b, b * 0, a * 0.5]))
    metric.update_state(a, b * 0.5)
    one = [float(metrics.psnr(a, v, data_range=2)[0]) for v in (b, b * 0, a * 0.5, b * 0.5)]
    assert abs(float(metric.result()) - np.mean(one)) < 1e-4
    assert "all channels" in metric.protocol
    again = metrics.PSNR.from_config(metric.get_config())
    assert again.get_config() == metric.get_config()


def test_in_compile_and_evaluate(pair):
    a, b = (v[None, :64, :64] / np.float32(127.5) - 1 for v in pair)
    model = keras.Sequential([keras.Input((64, 64, 3)), keras.layers.Identity()])
    model.compile(loss="mse", metrics=[metrics.PSNR(), metrics.SSIM(), *metrics.super_resolution(3)])
    logs = model.evaluate(b, a, verbose=0, return_dict=True)
    np.testing.assert_allclose(logs["psnr"], metrics.psnr(a, b, data_range=2), rtol=1e-4)
    luma = structural_similarity(
        *(_luma(v)[3:-3, 3:-3] for v in (pair[0][:64, :64], pair[1][:64, :64])),
        data_range=255,
        gaussian_weights=True,
        sigma=1.5,
        use_sample_covariance=False,
    )
    assert abs(logs["ssim_x3"] - luma) < 1e-4


def _luma(v):
    return np.round(16 + v.astype(float) @ np.array([65.481, 128.553, 24.966]) / 255)


def test_mixed_up_inputs_are_refused(pair):
    a, b = (v[None] for v in pair)
    for bad, message in [
        (lambda: metrics.psnr(a, b[:, :100]), "one shape"),
        (lambda: metrics.psnr(a, b[..., :1]), "one shape"),
        (lambda: metrics.psnr(a, b / 255.0), "uint8 or both as floats"),
        (lambda: metrics.psnr(a / 255.0, b / 255.0), "data_range"),
        (lambda: metrics.psnr(a, b, shave=100), "shave"),
        (lambda: metrics.ssim(a[:, :9], b[:, :9]), "11 pixels"),
        (lambda: metrics.ms_ssim(a[:, :99], b[:, :99]), "176 pixels"),
        (lambda: metrics.psnr(a, b, channels="l"), "channels"),
    ]:
        with pytest.raises(ValueError, match=message):
            bad()


def read_zip(path, names=None):
    with zipfile.ZipFile(path) as z:
        inside = sorted(n for n in z.namelist() if n.lower().endswith((".png", ".bmp", ".jpg")))
        return [
            np.asarray(Image.open(io.BytesIO(z.read(n))).convert("RGB"))
            for n in inside
            if names is None or os.path.splitext(os.path.basename(n))[0] in names
        ]


@pytest.mark.parametrize(
    "name, scale, expected_psnr, expected_ssim",
    [("set5", 2, 33.66, 0.9299), ("set5", 4, 28.42, 0.8104), ("bsd100", 3, 27.21, 0.7385)],
)
def test_published_bicubic_numbers(real_data, name, scale, expected_psnr, expected_ssim):
    """Bicubic, as in the tables of super-resolution papers since Timofte et al. 2014: luma alone is reduced, and not rounded there."""
    if name == "bsd100":
        images = read_zip(os.path.join(real_data, "bsds500", "bsds500_train200_val100.zip"), _validation(real_data))
        assert len(images) == 100
    else:
        images = read_zip(os.path.join(real_data, "sr_test", f"{name}.zip"))
    psnr, ssim = metrics.super_resolution(scale, data_range=255)
    for image in images:
        target = mod_crop(np.round(np.asarray(metrics.luma(image.astype("float32")))).astype("uint8"), scale)
        guess = imresize(imresize(target.astype(float), scale=1 / scale), size=target.shape[:2])
        for metric in (psnr, ssim):
            metric.update_state(target[None], guess[None])
    found = float(psnr.result()), float(ssim.result())
    print(name, scale, found)
    assert abs(found[0] - expected_psnr) < 0.02 and abs(found[1] - expected_ssim) < 2e-4


def _validation(folder):
    with zipfile.ZipFile(os.path.join(folder, "bsds500", "bsds500_train200_val100.zip")) as z:
        return {os.path.splitext(os.path.basename(n))[0] for n in z.namelist() if "val" in n.split("/")[-2]}
