"""Models of style: tiles are the whole picture, alpha, mixtures, what pictures people have, what AdaIN is for."""

import keras
import numpy as np
import pytest
from PIL import Image

from keras_imgen import models, networks
from keras_imgen.data.image_io import to_model_range

RNG = np.random.default_rng(0)


def smooth(height, width, seed=0):
    """A picture with large and small things."""
    small = np.random.default_rng(seed).integers(0, 256, (6, 7, 3), "uint8")
    big = np.asarray(Image.fromarray(small).resize((width, height), Image.Resampling.BICUBIC), "int16")
    return np.clip(big + np.random.default_rng(seed).integers(-20, 21, big.shape), 0, 255).astype("uint8")


def weighted(model):
    rng = np.random.default_rng(1)
    for network in model.players.values():
        for v in network.variables:
            if len(v.shape) > 1:
                v.assign(rng.normal(size=v.shape) / np.sqrt(np.prod(v.shape[:-1])))
    return model


@pytest.fixture(scope="module")
def fast():
    keras.utils.set_random_seed(0)
    parts = networks.adain_encoder(None), networks.adain_decoder(width=4, blocks=1)
    return weighted(models.FastStyle(*parts, num_styles=3, ema=None))


@pytest.fixture(scope="module")
def arbitrary():
    keras.utils.set_random_seed(0)
    parts = networks.adain_encoder(None), networks.adain_decoder(width=4, blocks=1)
    return weighted(models.ArbitraryStyle(*parts, ema=None))


PICTURE, STYLE, OTHER = smooth(150, 203), smooth(90, 70, 1), smooth(64, 120, 2)


@pytest.mark.parametrize("size", [(150, 203), (149, 201), (7, 9), (1, 1)])
def test_tiles_are_the_whole_picture(arbitrary, size):
    picture = PICTURE[: size[0], : size[1]]
    whole = arbitrary.stylize(picture, STYLE).astype(int)
    tiled = arbitrary.stylize(picture, STYLE, tile=128, overlap=64)
    assert whole.shape == picture.shape
    assert np.abs(whole - tiled).max() <= 1
    if size[0] > 100:
        cut = np.concatenate([arbitrary.stylize(part, STYLE) for part in (picture[:72], picture[72:])])
        assert np.abs(whole - cut).max() > 3  # each with statistics of its own


def test_the_looks_of_a_picture_in_tiles_are_those_of_the_whole(arbitrary):
    np.testing.assert_allclose(arbitrary.describe(PICTURE, tile=64), arbitrary.describe(PICTURE), rtol=2e-3, atol=2e-3)


def test_maps_get_the_statistics_of_the_style(arbitrary):
    """What the decoder paints from has the mean and deviation of the style's maps."""
    seen = []
    arbitrary._adain, adain = (lambda *given: seen.append(adain(*given)) or seen[-1]), arbitrary._adain
    try:
        look = arbitrary.look(STYLE[None])
        arbitrary.painted(arbitrary.encoder(to_model_range(PICTURE[None, :144, :200])), look)
    finally:
        arbitrary._adain = adain
    found = np.concatenate([np.stack([np.mean(m, (1, 2)), np.std(m, (1, 2))], 1) for m in map(np.array, seen)], -1)
    np.testing.assert_allclose(found, look, atol=0.02)


def test_alpha_goes_from_the_picture_itself_to_the_style(arbitrary):
    """Of 0 the maps are the picture's own, whatever the style."""
    own = arbitrary.stylize(PICTURE, STYLE, alpha=0.0)
    np.testing.assert_array_equal(own, arbitrary.stylize(PICTURE, OTHER, alpha=0.0))
    assert np.abs(own.astype(int) - arbitrary.stylize(PICTURE, PICTURE)).max() <= 1
    far = [np.abs(own.astype(int) - arbitrary.stylize(PICTURE, STYLE, alpha=a)).mean() for a in (0.3, 0.6, 1.0)]
    assert 0 < far[0] < far[1] < far[2]


def test_mixtures(arbitrary, fast):
    mixed = arbitrary.stylize(PICTURE, [STYLE, OTHER], weights=[1, 3])
    np.testing.assert_array_equal(mixed, arbitrary.stylize(PICTURE, [OTHER, STYLE], weights=[3, 1]))
    np.testing.assert_array_equal(
        arbitrary.stylize(PICTURE, [STYLE, OTHER], weights=[1, 0]), arbitrary.stylize(PICTURE, STYLE)
    )
    np.testing.assert_array_equal(fast.stylize(PICTURE, [0.0, 2.0, 0.0]), fast.stylize(PICTURE, 1))
    batch = np.stack([PICTURE[:64, :64], PICTURE[64:128, :64], PICTURE[:64, 64:128]])
    found = fast.stylize(batch, [2, 0, 1])
    for k, label in enumerate((2, 0, 1)):
        np.testing.assert_array_equal(found[k], fast.stylize(batch[k], label))
    pairs = arbitrary.stylize(batch, batch[::-1])
    np.testing.assert_array_equal(pairs[0], arbitrary.stylize(batch[0], batch[2]))


