"""The command restore: whatever lies in a folder goes through, and what cannot is named."""

import os

import keras
import numpy as np
import pytest
from keras import layers
from PIL import Image
from typer.testing import CliRunner

from keras_imgen.cli import app
from keras_imgen.commands import restoring
from keras_imgen.data.image_io import load_image, save_image
from keras_imgen.models import Denoiser, Inpainter, SuperResolution
from keras_imgen.networks import ffdnet, inpainting_unet

RNG = np.random.default_rng(0)


@pytest.fixture(scope="module")
def enlarger(tmp_path_factory):
    """Enlarges by 2, by nearest neighbour: its answers are known."""
    network = keras.Sequential([keras.Input((None, None, 3)), layers.UpSampling2D(2, dtype="float32")])
    path = tmp_path_factory.mktemp("model") / "enlarger.keras"
    model = SuperResolution(network, 2, consistent=False)
    model.save(path)
    return str(path)


def run(*arguments):
    return CliRunner().invoke(app, ["restore", *map(str, arguments)])


def twice(x):
    return x.repeat(2, 0).repeat(2, 1)


def test_everything_in_a_folder(enlarger, tmp_path, monkeypatch):
    from keras_imgen.data import image_io

    monkeypatch.setattr(image_io, "MAX_PIXELS", 5000)
    folder = tmp_path / "in"
    (folder / "below").mkdir(parents=True)
    colour = RNG.integers(0, 256, (9, 13, 3)).astype("uint8")
    deep = RNG.integers(0, 65536, (6, 5, 3)).astype("uint16")
    with_alpha = np.dstack([colour, np.full((9, 13), 255, "uint8")])
    save_image(str(folder / "colour.png"), colour)
    save_image(str(folder / "gray.png"), colour[..., :1])
    save_image(str(folder / "deep.png"), deep)
    save_image(str(folder / "alpha.png"), with_alpha)
    save_image(str(folder / "below" / "tiny.png"), colour[:1, :1])
    Image.fromarray(colour).convert("P").save(folder / "palette.gif")
    Image.fromarray(colour).save(folder / "colour.bmp")
    (tmp_path / "out").mkdir()
    (folder / "broken.jpg").write_bytes(b"\xff\xd8\xff nothing")
    save_image(str(folder / "huge.png"), np.zeros((80, 90, 3), "uint8"))
    (folder / "notes.txt").write_text("not a picture")
    done = run(enlarger, folder, "-o", tmp_path / "out", "--compare")
    assert done.exit_code == 1 and "7 pictures" in done.output and "2 could not" in done.output
    assert "broken.jpg" in done.output and "huge.png: " in done.output and "5,000" in done.output
    out = tmp_path / "out"
    names = {str(p.relative_to(out)) for p in out.rglob("*.png") if "compare" not in str(p.relative_to(out))}
    assert names == {
        *("colour.png.png", "colour.bmp.png", "gray.png", "deep.png", "alpha.png", "below/tiny.png", "palette.png")
    }
    read = lambda name: load_image(str(out / name), keep_depth=True)  # noqa: E731
    np.testing.assert_array_equal(read("colour.png.png"), twice(colour))
    np.testing.assert_array_equal(read("gray.png"), twice(colour[..., :1]))
    np.testing.assert_array_equal(read("deep.png"), twice(deep))
    np.testing.assert_array_equal(read("alpha.png"), twice(with_alpha))
    assert read("below/tiny.png").shape == (2, 2, 3)
    both = load_image(str(out / "compare" / "colour.png.png"))
    np.testing.assert_array_equal(both, np.concatenate([twice(colour), twice(colour)], 1))
    assert load_image(str(out / "compare" / "deep.png")).dtype == np.uint8


def test_what_is_passed_over_and_other_frames_are_said(enlarger, tmp_path):
    """Names as long as they may be, a .mpo, animations; what is no picture by its name; hidden files need no word."""
    folder, out = tmp_path / "in", tmp_path / "out"
    folder.mkdir()
    frames = [Image.fromarray(np.full((4, 5, 3), 50 * k, "uint8")) for k in range(4)]
    names = ["x" * 251 + ".png", "ü" * 125 + ".jpeg", "pair.mpo", "film.gif", "film.webp", "pages.tif"]
    for name in names:
        several = {} if len(name) > 20 else {"save_all": True, "append_images": [f.copy() for f in frames[1:]]}
        frames[0].copy().save(folder / name, **several)
    for name in ("notes.txt", "clip.mp4", ".hidden.txt"):
        (folder / name).write_text("no picture")
    with pytest.warns(UserWarning) as caught:
        files = restoring.find([str(folder)], str(out))
        model = keras.saving.load_model(enlarger)
        answers = list(
            restoring.answered(lambda image, *_: model.restore(image), {"model": model.name}, files, str(out))
        )
    assert sorted(answers) == sorted((str(folder / name), None) for name in names)
    said = [str(w.message) for w in caught]
    assert said[0].startswith(f"{folder}: skipped 2 of 8 files. clip.mp4 ") and "notes.txt" in said[0]
    words = {"film.gif": "frames", "film.webp": "frames", "pages.tif": "pages", "pair.mpo": "pictures"}
    assert sorted(said[1:]) == [
        f"{folder / name}: the first of its 4 {words[name]} is taken." for name in sorted(words)
    ]
    assert sorted(os.listdir(out)) == sorted(
        ["x" * 251 + ".png", "ü" * 125 + ".png", "pair.png", "film.gif.png", "film.webp.png", "pages.png"]
    )


