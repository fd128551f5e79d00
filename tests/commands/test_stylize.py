"""`keras-imgen stylize`: by models, without learning, by optimisation; colours and places that are kept; what is refused."""

import functools

import keras
import numpy as np
import pytest
import typer
from PIL import Image
from typer.testing import CliRunner

from keras_imgen import models, networks
from keras_imgen.cli import app
from keras_imgen.editing import style
from keras_imgen.recipes.run import COMMANDS

pytestmark = pytest.mark.one_backend
RNG = np.random.default_rng(0)


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("stylize")
    keras.utils.set_random_seed(0)
    for name, kind, how in (("fast", models.FastStyle, {"num_styles": 2}), ("any", models.ArbitraryStyle, {})):
        model = kind(networks.adain_encoder(None), networks.adain_decoder(width=4, blocks=1), ema=None, **how)
        for v in model.decoder.trainable_variables:
            v.assign(np.random.default_rng(1).normal(0, 0.2, v.shape))
        model.save(folder / f"{name}.keras")
    (folder / "photos").mkdir()
    Image.fromarray(RNG.integers(0, 256, (40, 47, 3), "uint8")).save(folder / "photos" / "a.png")
    Image.fromarray(RNG.integers(0, 256, (33, 36, 4), "uint8")).save(folder / "photos" / "b.png")
    Image.fromarray(RNG.integers(0, 256, (40, 47), "uint8")).save(folder / "gray.png")
    for k, colour in enumerate(((200, 40, 40), (30, 60, 220))):
        noise = RNG.integers(-25, 26, (50, 44, 3))
        Image.fromarray(np.clip(np.array(colour) + noise, 0, 255).astype("uint8")).save(folder / f"style{k}.png")
    mask = np.zeros((40, 47), "uint8")
    mask[8:30, 10:40] = 255
    Image.fromarray(mask).save(folder / "mask.png")
    return folder


def run(place, *words):
    words = [str(place / w) if (place / w.split(",")[0]).exists() and "," not in w else w for w in words]
    words = [",".join(str(place / p) for p in w.split(",")) if w.startswith("style0.png,") else w for w in words]
    return CliRunner().invoke(app, ["stylize", *words, "--out", str(place / "out"), "--overwrite"])


def read(place, name):
    return np.asarray(Image.open(place / "out" / name))


def test_by_models(place):
    found = run(
        place, "any.keras", "photos", "style0.png,style1.png", "--weights", "1,3", "--alpha", "0.5", "--compare"
    )
    assert found.exit_code == 0 and "2 pictures" in found.output, found.output
    assert read(place, "a.png").shape == (40, 47, 3) and read(place, "compare/a.png").shape == (40, 94, 3)
    given = np.asarray(Image.open(place / "photos" / "b.png"))
    np.testing.assert_array_equal(read(place, "b.png")[..., 3], given[..., 3])
    about = Image.open(place / "out" / "a.png").text
    assert about["alpha"] == "0.5" and about["from"] == "a.png"
    answers = []
    for styles in ("0", "1", "0,1"):
        assert run(place, "fast.keras", "gray.png", styles).exit_code == 0
        answers.append(read(place, "gray.png"))
    assert all(a.shape == (40, 47, 3) for a in answers) and (answers[0] != answers[1]).any()


def test_without_a_model(place):
    assert run(place, "--classical", "reinhard", "photos", "style0.png").exit_code == 0
    red = read(place, "a.png").reshape(-1, 3).mean(0)
    assert red[0] > red[2] + 60
    assert run(place, "--classical", "reinhard", "photos/a.png", "style0.png", "--alpha", "0").exit_code == 0
    np.testing.assert_array_equal(read(place, "a.png"), np.asarray(Image.open(place / "photos" / "a.png")))
    assert run(place, "--classical", "pencil-sketch", "photos/a.png").exit_code == 0


def test_by_optimisation(place, monkeypatch):
    seen = {}

    def stylize(picture, styles, **how):
        seen.update(how, styles=len(styles))
        return 255 - picture

    monkeypatch.setattr(style, "stylize", functools.wraps(style.stylize)(stylize))
    monkeypatch.setattr(networks, "style_trunk", lambda name: name)
    more = "--set", "steps=7", "--set", "content_layers=1,3", "--set", "terms=histogram"
    found = run(place, "--optimise", "gray.png", "style0.png", *more, "--alpha", "0.5")
    assert found.exit_code == 0, found.output
    told = {"weights": None, "style_weight": 0.5, "steps": 7, "styles": 1, "trunk": "squeezenet"}
    assert seen == {**told, "content_layers": [1, 3], "terms": ["histogram"]}
    gray = np.asarray(Image.open(place / "gray.png"))
    np.testing.assert_array_equal(read(place, "gray.png"), 255 - np.repeat(gray[..., None], 3, -1))


def test_what_is_kept(place):
    picture = np.asarray(Image.open(place / "photos" / "a.png"))
    mask = np.asarray(Image.open(place / "mask.png")) > 0
    assert run(place, "--classical", "histogram", "photos/a.png", "style1.png", "--mask", "mask.png").exit_code == 0
    made = read(place, "a.png")
    np.testing.assert_array_equal(made[~mask], picture[~mask])
    assert (made[mask] != picture[mask]).any()
    assert run(place, "--classical", "pencil-sketch", "photos/a.png", "--keep-colours").exit_code == 0
    colours = read(place, "a.png").astype(int)
    assert (colours.max(-1) - colours.min(-1)).mean() > 20  # a sketch has none of its own


@pytest.mark.parametrize(
    "words, message",
    [
        (["photos"], "MODEL PICTURES STYLE"),
        (["any.keras", "photos"], "a picture of the style"),
        (["fast.keras", "photos", "2"], "0..1"),
        (["fast.keras", "photos", "style0.png"], "has learned 2 styles"),
        (["--classical", "nothing", "photos", "style0.png"], "reinhard"),
        (["--classical", "reinhard", "photos"], "a picture of the style"),
        (["--classical", "reinhard", "photos", "style0.png,style1.png"], "one style"),
        (["--optimise", "photos", "style0.png", "--set", "colour=1"], "content_weight"),
        (["--optimise", "--classical", "reinhard", "photos"], "got both"),
        (["any.keras", "photos", "style0.png", "--set", "steps=3"], "only --optimise"),
        (["any.keras", "photos", "style0.png", "--alpha", "2"], "--alpha"),
        (["any.keras", "photos", "style0.png", "--weights", "a"], "--weights"),
        (["--classical", "reinhard", "photos", "missing.png"], "missing.png"),
    ],
)
def test_what_is_refused(place, words, message):
    found = run(place, *words)
    assert found.exit_code == 1 and message in " ".join(found.output.split()), found.output


def test_a_mask_of_another_size_is_named(place):
    found = run(place, "--classical", "reinhard", "photos", "style0.png", "--mask", "mask.png")
    assert found.exit_code == 1 and "b.png: Expected a mask of the picture's size" in found.output
    assert "1 picture in" in found.output


def test_reports_name_commands_that_are_there():
    assert set(COMMANDS) <= set(typer.main.get_command(app).commands)
