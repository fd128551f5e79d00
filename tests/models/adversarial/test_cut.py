"""CUT: what its maps are, what its places are, and that it learns to keep them."""

import keras
import numpy as np
import pytest
from keras import ops

from keras_imgen.models import CUT
from keras_imgen.networks import patchgan, translation_resnet
from keras_imgen.training import random

RNG = np.random.default_rng(0)
X = RNG.integers(0, 256, (8, 16, 16, 3)).astype("uint8")
FLOATS = (X / 127.5 - 1).astype("float32")
KEYS = random.key(np.arange(8, dtype="int32"))


def cut(blocks=1, downs=1, **kwargs):
    keras.utils.set_random_seed(0)
    generator = translation_resnet((16, 16, 3), width=8, blocks=blocks, downs=downs)
    return CUT(generator, patchgan((16, 16, 3), width=4, depth=1), **kwargs)


def number(value):
    return float(ops.convert_to_numpy(value))


def test_its_layers_are_the_papers():
    assert cut(9, 2).nce_layers == ("image", "down0", "down1", "block0_add", "block4_add")
    assert cut().nce_layers == ("image", "down0", "block0_add")
    assert [v.shape[-1] for v in cut().heads.inputs] == [3, 16, 16]


@pytest.mark.parametrize("patches", [20, 256])
def test_pictures_as_answers_to_themselves_are_best(patches):
    """An identity of a generator has the least NCE; shuffled places and pictures have more, and a mirrored answer, told so, as much."""
    model = cut(patches=patches)
    own = number(model.nce(FLOATS, FLOATS, KEYS))
    shuffled = FLOATS.reshape(8, 256, 3)[:, RNG.permutation(256)].reshape(FLOATS.shape)
    for other in (FLOATS[::-1].copy(), shuffled, FLOATS[:, :, ::-1].copy()):
        assert number(model.nce(FLOATS, other, KEYS)) > own + 0.5
    pixels = cut(nce_layers=["image"], patches=patches)
    mirrored = pixels.nce(FLOATS, FLOATS[:, :, ::-1].copy(), KEYS, flipped=np.ones(8, bool))
    np.testing.assert_allclose(number(mirrored), number(pixels.nce(FLOATS, FLOATS, KEYS)), rtol=1e-5)


def test_places_are_different_ones_of_every_row():
    model = cut(patches=30)
    places = ops.convert_to_numpy(model._places(np.zeros((8, 16, 16, 2)), KEYS))
    assert places.shape == (8, 30) and places.min() >= 0 and places.max() < 256
    assert all(len(set(row)) == 30 for row in places) and len({tuple(row) for row in places}) == 8
    assert model._places(np.zeros((8, 5, 6, 2)), KEYS) is None


@pytest.mark.slow
def test_it_learns_to_keep_places():
    """Answers to noise, where every patch is another: they can be found again after a few steps. The discriminator does not count."""
    model = cut(nce_weight=10.0, patches=64, ema=None)
    adam = lambda: keras.optimizers.Adam(2e-3, beta_1=0.5)  # noqa: E731
    model.compile(generator_optimizer=adam(), discriminator_optimizer=adam())
    history = model.fit(X, 255 - X, batch_size=4, epochs=15, verbose=0).history
    assert set(history) == set(model.logged)
    assert history["nce"][-1] < 0.8 * history["nce"][0], history["nce"]
    assert history["identity_nce"][-1] < 0.8 * history["identity_nce"][0], history["identity_nce"]


def test_fast_cut_has_no_identity():
    model = cut(nce_weight=10.0, identity_weight=0.0, flip=True)
    model.compile(run_eagerly=True)
    assert "identity_nce" not in model.train_on_batch(X, 255 - X, return_dict=True)


def test_what_is_wrong_is_said():
    gray = translation_resnet((16, 16, 3), 1, width=4, blocks=1)
    with pytest.raises(ValueError, match="same shape"):
        CUT(gray, patchgan((16, 16, 1)))
    with pytest.raises(ValueError, match="`nce_layers` of the generator's image, conv_in.*got up7"):
        cut(nce_layers=["up7"])
    with pytest.raises(ValueError, match="`temperature` above 0"):
        cut(temperature=0.0)
    with pytest.raises(ValueError, match="`patches`.*at least 2"):
        cut(patches=1)
