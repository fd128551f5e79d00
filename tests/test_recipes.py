"""The recipes run from data to report; those for photographs on a few in the place of the real ones."""

import json
import os
import zipfile

import numpy as np
import pytest
from skimage import data

from keras_imgen.data import clips, load
from keras_imgen.data.image_io import save_image
from keras_imgen.recipes import RECIPES, get

pytestmark = pytest.mark.tensorflow


@pytest.fixture
def photographs(tmp_path, monkeypatch):
    """T91 and BSDS500 in their places, with two pictures each; and the true weights of the perceptual loss, where they are."""
    folder, real = tmp_path / "data", os.environ.get("KERAS_IMGEN_DATA")
    folder.mkdir()
    if real and os.path.isdir(os.path.join(real, "weights")):
        (folder / "weights").symlink_to(os.path.abspath(os.path.join(real, "weights")))
    names = {
        "t91/t91.zip": [""],
        "bsds500/bsds500_train200_val100.zip": ["train/", "val/"],
        "bsds500/bsds500_test200.zip": ["test/"],
    }
    for name, below in names.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        with zipfile.ZipFile(folder / name, "w") as archive:
            for k, place in enumerate(below):
                for j, image in enumerate((data.astronaut()[:256, :300], data.chelsea()[:260, :256])):
                    save_image(str(tmp_path / "x.png"), np.roll(image, 40 * k, 1))
                    archive.write(tmp_path / "x.png", f"{place}{j}.png")
    monkeypatch.setenv("KERAS_IMGEN_DATA", str(folder))


def run(name, tmp_path):
    out = tmp_path / "run"
    line = get(name)(str(out), epochs=1, batch=2, steps_per_epoch=2)
    assert line.startswith("keras-imgen restore") and (out / "report.md").exists() and (out / "grid.png").exists()
    assert (out / "saved_model" / "saved_model.pb").exists() and not (out / "backup").exists()
    (log,) = [json.loads(row) for row in (out / "metrics.jsonl").read_text().splitlines()]
    assert np.isfinite(log["loss"])


@pytest.mark.slow
def test_super_resolution(photographs, tmp_path):
    run("photos-sr-x3", tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("name", [n for n in RECIPES if n.startswith("photos-") and n != "photos-sr-x3"])
def test_every_recipe_of_photographs(name, photographs, tmp_path):
    if name == "photos-srgan-x4" and not (tmp_path / "data" / "weights").exists():
        pytest.skip("its loss needs SqueezeNet's weights below KERAS_IMGEN_DATA")
    run(name, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("name", [n for n in RECIPES if n.split("-")[0] not in ("art", "photos", "cifar10", "flowers")])
def test_every_other_recipe(name, tmp_path):
    if name.startswith("fashion-"):
        try:
            load("fashion_mnist")
        except FileNotFoundError as error:
            pytest.skip(str(error))
    if name.startswith("clips-"):
        try:
            clips("clips:validation")
        except FileNotFoundError as error:
            pytest.skip(str(error))
    get(name)(str(tmp_path / "run"), epochs=1, batch=16, steps_per_epoch=2)
    rows = (tmp_path / "run" / "metrics.jsonl").read_text().splitlines()
    assert len(rows) == 1 and np.isfinite(list(json.loads(rows[0]).values())).all()
    assert (tmp_path / "run" / "report.md").exists() and (tmp_path / "run" / "model.keras").exists()
