"""`keras-imgen edit`: by an instruction, by finding, by a mask; what is outside the mask stays."""

import keras
import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from keras_imgen import models, networks
from keras_imgen.cli import app
from keras_imgen.editing import text
from keras_imgen.text import Text, Tokenizer

pytestmark = pytest.mark.one_backend
TEXT = Text(Tokenizer.of(["make it white"]))


def saved(path, **takes):
    keras.utils.set_random_seed(0)
    network = networks.unet((8, 8, 3), (8,), 1, (), vector_dim=8, **takes)
    network = networks.TextConditioned(network, networks.text_encoder(TEXT, 8, 1, 2), TEXT)
    models.Diffusion(network, steps=1).save(path)
    return str(path)


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder, rng = tmp_path_factory.mktemp("edit"), np.random.default_rng(0)
    (folder / "pictures" / "below").mkdir(parents=True)
    for name, size in (("a.png", (8, 8)), ("below/b.jpg", (13, 9))):
        Image.fromarray(rng.integers(0, 256, (*size, 3), "uint8")).save(folder / "pictures" / name)
    mask = np.zeros((8, 8), "uint8")
    mask[2:5, 3:6] = 255
    Image.fromarray(mask).save(folder / "mask.png")
    saved(folder / "told.keras", source_channels=3)
    saved(folder / "texts.keras")
    return folder


def run(place, model, *words):
    return CliRunner().invoke(
        app, ["edit", str(place / model), str(place / "pictures"), "--out", str(place / "out"), *words]
    )


def test_by_an_instruction(place):
    found = run(place, "told.keras", "--make", "make it white", "--set", "image_guidance_scale=1.5", "--overwrite")
    assert found.exit_code == 0 and "2 pictures" in found.output, found.output
    a, b = (Image.open(place / "out" / name) for name in ("a.png", "below/b.png"))
    assert a.size == b.size == (8, 8) and a.text["caption"] == "make it white" and b.text["seed"] == "1"
    again = run(place, "told.keras", "--make", "make it white")
    assert again.exit_code == 1 and "--overwrite" in again.output


def test_nothing_found_is_said(place, monkeypatch):
    """A picture in which nothing was found is no edited one."""
    inside = np.zeros((2, 8, 8), bool)
    monkeypatch.setattr(text, "segment", lambda *given, **how: inside)
    words = "--find", "it", "--make", "white", "--overwrite"
    found = run(place, "texts.keras", *words)
    assert found.exit_code == 1 and "looks like 'it'" in found.output, found.output
    inside[1, 2:5] = True
    with pytest.warns(UserWarning, match="a.png: copied as it is"):
        assert run(place, "texts.keras", *words).exit_code == 0


def test_outside_a_mask_all_stays(place):
    words = "--make", "white", "--mask", str(place / "mask.png"), "--overwrite", "--set", "how=cut"
    picture, out = str(place / "pictures" / "a.png"), str(place / "out")
    found = CliRunner().invoke(app, ["edit", str(place / "texts.keras"), picture, "--out", out, *words])
    assert found.exit_code == 0, found.output
    found = run(place, "texts.keras", *words)
    assert found.exit_code == 1 and "9x13, got 8x8" in found.output
    before, after = (np.asarray(Image.open(place / name)) for name in ("pictures/a.png", "out/a.png"))
    changed, mask = (before != after).any(-1), np.asarray(Image.open(place / "mask.png")) > 0
    assert changed.any() and not (changed & ~mask).any()


def test_refusals(place, tmp_path):
    for model, words, said in (
        ("told.keras", ["--find", "it"], "in one sentence"),
        ("texts.keras", [], "expected --find"),
        ("texts.keras", ["--find", "it", "--mask", str(place / "mask.png")], "expected --find"),
    ):
        found = CliRunner().invoke(
            app,
            ["edit", str(place / model), str(place / "pictures"), "--make", "x", "--out", str(tmp_path / "o"), *words],
        )
        assert found.exit_code == 1 and said in found.output and not (tmp_path / "o").exists()
