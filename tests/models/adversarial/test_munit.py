"""MUNIT: content and style together are the picture, styles come from seeds or pictures, and it learns to reconstruct."""

import keras
import numpy as np
import pytest
from keras import ops

from keras_imgen.models import MUNIT
from keras_imgen.networks import content_encoder, patchgan, style_decoder, style_encoder

RNG = np.random.default_rng(0)
SHAPE = (16, 16, 3)
X = (RNG.integers(0, 256, (6, 4, 4, 3)).repeat(4, 1).repeat(4, 2)).astype("uint8")


def coders(channels=3):
    shape = (16, 16, channels)
    first = content_encoder(shape, 8, 1, 1), style_encoder(shape, 4, 8, 2)
    found = *first, style_decoder((8, 8, 16), 4, channels, 1, 1, 16), patchgan(shape, width=4, depth=1)
    last = found[2].get_layer("conv_out").kernel
    last.assign(last * 20)  # as after training: all counts
    return found


@pytest.fixture(scope="module")
def model():
    keras.utils.set_random_seed(0)
    return MUNIT(*coders(), *coders(1), ema=None)


def test_content_and_style_of_one_picture_are_its_reconstruction():
    """Where both kinds are one: a picture in its own style is what the autoencoder makes of it, by every way."""
    keras.utils.set_random_seed(0)
    own = coders()
    model = MUNIT(*own, *own[:3], patchgan(SHAPE, width=4, depth=1), ema=None)
    floats = (X / 127.5 - 1).astype("float32")
    content, style = model.of_images.apart(floats)
    again = ops.convert_to_numpy(model.of_images.together(content, style))
    found = model.translate(X, styles=X)
    assert np.abs(found - (again.clip(-1, 1) * 127.5 + 127.5)).max() < 0.51 and again.std() > 0.02
    np.testing.assert_array_equal(model.translate_back(X, styles=X), found)
    assert (model.translate(X, styles=X[::-1]) != found).any()
    _, _, logs, _ = model._generator_losses(floats, floats, ops.zeros((6, 2), "uint32"), False)
    np.testing.assert_allclose(float(logs["reconstruction"]), 2 * np.abs(again - floats).mean(), rtol=1e-4)


def test_styles_follow_their_seeds(model):
    made = model.translate(X, seed=7)
    assert made.shape == (6, 16, 16, 1) and made.dtype == np.uint8
    np.testing.assert_array_equal(model.translate(X[2:4], seed=9), made[2:4])
    assert (model.translate(X, seed=8) != made).any()
    assert model.translate_back(made, seed=1).shape == X.shape
    assert model.image_shape == SHAPE and model.target_shape == (16, 16, 1)


@pytest.mark.slow
def test_it_learns_to_reconstruct():
    keras.utils.set_random_seed(0)
    model = MUNIT(*coders(), *coders(), ema=None)
    adam = lambda: keras.optimizers.Adam(2e-3, beta_1=0.5)  # noqa: E731
    model.compile(generator_optimizer=adam(), discriminator_optimizer=adam())
    history = model.fit(X, 255 - X, batch_size=3, epochs=80, verbose=0).history
    assert set(history) == set(model.logged)
    assert np.mean(history["reconstruction"][-8:]) < 0.8 * history["reconstruction"][0]
    knowing_nothing = 2 * np.sqrt(2 / np.pi)  # mean |s| of both sides' standard normal codes
    assert np.mean(history["style"][-8:]) < 0.9 * knowing_nothing, history["style"]


def test_what_is_wrong_is_said(model):
    with pytest.raises(ValueError, match="networks of targets that fit"):
        other = content_encoder(SHAPE, 4, 1, 1), *coders()[1:]
        MUNIT(*coders(), *other)
    with pytest.raises(ValueError, match="as many `styles`"):
        model.translate(X, styles=X[:2, :, :, :1])
    with pytest.raises(ValueError, match="Expected uint8 images"):
        model.translate(X[..., :1])
