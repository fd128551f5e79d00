"""What a `.keras` file holds is looked at before, and after, Keras opens it."""

import os
import warnings
import zipfile
from typing import TYPE_CHECKING, Any

from keras_imgen.data.files import one_line, shown

if TYPE_CHECKING:
    import keras

# An entry larger than this that inflates to more than a hundred times its bytes is no model; Keras lets 4 GiB pass.
LARGEST, RATIO = 1 << 28, 100


def check_archive(path: str) -> None:
    """Check that there is a whole `.keras` archive: every byte is read, and its checksum compared.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: a folder, another file, or one that is damaged.
    """
    name = shown(path)
    if os.path.isdir(path):
        served = os.path.isfile(os.path.join(path, "saved_model.pb"))
        mend = "open a SavedModel by keras_imgen.serving.load" if served else "expected a .keras file"
        raise ValueError(f"{name} is a folder: {mend}.")
    if not os.path.isfile(path):
        raise FileNotFoundError(f"There is no model file {name}.")
    try:
        with zipfile.ZipFile(path) as archive:
            for entry in archive.infolist():
                if entry.file_size > LARGEST and entry.file_size > RATIO * entry.compress_size:
                    raise ValueError(
                        f"{name} is not a .keras file: {entry.filename!r} in it would inflate to {entry.file_size} bytes."
                    )
            names, damaged = archive.namelist(), archive.testzip()
    except (OSError, ValueError):
        raise
    except Exception as error:  # BadZipFile, zlib.error, NotImplementedError, RuntimeError (encrypted), ...
        raise ValueError(
            f"{name} is not a complete .keras file ({one_line(error)}): it may have been truncated. Save or copy it again."
        ) from error
    if damaged is not None:
        raise ValueError(f"{name} is damaged: {damaged!r} in it has another checksum. Save or copy it again.")
    if "config.json" not in names:
        raise ValueError(f"{name} is not a .keras file: there is no config.json in it.")


def load(path: str, custom_objects: dict[str, Any] | None, compile: bool, safe_mode: bool) -> "keras.Model":
    """See `keras_imgen.load_model`."""
    check_archive(path)
    import keras

    from keras_imgen import models, networks  # noqa: F401 - registers what the file names

    for name in models.__all__:
        getattr(models, name)
    try:
        with warnings.catch_warnings():  # an optimizer that Keras leaves as new, and goes on
            warnings.filterwarnings("error", "Skipping variable loading for optimizer")
            model = keras.saving.load_model(path, custom_objects, compile, safe_mode)
        if not isinstance(model, keras.Model):
            raise ValueError(f"it holds a {type(model).__name__}, not a model")
    except Exception as error:
        said = one_line(error).split(" List of objects")[0].rstrip(".")
        kind = "" if isinstance(error, ValueError) else f"{type(error).__name__}: "
        mend = " With compile=False the optimizer is left out." if "loading for optimizer" in said else ""
        raise ValueError(f"{shown(path)} cannot be loaded as a model: {kind}{said}.{mend}") from error
    _warn_of_nan(model, path)
    return model


def _warn_of_nan(model, path):
    import numpy as np
    from keras import ops

    floats = [v for v in model.variables if "float" in v.dtype]
    bad = {v.path: np.count_nonzero(~np.isfinite(ops.convert_to_numpy(v))) for v in floats}
    first = next((name for name, count in bad.items() if count), None)
    if first is not None:
        warnings.warn(
            f"{shown(path)}: {sum(bad.values())} numbers of its weights are NaN or infinite, the first in {first!r}: train it again, or "
            "take an earlier file.",
            stacklevel=4,
        )
