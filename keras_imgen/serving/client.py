"""Use an exported model from Python as if it were the model itself."""

import hashlib
import json
import logging
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np

from keras_imgen import text  # noqa: F401 - the same
from keras_imgen.inference import between, canvas, clips, continued, stylizer  # noqa: F401 - kinds that descriptions name
from keras_imgen.inference.endpoints import Endpoint, Endpoints, bound
from keras_imgen.inference.restorer import TiledEndpoint  # noqa: F401 - the same
from keras_imgen.kinds import from_description
from keras_imgen.libraries import needs_tensorflow
from keras_imgen.sampling import coarse_to_fine, options  # noqa: F401 - the same
from keras_imgen.serving import older

DESCRIPTION = os.path.join("assets.extra", "keras_imgen.json")
NEEDED = ("name", "image_shape", "num_classes")


@contextmanager
def tensorflow_logs(level: str) -> Iterator[None]:
    """TensorFlow's Python loggers, its own and absl's, say nothing below this level."""
    import tensorflow as tf

    loggers = [tf.get_logger(), logging.getLogger("absl")]
    before = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(level)
    try:
        yield
    finally:
        for logger, was in zip(loggers, before):
            logger.setLevel(was)


def checksum(path: str) -> str:
    """SHA-256 of the graph of the SavedModel folder `path`; TensorFlow has one of the variables alone, and takes a graph as it finds it."""
    with open(os.path.join(path, "saved_model.pb"), "rb") as f:
        return hashlib.file_digest(f, "sha256").hexdigest()


def signature_defs(path: str) -> dict[str, Any]:
    """What the SavedModel folder `path` declares of its signatures, in the JSON form of its protocol buffers, by name."""
    from google.protobuf.json_format import MessageToDict
    from tensorflow.core.protobuf.saved_model_pb2 import SavedModel

    found = SavedModel()
    with open(os.path.join(path, "saved_model.pb"), "rb") as f:
        found.ParseFromString(f.read())
    how = {"preserving_proto_field_name": True, "always_print_fields_with_no_presence": True}
    return {k: MessageToDict(v, **how) for k, v in found.meta_graphs[0].signature_def.items()}


