"""Pictures keep their pixels above their captions."""

import numpy as np
import pytest

from keras_imgen.data.captioned_grid import captioned_grid, told_film, told_grid
from keras_imgen.data.image_io import make_grid
from keras_imgen.text import Text, Tokenizer


def test_pictures_stand_above_their_captions():
    images = np.random.default_rng(0).integers(0, 256, (3, 40, 50, 3), "uint8")
    grid = captioned_grid(images, ["a", "", "a text that is longer than a line of the grid can hold " * 2], 2)
    cells = [grid[2:122, 2:152], grid[2:122, 154:304]]  # three pixels for one, to be 128 wide at least
    for image, cell in zip(images, cells):
        np.testing.assert_array_equal(cell, image.repeat(3, 0).repeat(3, 1))
    below = grid[122 : len(grid) // 2]
    assert (below[:, 2:152] < 128).any() and (below[:, 154:304] == 255).all()  # "a", and nothing
    plain = captioned_grid(images[..., :1].repeat(10, 2), ["é 中 👍\n\x00"] * 3)
    assert plain.shape[-1] == 3 and plain.dtype == np.uint8
    with pytest.raises(ValueError, match="2 for 3"):
        captioned_grid(images, ["a", "b"])


def test_what_a_model_was_told_stands_below():
    images = np.random.default_rng(0).integers(0, 256, (4, 16, 16, 3), "uint8")
    pairs = np.concatenate([images, images[::-1]], 2)
    shown = {"source": images, "sample": images[::-1]}
    text = Text(Tokenizer.of(["a red star"]), prompts=("star", "a red star"))
    said = np.array([b"red", b"a star"])
    found = [
        told_grid(shown, (text,), {"caption": said}, 2),
        told_grid(shown, (text,), {}, 2),
        told_grid(shown, (text,), {"caption": np.zeros((4, 3), "int32")}, 2),
        told_grid(shown, (), {}, 2),
    ]
    wanted = [captioned_grid(pairs, words * 2, 2) for words in (["red", "a star"], ["star", "a red star"])]
    for a, b in zip(found, [*wanted, *[make_grid(pairs, 2)] * 2]):
        np.testing.assert_array_equal(a, b)


def test_clips_play_in_a_grid():
    """Shorter ones stand still at their end; of pictures alone there is no film."""
    rng = np.random.default_rng(0)
    long, short = (rng.integers(0, 256, (4, n, 6, 6, 1), "uint8") for n in (3, 2))
    film = told_film({"clip": long, "answer": short}, (), {})
    assert len(film) == 3
    for k in range(3):
        expected = told_grid({"clip": long[:, k], "answer": short[:, min(k, 1)]}, (), {})
        np.testing.assert_array_equal(film[k], expected)
    assert told_film({"image": long[:, 0]}, (), {}) is None
