import io

import numpy as np
import pytest
from PIL import Image
from scipy import ndimage
from skimage.data import astronaut

tf = pytest.importorskip("tensorflow")

from keras_imgen.data import degrade, degraded, load, set_epoch  # noqa: E402
from keras_imgen.data.degrade import real_esrgan  # noqa: E402
from keras_imgen.data.imresize import imresize  # noqa: E402

pytestmark = pytest.mark.tensorflow
PHOTO = astronaut()[:96, 150:278]
EVERY = [
    degrade.GaussianBlur(),
    degrade.GaussianBlur(anisotropic=True),
    degrade.MotionBlur(),
    degrade.GaussianNoise(),
    degrade.PoissonNoise(),
    degrade.SpeckleNoise(),
    degrade.JPEG((5, 60)),
    degrade.LowLight(),
    degrade.Holes("boxes"),
    degrade.Holes("strokes"),
    degrade.Holes("text"),
    degrade.Holes("irregular"),
    degrade.Chain(degrade.GaussianBlur(), degrade.Downscale(2), degrade.GaussianNoise()),
    degrade.RealESRGAN(4),
]


@pytest.fixture(autouse=True)
def first_epoch():
    set_epoch(0)
    yield
    set_epoch(0)


def flat(level, n=2, size=128, channels=3):
    return np.full((n, size, size, channels), level, "uint8")


def run(degradation, images, seed=0):
    return degradation(images, seed)["image"].numpy()


# === What all have in common ===


@pytest.mark.parametrize("degradation", EVERY, ids=lambda d: repr(d)[:40])
def test_a_function_of_the_seed_and_each_image_has_its_own_strength(degradation):
    images = np.stack([PHOTO] * 4)
    one = run(degradation, images, 7)
    assert one.dtype == np.uint8 and one.shape[0] == 4 and one.shape[3] == 3
    graph = tf.function(lambda x, s: degradation(x, s)["image"])(images, tf.constant([7, 0])).numpy()
    assert (np.abs(one.astype(int) - graph) > 1).mean() < 1e-4  # a rate in its last bit may be another count
    np.testing.assert_array_equal(one, run(degradation, images, 7))
    assert (one != run(degradation, images, 8)).any()
    assert len({image.tobytes() for image in one}) == 4


def test_ranges_and_types_are_checked():
    for wrong in (
        lambda: degrade.GaussianBlur(0),
        lambda: degrade.GaussianBlur((3, 1)),
        lambda: degrade.MotionBlur(0.5),
        lambda: degrade.GaussianNoise(-1),
        lambda: degrade.GaussianNoise((1, 2, 3)),
        lambda: degrade.PoissonNoise(0),
        lambda: degrade.SpeckleNoise(float("nan")),
        lambda: degrade.JPEG((0, 50)),
        lambda: degrade.LowLight(gain=0),
        lambda: degrade.Holes(share=1.0),
    ):
        with pytest.raises(ValueError, match=r"Expected `\w+` as a number or \(low, high\)"):
            wrong()
    for wrong in ("circles", ("boxes", "circles"), (), None):
        with pytest.raises(ValueError, match="boxes, strokes, text, irregular"):
            degrade.Holes(wrong)
    with pytest.raises(ValueError, match="uint8 .* float32 .*before they are rescaled"):
        degrade.GaussianNoise()(np.zeros((1, 4, 4, 3), "float32"), 0)
    with pytest.raises(ValueError, match="uint8"):
        degrade.GaussianNoise()(PHOTO, 0)


# === Size ===


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_downscale_is_matlabs_to_the_bit(scale):
    rng = np.random.default_rng(0)
    images = [rng.integers(0, 256, (96, 120, 3)), 255 * rng.integers(0, 2, (96, 120, 3)), PHOTO[:, :120]]
    images += [np.repeat(np.repeat(rng.integers(0, 9, (32, 40, 3)), 3, 0), 3, 1)]  # halves are frequent
    images = np.stack(images).astype("uint8")
    expected = np.stack([imresize(image, scale=1 / scale) for image in images])
    np.testing.assert_array_equal(run(degrade.Downscale(scale), images), expected)


def test_downscale_says_what_it_cannot_take():
    with pytest.raises(ValueError, match="that 4 divides, got 96x126"):
        degrade.Downscale(4)(PHOTO[None, :, :126], 0)
    with pytest.raises(ValueError, match="whole number of at least 2"):
        degrade.Downscale(1.5)
    unknown = tf.data.Dataset.from_generator(
        lambda: [PHOTO[None]], output_signature=tf.TensorSpec([1, None, None, 3], "uint8")
    )
    with pytest.raises(ValueError, match="known size"):
        degraded(unknown, degrade.Downscale(2))


