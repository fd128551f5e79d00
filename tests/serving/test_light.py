"""What asks models that are served, and what serves them, starts at once: only the processes that answer open TensorFlow."""

import subprocess
import sys

import pytest


@pytest.mark.parametrize("module", ["serving.client", "server.app", "commands.serving"])
def test_importing_needs_no_keras(module):
    if module == "server.app":
        pytest.importorskip("fastapi"), pytest.importorskip("prometheus_client")
    heavy = "keras", "tensorflow", "jax", "matplotlib", "sklearn", "scipy", "cv2"
    program = f"import sys, keras_imgen.{module}; sys.exit(', '.join(set({heavy}) & set(sys.modules)) or None)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_every_kind_that_a_description_may_name_is_known_to_who_opens_it():
    """Each export is opened by a process that has imported no model."""
    every = (
        "from importlib import import_module; from pkgutil import iter_modules; import keras_imgen.inference as all_; "
    )
    every += "[import_module(f'keras_imgen.inference.{one.name}') for one in iter_modules(all_.__path__)]; "
    known = "import keras_imgen.serving.client; from keras_imgen.kinds import _KINDS; print(sorted(_KINDS))"
    found = [
        subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
        for program in (known, every + known)
    ]
    assert found[0] == found[1] and "between" in found[0]
