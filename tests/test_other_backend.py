"""What TensorFlow passes, JAX passes: the training step, resuming and sampling, in a process with the other backend."""

import subprocess
import sys
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
STEPS = ("models/test_image_model.py", "models/test_battery.py::test_it_goes_on_to_the_bit[Deblurrer]", "training")
MODELS = (
    "layers",
    "losses",
    "models/adversarial/test_regularizers.py",
    "models/diffusion/test_diffusion.py",
    "models/restoration",
    "models/test_battery.py",
    "models/variational/test_likelihoods.py",
)


@pytest.mark.slow  # `.ci/without_tensorflow` runs the steps on JAX before every landing
@pytest.mark.tensorflow
@pytest.mark.parametrize("tests", [STEPS, MODELS], ids=["steps", "models"])
def test_on_jax(tests, other_backend):
    which = ["-m", "not slow and not tensorflow and not one_backend"]
    arguments = ["-q", "-x", "-n", "0", "-p", "no:cacheprovider", *which, *(str(TESTS / t) for t in tests)]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *arguments],
        capture_output=True,
        text=True,
        cwd=TESTS.parent,
        env=other_backend,
    )
    assert done.returncode == 0, done.stdout[-3000:]