def test_answers_with_names_that_would_be_too_long_are_cut(tmp_path):
    for name in ("y" * 251 + ".png", "y" * 252 + ".im"):
        save_image(str(tmp_path / "a.png"), np.zeros((4, 4, 3), "uint8"))
        (tmp_path / "a.png").rename(tmp_path / name)
    assert list(restoring.find([str(tmp_path / ("y" * 252 + ".im"))])) == ["y" * 251 + ".png"]
    with pytest.raises(ValueError, match="same name"):
        restoring.find([str(tmp_path)])


def test_names_that_some_file_systems_take_for_one(tmp_path, monkeypatch):
    for name in ("a.jpg", "A.png", "b\u00fc.png", "bu\u0308.jpg"):
        (tmp_path / name).write_bytes(b"")
    for system in ("linux", "darwin"):
        monkeypatch.setattr("sys.platform", system)
        found = restoring.find([str(tmp_path)])
        assert sorted(found) == sorted(["a.jpg.png", "A.png.png", "b\u00fc.png.png", "bu\u0308.jpg.png"])
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "A.jpg").write_bytes(b"")
    with pytest.raises(ValueError, match="same name"):
        restoring.find([str(tmp_path / "a.jpg"), str(tmp_path / "other")])


def test_comparisons_take_the_place_of_no_answer(enlarger, tmp_path):
    (tmp_path / "in" / "compare").mkdir(parents=True)
    for name in ("x.png", "compare/x.png"):
        save_image(str(tmp_path / "in" / name), np.zeros((4, 4, 3), "uint8"))
    done = run(enlarger, tmp_path / "in", "-o", tmp_path / "out", "--compare")
    assert done.exit_code == 1 and "compare/x.png" in done.output and not (tmp_path / "out").exists()
    assert run(enlarger, tmp_path / "in", "-o", tmp_path / "out").exit_code == 0


def test_files_and_globs(enlarger, tmp_path):
    for name in ("a1.png", "a2.png", "b.png"):
        save_image(str(tmp_path / name), np.zeros((4, 4, 3), "uint8"))
    assert run(enlarger, tmp_path / "a*.png", tmp_path / "b.png", "-o", tmp_path / "out").exit_code == 0
    assert len(list((tmp_path / "out").iterdir())) == 3
    again = run(enlarger, tmp_path / "b.png", "-o", tmp_path / "out")
    assert again.exit_code == 1 and "--overwrite" in again.output
    assert run(enlarger, tmp_path / "b.png", "-o", tmp_path / "out", "--overwrite").exit_code == 0
    missing = run(enlarger, tmp_path / "c*.png", "-o", tmp_path / "out")
    assert missing.exit_code == 1 and "c*.png" in missing.output
    (tmp_path / "other").mkdir()
    save_image(str(tmp_path / "other" / "b.png"), np.zeros((4, 4, 3), "uint8"))
    with pytest.raises(ValueError, match="same name"):
        restoring.find([str(tmp_path / "b.png"), str(tmp_path / "other" / "b.png"), str(tmp_path / "other")])


def black(path, size=(4, 4)):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size).save(path)


def test_answers_are_not_taken_for_pictures(tmp_path, monkeypatch):
    """What a shell makes of *, globs, a folder into itself."""
    monkeypatch.chdir(tmp_path)
    for name in ("a.jpg", "sub/b.png", "out/a.png", "out/sub/b.png", "out/compare/a.png"):
        black(tmp_path / name)
    assert restoring.find(["a.jpg", "out", "sub"], "out") == {"a.png": "a.jpg", "b.png": "sub/b.png"}
    assert set(restoring.find(["**/*.*"], "out").values()) == {"a.jpg", "sub/b.png"}
    assert set(restoring.find(["."], "out").values()) == {"./a.jpg", "./sub/b.png"}
    assert restoring.find(["sub/*.png"], ".") == {"b.png": "sub/b.png"}
    for given in (["out"], ["./out", "out"]):
        with pytest.raises(ValueError, match="would lie among the pictures"):
            restoring.find(given, "out")
    for given in (["out/a.png"], ["out/*.png"]):
        with pytest.raises(ValueError, match="out/a.png is where its answer would be"):
            restoring.find(given, "out")
    assert list(restoring.find(["out"], None)) == ["a.png", "compare/a.png", "sub/b.png"]


