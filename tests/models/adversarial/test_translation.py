"""Pix2Pix and CycleGAN: they learn a map, their buffer keeps what it should, and their states are saved."""

import keras
import numpy as np
import pytest
from keras import ops

from keras_imgen.models import CycleGAN, Pix2Pix
from keras_imgen.networks import patchgan, translation_resnet, translation_unet
from keras_imgen.training import random

RNG = np.random.default_rng(0)
X = (RNG.integers(0, 256, (64, 1, 1, 1)) + RNG.integers(-20, 20, (64, 8, 8, 1))).clip(0, 255).astype("uint8")


def pix2pix():
    keras.utils.set_random_seed(0)
    model = Pix2Pix(translation_unet((8, 8, 1), 3, width=8, depth=2, dropout=0), patchgan((8, 8, 3), 1, 8, 1), ema=0.9)
    adam = lambda: keras.optimizers.Adam(2e-3, beta_1=0.5)  # noqa: E731
    model.compile(generator_optimizer=adam(), discriminator_optimizer=adam())
    return model


def cyclegan(**kwargs):
    keras.utils.set_random_seed(0)
    shape = (8, 8, 1)
    networks = [translation_resnet(shape, width=4, blocks=1, downs=1) for _ in range(2)]
    networks += [patchgan(shape, width=4, depth=1) for _ in range(2)]
    model = CycleGAN(*networks, **{"buffer": 6, **kwargs})
    model.compile()
    return model


def test_there_is_no_grid_in_a_flat_picture():
    """Far from its edges; transposed convolutions leave one of several gray levels."""
    network = translation_resnet((96, 96, 3), width=4, blocks=1)
    picture = np.full((1, 96, 96, 3), 0.3, "float32")
    picture[:, 0] = -0.5  # what instance norm measures
    inside = ops.convert_to_numpy(network(picture))[0, 40:56, 40:56]
    assert np.ptp(inside, (0, 1)).max() < 1e-4 * np.abs(inside).max()


@pytest.mark.slow
def test_pix2pix_learns_a_map():
    """The target is the negative, in three channels, the last one black."""
    target = np.concatenate([255 - X, 255 - X, 0 * X], -1)
    model = pix2pix()
    model.fit(X, target, batch_size=16, epochs=40, verbose=0)
    error = np.abs(model.translate(X).astype(int) - target).mean()
    assert error < 20, error  # a constant would be 70 away in the first two channels
    assert model.evaluate(X, target, verbose=0, return_dict=True)["l1"] < 0.2


@pytest.mark.slow
def test_cyclegan_fills_its_buffer():
    model = cyclegan(identity_weight=5.0)
    first = model.fit(X, 255 - X, batch_size=8, epochs=1, verbose=0).history
    assert np.isfinite(list(first.values())).all() and float(model.seen) == 6
    assert (model.translate(X[:3]) != model.translate_back(X[:3])).any()


def test_the_buffer_gives_back_every_image_it_took():
    """As many different images leave as come in, once those that are still kept are counted; half of them late."""
    model, seen, out = cyclegan(buffer=6), 0, []
    for i in range(60):
        new = ops.convert_to_tensor(
            np.full((2, 8, 8, 1), 0, "float32") + np.array([2 * i, 2 * i + 1]).reshape(2, 1, 1, 1)
        )
        keys = random.fold(random.key(np.arange(2, dtype="int32")), i)
        out += np.array(model._exchange("targets", new, float(min(seen, 6)), keys))[:, 0, 0, 0].tolist()
        seen += 2
    assert out[:6] == [0, 1, 2, 3, 4, 5]  # while it fills up, they are kept and seen at once
    kept = np.array(model.kept["targets"])[:, 0, 0, 0].tolist()
    assert sorted(out[6:] + kept) == sorted([0, 1, 2, 3, 4, 5, *range(6, 120)])
    late = np.mean([value not in (2 * (k // 2), 2 * (k // 2) + 1) for k, value in enumerate(out) if k >= 6])
    assert 0.35 < late < 0.65


def test_no_image_is_lost_in_the_batch_that_fills_the_buffer():
    """6 places and batches of 4: in the second batch two fill it up, and two are shown as they are."""
    model = cyclegan(buffer=6)
    for seed in range(20):
        model.kept["targets"].assign(model.kept["targets"] * 0)
        for i in range(2):
            new = 1 + 4 * i + np.arange(4, dtype="float32").reshape(4, 1, 1, 1) + np.zeros((4, 8, 8, 1), "float32")
            keys = random.fold(random.key(np.arange(4, dtype="int32")), seed)
            out = model._exchange("targets", ops.convert_to_tensor(new), 4.0 * i, keys)
            np.testing.assert_array_equal(out, new)
        np.testing.assert_array_equal(np.array(model.kept["targets"])[:, 0, 0, 0], [1, 2, 3, 4, 5, 6])


def test_what_is_wrong_is_said():
    model = pix2pix()
    with pytest.raises(ValueError, match="'target'"):
        model.fit(X)
    with pytest.raises(ValueError, match="In 'target'.*3 channel"):
        model.fit(X, X)
    with pytest.raises(ValueError, match="size 8x8"):
        model.translate(np.zeros((1, 4, 4, 1), "uint8"))
    with pytest.raises(TypeError, match="translate"):
        model.generate(2)
    with pytest.raises(ValueError, match="condition"):
        Pix2Pix(translation_unet((8, 8, 1), depth=2), patchgan((8, 8, 1)))
    with pytest.raises(ValueError, match="divisible by 16"):
        translation_unet((24, 24, 1))
