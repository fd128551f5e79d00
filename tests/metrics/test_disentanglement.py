"""The mutual information gap where it is known."""

import numpy as np
import pytest
from sklearn.metrics import mutual_info_score

from keras_imgen.metrics.disentanglement import mutual_information, mutual_information_gap

FACTORS = np.stack(np.meshgrid(range(4), range(6), range(5), indexing="ij"), -1).reshape(-1, 3)


def test_mutual_information_is_scikit_learns():
    rng = np.random.default_rng(0)
    a, b = rng.integers(0, 5, 500), rng.integers(0, 7, 500)
    b = np.where(rng.random(500) < 0.5, a, b)
    assert mutual_information(a, b) == pytest.approx(mutual_info_score(a, b))


def test_one_number_for_each_factor_is_one():
    gap, each = mutual_information_gap(np.concatenate([FACTORS * 1.5, np.zeros((120, 2))], 1), FACTORS)
    assert gap == pytest.approx(1.0) and each.shape == (3,)


def test_two_numbers_that_know_the_same_have_no_gap():
    latents = np.concatenate([FACTORS, FACTORS[:, :1]], 1)
    gap, each = mutual_information_gap(latents, FACTORS)
    np.testing.assert_allclose(each, [0, 1, 1], atol=1e-12)
    assert gap == pytest.approx(2 / 3)


def test_a_half_known_factor():
    latents = np.stack([FACTORS[:, 0] // 2, FACTORS[:, 1], FACTORS[:, 2]], 1)
    assert mutual_information_gap(latents, FACTORS)[1][0] == pytest.approx(0.5)


def test_bad_input():
    with pytest.raises(ValueError, match="factors"):
        mutual_information_gap(FACTORS[:10], FACTORS)
    with pytest.raises(ValueError, match="D > 1"):
        mutual_information_gap(FACTORS[:, :1], FACTORS)
