"""A model of another backend as a SavedModel: a process with TensorFlow reads its file and exports it."""

import importlib
import json
import os
import subprocess
import sys
import tempfile
import zipfile
from typing import Any

import keras

from keras_imgen.data.files import one_line
from keras_imgen.libraries import needs_tensorflow
from keras_imgen.loading import load

MARK = "keras_imgen.handover: "  # before what went wrong, among what libraries say


def hand_over(model: Any, path: str, max_pixels: int) -> None:
    """Let TensorFlow export the model, in a process of its own.

    Classes of your own come along by their modules, which that process imports.

    Args:
        model: an `ImageModel`.
        path: the folder to write.
        max_pixels: see `export`.

    Raises:
        ModuleNotFoundError: TensorFlow is not installed.
        OSError: the folder cannot be written.
        RuntimeError: the model cannot be made again there, as one of classes that are defined in a script; or TensorFlow ended.
    """
    needs_tensorflow("A SavedModel")
    with tempfile.TemporaryDirectory() as folder:
        file = os.path.join(folder, "model.keras")
        model.save(file)
        own = _own_classes(file)
        given = {
            "file": file,
            "path": os.path.abspath(path),
            "max_pixels": max_pixels,
            "modules": sorted({*own.values()}),
        }
        environment = {
            **os.environ,
            "KERAS_BACKEND": "tensorflow",
            "CUDA_VISIBLE_DEVICES": "",  # nothing is computed, and this process may hold the card's memory
            "PYTHONPATH": os.pathsep.join(place or os.getcwd() for place in sys.path),
        }
        words = [f"from {__name__} import in_tensorflow", "in_tensorflow(**json.loads(sys.argv[1]))"]
        words = [sys.executable, "-c", f"import json, sys; {'; '.join(words)}", json.dumps(given)]
        done = subprocess.run(words, env=environment, capture_output=True, encoding="utf-8", errors="replace")
    if done.returncode == 0:
        return
    lines = done.stderr.splitlines()
    told = next((line.removeprefix(MARK) for line in lines if line.startswith(MARK)), None)
    if told is None:
        last = lines[-1] if lines else "it said nothing"
        raise RuntimeError(f"TensorFlow, which writes the SavedModel, ended with {done.returncode}: {last}")
    error = json.loads(told)
    if error["errno"] is not None:
        raise OSError(error["errno"], os.strerror(error["errno"]), os.fspath(path))
    lost = [f"{name} ({module})" for name, module in own.items() if module in error["unknown"]]
    if lost:
        raise RuntimeError(
            f"TensorFlow exports the model in a process of its own, which cannot import the module of {', '.join(lost)}: put the "
            "class into a file that can be imported."
        )
    raise RuntimeError(f"The model could not be exported by TensorFlow: {error['said']}.")


def _own_classes(file):
    """Modules by the names of those registered classes in a .keras file that are not this package's."""
    with zipfile.ZipFile(file) as archive:
        said = archive.read("config.json").decode()
    every = keras.saving.get_custom_objects()
    found = {name: made.__module__ for name, made in every.items() if json.dumps(name) in said}
    return {name: module for name, module in found.items() if module.split(".")[0] != "keras_imgen"}


def in_tensorflow(file: str, path: str, max_pixels: int, modules: list[str]) -> None:
    """What the other process does; what goes wrong it says in a line of JSON.

    Args:
        file: of the model.
        path: the folder to write.
        max_pixels: see `export`.
        modules: those of the model's own classes.
    """
    unknown = []
    for name in modules:
        try:
            if name == "__main__":  # there is one here as well, and it is another
                raise ImportError
            importlib.import_module(name)
        except ImportError:
            unknown.append(name)
    try:
        load(file, None, compile=False, safe_mode=False).export(path, max_pixels=max_pixels)
    except Exception as error:
        code = error.errno if isinstance(error, OSError) else None
        print(MARK + json.dumps({"said": one_line(error), "errno": code, "unknown": unknown}), file=sys.stderr)
        sys.exit(1)
