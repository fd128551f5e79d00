"""keras_imgen: train, judge, edit with and serve image-generation models in Keras 3.

Importing the package costs nothing: keras and TensorFlow are imported when a part that needs them is.
"""

import os
from importlib import import_module

__version__ = "0.1.0"

os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")  # off by default on some platforms, and a third of the speed there
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

_ROOMS = "callbacks data editing layers losses metrics models networks recipes serving training".split()
__all__ = ["load_model", *_ROOMS]


def load_model(path: str, **kwargs):
    """`keras.saving.load_model` for a `.keras` file of any model of the package.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: the file is not a complete `.keras` archive.
    """
    import zipfile

    if not os.path.isfile(path):
        raise FileNotFoundError(f"There is no model file {path}.")
    if not zipfile.is_zipfile(path):
        raise ValueError(f"{path} is not a complete .keras file: it may have been truncated. Save or copy it again.")
    import keras

    from keras_imgen import models, networks  # noqa: F401 - registers what the file names

    for name in models.__all__:
        getattr(models, name)
    return keras.saving.load_model(path, **kwargs)


def __getattr__(name: str):
    if name in _ROOMS:
        return import_module(f"keras_imgen.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
