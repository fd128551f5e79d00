"""TensorFlow, which is not needed on JAX, and PyAV: whether they are installed, and a line that says so where they are needed."""

import importlib.util
import json
import os


def has(name: str) -> bool:
    """Whether a library is installed; it is not imported."""
    spec = importlib.util.find_spec(name)
    return spec is not None and spec.origin is not None  # a folder of that name is none


def needs_tensorflow(what: str) -> None:
    """Refuse what cannot be done without TensorFlow where it is not installed.

    Args:
        what: the first words of the message.

    Raises:
        ModuleNotFoundError: it is not installed.
    """
    _needs(what, "TensorFlow", "tensorflow")


def needs_av(what: str) -> None:
    """Refuse what cannot be done without PyAV where it is not installed.

    Args:
        what: the first words of the message.

    Raises:
        ModuleNotFoundError: it is not installed.
    """
    _needs(what, "PyAV", "av")


def _needs(what: str, title: str, name: str) -> None:
    if not has(name):
        raise ModuleNotFoundError(f"{what} needs {title}, which is not installed: pip install {name}.", name=name)


def choose_backend() -> None:
    """Let Keras, not yet imported, take JAX where TensorFlow, its default, is not installed and nothing else was chosen.

    Keras writes its default into its file when it is first imported: "tensorflow" in there is no choice.
    """
    if "KERAS_BACKEND" in os.environ or has("tensorflow") or not has("jax"):
        return
    folder = os.environ.get("KERAS_HOME") or os.path.join(os.path.expanduser("~"), ".keras")
    try:
        with open(os.path.join(folder, "keras.json"), encoding="utf-8") as f:
            chosen = json.load(f).get("backend", "tensorflow")
    except (OSError, ValueError, AttributeError):
        chosen = "tensorflow"
    if chosen == "tensorflow":
        os.environ["KERAS_BACKEND"] = "jax"
