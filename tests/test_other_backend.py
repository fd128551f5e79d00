"""What TensorFlow passes, JAX passes: the training step, resuming and sampling, in a process with the other backend."""

import subprocess
import sys
from pathlib import Path

import keras
import pytest

TESTS = Path(__file__).parent
FILES = ("models/test_image_model.py", "training")
MORE = (
    "layers",
    "losses",
    "models/adversarial/test_regularizers.py",
    "models/diffusion/test_diffusion.py",
    "models/variational/test_likelihoods.py",
    "models/restoration",
)
# Left out: tests that start a TensorFlow process themselves, and those whose time is all compilation.
LEFT_OUT = (
    "the_other_backend",
    "two_replicas",
    "ways_to_run",
    "learns_its_labels",
    "a_fresh_process",
    "one_colour",
    "guidance_of_one",
    "image_to_image",
    "other_sizes",
    "inpainting",
    "every_task",
    "several_answers",
    "without_targets",
    "keeps_the_lightness",
    "paints_holes",
    "statistics_as_objectives",
    "tiles_do_not_show",
    "frozen",
    "every_form",
    "discriminator_plays",
    "levels_that_were_asked",
    "wieners",
    "is_wrong_is_said",
    "scikit_image",
)


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="this process has the other backend already")
@pytest.mark.parametrize("files", [FILES, pytest.param(MORE, marks=pytest.mark.slow)], ids=["steps", "models"])
def test_on_jax(files, other_backend):
    names = " and ".join(f"not {name}" for name in LEFT_OUT)
    arguments = ["-q", "-x", "-n", "0", "-p", "no:cacheprovider", "-k", names, *(str(TESTS / f) for f in files)]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *arguments],
        capture_output=True,
        text=True,
        cwd=TESTS.parent,
        env=other_backend,
    )
    assert done.returncode == 0, done.stdout[-3000:]
