"""JAX where TensorFlow is not installed: nothing imports it, and what needs it says so in a line."""

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
ABSENT = """
from importlib.machinery import PathFinder
there, hidden = PathFinder.find_spec, ("tensorflow", "tensorflow_datasets")
PathFinder.find_spec = lambda name, *where: None if name.split(".")[0] in hidden else there(name, *where)
"""
SCRIPT = """
import sys
import keras_imgen
from keras_imgen import callbacks, data, editing, layers, losses, metrics, models, networks, recipes, serving, training
for room in (callbacks, data, editing, layers, losses, metrics, models, networks, recipes, serving, training):
    for name in getattr(room, "__all__", ()):
        getattr(room, name)
import keras, numpy as np
assert keras.backend.backend() == "jax"
rng = np.random.default_rng(0)
x, y = rng.integers(0, 256, (22, 8, 8, 1), "uint8"), np.arange(22) % 3

def fit(model, epochs, folder):
    keras.utils.set_random_seed(1)
    own = [callbacks.MetricLog(f"{folder}.jsonl"), callbacks.StopOnNaN()]
    own.append(callbacks.BackupAndRestore(folder, delete_checkpoint=False))
    how = {"batch_size": 4, "steps_per_epoch": 3, "verbose": 0, "validation_split": 0.2}
    return model.fit(x, y, epochs=epochs, callbacks=own, **how).history

# Arrays, with fewer steps than an order has; then a run that was stopped, and goes on in a model that has seen other data.
sizes = {"widths": (8,), "num_classes": 3}
model = models.VAE(networks.mlp_encoder((8, 8, 1), 6, **sizes), networks.mlp_decoder((8, 8, 1), 3, **sizes), num_classes=3)
model.compile()
model.save("new.keras")
again = keras_imgen.load_model("new.keras")
assert np.isfinite(fit(model, 2, "a")["val_loss"]).all()
fit(again, 1, "b")

# Dicts, PyDatasets, loaders with and without a length, iterators, what `load` gives.
class Indexed(keras.utils.PyDataset):
    def __len__(self):
        return 2
    def __getitem__(self, i):
        return x[4 * i : 4 * i + 4], y[4 * i : 4 * i + 4]

class Stream:
    def __iter__(self):
        return iter([(x[:4], y[:4]), (x[4:8], y[4:8])])

class Loader(Stream):
    def __len__(self):
        return 2

digits = data.load("digits", size=8, batch=4).map(lambda b: {**b, "label": b["label"] % 3})
rows = data.load({"image": x[:8], "label": y[:8]}, batch=4)
for given in (rows, Indexed(), Loader(), Stream(), (b for b in Stream()), digits.take(2)):
    assert np.isfinite(again.fit(given, validation_data=Indexed(), verbose=0).history["loss"]).all()
grids = [callbacks.SampleGrid("grids", n=4)]
again.fit({"image": x[:8], "label": y[:8]}, batch_size=4, callbacks=grids, verbose=0)
fit(again, 2, "b")
assert all((np.array(v) == np.array(w)).all() for v, w in zip(model.variables, again.variables, strict=True))

made = model.generate(labels=[0, 1, 2], seed=3)
model.save("vae.keras")
assert (keras_imgen.load_model("vae.keras").generate(labels=[0, 1, 2], seed=3) == made).all()
denoiser = models.Denoiser(networks.ffdnet(1, width=4, depth=2))
assert np.isfinite(metrics.psnr(x[:2], denoiser.restore(x[:2], sigma=20))).all()

for call in (
    lambda: model.export("saved_model"),
    lambda: serving.load("saved_model"),
    lambda: data.load("tfds:mnist"),
    lambda: data.patches([x[0]], 4),
    lambda: data.degraded(digits, data.degrade.Gray()),
    lambda: data.degrade.GaussianNoise(9)(x, 0),
    lambda: data.unpaired("shapes", "train", (0, 9), (10, 255), size=16, batch=4),
    lambda: data.zipped(image=digits, target=digits),
    lambda: callbacks.SampleGrid("grids", n=4, tensorboard="logs"),
):
    try:
        call()
        raise SystemExit(f"line {call.__code__.co_firstlineno} was not refused")
    except ModuleNotFoundError as error:
        assert "TensorFlow, which is not installed: pip install tensorflow." in str(error) and "\\n" not in str(error)
assert not [name for name in sys.modules if name.startswith("tensorflow")]
"""


@pytest.fixture
def environment(tmp_path):
    """Nothing is said of a backend, and compilation, most of the time of a small program on JAX, does less."""
    pytest.importorskip("jax")
    quick = "--xla_backend_optimization_level=0 --xla_llvm_disable_expensive_passes=true"
    kept = {k: v for k, v in os.environ.items() if k != "KERAS_BACKEND"}
    return {**kept, "KERAS_HOME": str(tmp_path), "XLA_FLAGS": quick}


def run(code, folder, environment):
    done = subprocess.run(
        [sys.executable, "-c", ABSENT + code], cwd=folder, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr[-3000:]


@pytest.mark.long
def test_train_and_use(tmp_path, environment):
    run(SCRIPT, tmp_path, environment)


@pytest.mark.slow
@pytest.mark.parametrize("recipe", ["diffusion", "gan", "vae", "digits-diffusion", "digits-vae", "digits-classifier"])
def test_recipes_run_to_their_report(recipe, tmp_path, environment):
    small = {"diffusion": {"widths": [8, 8]}, "gan": {"width": 4}, "vae": {"width": 4}}
    more = {**small.get(recipe, {}), **({"data": "digits", "size": 8} if recipe in small else {})}
    code = f"""
from keras_imgen.recipes import get
get({recipe!r})("run", epochs=1, batch=64, steps_per_epoch=2, **{more!r})
import sys
assert not [name for name in sys.modules if name.startswith("tensorflow")]
"""
    run(code, tmp_path, environment)
    assert not (tmp_path / "run" / "saved_model").exists()
    said = "There is no SavedModel: that needs TensorFlow"
    assert (said in (tmp_path / "run" / "report.md").read_text()) == (recipe != "digits-classifier")


@pytest.mark.parametrize("chosen", [None, "tensorflow", "torch"])
def test_jax_is_taken_where_nothing_else_can_be(chosen, tmp_path, environment):
    """Keras writes "tensorflow" into its file without being asked; another word there is a choice."""
    if chosen:
        (tmp_path / "keras.json").write_text(f'{{"backend": "{chosen}"}}')
    expected = "jax" if chosen != "torch" else None
    run(f"import os, keras_imgen; assert os.environ.get('KERAS_BACKEND') == {expected!r}", tmp_path, environment)


@pytest.mark.tensorflow
def test_where_it_is_installed_keras_chooses(environment):
    code = "import os, keras_imgen; assert 'KERAS_BACKEND' not in os.environ"
    subprocess.run([sys.executable, "-c", code], env=environment, check=True)


def test_the_line_that_installs_it_is_whole():
    """It names what pyproject.toml does, but for what is of TensorFlow."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    line = next(
        line
        for line in (ROOT / "docs" / "training.md").read_text().splitlines()
        if "pip install" in line and "jax" in line
    )
    name = lambda words: re.match(r"[\w-]+", words)[0]  # noqa: E731
    of_tensorflow = {"tensorflow", "tensorflow-datasets", "importlib_resources"}
    wanted = {name(d) for d in project["dependencies"]} - of_tensorflow | {
        name(d) for d in project["optional-dependencies"]["jax"]
    }
    assert {
        name(word) for word in re.findall(r'"([^"]+)"|(\S+)', line.split("pip install")[1]) for word in word if word
    } == wanted
