"""Recall at K on vectors whose order is known."""

from itertools import permutations

import numpy as np
import pytest

from keras_imgen.metrics import retrieval


def test_a_known_order():
    """Text 0 finds image 0 first, text 1 second, text 2 last; the other way round image 2 is found last alone."""
    images = np.eye(3)
    texts = np.array([[0.9, 0.1, 0.0], [0.8, 0.5, 0.0], [0.7, 0.6, 0.1]])
    found = retrieval(images, texts, ks=(1, 2, 3))
    assert [found[f"text to image R@{k}"] for k in (1, 2, 3)] == pytest.approx([1 / 3, 2 / 3, 1])
    # by image 1 the texts are 0.1, 0.5, 0.6: its own is the second
    assert [found[f"image to text R@{k}"] for k in (1, 2, 3)] == pytest.approx([2 / 3, 1, 1])
    assert [found[f"chance R@{k}"] for k in (1, 2, 3)] == pytest.approx([1 / 3, 2 / 3, 1])


def test_any_of_the_same_identity_is_right():
    images = np.eye(4)
    texts = np.eye(4)[[1, 0, 3, 2]]  # each text finds its neighbour
    assert retrieval(images, texts, ks=(1,))["text to image R@1"] == 0
    twins = retrieval(images, texts, ["a", "a", "b", "b"], ks=(1, 3))
    assert twins["text to image R@1"] == twins["image to text R@1"] == 1
    mixed = retrieval(images, texts, ["a", "a", "b", "c"], ks=(1,))
    assert mixed["text to image R@1"] == 0.5


def test_chance_is_that_of_all_orders():
    same = np.array([0, 0, 1, 2])
    for k in (1, 2, 3):
        hits = [any(same[j] == same[i] for j in order[:k]) for order in permutations(range(4)) for i in range(4)]
        assert retrieval(np.eye(4), np.eye(4), same, (k,))[f"chance R@{k}"] == pytest.approx(np.mean(hits))


def test_what_tells_nothing_apart_finds_nothing():
    flat = np.ones((7, 2))
    found = retrieval(flat, flat)
    assert found["text to image R@1"] == found["image to text R@5"] == 0
    alike = retrieval(flat, flat, [0] * 7)
    assert alike["text to image R@1"] == alike["chance R@1"] == 1


def test_random_vectors_are_at_chance():
    rng = np.random.default_rng(0)
    images, texts = rng.normal(size=(2, 2000, 16))
    found = retrieval(images, texts, np.arange(2000) // 20, (5,))
    assert found["text to image R@5"] == pytest.approx(found["chance R@5"], abs=0.015)


@pytest.mark.parametrize(
    "images, texts, identities, ks, message",
    [
        (np.eye(3), np.eye(2), None, (1,), "as many of texts"),
        (np.zeros((0, 2)), np.zeros((0, 2)), None, (1,), "Expected vectors"),
        (np.eye(3), np.eye(3), [0, 1], (1,), "identity for each of 3 rows, got 2"),
        (np.eye(3), np.eye(3), None, (1, 5), r"`ks` in 1..3"),
        (np.eye(3) * np.nan, np.eye(3), None, (1,), "images"),
    ],
)
def test_what_is_refused(images, texts, identities, ks, message):
    with pytest.raises(ValueError, match=message):
        retrieval(images, texts, identities, ks)


def test_identities_may_be_tuples():
    vectors = np.eye(3, dtype="float32")
    turned = vectors[[1, 0, 2]]
    assert retrieval(vectors, turned, ks=[1])["text to image R@1"] == pytest.approx(1 / 3)
    assert retrieval(vectors, turned, [("a", 1), ("a", 1), ("b", 2)], [1])["text to image R@1"] == 1.0
