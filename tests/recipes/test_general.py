"""The recipes that learn from any pictures, on few, with tiny networks: from one line to pictures of the size that was asked for."""

import json
import os
import warnings

import numpy as np
import pytest
from PIL import Image

from keras_imgen import load_model
from keras_imgen.models import Denoiser
from keras_imgen.networks import compact_denoiser
from keras_imgen.recipes import get
from keras_imgen.recipes.own_pictures import absolute, halves, own_pictures
from keras_imgen.recipes.photographs import photographs
from keras_imgen.recipes.photos_restore import begin_with

pytestmark = pytest.mark.tensorflow

SHORT = {"epochs": 2, "batch": 8, "steps_per_epoch": 2}
GENERATORS = {
    "diffusion": {"widths": [8, 8], "attention": []},
    "gan": {"width": 4, "latent_dim": 8},
    "stylegan2": {"width": 2, "largest": 8, "latent_dim": 8, "jit_compile": False},
    "vae": {"width": 4, "latent_dim": 4},
    "vqvae": {"width": 8, "codes": 8, "prior_width": 8, "prior_depth": 1},
}
RESTORERS = {
    "super-resolution": {"scale": 3, "width": 4, "blocks": 1},
    "denoise": {"width": 12, "sigma": [0.0, 20.0]},
    "restore": {"width": 12},
    "deblock": {"width": 12},
    "deblur": {"widths": [4, 8]},
    "lowlight": {"width": 12, "channels": 1},
    "inpaint": {"widths": [4, 8]},
    "colorize": {"width": 4},
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Two classes of 14 pictures of 24 to 60 pixels, red and green ones."""
    place, rng = tmp_path_factory.mktemp("pictures"), np.random.default_rng(0)
    for name, channel in (("red", 0), ("green", 1)):
        (place / name).mkdir()
        for k in range(14):
            image = rng.integers(0, 60, (*rng.integers(24, 60, 2), 3), dtype="uint8")
            image[..., channel] += 150
            Image.fromarray(image).save(place / name / f"{k}.png")
    return place


def train(name, out, folder, **more):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        return get(name)(str(out), **{**SHORT, "data": f"folder:{folder}", **(GENERATORS | RESTORERS)[name], **more})


def quick(names, *those):
    """All names, those but for a few marked as slow."""
    return [n if n in those else pytest.param(n, marks=pytest.mark.slow) for n in names]


@pytest.mark.parametrize("name", quick(GENERATORS, "vae"))
def test_from_a_folder_to_pictures_of_the_size(name, folder, tmp_path, capsys):
    out = tmp_path / "run"
    assert train(name, out, folder, size=16).startswith("keras-imgen generate")
    assert {"model.keras", "saved_model", "report.md", "grid.png", "samples"} <= set(os.listdir(out))
    said = capsys.readouterr().out
    assert "25 pictures of folder:" in said and "2 classes, by their labels: 0 green (1" in said
    config = json.loads((out / "config.json").read_text())
    assert config["data"] == f"folder:{folder}" and config["size"] == 16 and config["classes"] == ["green", "red"]
    model = load_model(str(out / "model.keras"))
    assert model.num_classes == 2 and model.generate(labels=[0, "red", 1]).shape == (3, 16, 16, 3)
    with pytest.raises(FileExistsError, match="finished"):
        train(name, out, folder, size=16, resume=True)


@pytest.mark.slow
def test_from_a_folder_with_captions_to_pictures_of_words(folder, tmp_path, capsys):
    with pytest.raises(ValueError, match="There are no captions in folder:.* that this recipe reads"):
        get("text-to-image")(str(tmp_path / "none"), **SHORT, data=f"folder:{folder}")
    for k, name in enumerate(sorted(folder.rglob("*.png"))):
        place = tmp_path / "pictures" / f"{k}.png"
        place.parent.mkdir(exist_ok=True)
        place.write_bytes(name.read_bytes())
        place.with_suffix(".txt").write_text(f"a {name.parent.name} picture\nsomething {name.parent.name}\n")
    how = {**SHORT, "data": f"folder:{tmp_path / 'pictures'}", "size": 16, "widths": [8, 8], "attention": []}
    out = tmp_path / "run"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        assert get("text-to-image")(str(out), **how).startswith("keras-imgen generate")
    assert "50 captions, of which each picture gets one in each epoch" in capsys.readouterr().out
    model = load_model(str(out / "model.keras"))
    assert model.generate(conditions={"caption": ["a red picture", "green"]}).shape == (2, 16, 16, 3)
    (text,) = model.conditions
    assert {"red", "green", "picture", "something"} <= set(text.tokenizer.vocabulary) and text.prompts
    with pytest.raises(ValueError, match="small or minilm"):
        get("text-to-image")(str(tmp_path / "other"), **how, encoder="clip")


@pytest.mark.parametrize("name", quick(RESTORERS, "super-resolution"))
def test_from_a_folder_to_a_restorer(name, folder, tmp_path, capsys):
    out = tmp_path / "run"
    assert train(name, out, folder).startswith("keras-imgen restore")
    assert {"model.keras", "saved_model", "report.md", "grid.png"} <= set(os.listdir(out))
    said, config = capsys.readouterr().out, json.loads((out / "config.json").read_text())
    patch = config["size"]
    assert f"in patches of {patch}x{patch}" in said and 16 <= patch <= 40 and config["pictures"] <= 27
    model, image = load_model(str(out / "model.keras")), np.full((1, 20, 23, 3), 90, "uint8")
    masks = {"masks": np.ones((1, 20, 23, 1), "uint8")} if name == "inpaint" else {}
    scale = 3 if name == "super-resolution" else 1
    assert model.restore(image, **masks).shape == (1, 20 * scale, 23 * scale, 3)


def test_a_restorer_begins_with_the_weights_of_another():
    given, network = (compact_denoiser(3, 12, name=name) for name in ("given", "network"))
    given.set_weights([np.random.default_rng(1).normal(0, 0.1, w.shape) for w in given.weights])
    before, image = Denoiser(given, sigma=(0, 55)), np.random.default_rng(0).uniform(-1, 1, (1, 16, 24, 3))
    begin_with(before, network)
    np.testing.assert_array_equal(np.array(network(image)), np.array(given(image)))
    for other in (Denoiser(compact_denoiser(3, 24)), Denoiser(compact_denoiser(1, 12)), given):
        with pytest.raises(
            ValueError, match="Expected as `start` a Denoiser with the network of this recipe, of [0-9,]+ weights"
        ):
            begin_with(other, network)


@pytest.mark.slow
def test_a_restorer_of_your_own_pictures_goes_on_from_a_saved_one(folder, tmp_path):
    train("deblock", tmp_path / "first", folder)
    start, out = str(tmp_path / "first/model.keras"), tmp_path / "second"
    train("restore", out, folder, start=start)
    assert json.loads((out / "config.json").read_text())["start"] == start


@pytest.fixture
def interrupt(monkeypatch):
    """A function that lets `fit` be interrupted at the start of an epoch, counted from 0."""
    from keras_imgen.callbacks import MetricLog

    begin = MetricLog.on_epoch_begin

    def at(wanted):
        def stop(self, epoch, logs=None):
            begin(self, epoch, logs)
            if epoch == wanted:
                raise KeyboardInterrupt

        monkeypatch.setattr(MetricLog, "on_epoch_begin", stop)

    yield at


def test_a_run_that_goes_on_refuses_what_differs(folder, tmp_path, interrupt):
    interrupt(0)
    with pytest.raises(KeyboardInterrupt):
        train("gan", tmp_path / "run", folder, size=16)
    for change in ({"size": 24}, {"width": 8}, {"flip": False}, {"conditional": False}, {"seed": 1}):
        with pytest.raises(ValueError, match=f"has {next(iter(change))} = "):
            train("gan", tmp_path / "run", folder, **{"size": 16, **change}, resume=True)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["diffusion", "gan", "vae", "vqvae", "denoise"])
def test_a_run_goes_on_to_the_same_bits(name, folder, tmp_path, interrupt, monkeypatch):
    train(name, tmp_path / "whole", folder, size=16)
    interrupt(1)
    with pytest.raises(KeyboardInterrupt):
        train(name, tmp_path / "cut", folder, size=16)
    monkeypatch.undo()
    train(name, tmp_path / "cut", folder, size=16, resume=True)
    a, b = (load_model(str(tmp_path / run / "model.keras")) for run in ("whole", "cut"))
    for x, y in zip(a.variables, b.variables, strict=True):
        assert np.array_equal(np.array(x), np.array(y)), x.path


# === The pictures ===


def test_what_is_held_out_is_never_learned_from(folder):
    own = own_pictures(f"folder:{folder}", 16, works=halves)
    assert own.images.shape == (25, 16, 16, 3) and len(own.test["image"]) == 3 and own.num_classes == 2
    learned = {image.tobytes() for image in own.images}
    assert not learned & {image.tobytes() for image in own.test["image"]}
    for image, label in zip(own.images, own.labels):  # and labels stay with their pictures
        assert image.mean((0, 1)).argmax() == (1, 0)[label]
    again = own_pictures(f"folder:{folder}", 16, works=halves)
    assert np.array_equal(own.images, again.images)
    assert not np.array_equal(own.images, own_pictures(f"folder:{folder}", 16, works=halves, seed=1).images)


def test_own_splits_sizes_and_channels_are_kept():
    own = own_pictures("digits", works=halves)
    assert own.images.shape == (1500, 8, 8, 1) and len(own.test["image"]) == 297 and not own.flip
    assert own_pictures("digits", 12, 3, works=halves, limit=40).images.shape == (40, 12, 12, 3)


@pytest.mark.parametrize("count", [2, 10, 60])
def test_few_pictures_get_small_batches(count, tmp_path):
    rng = np.random.default_rng(0)
    np.savez(tmp_path / "few.npz", image=rng.integers(0, 256, (count, 24, 24, 3), dtype="uint8"))
    own = own_pictures(f"npz:{tmp_path / 'few.npz'}", works=halves)
    left = count - max(1, round(count / 10))
    epochs, batch, steps = own.plan(None, None, None, 64, 1000)
    assert len(own.images) == left and batch <= left < 2 * batch and steps >= 100 and epochs * steps >= 900
    assert "in place of 64" in " ".join(own.notes)
    learn, test = own.batches(batch, steps, 0)
    seen = np.concatenate([np.asarray(b["image"]) for b in learn])
    assert seen.shape == (steps * batch, 24, 24, 3) and sum(len(b["image"]) for b in test) == count - left
    with pytest.raises(ValueError, match=f"at most the {left} pictures"):
        own.plan(None, left + 1, None, 64, 1000)


def test_an_epoch_shows_every_picture_as_often(folder):
    own = own_pictures(f"folder:{folder}", 16, works=halves, flip=False)
    seen = np.concatenate([np.asarray(b["image"]) for b in own.batches(5, 10, 0)[0]])
    counts = [sum(np.array_equal(image, s) for s in seen) for image in own.images]
    assert counts == [2] * 25


@pytest.mark.parametrize(
    "given, part",
    [
        ({"size": 49}, "use 48 or 52"),
        ({"size": 300}, "use 256 or 240"),
        ({"channels": 4}, "channels of 1 or 3"),
        ({"limit": 1}, "at least 2"),
        ({"data": None}, "--data folder:PATH"),
        ({"data": "nonsense"}, "no source 'nonsense'"),
        ({"data": "digits", "limit": 3, "conditional": True}, "pictures of every class"),
    ],
)
def test_refusals(given, part, folder):
    with pytest.raises(ValueError, match=part):
        own_pictures(**{"data": f"folder:{folder}", "works": halves, **given})


def test_a_plain_folder_gets_the_hint_and_paths_are_whole(folder, monkeypatch):
    monkeypatch.chdir(folder.parent)
    with pytest.raises(ValueError, match="write 'folder:"):
        own_pictures(folder.name, 16, works=halves)
    assert absolute(f"folder:{folder.name}") == f"folder:{folder}" and absolute("digits") == "digits"
    assert absolute(folder.name) == str(folder) and absolute("tfds:mnist") == "tfds:mnist"


def test_classes_are_left_out_where_they_are_small(folder, tmp_path):
    for k in range(12):
        (tmp_path / "many").mkdir(exist_ok=True)
        Image.new("RGB", (16, 16), (k, 0, 0)).save(tmp_path / "many" / f"{k}.png")
    (tmp_path / "few").mkdir()
    for k in range(3):
        Image.new("RGB", (16, 16), (0, k, 0)).save(tmp_path / "few" / f"{k}.png")
    own = own_pictures(f"folder:{tmp_path}", works=halves)
    assert own.num_classes is None and "fewer than 10" in " ".join(own.notes)
    assert own_pictures(f"folder:{tmp_path}", works=halves, conditional=True).num_classes == 2
    with pytest.raises(ValueError, match="There are no classes"):
        own_pictures(f"folder:{tmp_path / 'many'}", works=halves, conditional=True)


def test_pictures_smaller_than_a_patch(tmp_path):
    for k in range(6):
        Image.effect_noise((20 if k else 5, 30), 50).save(tmp_path / f"{k}.png")
    own = photographs("denoise", str(tmp_path), 80, 128, 4, 2, channels=None)
    assert (own.settings["size"], own.channels, own.settings["pictures"]) == (16, 1, 4)
    assert [b["image"].shape for b in own.learn] == [(4, 16, 16, 1)] * 2
    assert next(iter(own.test))["image"].shape == (4, 20, 20, 1)  # as large as those held out allow
    with pytest.raises(ValueError, match="at least 2 pictures of 40 pixels"):
        photographs("denoise", str(tmp_path), 80, 128, 4, 2, size=40)
    with pytest.raises(ValueError, match="that 3 divides"):
        photographs("super-resolution", str(tmp_path), 120, 144, 4, 2, size=40, multiple=3)


@pytest.mark.parametrize("missing", ["folder", "npz"])
def test_a_fault_of_the_held_out_pictures_is_not_their_absence(missing, tmp_path):
    """A split that is there and cannot be read is said; in place of one that is not there, pictures are held out."""
    if missing == "npz":
        given = {"x_train": np.zeros((20, 16, 16, 1), "uint8"), "x_test": np.zeros((4, 16, 16, 2), "uint8")}
        np.savez(tmp_path / "d.npz", **given)
        source = f"npz:{tmp_path / 'd.npz'}"
    else:
        for name in ("train", "test"):
            (tmp_path / name).mkdir()
        Image.new("L", (16, 16)).save(tmp_path / "train" / "a.png")
        Image.new("L", (16, 16)).save(tmp_path / "train" / "b.png")
        (tmp_path / "test" / "c.png").write_bytes(b"broken")
        source = f"folder:{tmp_path}"
    with pytest.raises(ValueError, match="no pictures in|channels"), warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        own_pictures(source, works=halves)


@pytest.mark.slow
def test_one_picture_of_a_class_is_enough_for_a_vae(tmp_path):
    for name in ("a", "b"):
        (tmp_path / "in" / name).mkdir(parents=True)
        for k in range(2 if name == "a" else 14):
            Image.effect_noise((16, 16), 50).save(tmp_path / "in" / name / f"{k}.png")
    train("vae", tmp_path / "run", tmp_path / "in", conditional=True, limit=15, seed=1)
    model = load_model(tmp_path / "run" / "model.keras")
    assert model.num_classes == 2 and model.generate(2, labels=[0, 1]).shape == (2, 16, 16, 1)
    with pytest.raises(ValueError, match="Expected `components` as a whole number of at least 1"):
        train("vae", tmp_path / "other", tmp_path / "in", components=0)
