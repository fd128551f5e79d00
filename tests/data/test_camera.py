"""Degradations as cameras, light and files make them: each against its formula."""

import numpy as np
import pytest
from scipy import ndimage
from skimage.data import astronaut

tf = pytest.importorskip("tensorflow")

from keras_imgen.data import degrade, degraded, set_epoch  # noqa: E402
from keras_imgen.data.degrade import camera  # noqa: E402
from keras_imgen.data.degrade.blur import blurred  # noqa: E402
from keras_imgen.data.degrade.linear import display, linear, smooth_map  # noqa: E402
from keras_imgen.data.degrade.mosaic import demosaiced, mosaic  # noqa: E402

pytestmark = pytest.mark.tensorflow
PHOTO = astronaut()[:64, 150:230]
SEED = tf.constant([3, 4])
EVERY = [
    degrade.Camera(),
    degrade.Exposure(),
    degrade.ColourCast(),
    degrade.Darkness(),
    degrade.Defocus(),
    degrade.MotionBlur(beyond=(2, 8)),
    degrade.WebP((5, 40)),
    degrade.ChromaNoise(),
    degrade.Banding(),
    degrade.Halftone(),
    degrade.Scan(),
    degrade.OrderedDither(),
    degrade.Lettering((0.02, 0.2)),
    degrade.Sometimes(degrade.Camera(), 0.999),
    degrade.Shuffled(degrade.GaussianNoise(), degrade.JPEG((10, 30)), degrade.Rescaled((0.5, 0.9))),
    degrade.Either(degrade.GaussianNoise(), degrade.JPEG((5, 30))),
]


@pytest.fixture(autouse=True)
def first_epoch():
    set_epoch(0)
    yield
    set_epoch(0)


def flat(level, n=2, size=64, channels=3):
    return np.full((n, size, size, channels), level, "uint8")


def run(degradation, images, seed=0):
    return degradation(images, seed)["image"].numpy()


def floats(images):
    return tf.constant(images, "float32")


@pytest.mark.parametrize("degradation", EVERY, ids=lambda d: repr(d)[:40])
def test_a_function_of_the_seed_and_each_image_has_its_own_strength(degradation):
    images = np.stack([PHOTO] * 4)
    one = run(degradation, images, 7)
    assert one.dtype == np.uint8 and one.shape == images.shape
    graph = tf.function(lambda x, s: degradation(x, s)["image"])(images, tf.constant([7, 0])).numpy()
    assert (np.abs(one.astype(int) - graph) > 1).mean() < 2e-3  # the last bit before rounding, and JPEG of it
    np.testing.assert_array_equal(one, run(degradation, images, 7))
    assert (one != run(degradation, images, 8)).any()
    assert len({image.tobytes() for image in one}) == 4


# === Light ===


def test_light_is_srgb_and_back():
    levels = floats(np.arange(256).reshape(1, 16, 16, 1))
    v = np.arange(256) / 255
    truth = np.where(v <= 0.04045, v / 12.92, ((v + 0.055) / 1.055) ** 2.4)
    np.testing.assert_allclose(linear(levels).numpy().ravel(), truth, rtol=1e-5)
    np.testing.assert_allclose(display(linear(levels)), levels, atol=2e-3)
    assert linear(levels, 4.0).numpy().max() == pytest.approx(4) and (linear(levels, 4.0).numpy() > 1).sum() == 2


def test_exposure_is_a_factor_of_light_and_clips():
    up = run(degrade.Exposure(1.0, beyond=1), PHOTO[None])[0]
    expected = display(2 * linear(floats(PHOTO[None])))[0].numpy()
    assert np.abs(up - expected).max() <= 0.51 and (up == 255).mean() > (PHOTO == 255).mean()
    white = np.where(PHOTO[None] > 200, 255, PHOTO[None]).astype("uint8")
    down = run(degrade.Exposure(-2.0, beyond=8), white)
    assert (down[white == 255] == 255).all() and (down[white < 100] < 60).all()  # what was beyond white stays so


