"""Distances of style and content: 0 where they agree, in order where something is taken away."""

import keras
import numpy as np
import pytest

from keras_imgen.metrics import colour_distance, style_distance

RNG = np.random.default_rng(0)


@pytest.fixture(scope="module")
def trunk():
    keras.utils.set_random_seed(0)
    x = image = keras.Input((None, None, 3))
    maps = []
    for width in (8, 8):
        x = keras.layers.Conv2D(width, 3, padding="same", activation="relu")(x)
        maps.append(x)
    return keras.Model(image, maps, name="small")


def test_of_itself_and_of_others(trunk):
    content, style = RNG.integers(0, 256, (40, 50, 3), "uint8"), RNG.integers(60, 90, (30, 36, 3), "uint8")
    half = ((content.astype(int) + 75) // 2).astype("uint8")
    answers = [content, half, np.full((40, 50, 3), 75, "uint8")]
    found = style_distance([content] * 3, [style] * 3, answers, trunk, (1,))
    assert list(found) == ["style distance [small]", "content distance [small]", "structure", "colour distance"]
    far, near, structure, colour = (found[k] for k in found)
    assert near[0] < 1e-9 < near[1] < near[2] and structure[0] > 0.9999 > structure[1] > structure[2]
    assert far[0] > far[1] and colour[0] > colour[1]
    same = style_distance([style], [style], [style], trunk, (1,))
    assert max(same[k][0] for k in list(same)[:2]) < 1e-9 and same["colour distance"][0] == 0.0


def test_colour_distance_of_a_shift():
    a = RNG.integers(0, 200, (20, 30, 3), "uint8")
    directions = np.random.default_rng(0).normal(size=(3, 32))
    directions /= np.linalg.norm(directions, axis=0)
    assert colour_distance(a, a + 30) == pytest.approx(np.abs(30 * directions.sum(0)).mean(), rel=1e-6)
    assert colour_distance(a, a[:, ::-1]) == 0.0


def test_what_is_refused(trunk):
    one = np.zeros((20, 20, 3), "uint8")
    with pytest.raises(ValueError, match="as many"):
        style_distance([one], [one, one], [one], trunk)
    with pytest.raises(ValueError, match="size of its content"):
        style_distance([one], [one], [one[:12]], trunk)
    with pytest.raises(ValueError, match="`answers` as uint8"):
        style_distance([one], [one], [one[..., :1]], trunk)
