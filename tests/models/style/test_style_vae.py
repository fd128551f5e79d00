"""StyleVAE: content holds no statistics, both latents together are the picture, and it learns."""

import keras
import numpy as np
import pytest
from keras import ops

from keras_imgen.commands.stylizing import way
from keras_imgen.data.image_io import save_image
from keras_imgen.layers.adain import statistics
from keras_imgen.models import StyleVAE
from keras_imgen.models.restoration.objectives import Perceptual, Style
from keras_imgen.networks import content_encoder, style_decoder, style_encoder
from keras_imgen.serving import load

RNG = np.random.default_rng(0)
SHAPE = (16, 16, 3)
X = (RNG.integers(0, 256, (6, 4, 4, 3)).repeat(4, 1).repeat(4, 2)).astype("uint8")


def style_vae(**kwargs):
    keras.utils.set_random_seed(0)
    coders = content_encoder(SHAPE, 8, 1, 1), style_encoder(SHAPE, 8, 8, 2)
    model = StyleVAE(*coders, style_decoder((8, 8, 16), 4, 3, 1, 1, 16), **{"ema": None, **kwargs})
    for v in model.decoder.trainable_variables:  # as after training: all counts
        if v.shape[-1:] == (3,) and len(v.shape) == 4:
            v.assign(v * 20)
    return model


@pytest.fixture(scope="module")
def model():
    return style_vae()


