"""The command starts sooner: what Keras and TensorFlow import because it happens to be there, and it never needs, is not there for them.

Half of what `import keras` takes under TensorFlow goes into these packages. Each import stands in a `try`, and what else the process
imports, also these, comes as ever.
"""

import gc
import importlib.abc
import sys

NEEDLESS = ("sklearn", "matplotlib", "IPython")  # of Keras, for wrappers, galleries and notebooks


class _Finder(importlib.abc.MetaPathFinder):
    def __init__(self):
        self.before = gc.get_threshold()
        gc.set_threshold(100_000, 20, 20)

    def find_spec(self, name, path=None, target=None):
        if self.before and "keras" in sys.modules and not _begun("keras"):  # the first import after it
            gc.set_threshold(*self.before)
            self.before = None
        if (name in NEEDLESS and _begun("keras")) or (name == "jax" and (_begun("tensorflow") or _on_tensorflow())):
            raise ModuleNotFoundError(f"{name} is not needed here", name=name)


def _begun(package):
    """Whether it is being imported right now."""
    return getattr(getattr(sys.modules.get(package), "__spec__", None), "_initializing", False)


def _on_tensorflow():
    """Whether Keras is being imported, and has chosen TensorFlow."""
    config = sys.modules.get("keras.src.backend.config")
    return _begun("keras") and hasattr(config, "backend") and config.backend() == "tensorflow"


def begin() -> None:
    """From here on, in this process; before Keras is imported. Its imports make so many objects, and free none, that looking for garbage
    every 700 takes a fifth of their time."""
    if not any(isinstance(finder, _Finder) for finder in sys.meta_path):
        sys.meta_path.insert(0, _Finder())