def test_a_cast_leaves_green_and_mixes_two_lights():
    cast = run(degrade.ColourCast(0.7), flat(128, n=8)).astype(int)
    assert np.abs(cast[..., 1] - 128).max() <= 1 and (np.ptp(cast[..., 0], axis=(1, 2)) > 3).any()
    assert (
        128 / 2**0.35 < cast.min() and cast.max() < 128 * 2**0.35
    )  # 0.7 stops of light are half as many of gray levels


def test_smooth_maps_have_mean_0_and_deviation_1_and_no_edges():
    maps = smooth_map(tf.zeros((300, 40, 60, 3)), SEED).numpy()
    assert maps.shape == (300, 40, 60, 1)
    assert maps.mean() == pytest.approx(0, abs=0.1) and maps.std() == pytest.approx(1, abs=0.1)
    assert np.abs(np.diff(maps, axis=2)).max() < 0.5


def test_darkness_is_stops_and_lamps_stay():
    even = degrade.Darkness(3.0, uneven=0, backlight=0, lamps=0, beyond=1)(PHOTO[None], 0)
    expected = display(linear(floats(PHOTO[None])) / 8).numpy()
    assert np.abs(even["image"].numpy() - expected).max() <= 0.51
    np.testing.assert_array_equal(even["target"], PHOTO[None])
    images = flat(100, n=16)
    found = degrade.Darkness(4.0, lamps=3)(images, 5)
    dark, target = found["image"].numpy(), found["target"].numpy()
    lit = target.min((1, 2, 3)) < target.max((1, 2, 3)) - 100
    assert 0.4 < lit.mean() <= 1  # a quarter of the pictures has none
    assert (dark[target == 255] == 255).mean() > 0.95 and np.median(dark) < 40
    good = degrade.Darkness(0.0, lamps=0, beyond=1)(images, 5)
    np.testing.assert_array_equal(good["image"], images)


def test_pairs_have_the_target_of_the_degradation():
    data = tf.data.Dataset.from_tensor_slices(flat(100, n=4)).batch(4)
    (batch,) = degraded(data, degrade.Sometimes(degrade.Darkness(4.0, lamps=3), 0.5))
    image, target = (batch[k].numpy().astype(int) for k in ("image", "target"))
    left = [np.array_equal(image[k], flat(100)[0]) for k in range(4)]
    assert all(np.array_equal(target[k], flat(100)[0]) for k in range(4) if left[k]) and 0 < sum(left) < 4


# === Sensor ===


@pytest.mark.parametrize("tone", [False, True])
def test_unprocessed_and_developed_is_the_picture(tone):
    x = floats(np.stack([PHOTO] * 8))
    how = camera.drawn(x, (1.0, 1.0), SEED)
    how = how._replace(tone=tf.fill(how.tone.shape, tone))
    raw = camera.unprocessed(x, how)
    assert raw.numpy().min() >= 0 and raw.numpy().max() <= 1
    assert np.abs(camera.developed(raw, how) - x).max() < 0.01
    np.testing.assert_allclose(tf.reduce_sum(how.matrix, -1), 1, atol=1e-6)
    gray = camera.unprocessed(floats(flat(120, n=8)), how) * how.gains
    np.testing.assert_allclose(gray - gray[..., :1], 0, atol=1e-5)  # gray is gray to every camera


def test_white_is_beyond_what_a_sensor_counts():
    x = floats(flat(255, n=4))
    how = camera.drawn(x, (4.0, 4.0), SEED)
    raw = camera.unprocessed(x, how).numpy()
    assert (raw[..., 1] == 1).all()  # of all colours green is gained least
    np.testing.assert_allclose(camera.developed(raw, how), x, atol=1e-3)


