"""A SavedModel in a process that has TensorFlow and nothing of ours, against the model in memory."""

import subprocess
import sys

import numpy as np
import pytest

from keras_imgen import serving
from keras_imgen.models import Diffusion
from keras_imgen.networks import unet

pytestmark = pytest.mark.tensorflow

CHILD = """
import sys, numpy as np, tensorflow as tf
path, out, table = sys.argv[1:]
served = tf.saved_model.load(path)
labels = np.array([0, 1, 2, 0, 1], "int32")
def seeds(n): return np.arange(n, dtype="int32")
def call(endpoint, **inputs): return served.signatures[endpoint](**{k: tf.constant(v) for k, v in inputs.items()})
default = [call("serving_default", seeds=seeds(n), labels=labels[:n])["images"].numpy() for n in (5, 2)]
table, scales = np.load(table), np.full(5, 3.0, "float32")
asked = call("generate", seeds=seeds(5), labels=labels, guidance_scale=scales, table=table)["images"].numpy()
level = {"alpha": np.full(2, 0.6, "float32"), "sigma": np.full(2, 0.8, "float32")}
x0 = call("denoise", image=np.zeros((2, 8, 8, 1), "float32"), labels=labels[:2], **level)["x0"].numpy()
assert not any(name.split(".")[0] == "keras_imgen" for name in sys.modules), "only TensorFlow is needed"
np.savez(out, default=default[0], two=default[1], asked=asked, x0=x0)
"""


@pytest.fixture(scope="module")
def model():
    model = Diffusion(unet((8, 8, 1), widths=(8,), depth=1, attention=(8,), num_classes=3), steps=6, guidance_scale=1.5)
    rng = np.random.default_rng(0)
    for v, average in model._averages:
        average.assign(rng.normal(0, 0.3, v.shape))
    return model


@pytest.fixture(scope="module")
def path(model, tmp_path_factory):
    path = str(tmp_path_factory.mktemp("export") / "saved_model")
    model.export(path)
    return path


def test_fresh_tensorflow_process_is_bit_equal(model, path, tmp_path):
    table = model.table(sampler="ddpm", steps=9).astype("float32")
    np.save(tmp_path / "table.npy", table)
    arguments = [sys.executable, "-c", CHILD, path, str(tmp_path / "out.npz"), str(tmp_path / "table.npy")]
    subprocess.run(arguments, check=True, cwd=tmp_path)
    out = np.load(tmp_path / "out.npz")
    labels = [0, 1, 2, 0, 1]
    np.testing.assert_array_equal(out["default"], model.generate(labels=labels))
    np.testing.assert_array_equal(out["two"], out["default"][:2])
    np.testing.assert_array_equal(
        out["asked"], model.generate(labels=labels, sampler="ddpm", steps=9, guidance_scale=3.0)
    )
    assert out["x0"].shape == (2, 8, 8, 1) and np.isfinite(out["x0"]).all()


def test_client_has_the_models_generate(model, path):
    served = serving.load(path)
    for arguments in (
        {"labels": [0, 2]},
        {"n": 3},
        {"labels": [1], "steps": 4, "sampler": "heun", "guidance_scale": 2.0},
    ):
        np.testing.assert_array_equal(served.generate(seed=7, **arguments), model.generate(seed=7, **arguments))
    with pytest.raises(ValueError, match="0..2"):
        served.generate(labels=[5])


def test_what_is_no_saved_model_is_refused(tmp_path):
    with pytest.raises(ValueError, match="not a SavedModel"):
        serving.load(str(tmp_path))


def test_client_needs_no_training_code(path):
    """And says nothing while it loads."""
    child = (
        "import sys; from keras_imgen import serving; m = serving.load(sys.argv[1]); m.generate(2, steps=3); "
        "bad = [n for n in sys.modules if n.startswith(('keras_imgen.training', 'keras_imgen.models.image_model', "
        "'keras_imgen.data', 'tensorflow_datasets'))]; assert not bad, bad"
    )
    done = subprocess.run([sys.executable, "-c", child, path], check=True, capture_output=True, text=True)
    assert "Importing a function" not in done.stderr
