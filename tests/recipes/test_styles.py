"""The recipes of style on a folder of photographs and paintings of one's own: from one line to a report and an export."""

import json
import os

import numpy as np
import pytest

from keras_imgen import load_model
from keras_imgen.data.image_io import save_image
from keras_imgen.recipes import get

pytestmark = [pytest.mark.tensorflow, pytest.mark.slow]
SMALL = {"epochs": 1, "batch": 2, "steps_per_epoch": 10, "width": 4}


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    """Three photographs and two paintings, noise of odd sizes; one of the paintings is smaller than what is learned from."""
    if not os.environ.get("KERAS_IMGEN_DATA"):
        pytest.skip("the weights of the classifiers lie under KERAS_IMGEN_DATA")
    place, rng = tmp_path_factory.mktemp("pictures"), np.random.default_rng(0)
    (place / "photos").mkdir()
    for name in ("photos/a.png", "photos/b.png", "photos/c.png", "p.png", "q.png"):
        low, high = (20, 32) if name == "q.png" else (110, 150)
        save_image(str(place / name), rng.integers(0, 256, (*rng.integers(low, high, 2), 3), "uint8"))
    return {"data": str(place / "photos"), "styles": f"{place / 'p.png'},{place / 'q.png'}"}


@pytest.mark.filterwarnings("error:Left out")
@pytest.mark.parametrize(
    ("name", "size", "own"),
    [
        ("photos-style-starry", 32, {"style_side": 64}),
        ("photos-style-eight", 32, {"style_side": 64}),
        ("photos-adain", 32, {}),
        ("photos-cut-ukiyoe", 32, {}),
        ("photos-style-vae", 32, {}),
    ],
)
def test_from_photographs_to_report(name, size, own, pictures, tmp_path):
    get(name)(str(tmp_path / "run"), **SMALL, size=size, **own, **pictures)
    rows = [json.loads(row) for row in (tmp_path / "run" / "metrics.jsonl").read_text().splitlines()]
    assert len(rows) == 1 and np.isfinite(list(rows[0].values())).all()
    assert (tmp_path / "run" / "saved_model" / "saved_model.pb").exists()
    report = (tmp_path / "run" / "report.md").read_text()
    model = load_model(str(tmp_path / "run" / "model.keras"))
    picture = np.zeros((40, 56, 3), "uint8")
    if name.startswith("photos-style-") and name != "photos-style-vae":
        assert model.num_styles == 2 and model.stylize(picture, 1).shape == picture.shape
    if "vae" not in name and "cut" not in name:
        assert "style distance" in report


def test_two_photographs_are_needed(pictures, tmp_path):
    (tmp_path / "one").mkdir()
    save_image(str(tmp_path / "one" / "a.png"), np.zeros((40, 40, 3), "uint8"))
    with pytest.raises(ValueError, match="at least 2 photographs"):
        get("photos-adain")(str(tmp_path / "run"), data=str(tmp_path / "one"))