def test_noise_has_the_variance_of_shot_and_read():
    shot, level = 0.004, 0.3
    raw = camera.noisy(tf.fill((200, 40, 40, 1), level), (shot, shot), SEED).numpy().astype("float64")
    variances = raw.var((1, 2, 3)) - shot * level
    logs = np.log(np.maximum(variances, 1e-12))
    assert raw.mean() == pytest.approx(level, abs=1e-4)
    assert np.median(logs) == pytest.approx(2.18 * np.log(shot) + 1.20, abs=0.2)
    slope = [camera.noisy(tf.fill((100, 40, 40, 1), v), (shot, shot), SEED).numpy().var() for v in (0.2, 0.6)]
    assert (slope[1] - slope[0]) / 0.4 == pytest.approx(shot, rel=0.05)
    many = camera.noisy(tf.fill((400, 20, 20, 1), 0.5), (1e-4, 1e-2), SEED).numpy().std((1, 2, 3))
    low, high = np.quantile(np.log(many**2 / 0.5), (0.05, 0.95))
    assert np.log(1e-4) < low < np.log(3e-4) and np.log(5e-3) < high < np.log(2e-2)  # even in the logarithm
    black = camera.noisy(tf.zeros((50, 40, 40, 1)), (0.01, 0.01), SEED).numpy()
    assert -0.06 <= black.min() < 0 and (np.minimum(black, 0).min((1, 2, 3)) > -0.03).any()


@pytest.mark.parametrize("sharp", [0.0, 0.5, 1.0])
def test_flat_colours_survive_the_mosaic(sharp):
    colours = np.random.default_rng(0).random((4, 1, 1, 3)).astype("float32") * np.ones((4, 9, 12, 1), "float32")
    row, column = (tf.constant(v)[:, None, None, None] for v in ([0, 0, 1, 1], [0, 1, 0, 1]))
    raw = mosaic(colours, row, column)
    np.testing.assert_array_equal(raw[0, ::2, ::2, 0], colours[0, ::2, ::2, 0])
    np.testing.assert_array_equal(raw[3, ::2, ::2, 0], colours[3, ::2, ::2, 2])
    np.testing.assert_allclose(demosaiced(raw, row, column, sharp), colours, atol=1e-6)


def test_bilinear_demosaicing_is_opencvs_and_the_sharp_one_is_nearer():
    import cv2

    raw = mosaic(floats(PHOTO[None]), 0, 0)
    ours = demosaiced(raw, 0, 0, 0.0).numpy()[0]
    theirs = cv2.demosaicing(raw.numpy()[0, ..., 0].astype("uint8"), cv2.COLOR_BayerRGGB2RGB)
    inside = np.s_[2:-2, 2:-2]
    assert np.abs(ours - theirs)[inside].max() <= 1
    errors = [np.abs(demosaiced(raw, 0, 0, s).numpy()[0] - PHOTO).mean() for s in (0.0, 1.0)]
    assert errors[1] < 0.8 * errors[0]


def test_a_camera_without_noise_nearly_gives_the_picture_and_needs_colours():
    quiet = degrade.Camera(shot=1e-9, beyond=1, soften=0, sharpen=0)
    smooth = blurred(floats(PHOTO[None]), 1.5).numpy().round().astype("uint8")
    assert np.abs(run(quiet, smooth).astype(int) - smooth).mean() < 1.5
    with pytest.raises(ValueError, match="3 channels"):
        degrade.Camera()(flat(1, channels=1), 0)


def test_what_a_camera_smooths_and_sharpens():
    x = floats(PHOTO[None])
    np.testing.assert_allclose(camera.finished(x, 0.0, 0.0), x, atol=1e-4)
    soft, sharp = (camera.finished(x, a, b).numpy() for a, b in ((1.0, 0.0), (0.0, 1.0)))
    detail = lambda v: np.abs(np.diff(v, axis=2)).mean()  # noqa: E731
    assert detail(soft) < detail(x.numpy()) < detail(sharp)


# === Blur ===


def test_blurred_is_a_gaussian():
    found = blurred(floats(PHOTO[None]), 2.0).numpy()[0]
    expected = ndimage.gaussian_filter(PHOTO.astype("float64"), (2, 2, 0), mode="mirror", truncate=3)
    np.testing.assert_allclose(found, expected, atol=1e-2)


