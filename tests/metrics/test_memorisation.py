import numpy as np
import pytest

from keras_imgen.data import load
from keras_imgen.metrics import memorisation


@pytest.fixture(scope="module")
def digits():
    return {
        split: np.concatenate([np.asarray(b["image"]) for b in load("digits", split, 16, 99, shuffle=False)])
        for split in ("train", "test")
    }


def test_a_planted_copy_is_found_among_a_thousand(digits):
    rng = np.random.default_rng(0)
    train, unseen = digits["train"], digits["test"]
    samples = unseen[rng.integers(0, len(unseen), 1000)].copy()
    samples[417] = train[123]
    samples[901] = np.clip(train[77] + rng.normal(0, 8, train[77].shape), 0, 255).astype("uint8")  # and a noisy one
    found = memorisation(samples, train)
    assert found.is_copy[417] and found.nearest[417] == 123 and found.distance[417] < 1e-2
    assert found.is_copy[901] and found.nearest[901] == 77
    others = np.delete(found.is_copy, [417, 901])
    assert others.mean() < 0.02  # real digits that nobody copied


def test_distances_are_root_mean_squares(digits):
    a, b = digits["test"][:3], digits["train"][:200]
    found = memorisation(a, b)
    expected = np.sqrt(((a[:, None].astype(float) - b[None]) ** 2).mean((2, 3, 4)))
    np.testing.assert_allclose(found.distance, expected.min(1), rtol=1e-5)
    np.testing.assert_array_equal(found.nearest, expected.argmin(1))
    nearest = np.sort(expected, 1)
    np.testing.assert_allclose(found.ratio, nearest[:, 0] / nearest[:, 1:51].mean(1), rtol=1e-4)


def test_shapes_must_agree(digits):
    with pytest.raises(ValueError, match="one shape"):
        memorisation(digits["test"][:, :8], digits["train"])
