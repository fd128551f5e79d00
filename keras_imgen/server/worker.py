"""One process for each model: it opens the SavedModel and answers tensors with tensors. If it dies, the server lives."""

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from multiprocessing.connection import Connection
from typing import Any

import numpy as np

from keras_imgen.server.errors import Invalid, RequestError, TooLate, Unavailable
from keras_imgen.server.wire import pack, unpack

KINDS = {"invalid": Invalid, "memory": Unavailable, "internal": RequestError}
REFUSED = {"InvalidArgumentError", "OutOfRangeError", "ValueError", "TypeError"}  # the first two are TensorFlow's


class WorkerDied(RequestError):
    """The process ended while it answered."""


class Worker:
    """A SavedModel in a process of its own. Methods block; one thread at a time calls `run`.

    Args:
        path: the SavedModel folder.
        memory: bytes of data that the process may have, None for any.

    Attributes:
        signature_defs: what the SavedModel declares, in the JSON form of its protocol buffers.
        starts: how often the process was started.
    """

    def __init__(self, path: str, memory: int | None = None):
        self.path, self.memory = path, memory
        self.signature_defs: dict[str, Any] = {}
        self.starts = 0
        self._process = self._connection = None
        self._lock = threading.Lock()  # of stopping, which another thread may do
        self._stopped = False

    @property
    def process_id(self) -> int | None:
        """Of the process that runs now."""
        return self._process.pid if self.alive else None

    @property
    def alive(self) -> bool:
        """Whether the process runs."""
        return self._process is not None and self._process.is_alive()

    def start(self, warm: bool = True) -> None:
        """Start the process and wait until the model is ready.

        Args:
            warm: ask the endpoints once, unless the process does not survive that.

        Raises:
            ValueError: the model cannot be opened; one line that names it.
        """
        with self._lock:
            if self._stopped:
                raise Unavailable("The model was unloaded: ask again.", 1)
            self._connection, self._process = started(_serve, self.path, self.memory, warm)
        self.starts += 1
        try:
            about, _ = unpack(self._connection.recv_bytes())
        except (EOFError, OSError):
            self._kill()
            if warm:
                return self.start(warm=False)
            raise ValueError(
                f"The process that opens {self.path} ended: it may need more than the {self.memory or 'available'} bytes of memory."
            ) from None
        if "error" in about:
            self._kill()
            raise ValueError(about["error"])
        self.signature_defs = about["signature_defs"]

    def run(self, signature: str, tensors: Mapping[str, np.ndarray], seconds: float) -> dict[str, np.ndarray]:
        """What a signature answers. A process that died since is started again.

        Args:
            signature: its name.
            tensors: all that it takes, by name.
            seconds: after which the process is ended: TensorFlow cannot be interrupted.

        Raises:
            Invalid: the model refuses these tensors.
            TooLate: it took longer.
            Unavailable: there was not enough memory, or the model cannot be opened any more.
            WorkerDied: the process ended while it answered.
        """
        if not self.alive:
            try:
                self.start(warm=False)  # who asks has waited already
            except ValueError as error:
                raise Unavailable(str(error), 10) from error
        try:
            self._connection.send_bytes(pack({"signature": signature}, tensors))
            if not self._connection.poll(seconds):
                self._kill()
                raise TooLate(f"The model took more than {seconds:g} seconds: ask for less at a time.")
            about, found = unpack(self._connection.recv_bytes())
        except (EOFError, OSError) as error:
            self._kill()
            raise WorkerDied(
                "The process of the model ended while it answered; it may have run out of memory."
            ) from error
        if "error" in about:
            raise KINDS[about["kind"]](about["error"])
        return found

    def stop(self) -> None:
        """End the process for good."""
        with self._lock:
            self._stopped = True
        self._kill()

    def _kill(self):
        if self._process is not None:
            self._process.kill()
            self._process.join()
            self._connection.close()


def started(target: Any, *args: Any) -> tuple[Connection, multiprocessing.Process]:
    """A new process that has nothing of this one but the arguments, and the connection to it.

    Args:
        target: function of (its end of the connection, *args), that can be imported.
        *args: further arguments.
    """
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=target, args=(theirs, *args), daemon=True)
    process.start()
    theirs.close()  # so that its end tells us of the process's
    return ours, process


def exported(path: str, folder: str, begun: Callable[[Any], None] = lambda process: None) -> None:
    """Write a `.keras` file as a SavedModel, in a process of its own; code in the file is refused.

    Args:
        path: of the file.
        folder: to write.
        begun: is given the process, which whoever does not want to wait for it may kill.

    Raises:
        ValueError: it cannot be opened or exported; one line that names it.
    """
    connection, process = started(_export, path, folder)
    begun(process)
    try:
        about, _ = unpack(connection.recv_bytes())
    except (EOFError, OSError):
        about = {"error": f"The process that reads {path} ended: there may be not enough memory."}
    process.join()
    connection.close()
    if about:
        raise ValueError(about["error"])


# === In the process ===


def _quiet():
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches all processes: the server tells when to end
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    from keras_imgen import lean

    lean.begin()


def _export(connection, path, folder):
    _quiet()
    try:
        from keras_imgen import load_model

        model = load_model(path, compile=False, safe_mode=True)
        if not hasattr(model, "export") or not hasattr(model, "endpoints"):
            raise ValueError(f"{path} holds a plain Keras model, without endpoints: expected a model of keras_imgen.")
        model.export(folder)
    except Exception as error:
        return connection.send_bytes(pack({"error": _said(error)}, {}))
    connection.send_bytes(pack({}, {}))


def _serve(connection, path, memory, warm):
    _quiet()
    try:
        from keras_imgen.serving.client import load, signature_defs

        model = load(path)
        about = {"signature_defs": signature_defs(path)}
        if memory is not None:
            import resource

            resource.setrlimit(resource.RLIMIT_DATA, (memory, memory))
    except Exception as error:
        return connection.send_bytes(pack({"error": _said(error)}, {}))
    if warm:
        _warm_up(model, path)
    connection.send_bytes(pack(about, {}))
    while True:
        try:
            about, tensors = unpack(connection.recv_bytes())
        except EOFError:  # the server is gone
            return
        connection.send_bytes(_answered(model, about["signature"], tensors))


def _warm_up(model, path):
    """Ask what the endpoints ask once, so that nobody waits for what only the first request costs."""
    from keras_imgen.serving.carried import requests_of

    given: dict = {}
    with suppress(Exception):  # who asks is told what is wrong with it
        given = requests_of(path)[1]
    for name, endpoint in model.endpoints().items():
        with suppress(Exception):
            model.run(endpoint.signature or name, given[endpoint.signature or name])


def _answered(model, signature, tensors):
    try:
        return pack({}, model.run(signature, tensors))
    except Exception as error:
        names = {kind.__name__ for kind in type(error).__mro__}
        if names & {"ResourceExhaustedError", "MemoryError"}:
            said = "There is not enough memory for this request: ask for less at a time."
            return pack({"error": said, "kind": "memory"}, {})
        kind = "invalid" if names & REFUSED else "internal"
        return pack({"error": _said(error), "kind": kind}, {})


def _said(error):
    """In one line; of TensorFlow's errors without the nodes of the graph."""
    text = str(getattr(error, "message", error)).strip()
    if "assertion failed: [" in text:
        return text.partition("assertion failed: [")[2].partition("\n")[0].rstrip("]").replace("] [", " ")
    lines = [
        line for line in text.splitlines() if line.strip() and not line.startswith(("Graph execution", "Detected at"))
    ]
    return lines[0].partition("[[{{")[0].strip() if lines else type(error).__name__