def test_a_point_out_of_focus_is_a_disc_and_a_lamp_stays_white():
    kernels = degrade.Defocus(5.0).kernels(tf.zeros((1, 1, 1, 1)), SEED).numpy()[0]
    assert kernels.sum() == pytest.approx(1) and 1 / kernels.max() == pytest.approx(np.pi * 25, rel=0.03)
    assert kernels[5, :1] < kernels.max() and kernels[0, 0] == 0 and kernels[5, 5] == kernels.max()
    np.testing.assert_allclose(
        degrade.Defocus(0.5).kernels(tf.zeros((1, 1, 1, 1)), SEED)[0], [[0] * 3, [0, 1, 0], [0] * 3]
    )
    lamp = flat(20, n=1)
    lamp[:, 30:33, 30:33] = 255
    plain, light = (run(degrade.Defocus(3.0, beyond=b), lamp) for b in (None, 20))
    assert plain.max() < 120 and (light == 255).sum() > 9 * 3
    streak = run(degrade.MotionBlur(15, beyond=20), lamp)
    assert (streak == 255).sum() > (run(degrade.MotionBlur(15), lamp) > 200).sum()


# === Noise, files, order ===


def test_chroma_noise_leaves_the_luma():
    noisy = run(degrade.ChromaNoise(10, 2.0), flat(128, n=8)).astype("float64")
    y = noisy @ [0.299, 0.587, 0.114]
    cr = (noisy[..., 0] - y) / 1.402
    assert np.abs(y - 128).max() < 1 and cr.std() == pytest.approx(10, rel=0.1)
    assert np.corrcoef(cr[:, 1:].ravel(), cr[:, :-1].ravel())[0, 1] > 0.8  # coarser than a pixel


def test_banding_is_constant_along_stripes():
    found = run(degrade.Banding(5.0), flat(128, n=16)).astype(int)
    rows, columns = np.ptp(found, axis=2).max((1, 2)) == 0, np.ptp(found, axis=1).max((1, 2)) == 0
    assert (rows ^ columns).all() and 2 < rows.sum() < 14 and found.std() == pytest.approx(5, rel=0.2)


def test_webp_is_near_at_high_quality_and_takes_gray():
    smooth = blurred(floats(PHOTO[None]), 1.5).numpy().round().astype("uint8")
    high, low = (np.abs(run(degrade.WebP(q), smooth).astype(int) - smooth).mean() for q in (95, 2))
    assert high < 2.5 < low
    assert run(degrade.WebP(80), smooth[..., :1]).shape == (1, 64, 80, 1)
    with pytest.raises(ValueError, match="1 or 3 channels"):
        degrade.WebP()(flat(1, channels=4), 0)


def test_there_and_back_keeps_size_and_mean():
    found = run(degrade.Rescaled(0.5), PHOTO[None])
    assert found.shape == (1, *PHOTO.shape) and found.mean() == pytest.approx(PHOTO.mean(), abs=2)
    np.testing.assert_array_equal(run(degrade.Rescaled(1.0), PHOTO[None]), PHOTO[None])


def test_the_order_is_drawn_and_all_happen():
    class Times(degrade.Degradation):
        def change(self, x, seed):
            return 2 * x

    class Plus(degrade.Degradation):
        def change(self, x, seed):
            return x + 10

    found = {int(run(degrade.Shuffled(Times(), Plus()), flat(10, n=1), s)[0, 0, 0, 0]) for s in range(12)}
    assert found == {30, 40}
    either = [int(run(degrade.Either(Times(), Plus(), 0.25), flat(50, n=1), s)[0, 0, 0, 0]) for s in range(60)]
    assert set(either) == {100, 60} and 5 < either.count(100) < 26
    some = run(degrade.Sometimes(Plus(), 0.3), flat(10, n=400, size=1))[:, 0, 0, 0]
    assert set(some) == {10, 20} and (some == 20).mean() == pytest.approx(0.3, abs=0.1)
    with pytest.raises(ValueError, match="use it always"):
        degrade.Sometimes(degrade.Holes(), 0.5)(flat(1), 0)
    for wrong in (degrade.Sometimes, degrade.Either):
        with pytest.raises(ValueError, match="Expected degradations"):
            wrong("blur", degrade.Banding())
    with pytest.raises(ValueError, match="`probability`"):
        degrade.Sometimes(degrade.Banding(), 1.5)
