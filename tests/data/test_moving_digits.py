"""Two digits that bounce."""

import gzip

import numpy as np
import pytest

from keras_imgen.data import load
from keras_imgen.data.sources import Request, find
from keras_imgen.data.sources.moving_digits import COUNTS


@pytest.fixture
def lights(tmp_path):
    """A folder with 1,000 scans in the form of MNIST's, each with one lit pixel in its middle, whose brightness is its hundred."""
    scans = np.zeros((1000, 28, 28), "uint8")
    scans[:, 14, 14] = 100 + np.arange(1000) // 100
    shown = (np.arange(1000) % 10).astype("uint8")
    for name, kind, a in (("images-idx3", 3, scans), ("labels-idx1", 1, shown)):
        head = bytes([0, 0, 8, kind]) + b"".join(n.to_bytes(4) for n in a.shape)
        (tmp_path / f"t10k-{name}-ubyte.gz").write_bytes(gzip.compress(head + a.tobytes()))
    return str(tmp_path)


def test_they_go_straight_and_bounce(lights):
    clips = find("moving_digits", Request("train", data_dir=lights, frames=90)).fetch(np.arange(8))["clip"]
    assert clips.shape == (8, 90, 64, 64, 1) and clips.dtype == np.uint8
    for clip in clips:
        lit = [np.argwhere(frame[..., 0] > 50) for frame in clip]
        both = [points for points in lit if len(points) == 2]
        assert len(both) > 60
        where = np.concatenate(both)
        assert 14 <= where.min() <= 16 and 48 <= where.max() <= 50  # whole digits, up to the edges
    steps = [np.abs(np.diff(np.array([np.argwhere(f[..., 0] > 50).mean(0) for f in c[:4]]), axis=0)) for c in clips]
    assert max(s.max() for s in steps) <= 3.6 + 1


def test_scans_are_apart_by_split(lights):
    seen = {}
    for split in COUNTS:
        clips = find("moving_digits", Request(split, data_dir=lights)).fetch(np.arange(60))
        seen[split] = {int(v) - 100 for image in clips["image"] for v in image[image > 90]}
    assert seen == {"train": {*range(8)}, "validation": {8}, "test": {9}}


def test_a_clip_is_the_same_again_and_however_long(lights):
    found = find("moving_digits", Request("test", data_dir=lights, frames=20))
    again, short = found.fetch(np.array([5, 3])), find("moving_digits", Request("test", data_dir=lights, frames=4))
    np.testing.assert_array_equal(again["clip"][0], found.fetch(np.array([5]))["clip"][0])
    np.testing.assert_array_equal(again["clip"][1, :4], short.fetch(np.array([3]))["clip"][0])
    np.testing.assert_array_equal(again["image"], again["clip"][:, 0])
    assert not np.array_equal(again["clip"][0], again["clip"][1])


@pytest.mark.tensorflow
def test_load_without_mnist(monkeypatch):
    monkeypatch.delenv("KERAS_IMGEN_DATA", raising=False)
    batch = next(iter(load("moving_digits", size=48, frames=3, batch=5, channels=3, shuffle=False)))
    assert batch["clip"].shape == (5, 3, 48, 48, 3) and batch["digits"].shape == (5, 2)
    assert (
        100 < np.max(batch["clip"]) and (np.asarray(batch["clip"])[..., 0] == np.asarray(batch["clip"])[..., 1]).all()
    )
    with pytest.raises(ValueError, match="32 to 128 pixels, got size 16x16"):
        load("moving_digits", size=16)
    with pytest.raises(ValueError, match="`frames` as a whole number of at least 1"):
        load("moving_digits", frames=0)