def test_names_of_other_encodings_stay_apart(tmp_path):
    for name in (b"M\xe4rz.jpg", b"M\xf6rz.jpg"):
        black(tmp_path / os.fsdecode(name))
    assert sorted(map(os.fsencode, restoring.find([str(tmp_path)]))) == [b"M\xe4rz.png", b"M\xf6rz.png"]


def test_our_own_answers_may_be_larger_than_pictures(tmp_path, monkeypatch):
    from keras_imgen.commands import comparing
    from keras_imgen.data import image_io

    black(tmp_path / "a.png")
    black(tmp_path / "out" / "a.png", (20, 20))
    files = restoring.find([str(tmp_path / "a.png")], str(tmp_path / "out"))
    monkeypatch.setattr(image_io, "MAX_PIXELS", 100)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    assert restoring.unfinished(files, str(tmp_path / "out")) == {}
    pairs = [(str(tmp_path / "a.png"), str(tmp_path / "out" / "a.png"))]
    assert comparing.page(str(tmp_path / "p.html"), pairs, 1) == 1
    with pytest.warns(UserWarning, match="gone.png is not on the page"):
        assert comparing.page(str(tmp_path / "p.html"), [(str(tmp_path / "gone.png"), pairs[0][1]), *pairs], 2) == 1


def test_a_link_to_nothing_is_one_picture_that_failed(enlarger, tmp_path):
    black(tmp_path / "in" / "a.png")
    black(tmp_path / "in" / "b.png")
    assert run(enlarger, tmp_path / "in", "-o", tmp_path / "out").exit_code == 0
    (tmp_path / "in" / "a.png").unlink()
    (tmp_path / "in" / "a.png").symlink_to(tmp_path / "gone.png")
    with pytest.warns(UserWarning, match="a.png is not on the page"):
        done = run(enlarger, tmp_path / "in", "-o", tmp_path / "out", "--resume", "--compare")
    assert done.exit_code == 1 and "a.png: No such file" in done.output and "1 of 2 are there" in done.output


def test_every_answer_has_its_comparison(enlarger, tmp_path):
    """Of pictures of one stem, and of those that were finished without."""
    for name in ("a.jpg", "a.png", "b.png"):
        black(tmp_path / "in" / name)
    given = (enlarger, tmp_path / "in", "-o", tmp_path / "out", "--format", "same")
    assert run(*given).exit_code == 0
    for more in (("--resume",), ("--overwrite",)):
        assert run(*given, "--compare", *more).exit_code == 0
        names = {"a.jpg.png", "a.png", "b.png", "index.html"}
        assert set(os.listdir(tmp_path / "out" / "compare")) == names
    (tmp_path / "out" / "compare" / "b.png").unlink()
    done = run(*given, "--compare", "--resume")
    assert "3 of 3" in done.output and load_image(tmp_path / "out" / "compare" / "b.png").shape == (8, 16, 3)


def test_noise_levels_and_masks(tmp_path):
    picture = RNG.integers(0, 256, (12, 10, 3)).astype("uint8")
    save_image(str(tmp_path / "x.png"), picture)
    keras.utils.set_random_seed(0)
    Denoiser(ffdnet(3, width=8, depth=3)).save(tmp_path / "told.keras")
    assert "noise of" in run(tmp_path / "told.keras", tmp_path / "x.png", "-o", tmp_path / "o0").output
    done = run(tmp_path / "told.keras", tmp_path / "x.png", "-o", tmp_path / "o1", "--sigma", 15)
    assert done.exit_code == 0 and "noise of" not in done.output

    Inpainter(inpainting_unet(3, width=8, depth=2)).save(tmp_path / "painter.keras")
    mask = np.zeros((12, 10), "uint8")
    mask[3:6, 2:7] = 255
    save_image(str(tmp_path / "mask.png"), mask)
    done = run(tmp_path / "painter.keras", tmp_path / "x.png", "-o", tmp_path / "o2", "--masks", tmp_path / "mask.png")
    assert done.exit_code == 0, done.output
    painted = load_image(str(tmp_path / "o2" / "x.png"))
    changed = (painted != picture).any(-1)
    assert changed.any() and not changed[mask == 0].any()
    save_image(str(tmp_path / "small.png"), mask[:4])
    wrong = run(
        tmp_path / "painter.keras", tmp_path / "x.png", "-o", tmp_path / "o3", "--masks", tmp_path / "small.png"
    )
    assert wrong.exit_code == 1 and "small.png" in wrong.output and "(4, 10)" in wrong.output


def test_other_models_say_what_they_are(enlarger):
    done = CliRunner().invoke(app, ["generate", enlarger])
    assert done.exit_code == 1 and "keras-imgen restore" in done.output
