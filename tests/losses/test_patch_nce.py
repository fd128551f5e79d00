"""PatchNCE against its formula, written out, and where its value is known."""

import itertools

import numpy as np
import pytest
from keras import ops

from keras_imgen.losses.contrastive import patch_nce


def unit(vectors):
    return (vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)).astype("float32")


def number(value):
    return float(ops.convert_to_numpy(value))


def test_it_is_the_cross_entropy_of_finding_the_place():
    rng = np.random.default_rng(0)
    queries, keys = unit(rng.normal(size=(2, 3, 6, 5)))
    nats = []
    for of_answer, of_image in zip(
        queries.astype("float64"), keys.astype("float64")
    ):  # never places of another picture
        for place, query in enumerate(of_answer):
            scores = of_image @ query / 0.2
            nats.append(-np.log(np.exp(scores[place]) / np.exp(scores).sum()))
    np.testing.assert_allclose(number(patch_nce(queries, keys, 0.2)), np.mean(nats), rtol=1e-5)


@pytest.mark.parametrize("places", [2, 8])
def test_the_same_maps_of_orthogonal_places(places):
    """The right answer has a cosine of 1 and the others of 0."""
    same = np.eye(places, dtype="float32")[None]
    for temperature in (0.07, 1.0):
        expected = np.log1p((places - 1) * np.exp(-1 / temperature))
        np.testing.assert_allclose(number(patch_nce(same, same, temperature)), expected, atol=3e-6)


def test_of_all_orders_of_the_places_none_is_better_than_their_own():
    keys = unit(np.random.default_rng(1).normal(size=(1, 5, 3)))
    found = {p: number(patch_nce(keys[:, list(p)], keys, 0.3)) for p in itertools.permutations(range(5))}
    assert min(found, key=found.get) == (0, 1, 2, 3, 4)
