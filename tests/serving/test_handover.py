"""`export` where the backend is JAX: TensorFlow, in a process of its own, writes what answers as the model does."""

import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = [pytest.mark.tensorflow, pytest.mark.long]
MODELS = str(Path(__file__).parent.parent / "models")

EXPORTED = """
import sys
sys.path.insert(0, sys.argv[1])
import keras, numpy as np
from battery import CASES, make
from keras_imgen import serving
made = {}
for name in sys.argv[2:]:
    made[name] = make(name)
    made[name].export(name)
assert keras.backend.backend() == "jax"
for name, model in made.items():
    served = serving.load(name)
    own, its = (CASES[name].answer(m).astype(int) for m in (model, served))
    assert np.ptp(own) > 20 and abs(own - its).max() <= 1, (name, abs(own - its).max())
    assert served.endpoints().keys() == model.endpoints().keys() and served.name == model.name
try:
    model.export(name)
except FileExistsError:
    print("exported")
"""

OWN_CLASSES = """
import sys
sys.path.insert(0, sys.argv[1])
import keras
from toy_family import ClipPainter
from keras_imgen import serving
ClipPainter().export("clips")
assert serving.load("clips").generate(2, conditions={"words": "red circle"}).shape[0] == 2

@keras.saving.register_keras_serializable("mine")
class Mine(ClipPainter):
    pass

try:
    Mine().export("mine")
except RuntimeError as error:
    print(error)
"""


def run(code, folder, environment, *names):
    done = subprocess.run(
        [sys.executable, "-c", code, MODELS, *names], cwd=folder, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


SLOW = pytest.param(("Diffusion", "GAN", "VAE"), marks=pytest.mark.slow)


@pytest.mark.parametrize("names", [("Denoiser",), SLOW], ids=" ".join)
def test_a_saved_model_answers_as_the_model(names, tmp_path, other_backend):
    assert run(EXPORTED, tmp_path, other_backend, *names) == "exported\n"
    assert {path.name for path in tmp_path.iterdir()} == {*names}


@pytest.mark.slow
def test_classes_of_ones_own_come_by_their_module(tmp_path, other_backend):
    said = run(OWN_CLASSES, tmp_path, other_backend)
    assert "mine>Mine (__main__)" in said and said.count("\n") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["clips"]


@pytest.mark.slow
def test_a_place_that_cannot_be_written_is_named(tmp_path, other_backend):
    (tmp_path / "file").write_text("")
    code = EXPORTED.split("made =")[0] + "make('GAN').export('file/inside')"
    with pytest.raises(AssertionError, match="(NotADirectory|FileExists)Error.*file/inside"):
        run(code, tmp_path, other_backend)
