import numpy as np
import pytest
from PIL import Image

from keras_imgen.data import save_video

FRAMES = np.random.default_rng(0).integers(0, 256, (5, 6, 7, 3), "uint8")


def test_gif(tmp_path):
    gray = np.tile(np.arange(0, 250, 50, dtype="uint8")[:, None, None, None], (1, 6, 7, 1))
    save_video(tmp_path / "a.gif", gray, fps=10, scale=2)
    with Image.open(tmp_path / "a.gif") as film:
        assert film.n_frames == 5 and film.size == (14, 12) and film.info["loop"] == 0 and film.info["duration"] == 100
        for k in range(5):
            film.seek(k)
            np.testing.assert_array_equal(np.array(film.convert("L")), np.full((12, 14), 50 * k))


def test_mp4(tmp_path):
    av = pytest.importorskip("av")
    smooth = np.tile(np.linspace(0, 200, 5).astype("uint8")[:, None, None, None], (1, 7, 9, 3))
    save_video(tmp_path / "a.mp4", smooth, scale=3)
    with av.open(str(tmp_path / "a.mp4")) as film:
        frames = [f.to_ndarray(format="rgb24") for f in film.decode(video=0)]
    assert len(frames) == 5 and frames[0].shape == (22, 28, 3)
    assert all(abs(f.mean() - s.mean()) < 4 for f, s in zip(frames, smooth))


def test_bad_films(tmp_path):
    with pytest.raises(ValueError, match="ends in .mp4"):
        save_video(tmp_path / "a.txt", FRAMES)
    with pytest.raises(ValueError, match="uint8 frames"):
        save_video(tmp_path / "a.gif", FRAMES.astype("float32"))
    assert not list(tmp_path.iterdir())
