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