def test_content_has_the_same_statistics_whatever_the_picture(model):
    brighter = (X // 4 + 130).astype("uint8")
    for pictures in (X, brighter):
        mean, deviation = (ops.convert_to_numpy(v) for v in statistics(model.encode_content(pictures)))
        np.testing.assert_allclose(mean, 0.0, atol=1e-5)
        np.testing.assert_allclose(deviation, 1.0, atol=5e-3)
    assert np.abs(model.encode_style(X) - model.encode_style(brighter)).max() > 1e-3


def test_content_and_style_of_a_picture_are_the_picture_again(model):
    again = model.reconstruct(X)
    content, style = model.encode(X)
    assert content.shape == (6, 8, 8, 16) and style.shape == (6, 4) and again.std() > 5
    np.testing.assert_array_equal(model.decode(content, style), again)
    np.testing.assert_array_equal(model.transfer(X, X), again)
    np.testing.assert_array_equal(model.transfer(X, X[::-1], alpha=0.0), again)


def test_alpha_goes_from_the_own_style_to_the_other(model):
    content, style = model.encode(X)
    other = style[::-1]
    np.testing.assert_array_equal(model.transfer(X, X[::-1]), model.decode(content, style + (other - style)))
    assert (model.transfer(X, X[::-1]) != model.reconstruct(X)).any()
    way = model.interpolate(X[0], X[0], X[5], frames=3)
    half = model.transfer(X[:1], X[5:], alpha=0.5)[0]
    assert (
        np.abs(way.astype(int) - np.stack([model.reconstruct(X)[0], half, model.transfer(X[:1], X[5:])[0]])).max() < 2
    )


def test_new_styles_follow_their_seeds(model):
    made = model.generate(conditions={"image": X}, seed=7)
    assert made.shape == X.shape
    np.testing.assert_array_equal(model.generate(conditions={"image": X[2]}, seed=9)[0], made[2])
    assert (model.generate(conditions={"image": X}, seed=8) != made).any()


def test_terms_of_transferred_pictures_look_at_the_right_ones():
    """Of one picture in a batch the transfer is to itself: all objectives see the reconstruction."""
    trunk = keras.Sequential([keras.Input((None, None, 3)), keras.layers.Conv2D(4, 3)])
    perceptual, style = Perceptual(trunk=trunk), Style(trunk=trunk)
    model = style_vae(objectives=["l1", perceptual], content_objectives=perceptual, style_objectives=["l1", style])
    assert model.logged == ("loss", "kl", "l1", "perceptual", "content_perceptual", "style_l1", "style_style")
    floats = (X / 127.5 - 1).astype("float32")
    alone = {k: float(v) for k, v in model.losses({"image": floats[:1]}, None, False)[1].items()}
    assert alone["content_perceptual"] == alone["perceptual"] and alone["style_l1"] == alone["l1"]
    both = {k: float(v) for k, v in model.losses({"image": floats[:2]}, None, False)[1].items()}
    content, styles = model.encode(X[:2])
    moved = ops.convert_to_numpy(model.images_of(content, styles[::-1].copy()))
    np.testing.assert_allclose(both["style_l1"], np.abs(moved - floats[1::-1]).mean(), rtol=1e-4)
    total = sum(both[k] for k in model.logged[2:]) + 0.1 * both["kl"] / 768
    np.testing.assert_allclose(both["loss"], total, rtol=1e-5)


def test_pictures_of_any_size(tmp_path):
    """As large as they came, by their own networks' weights; in a mirrored margin, and in the style of one of another size."""
    keras.utils.set_random_seed(0)
    anything = (None, None, 3)
    coders = content_encoder(anything, 8, 1, 1), style_encoder(anything, 8, 8, 2)
    model = StyleVAE(*coders, style_decoder((None, None, 16), 4, 3, 1, 1, 16), ema=None)
    model.compile()
    assert np.isfinite(model.fit(X, batch_size=3, verbose=0).history["loss"]).all()
    content, style = RNG.integers(0, 256, (1, 21, 30, 3), "uint8"), RNG.integers(0, 256, (1, 9, 50, 3), "uint8")
    assert model.transfer(content, style).shape == model.reconstruct(content).shape == content.shape
    np.testing.assert_array_equal(model.transfer(content, content), model.reconstruct(content))
    framed = np.pad(content, ((0, 0), (32, 33), (32, 32), (0, 0)), "symmetric")
    wanted = model.decode(model.encode_content(framed), model.encode_style(style))[:, 32:53, 32:62]
    assert np.abs(model.transfer(content, style).astype(int) - wanted).max() <= 1
    assert model.generate(conditions={"image": content[0]}, seed=3).shape == content.shape
    assert model.interpolate(content[0], style[0], content[0], frames=3).shape == (3, 21, 30, 3)
    model.save(tmp_path / "m.keras")
    save_image(str(tmp_path / "style.png"), style[0])
    words = [str(tmp_path / "m.keras"), "PICTURES", str(tmp_path / "style.png")]
    given = np.concatenate([content[0], content[0][..., :1]], -1)
    made = way(words, False, None, 1.0, None, False, {}).answer(given, None)
    np.testing.assert_array_equal(made[..., 3], given[..., 3])
    if keras.backend.backend() == "tensorflow":
        model.export(str(tmp_path / "saved"))
        served = load(str(tmp_path / "saved"))
        np.testing.assert_array_equal(served.transfer(content, style), model.transfer(content, style))
    np.testing.assert_array_equal(made[..., :3], model.transfer(content, style)[0])


@pytest.mark.slow
def test_it_learns_to_reconstruct():
    model = style_vae(kl_weight=0.01)
    model.compile(keras.optimizers.Adam(3e-3))
    history = model.fit(X, batch_size=3, epochs=30, verbose=0).history
    assert history["l1"][-1] < 0.6 * history["l1"][0], history["l1"]


def test_what_is_wrong_is_said(model):
    coders = model.content_encoder, model.style_encoder
    with pytest.raises(ValueError, match=r"a style encoder.*\(10,\), got.*\(8,\)"):
        StyleVAE(*coders, style_decoder((8, 8, 16), 5, 3, 1, 1, 16))
    with pytest.raises(ValueError, match="a decoder of 'content' and 'style'"):
        StyleVAE(*coders, model.content_encoder)
    with pytest.raises(ValueError, match="`objectives`, got none"):
        StyleVAE(*coders, model.decoder, objectives=())
    with pytest.raises(ValueError, match="`alpha` in"):
        model.transfer(X, X, alpha=1.5)
    with pytest.raises(ValueError, match="as many `style_images`"):
        model.transfer(X, X[:2])
    with pytest.raises(ValueError, match="image"):
        model.generate(2)