def test_errors_of_a_learned_style_are_shares_of_its_mean_size(fast, arbitrary):
    """Of parts of one painting: bright and dark ones count alike."""
    layers = fast.descriptor_sizes.shape[-1] - 1
    row = lambda mean: np.full(layers, mean, "float32")  # noqa: E731

    def sizes(*means, training):
        own = np.stack([row(m) for m in means])
        return np.asarray(fast.sizes({"label": np.zeros(len(means), "int32")}, own, training))

    before = np.array(fast.descriptor_sizes)
    try:
        fast.descriptor_sizes.assign(before * 0)
        np.testing.assert_allclose(
            sizes(4.0, 8.0, training=False), [row(4), row(8)], rtol=1e-5
        )  # nothing learned yet: their own
        np.testing.assert_allclose(sizes(4.0, 8.0, training=True), [row(6), row(6)], rtol=1e-5)
        np.testing.assert_allclose(sizes(1.0, training=True), [row((0.99 * 6 + 1) / 1.99)], rtol=1e-5)
        np.testing.assert_allclose(sizes(100.0, training=False), [row((0.99 * 6 + 1) / 1.99)], rtol=1e-5)
    finally:
        fast.descriptor_sizes.assign(before)
    assert np.asarray(arbitrary.sizes({}, row(0)[None] + 2, True)).tolist() == [row(2).tolist()]
    np.testing.assert_allclose(arbitrary.sizes({}, row(0)[None] + 8, False), [row((8 + 2) / 2)])
    arbitrary.descriptor_sizes.assign(np.zeros(arbitrary.descriptor_sizes.shape))


def test_pictures_of_every_kind(fast, tmp_path):
    path = str(tmp_path / "a.png")
    Image.fromarray(PICTURE).save(path)
    told = fast.stylize(PICTURE, 0)
    np.testing.assert_array_equal(fast.stylize([path, PICTURE], 0)[0], told)
    alpha = RNG.integers(0, 256, (*PICTURE.shape[:2], 1), "uint8")
    found = fast.stylize(np.concatenate([PICTURE, alpha], -1), 0)
    np.testing.assert_array_equal(found[..., 3:], alpha)
    np.testing.assert_array_equal(found[..., :3], told)
    gray = fast.stylize(PICTURE[..., 0], 0)
    np.testing.assert_array_equal(gray, fast.stylize(np.repeat(PICTURE[..., :1], 3, -1), 0))
    deep = fast.stylize(PICTURE.astype("uint16") * 257, 0)
    assert deep.dtype == np.uint16 and np.abs(deep / 257 - told).max() <= 1
    floats = fast.stylize(to_model_range(PICTURE), 0)
    assert floats.dtype == np.float32 and np.abs(floats * 127.5 + 127.5 - told).max() <= 1
    assert fast.stylize(np.zeros((0, 16, 16, 3), "uint8"), 0).shape == (0, 16, 16, 3)


def test_what_is_refused(fast, arbitrary):
    for styles, message in (
        (3, "0..2"),
        ([0, 0, 0.0], "not all zero"),
        (None, "`styles`"),
        ([1, 2], "one style for all"),
    ):
        with pytest.raises(ValueError, match=message):
            fast.stylize([PICTURE] * 3, styles)
    with pytest.raises(ValueError, match="alpha"):
        arbitrary.stylize(PICTURE, STYLE, alpha=1.5)
    with pytest.raises(ValueError, match="above 0"):
        arbitrary.stylize(PICTURE, [STYLE], weights=[0])
    with pytest.raises(ValueError, match="8 divide"):
        arbitrary.compile()
        arbitrary.fit({"image": PICTURE[None, :60, :60], "style": PICTURE[None, :60, :60]})


@pytest.mark.tensorflow
def test_a_saved_model_takes_and_gives_files(fast, arbitrary, tmp_path):
    """Of several sizes, PNG and JPEG; the same answers as in memory."""
    import tensorflow as tf

    files = []
    for k, picture in enumerate((PICTURE, OTHER)):
        Image.fromarray(picture).save(tmp_path / f"{k}.png")
        files.append((tmp_path / f"{k}.png").read_bytes())
    styles = [tf.io.encode_png(STYLE).numpy()] * 2
    for model, told, answers in (
        (fast, {"styles": np.eye(3, dtype="float32")[[2, 0]]}, [fast.stylize(PICTURE, 2), fast.stylize(OTHER, 0)]),
        (arbitrary, {"style_bytes": styles}, [arbitrary.stylize(p, STYLE) for p in (PICTURE, OTHER)]),
    ):
        model.export(str(tmp_path / model.name))
        signature = tf.saved_model.load(str(tmp_path / model.name)).signatures["stylize_bytes"]
        given = {"image_bytes": files, **told, "alpha": np.float32(1.0)}
        found = signature(**{k: tf.constant(v) for k, v in given.items()})["image_bytes"].numpy()
        for text, answer in zip(found, answers):
            np.testing.assert_array_equal(tf.io.decode_png(text).numpy(), answer)
