"""CIFAR-10 and flowers: what is learned from, watched and tested by, and presets for machines."""

import json

import keras
import numpy as np
import pytest

from keras_imgen import load_model, recipes
from keras_imgen.data.sources import tfds
from keras_imgen.recipes import flowers_gan, known_diffusion, settings
from keras_imgen.recipes.known_pictures import PACKS, known_pictures
from keras_imgen.recipes.presets import chosen

TINY = {
    "cifar10-diffusion": {"widths": [8, 8], "depth": 1, "attention": [16]},
    "flowers-diffusion": {"widths": [8, 8, 8], "depth": 1, "attention": [16]},
    "flowers-gan": {"width": 4},
}
SHORT = {"epochs": 1, "batch": 8, "steps_per_epoch": 2, "passes": 1, "judged": 0}


@pytest.fixture
def packs(tmp_path, monkeypatch):
    """Small packs of noise in the place of the real ones; no two pictures are the same."""
    rng = np.random.default_rng(0)
    for packs, _ in PACKS.values():
        for names in packs.values():
            path = (tmp_path / "data").joinpath(*names)
            path.parent.mkdir(parents=True, exist_ok=True)
            images, labels = rng.integers(0, 256, (60, 32, 32, 3), dtype="uint8"), np.arange(60) % 3
            np.savez(path, image=images, label=labels, class_names=["a", "b", "c"])
    monkeypatch.setenv("KERAS_IMGEN_DATA", str(tmp_path / "data"))


@pytest.mark.parametrize("name, sizes", [("cifar10", (57, 3, 60)), ("flowers", (52, 2, 6))])
def test_pictures_are_apart_and_the_same_every_time(name, sizes, packs):
    known, again = known_pictures(name, 32), known_pictures(name, 32)
    parts = known.learned, known.watched, known.test
    assert tuple(len(part["image"]) for part in parts) == sizes and known.class_names == ["a", "b", "c"]
    seen = [{image.tobytes() for image in part["image"]} for part in parts]
    assert not seen[0] & seen[1] | seen[0] & seen[2] | seen[1] & seen[2]
    for part, other in zip(parts, (again.learned, again.watched, again.test)):
        assert all(np.array_equal(part[k], other[k]) for k in ("image", "label"))


def test_epochs_are_whole_groups_of_steps(packs):
    known = known_pictures("cifar10", 32)
    for passes, limit, group, steps in ((1, None, 1, 7), (3, None, 10, 20), (3, 15, 4, 12), (1, 2, 10, 2)):
        learn, watch, test, found = known.batches(8, passes, limit, group, 0)
        assert (found, len(learn), len(watch), len(test)) == (steps, steps, 1, 8)


def test_one_line_says_where_pictures_are_sought(tmp_path, monkeypatch):
    def absent(name, request):
        raise ValueError(f"no {name} here.")

    monkeypatch.setattr(tfds, "find", absent)
    monkeypatch.setenv("KERAS_IMGEN_DATA", str(tmp_path))
    with pytest.raises(
        FileNotFoundError, match=r"train20k.npz was not found.* tensorflow-datasets cifar10: no cifar10"
    ):
        known_pictures("cifar10", 32)


def test_a_preset_is_what_is_not_given():
    presets = {"cpu": {"width": 8, "batch": 4}, "gpu": {"width": 64, "batch": 128}}
    assert chosen(presets, "gpu", width=None, batch=32) == {"width": 64, "batch": 32}
    with pytest.raises(ValueError, match="no preset 'tpu': expected cpu or gpu"):
        chosen(presets, "tpu")


@pytest.mark.parametrize("recipe", TINY)
def test_every_setting_of_a_preset_can_be_given(recipe):
    presets = flowers_gan.PRESETS if recipe.endswith("gan") else known_diffusion.PRESETS[recipe.split("-")[0]]
    assert set(presets) == {"cpu", "gpu"} and set(presets["cpu"]) == set(presets["gpu"])
    assert set(presets["cpu"]) - {"epochs", "batch"} <= set(settings.known(recipe))
    words = settings.words(recipe, {"recipe": recipe, "preset": "gpu", "seed": 0, "epochs": 3, "judged": 5})
    assert words == ["train", recipe, "--preset", "gpu", "--epochs", "3", "--set", "judged=5"]


def test_a_run_goes_on_with_its_preset(packs, tmp_path):
    out = tmp_path / "run"
    out.mkdir()
    presets = known_diffusion.PRESETS["cifar10"]
    config = {"recipe": "cifar10-diffusion", "preset": "gpu", "seed": 0, "guidance_scale": 1.5, **presets["gpu"]}
    (out / "config.json").write_text(json.dumps(config))
    assert recipes.resumed("cifar10-diffusion", config) == {k: v for k, v in config.items() if k != "recipe"}
    with pytest.raises(ValueError, match="has preset = 'gpu', not 'cpu'"):
        recipes.get("cifar10-diffusion")(str(out), resume=True, preset="cpu")


@pytest.mark.slow
@pytest.mark.parametrize("preset", ["cpu", "gpu"])
@pytest.mark.parametrize("recipe", TINY)
def test_from_packs_to_a_report_and_on(recipe, preset, packs, tmp_path, monkeypatch):
    """Interrupted after its first epoch, it goes on by its folder alone."""
    from keras_imgen.callbacks import MetricLog

    out, begin = tmp_path / "run", MetricLog.on_epoch_begin

    def stop(self, epoch, logs=None):
        begin(self, epoch, logs)
        if epoch == 1:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(MetricLog, "on_epoch_begin", stop)
        recipes.get(recipe)(str(out), preset=preset, **{**SHORT, "epochs": 2}, **TINY[recipe])
    config = recipes.check_folder(recipe, str(out), True)
    assert config["preset"] == preset
    recipes.get(recipe)(str(out), resume=True, **recipes.resumed(recipe, config))
    log = [json.loads(row) for row in (out / "metrics.jsonl").read_text().splitlines()]
    assert [row["epoch"] for row in log] == [1, 2] and any(key.startswith("val_") for key in log[0])
    report = (out / "report.md").read_text()
    assert (
        f"keras-imgen train {recipe}" in report and f"Keras {keras.__version__} on {keras.backend.backend()}" in report
    )
    model = load_model(str(out / "model.keras"))
    assert model.generate(labels=[0, 1, 2]).shape[0] == 3
    assert {layer.dtype_policy.name for p in model.players.values() for layer in p._flatten_layers()} == {"float32"}