class ServedModel:
    """A SavedModel on disk, with the methods of the model that it came from, one for each of its endpoints: `generate`, `translate`,
    `encode`, `restore`, ....

    They take the arguments of the model's own, see there, but for `ema`: an export has averaged weights. `help(served.generate)` lists
    them. One that restores clips has `stream`, too.

    Attributes:
        name: of the model.
        image_shape: of one of its pictures.
        num_classes: of its labels, None for none.
        conditions: what it is told.
        description: all that is known of it, as JSON.
    """

    def __init__(self, path: str, description: dict):
        import tensorflow as tf

        with tensorflow_logs("ERROR"):  # it would warn that gradients were not saved
            self._loaded = tf.saved_model.load(path)  # held: its variables live as long as it does
        self.description = description
        self.name = description["name"]
        self.image_shape = tuple(description["image_shape"])
        self.num_classes = description["num_classes"]
        self._endpoints = endpoints_in(description, set(self._loaded.signatures))
        self.conditions = next(iter(self._endpoints.values())).conditions
        for name, endpoint in self._endpoints.items():
            if not {endpoint.signature or name, *endpoint.short} & set(self._loaded.signatures):
                raise ValueError(f"it has no endpoint {endpoint.signature or name}")
            if hasattr(self, name):
                raise ValueError(f"an endpoint cannot have the name {name!r}")
            setattr(self, name, self._method(name, endpoint))
        if isinstance(self._endpoints.get("restore"), clips.ClipEndpoint):
            self.stream = self._stream

    def endpoints(self) -> Endpoints:
        """What it answers, by the names of its methods."""
        return self._endpoints

    def generates(self) -> bool:
        """Whether it makes new images."""
        return "generate" in self._endpoints

    def _method(self, name: str, endpoint: Endpoint) -> Callable[..., Any]:
        def method(*args, **kwargs):
            given = bound(endpoint, args, kwargs)
            signature, dropped = signature_for(name, endpoint, given, set(self._loaded.signatures))

            def run(tensors):
                return self.run(signature, {k: v for k, v in tensors.items() if k not in dropped})[endpoint.output]

            return endpoint.answer(run, given)

        method.__name__, method.__signature__ = name, endpoint.parameters()
        method.__doc__ = f"`{self.description.get('model', 'the model')}.{name}`; what comes out is {endpoint.output}."
        return method

    def _stream(self, frames: Iterable[np.ndarray], **given: Any) -> Iterator[np.ndarray]:
        """As `VideoRestorer.stream`, of an export of one."""
        endpoint = self._endpoints["restore"]
        return endpoint.stream(lambda tensors: self.run(endpoint.signature, tensors)[endpoint.output], frames, **given)

    def run(self, signature: str, tensors: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """What a signature of the SavedModel answers, by name.

        Args:
            signature: its name.
            tensors: all that it takes, by name; strings as objects.
        """
        import tensorflow as tf

        found = self._loaded.signatures[signature](**{k: tf.constant(v) for k, v in tensors.items()})
        return {k: v.numpy() for k, v in found.items()}

    def __getattr__(self, name: str) -> Any:
        known = ", ".join(self.__dict__.get("_endpoints", ()))
        raise AttributeError(f"this export has no {name!r}; its endpoints are {known}")


def endpoints_in(description: Mapping[str, Any], signatures: set[str]) -> Endpoints:
    """The endpoints that an export's description tells, by the names of their methods.

    Args:
        description: what the file `DESCRIPTION` in it holds.
        signatures: the names of those in the SavedModel; of an older export they tell more.

    Raises:
        ValueError: a kind that is not known here.
    """
    if description.get("kind") == "model":
        return from_description(description["endpoints"])
    return older.endpoints(description, signatures)


def signature_for(
    name: str, endpoint: Endpoint, given: Mapping[str, Any], signatures: set[str]
) -> tuple[str, tuple[str, ...]]:
    """(the signature that answers, the names of those tensors that it does not take): an older export has a short form alone.

    Args:
        name: of the endpoint.
        endpoint: that is asked.
        given: all of its `parameters()`.
        signatures: the names of those in the SavedModel.

    Raises:
        ValueError: something is asked for that the short form does not take.
    """
    full = endpoint.signature or name
    if full in signatures:
        return full, ()
    short = next(short for short in endpoint.short if short in signatures)
    defaults = {k: t.default for k, t in endpoint.tensors().items() if t.default is not None}
    dropped = tuple(k for k in defaults if k not in endpoint.short[short])
    rows, constants = endpoint.request(given).tensors()
    asked = [k for k in dropped if not np.all({**rows, **constants}[k] == defaults[k])]
    if asked:
        lost = dict.fromkeys("negative" if k.startswith("negative_") else k for k in asked)
        raise ValueError(f"This export is of an older version, without {', '.join(lost)}: export it again.")
    return short, dropped


def load(path: str) -> ServedModel:
    """Open the SavedModel folder at `path`.

    Raises:
        ValueError: the folder is not a whole SavedModel of this package; one line that names it.
        ModuleNotFoundError: TensorFlow is not installed.
    """
    needs_tensorflow("A SavedModel")
    description = os.path.join(path, DESCRIPTION)
    if not os.path.isfile(os.path.join(path, "saved_model.pb")) or not os.path.isfile(description):
        raise ValueError(
            f"{path} is not a SavedModel written by keras_imgen: expected saved_model.pb and {DESCRIPTION} in it."
        )
    try:
        with open(description, encoding="utf-8") as f:
            found = json.load(f)
        if missing := set(NEEDED) - set(found):
            raise ValueError(f"{DESCRIPTION} lacks {', '.join(sorted(missing))}")
        if found.get("sha256", checksum(path)) != checksum(path):
            raise ValueError("saved_model.pb has another checksum")
        return ServedModel(path, found)
    except Exception as error:
        from keras_imgen.data.files import one_line

        said = f"{type(error).__name__}: {one_line(error)}"
        raise ValueError(f"{path} is damaged, or of an unknown version: {said}. Export it again.") from error
