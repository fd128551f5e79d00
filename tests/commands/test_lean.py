"""The command starts sooner, and nothing that it later imports is missing."""

import os
import subprocess
import sys

import pytest

from keras_imgen import cores

PROGRAM = """
import sys
from keras_imgen import lean
lean.begin()
import keras
found = [n for n in ("sklearn", "matplotlib", "IPython") if n in sys.modules]
assert not found, found
assert "tensorflow" not in sys.modules or keras.backend.backend() == "jax" or "jax" not in sys.modules
import sklearn.datasets, matplotlib.pyplot
from keras_imgen import data
assert data.describe("digits").count == 1500
"""


def test_keras_does_not_import_what_the_command_never_needs():
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]


@pytest.mark.parametrize("count, before, after", [(2, None, "1"), (2, "2", "2"), (1, None, None), (8, None, None)])
def test_one_thread_for_an_op_where_two_halves_fill_the_cores(count, before, after, monkeypatch):
    monkeypatch.setattr(cores, "cores", lambda: count)
    monkeypatch.delenv("TF_NUM_INTRAOP_THREADS", raising=False)
    if before is not None:
        monkeypatch.setenv("TF_NUM_INTRAOP_THREADS", before)
    cores.one_thread_per_op()
    assert os.environ.get("TF_NUM_INTRAOP_THREADS") == after
    monkeypatch.delenv("TF_NUM_INTRAOP_THREADS", raising=False)
