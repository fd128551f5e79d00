"""DiffAugment and ADA: what stays, what moves, and where p goes."""

import math

import numpy as np
import pytest
from keras import ops

from keras_imgen.models.adversarial import AdaptiveAugment, DiffAugment
from keras_imgen.models.adversarial import augment as A
from keras_imgen.training import random

KEYS = random.key(np.arange(64, dtype="int32"))
X = np.random.default_rng(0).uniform(-1, 1, (64, 8, 8, 3)).astype("float32")


def test_flip_and_translate():
    flipped = np.array(A.flip(X, KEYS))
    same, mirrored = (flipped == X).all((1, 2, 3)), (flipped == X[:, :, ::-1]).all((1, 2, 3))
    assert (same ^ mirrored).all() and 16 < same.sum() < 48
    moved = np.array(A.translate(X, KEYS, 0.25))
    seen = set()
    for before, after in zip(X, moved):
        padded = np.pad(before, ((2, 2), (2, 2), (0, 0)), constant_values=-1)
        at = [(y, x) for y in range(5) for x in range(5) if np.allclose(padded[y : y + 8, x : x + 8], after, atol=1e-6)]
        assert len(at) == 1
        seen.add(at[0])
    assert len(seen) > 15  # of 25


def test_cutout_and_colour():
    cut = np.array(A.cutout(X, KEYS)) == 0
    height = cut.all(-1).any(2).sum(1)
    assert height.max() == 4 and cut.sum((1, 2, 3)).max() == 4 * 4 * 3
    gray = np.full((64, 8, 8, 3), 0.3, "float32")
    assert np.array(A.colour(gray, KEYS)).std((1, 2, 3)).max() < 1e-6  # one colour stays one
    assert np.array(A.colour(gray, KEYS)).mean((1, 2, 3)).std() > 0.2


def test_a_policy_is_checked_and_differentiable():
    with pytest.raises(ValueError, match="nonsense"):
        DiffAugment("colour,nonsense")
    from keras_imgen.models import GAN
    from keras_imgen.networks import mlp_discriminator, mlp_generator

    model = GAN(mlp_generator((8, 8, 3)), mlp_discriminator((8, 8, 3)))
    for augment, p in ((DiffAugment(), None), (AdaptiveAugment(), 0.8)):
        slope = np.array(
            model.input_gradient(lambda x: ops.sum(augment(x, KEYS, p), (1, 2, 3)), ops.convert_to_tensor(X))
        )
        assert np.isfinite(slope).all() and (slope != 0).mean() > 0.3


def test_warp_is_a_rotation():
    def matrix(angle):
        c, s = math.cos(angle), math.sin(angle)
        return np.tile(np.array([[c, -s, 0], [s, c, 0]], "float32"), (64, 1, 1))

    quarter = np.array(A.warp(X, matrix(math.pi / 2)))
    assert np.allclose(quarter, np.rot90(X, 1, (1, 2)), atol=1e-5) or np.allclose(
        quarter, np.rot90(X, -1, (1, 2)), atol=1e-5
    )
    np.testing.assert_allclose(A.warp(X, matrix(0.0)), X, atol=1e-6)


def test_nothing_happens_at_p_zero_and_much_at_one():
    augment = AdaptiveAugment(largest=1.0)
    np.testing.assert_allclose(augment(X, KEYS, 0.0), X, atol=1e-5)
    after = np.array(augment(X, KEYS, 1.0))
    assert np.isfinite(after).all() and (np.abs(after - X).mean((1, 2, 3)) > 0.05).all()


def test_p_settles_where_the_heuristic_meets_its_target():
    """A discriminator that is right about real images with probability 1 - p/2 has r_t = 1 - p: for the target 0.6, p = 0.4."""
    augment, rng = AdaptiveAugment(target=0.6, images=4000), np.random.default_rng(0)
    state, seen = augment.start(), []
    for _ in range(800):
        signs = np.where(rng.random(32) < 1 - state[0] / 2, 1.0, -1.0).astype("float32")
        state = np.array(augment.next_state(state, signs.sum(), 32.0))
        seen.append(state[0])
    np.testing.assert_allclose(np.mean(seen[400:]), 0.4, atol=0.05)
    for sign, end in ((1.0, 0.85), (-1.0, 0.0)):  # it stays between 0 and `largest`
        state = augment.start()
        for _ in range(800):
            state = np.array(augment.next_state(state, 32 * sign, 32.0))
        assert state[0] == np.float32(end)
