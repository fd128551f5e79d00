"""Sets of clips: their distance and its floor, how they move, and what a classifier sees in them."""

import numpy as np
import pytest

from keras_imgen.metrics import attributes_read, clip_distance, clip_features, motion
from keras_imgen.metrics.extractors import Extractor


class Means(Extractor):
    """The mean of each row of a picture, as its features."""

    def __init__(self):
        super().__init__("means", "0", (4, 4), 1, None)

    def __call__(self, images):
        return images.mean((2, 3)).astype("float32"), None


def walk(n=8, frames=5, step=(2, 1), size=64):
    """Clips of a texture that goes down and right by whole pixels."""
    ground = np.random.default_rng(0).integers(0, 256, (16, 16)).repeat(12, 0).repeat(12, 1).astype("uint8")
    places = [(40 - step[0] * f, 40 - step[1] * f) for f in range(frames)]
    clip = np.stack([ground[y : y + size, x : x + size] for y, x in places])[..., None]
    return np.repeat(clip[None], n, 0)


def test_features_are_the_mean_and_the_change():
    clips = np.random.default_rng(0).integers(0, 256, (3, 4, 5, 6, 1), "uint8")
    rows = clips.astype("float64").mean((3, 4))  # (N, F, 5)
    expected = np.concatenate([rows.mean(1), np.abs(np.diff(rows, axis=1)).mean(1)], 1)
    np.testing.assert_allclose(clip_features(clips, Means()), expected, rtol=1e-5)
    alone = clip_features(clips[:, :1], Means())
    np.testing.assert_allclose(alone[:, 5:], 0)


def test_distance_and_floor():
    rng = np.random.default_rng(0)
    make = lambda spread, n=400: np.clip(rng.normal(128, spread, (n, 3, 4, 4, 1)), 0, 255).astype("uint8")  # noqa: E731
    real = make(20)
    (name, same), (floor_name, floor) = clip_distance(real, make(20), Means()).items()
    other = clip_distance(real, make(60), Means())[name]
    assert "means@0" in name and "halves" in floor_name
    assert same < 3 * floor and other > 20 * floor
    assert clip_distance(real, real, Means())[name] == pytest.approx(0, abs=1e-6)


def test_motion_is_what_moves():
    found = motion(walk(2))
    np.testing.assert_allclose(found["down"], 2, atol=0.2)
    np.testing.assert_allclose(found["right"], 1, atol=0.2)
    np.testing.assert_allclose(found["flow"], 5**0.5, atol=0.25)
    still = motion(np.repeat(walk(1)[:, :1], 3, 1))
    assert still["flow"][0] < 0.01 and still["spread"][0] < 0.01
    with pytest.raises(ValueError, match="two frames"):
        motion(walk(1)[:, :1])


class Reader:
    """Reads the first pixel of each frame as its colour, and of the last frame as the action."""

    def predict_on_batch(self, clips):
        values = clips[:, :, 0, 0, 0]
        return {"colour": np.eye(4)[values], "action": np.eye(4)[values[:, -1]]}


def test_attributes_are_read_and_constant():
    clips = np.zeros((4, 3, 2, 2, 1), "uint8")
    clips[:, :, 0, 0, 0] = [[1, 1, 1], [2, 2, 2], [3, 3, 0], [0, 0, 0]]
    found = attributes_read(Reader(), clips, {"colour": [1, 2, 3, 1], "action": [1, 2, 3, 0], "other": [0] * 4}, 3)
    assert found == {"colour": 0.75, "action": 0.75, "constant": 0.75}
