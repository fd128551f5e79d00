"""keras_imgen: train, judge, edit with and serve image-generation models in Keras 3.

Importing the package costs nothing: keras and TensorFlow are imported when a part that needs them is.
"""

import os
from importlib import import_module
from typing import TYPE_CHECKING, Any

from keras_imgen.libraries import choose_backend

if TYPE_CHECKING:
    import keras

__version__ = "0.1.0"

os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")  # off by default on some platforms, and a third of the speed there
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

choose_backend()

_ROOMS = "callbacks data editing layers losses metrics models networks recipes serving training".split()
__all__ = ["load_model", *_ROOMS]


def load_model(
    path: str, custom_objects: dict[str, Any] | None = None, compile: bool = True, safe_mode: bool = True
) -> "keras.Model":
    """`keras.saving.load_model` for a `.keras` file of any model of the package. Warns of weights that are NaN or infinite.

    Args:
        path: of the file.
        custom_objects: classes and functions of your own by name, as Keras takes them.
        compile: whether it comes with its optimizer and losses, to go on training.
        safe_mode: refuse files with code in them, as Keras does.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: the file is damaged, or holds no model that can be made again; one line that names it.
    """
    from keras_imgen.loading import load

    return load(path, custom_objects, compile, safe_mode)


def __getattr__(name: str) -> Any:
    if name in _ROOMS:
        return import_module(f"keras_imgen.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
