"""`load("clips:FOLDER")`: windows of films, drawn by seed, never over a cut."""

import numpy as np
import pytest

from keras_imgen.data import FilmWriter, describe, load
from keras_imgen.data.sources import Request, find

pytest.importorskip("av")
RNG = np.random.default_rng(0)
SHOTS = [40, 31, 29]  # frames


def shot(which, count, height=48, width=64):
    """Its own texture; the first column of blocks tells the frame: how bright the upper and the lower half are."""
    texture = np.random.default_rng(which).integers(60, 250, (6, 8, 3)).astype("uint8").repeat(8, 0).repeat(8, 1)
    return np.repeat(texture[None, :height, :width], count, 0)


def numbered(count, shots, which=0):
    frames = np.concatenate([shot(which * 10 + k, n) for k, n in enumerate(shots)])[:count]
    frames[:, :24, :8], frames[:, 24:, :8] = (
        np.broadcast_to(v[:, None, None, None], (len(frames), 24, 8, 3))
        for v in (2 * np.arange(len(frames)) % 256, np.full(len(frames), 16 * which))
    )
    return frames.astype("uint8")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("films")
    for k, name in enumerate(("a.mkv", "b.mp4", "frames/c")):
        (folder / name).parent.mkdir(exist_ok=True)
        with FilmWriter(folder / name, rate=25) as out:
            for frame in numbered(100, SHOTS, k):
                out.write(frame)
    return folder


def test_clips_are_runs_within_a_shot(folder):
    found = find(f"clips:{folder}", Request("train", frames=8, stride=3))
    assert found.count == 3 * (100 // 22) and found.shape == (48, 64, 3)
    batch = found.fetch(np.arange(found.count))
    numbers = np.round(batch["clip"][:, :, 4:20, 2:6].mean((2, 3, 4)) / 2)
    film = np.round(batch["clip"][:, :, 28:44, 2:6].mean((2, 3, 4)) / 16)
    assert (np.abs(numbers - numbers[:, :1] - np.arange(0, 24, 3)) <= 2).all()  # H.264 is no more exact
    assert (film == np.arange(3).repeat(4)[:, None]).all()
    of_shot = np.searchsorted(np.cumsum(SHOTS), numbers, "right")
    assert (of_shot == of_shot[:, :1]).all() and {*of_shot[:, 0]} == {0, 1, 2}
    np.testing.assert_array_equal(batch["image"], batch["clip"][:, 0])


def test_a_clip_is_a_function_of_seed_and_row(folder):
    first, again, other = (find(f"clips:{folder}", Request("train", frames=4, seed=s)) for s in (0, 0, 1))
    rows = np.array([7, 2])
    a, b, c = first.fetch(rows)["clip"], again.fetch(rows[::-1])["clip"][::-1], other.fetch(rows)["clip"]
    np.testing.assert_array_equal(a, b)
    assert not np.array_equal(a, c)


@pytest.mark.tensorflow
def test_load(folder):
    batch = next(iter(load(f"clips:{folder}", size=24, frames=4, stride=2, batch=5, seed=3)))
    assert batch["clip"].shape == (5, 4, 24, 24, 3) and describe(f"clips:{folder}", frames=3).keys == ("image", "clip")
    with pytest.raises(ValueError, match="shapes has every frame of its clips: expected `stride` of 1, got 2"):
        load("shapes", frames=3, stride=2)


def test_what_is_wrong_is_named(tmp_path, folder):
    with pytest.raises(FileNotFoundError, match="There is no folder"):
        find("clips:/nowhere/at/all", Request("train", frames=2))
    (tmp_path / "damaged.mp4").write_bytes(RNG.bytes(999))
    (tmp_path / "notes.txt").write_text("hello")
    with (
        pytest.warns(UserWarning, match="damaged.mp4 cannot be read as a film"),
        pytest.raises(ValueError, match="no films"),
    ):
        find(f"clips:{tmp_path}", Request("train", frames=2))
    for name, count in (("a.mkv", 5), ("b.mkv", 12)):
        with FilmWriter(tmp_path / name, rate=25) as out:
            for frame in numbered(count, [4, 4, 4]):
                out.write(frame)
    with pytest.warns(UserWarning, match=r"skipped 2 of 3 files. .*a.mkv has 5 frames, fewer than 6"):
        found = find(f"clips:{tmp_path}", Request("train", frames=6))
    assert len(found.skipped) == 2
    with pytest.raises(ValueError, match="b.mkv: in 50 draws no 6 frames without a cut: ask for shorter clips"):
        found.fetch(np.arange(1))
