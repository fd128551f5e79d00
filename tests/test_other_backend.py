"""What TensorFlow passes, JAX passes: the training step, resuming and sampling, in a process with the other backend."""

import os
import subprocess
import sys
from pathlib import Path

import keras
import pytest

TESTS = Path(__file__).parent


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="this process has the other backend already")
@pytest.mark.parametrize(
    "files", [["models/test_image_model.py", "callbacks"], ["models/diffusion", "training", "layers"]]
)
def test_on_jax(files):
    pytest.importorskip("jax")
    left_out = "not the_other_backend and not two_replicas"  # they start a TensorFlow process themselves
    arguments = ["-q", "-x", "-p", "no:cacheprovider", "-k", left_out, *(str(TESTS / f) for f in files)]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *arguments],
        capture_output=True,
        text=True,
        cwd=TESTS.parent,
        env={**os.environ, "KERAS_BACKEND": "jax"},
    )
    assert done.returncode == 0, done.stdout[-3000:]