# === Blur ===


def moments(kernel):
    """Sum and covariance of a kernel around its centre."""
    at = np.arange(kernel.shape[0]) - kernel.shape[0] // 2
    rows, columns = np.meshgrid(at, at, indexing="ij")
    total = kernel.sum()
    mean = np.array([(kernel * a).sum() for a in (rows, columns)]) / total
    np.testing.assert_allclose(mean, 0, atol=1e-4)
    spread = [[(kernel * a * b).sum() / total for a in (rows, columns)] for b in (rows, columns)]
    return total, np.array(spread)


def impulse_responses(blur, n=64, size=61, seed=0):
    x = np.zeros((n, size, size, 1), "float32")
    x[:, size // 2, size // 2] = 1
    return blur.change(tf.constant(x), tf.constant([seed, 0])).numpy()[..., 0].astype("float64")


def test_isotropic_blur_has_the_variance_asked_for():
    for kernel in impulse_responses(degrade.GaussianBlur(2.5), n=2):
        total, spread = moments(kernel)
        assert total == pytest.approx(1, abs=1e-5)
        np.testing.assert_allclose(spread, 2.5**2 * np.eye(2), atol=0.02)
    found = [np.sqrt(moments(k)[1][0, 0]) for k in impulse_responses(degrade.GaussianBlur((1, 4)))]
    assert 0.99 < min(found) < 1.3 and 3.7 < max(found) < 4.01
    assert np.mean(found) == pytest.approx(2.5, abs=5 * 3 / np.sqrt(12 * 64))


def test_anisotropic_blur_is_an_ellipse_at_any_angle():
    spreads = np.array([moments(k)[1] for k in impulse_responses(degrade.GaussianBlur((1, 4), anisotropic=True))])
    values, vectors = np.linalg.eigh(spreads)
    deviations = np.sqrt(values)
    assert deviations.min() > 0.99 and deviations.max() < 4.01
    assert (deviations[:, 1] / deviations[:, 0] > 1.5).mean() > 0.3
    axis = vectors[:, :, 1]
    doubled = (axis[:, 0] + 1j * axis[:, 1]) ** 2  # even angles: the mean of the doubled ones is near 0
    assert abs(doubled.mean()) < 0.35
    assert min(doubled.real) < -0.8 and max(doubled.real) > 0.8 and min(doubled.imag) < -0.8 and max(doubled.imag) > 0.8


def test_motion_blur_is_an_even_line():
    """A line of length L has the variance L² / 12 along it and 0 across; sharing among pixels adds at most 1/4 to each."""
    for length in (5.0, 15.0):
        for kernel in impulse_responses(degrade.MotionBlur(length), n=8):
            total, spread = moments(kernel)
            across, along = np.linalg.eigvalsh(spread)
            assert total == pytest.approx(1, abs=1e-5)
            assert 0 <= across <= 0.25 and -0.02 <= along - length**2 / 12 <= 0.25
    x = flat(90)  # and what is flat stays, to the borders
    assert (run(degrade.MotionBlur(9), x) == 90).all()


@pytest.mark.parametrize("height,width", [(40, 30), (5, 9), (1, 1)])
def test_borders_are_mirrored_even_in_images_smaller_than_the_kernel(height, width):
    x = tf.constant(np.random.default_rng(0).random((3, height, width, 2)), "float32")
    blur, seed = degrade.GaussianBlur((1, 3), anisotropic=True), tf.constant([1, 2])
    kernels = blur.kernels(x, seed).numpy()
    found = blur.change(x, seed).numpy()
    for n in range(3):
        for c in range(2):
            expected = ndimage.correlate(x[n, ..., c].numpy().astype("float64"), kernels[n], mode="mirror")
            np.testing.assert_allclose(found[n, ..., c], expected, atol=1e-4)


# === Noise ===


def test_gaussian_noise():
    noisy = run(degrade.GaussianNoise(20), flat(128)).astype("float64") - 128
    assert noisy.mean() == pytest.approx(0, abs=5 * 20 / np.sqrt(noisy.size))
    assert noisy.std() == pytest.approx(np.sqrt(20**2 + 1 / 12), rel=5 / np.sqrt(2 * noisy.size))
    assert abs(np.corrcoef(noisy[..., 0].ravel(), noisy[..., 1].ravel())[0, 1]) < 5 / np.sqrt(noisy[..., 0].size)
    levels = run(degrade.GaussianNoise((0, 40)), flat(128, n=64, size=32)).astype("float64").std((1, 2, 3))
    assert (
        levels.min() < 5
        and 35 < levels.max() < 41
        and levels.mean() == pytest.approx(20, abs=5 * 40 / np.sqrt(12 * 64))
    )
    assert (run(degrade.GaussianNoise(0), flat(77)) == 77).all()


@pytest.mark.parametrize("level,peak", [(40, 200), (100, 200), (100, 60)])
def test_shot_noise_has_the_variance_of_counting(level, peak):
    noisy = run(degrade.PoissonNoise(peak), flat(level)).astype("float64")
    assert noisy.mean() == pytest.approx(level, rel=0.01)
    assert noisy.var() == pytest.approx(255 * level / peak + 1 / 12, rel=0.05)


def test_speckle_grows_with_the_signal():
    for level in (50, 120):
        assert run(degrade.SpeckleNoise(0.2), flat(level)).astype("float64").std() == pytest.approx(
            0.2 * level, rel=0.02
        )


# === Compression, light, colour ===


@pytest.mark.parametrize("channels", [1, 3])
def test_jpeg_is_what_pillow_writes(channels):
    image = PHOTO if channels == 3 else np.asarray(Image.fromarray(PHOTO).convert("L"))
    errors = []
    for quality in (90, 50, 10):
        file = io.BytesIO()
        Image.fromarray(image).save(file, "JPEG", quality=quality)
        found = run(degrade.JPEG(quality), image.reshape(1, *PHOTO.shape[:2], channels))[0].squeeze().astype("float64")
        assert np.abs(found - np.asarray(Image.open(file))).mean() < 0.3
        errors.append(np.square(found - image).mean())
    assert 0 < errors[0] < errors[1] < errors[2]
    with pytest.raises(ValueError, match="1 or 3 channels"):
        degrade.JPEG(50)(np.zeros((1, 8, 8, 4), "uint8"), 0)


def test_low_light_is_its_formula():
    dark = degrade.LowLight(gamma=2.5, gain=0.5, photons=1e6, read=0)
    expected = 127.5 * (PHOTO / 255) ** 2.5
    assert np.abs(run(dark, PHOTO[None])[0] - expected).max() < 1.5
    noisy = run(degrade.LowLight(gamma=1, gain=0.5, photons=400, read=3), flat(200)).astype("float64")
    assert noisy.mean() == pytest.approx(100, rel=0.01)
    assert noisy.var() == pytest.approx(255 * 100 / 400 + 9 + 1 / 12, rel=0.05)


def test_gray_is_pillows():
    image = np.random.default_rng(0).integers(0, 256, (1, 200, 300, 3), "uint8")
    np.testing.assert_array_equal(
        run(degrade.Gray(), image)[0, ..., 0], np.asarray(Image.fromarray(image[0]).convert("L"))
    )
    with pytest.raises(ValueError, match="3 channels"):
        degrade.Gray()(image[..., :1], 0)


# === Holes ===


def test_each_image_has_holes_of_one_of_the_kinds():
    images = np.zeros((64, 32, 32, 3), "uint8")
    masks = degrade.Holes(("boxes", "strokes"), 0.2)(images, 1)["mask"].numpy()[..., 0]
    edges = np.abs(np.diff(masks.astype(int), axis=1)).sum((1, 2))  # thin lines have many more than boxes
    one = {k: degrade.Holes(k, 0.2)(images, 1)["mask"].numpy()[..., 0] for k in ("boxes", "strokes")}
    bound = np.mean([np.abs(np.diff(m.astype(int), axis=1)).sum((1, 2)).mean() for m in one.values()])
    assert 16 < (edges < bound).sum() < 48


@pytest.mark.parametrize("kind", degrade.KINDS)
def test_holes_have_their_share_and_leave_the_rest(kind):
    images = np.stack([PHOTO] * 3)
    for share in (0.05, 0.2, 0.6):
        found = {k: v.numpy() for k, v in degrade.Holes(kind, share)(images, 3).items()}
        mask = found["mask"]
        assert mask.shape == (3, 96, 128, 1) and mask.dtype == np.uint8 and set(np.unique(mask)) == {0, 1}
        np.testing.assert_allclose(mask.mean((1, 2, 3)), share, rtol=0.03)
        np.testing.assert_array_equal(found["image"], np.where(mask, 128, images))
    shares = [
        degrade.draw_holes(40, 30, kind, s, np.random.default_rng(k)).mean() for k, s in enumerate((0, 0.1, 0.95))
    ]
    np.testing.assert_allclose(shares, (0, 0.1, 0.95), atol=0.02)


@pytest.mark.parametrize("kind", degrade.KINDS)
def test_holes_fall_everywhere(kind):
    """Over many masks every quarter of the picture misses a quarter of what is missing, and no pixel is always known."""
    rng = np.random.default_rng(0)
    mean = np.mean([degrade.draw_holes(64, 64, kind, 0.2, rng) for _ in range(150)], 0)
    quarters = mean.reshape(2, 32, 2, 32).mean((1, 3))
    np.testing.assert_allclose(quarters, 0.2, atol=0.06)
    assert mean.min() > 0.01


def test_boxes_are_blocks_and_strokes_are_lines():
    rng = np.random.default_rng(0)
    deepest = {
        k: ndimage.distance_transform_cdt(degrade.draw_holes(128, 128, k, 0.1, rng)).max() for k in degrade.KINDS
    }
    assert deepest["strokes"] < deepest["irregular"] and deepest["strokes"] < deepest["boxes"] and deepest["text"] < 9


# === Chains and datasets ===


def test_a_chain_is_one_after_the_other():
    both = degrade.Chain(degrade.Downscale(2), degrade.Gray(), degrade.Holes("boxes", 0.3))
    found = both(PHOTO[None], 1)
    assert found["image"].shape == (1, 48, 64, 1) and found["mask"].shape == (1, 48, 64, 1)
    expected = imresize(PHOTO.astype("float64"), scale=0.5) @ [0.299, 0.587, 0.114]
    known = found["mask"].numpy()[0, ..., 0] == 0
    assert np.abs(found["image"].numpy()[0, ..., 0] - np.clip(expected, 0, 255))[known].max() < 0.51
    with pytest.raises(ValueError, match="`mask` has size .*put what changes the size before"):
        degrade.Chain(degrade.Holes(), degrade.Downscale(2))(PHOTO[None], 1)
    with pytest.raises(ValueError, match="Expected degradations"):
        degrade.Chain("blur")


def batches(data):
    return [{k: v.numpy() for k, v in batch.items()} for batch in data]


def test_pairs_are_a_function_of_seed_epoch_and_batch():
    images = np.stack([PHOTO[:32, k : k + 32] for k in range(10)])
    data = load(images, batch=4, shuffle=False)  # the last batch has 2
    pairs = degraded(data, degrade.Chain(degrade.Downscale(2), degrade.GaussianNoise(20)), seed=3)
    assert len(pairs) == 3 and pairs.element_spec["image"].shape[1:] == (16, 16, 3)
    first, again = batches(pairs), batches(pairs)
    for a, b in zip(first, again):
        np.testing.assert_array_equal(a["image"], b["image"])
    np.testing.assert_array_equal(np.concatenate([b["target"] for b in first]), images)
    assert [b["image"].shape[0] for b in first] == [4, 4, 2]
    set_epoch(1)
    assert all((a["image"] != b["image"]).any() for a, b in zip(first, batches(pairs)))
    set_epoch(0)
    other = degraded(data, degrade.Chain(degrade.Downscale(2), degrade.GaussianNoise(20)), seed=4)
    assert all((a["image"] != b["image"]).any() for a, b in zip(first, batches(other)))
    same = degraded(load(flat(128, n=8, size=16), batch=4), degrade.GaussianNoise(9))
    a, b = batches(same)
    assert (a["image"] != b["image"]).any()  # and not the same noise in every batch


def test_every_form_of_batches():
    images, labels = flat(50, n=6, size=16), np.arange(6)
    plain = tf.data.Dataset.from_tensor_slices(images).batch(3)
    labelled = tf.data.Dataset.from_tensor_slices((images, labels)).batch(3)
    named = load({"image": images, "label": labels}, batch=3, shuffle=False)
    holes = degrade.Holes("boxes", 0.25)
    found = [batches(degraded(d, holes)) for d in (plain, labelled, named)]
    assert set(found[0][0]) == {"image", "target", "mask"}
    assert set(found[1][0]) == set(found[2][0]) == {"image", "target", "mask", "label"}
    for one in found:
        np.testing.assert_array_equal(one[1]["mask"], found[0][1]["mask"])
    np.testing.assert_array_equal(found[1][1]["label"], [3, 4, 5])
    for wrong, match in (
        (degraded(plain, holes), "use degrade.Chain"),
        (plain.map(lambda x: {"x": x}), "key `image`"),
        (plain.map(lambda x: tf.cast(x, "float32")), "uint8"),
        (plain.unbatch(), "uint8 .N, H, W, C"),
    ):
        with pytest.raises(ValueError, match=match):
            degraded(wrong, holes)


# === Real-ESRGAN ===


def test_real_esrgan_gives_the_size_it_says():
    images = np.stack([PHOTO] * 2)
    for scale, size in ((4, (24, 32)), (2, (48, 64)), (1, (96, 128))):
        assert run(degrade.RealESRGAN(scale), images).shape == (2, *size, 3)
    assert run(degrade.RealESRGAN(4), images[..., :1]).shape == (2, 24, 32, 1)
    with pytest.raises(ValueError, match="that 4 divides"):
        degrade.RealESRGAN(4)(PHOTO[None, :90], 0)
    pairs = degraded(load(images[:, :, :96], batch=2), degrade.RealESRGAN(4))
    assert pairs.element_spec["image"].shape == (2, 24, 24, 3)
    assert batches(pairs)[0]["image"].shape == (2, 24, 24, 3)


def test_real_esrgan_with_nothing_to_do_does_nothing():
    idle = {"blur": 0, "resize": (0, 0, 1), "gaussian": 1, "sigma_noise": 0, "quality": 100}
    nothing = degrade.RealESRGAN(1, degrade.Stage(**idle), degrade.Stage(**idle), final_sinc=0)
    gray = PHOTO[None, ..., :1]  # colour would be halved in resolution by JPEG
    assert np.abs(run(nothing, gray).astype(int) - gray).max() <= 2


def test_real_esrgan_keeps_the_picture_recognisable():
    small = run(degrade.RealESRGAN(4), np.stack([PHOTO] * 16)).astype("float64")
    expected = imresize(PHOTO, scale=1 / 4).astype("float64")
    correlation = [np.corrcoef(image.ravel(), expected.ravel())[0, 1] for image in small]
    assert 0.5 < min(correlation) < 0.97 < 1.0 and np.mean(correlation) > 0.85
    assert np.abs(small.mean((1, 2, 3)) - expected.mean()).max() < 15


def test_real_esrgan_kernels_are_of_the_families_in_their_shares():
    n = 4000
    x = tf.zeros((n, 4, 4, 1))
    kernels = real_esrgan._kernels(x, degrade.Stage(blur=0.8, sinc=0.25), tf.constant([3, 4])).numpy().astype("float64")
    np.testing.assert_allclose(kernels.sum((1, 2)), 1, atol=1e-4)
    np.testing.assert_allclose(kernels, kernels[:, ::-1, ::-1], atol=1e-5)  # even, as `convolved` wants them
    identity = kernels[:, 10, 10] > 1 - 1e-6
    ringing = kernels.min((1, 2)) < 0
    spread = np.sqrt(n * 0.2 * 0.8) / n
    assert ringing.mean() == pytest.approx(0.8 * 0.25, abs=5 * spread)
    assert 0.2 - 5 * spread < identity.mean() < 0.3  # smooth kernels of 0.2 pixels are as good as none
    turned = np.abs(kernels - kernels.transpose(0, 2, 1)).max((1, 2)) > 1e-6
    assert turned.mean() == pytest.approx(0.8 * 0.75 * 0.31, abs=0.02 + 5 * spread)
    width = np.array([np.flatnonzero(k.any(0)).size for k in kernels[ringing]])
    assert set(width) == set(range(7, 22, 2))


def test_the_sinc_filter_passes_what_is_below_its_cutoff():
    """Response of the kernel at the angular frequency w along a row: 1 below the cutoff, 0 above it, but for the ripples of its
    being cut off at 10 pixels."""
    for cutoff in (1.2, 2.0, 2.6):
        kernel = real_esrgan._within(real_esrgan._sinc(tf.constant([[[cutoff]]])), 10).numpy()[0].sum(0)
        at = np.arange(-10, 11)
        for w, expected in ((0.0, 1), (0.6 * cutoff, 1), (min(np.pi, 1.4 * cutoff), 0)):
            if abs(w - cutoff) > 0.4:
                assert (kernel * np.cos(w * at)).sum() == pytest.approx(expected, abs=0.2)


def test_stages_are_checked():
    with pytest.raises(ValueError, match="`kernels` as 6 probabilities"):
        degrade.Stage(kernels=(1.0,))
    with pytest.raises(ValueError, match="`resize` as 3 probabilities"):
        degrade.Stage(resize=(0.5, 0.2, 0.1))
    with pytest.raises(ValueError, match="around 1"):
        degrade.Stage(factor=(1.2, 2.0))
    with pytest.raises(ValueError, match="`quality`"):
        degrade.Stage(quality=(0, 50))
    assert repr(degrade.Stage()) == "Stage()" and repr(degrade.Stage(blur=0.5)) == "Stage(blur=0.5)"
