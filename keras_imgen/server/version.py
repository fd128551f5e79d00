"""One version of one model in service: its files, its process, its queue."""

import asyncio
import json
import os
import tempfile
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np

from keras_imgen.inference.endpoints import Endpoint, Endpoints
from keras_imgen.server.batching import Batcher, Batching
from keras_imgen.server.errors import Invalid, NotFound, Unavailable
from keras_imgen.server.metrics import Metrics
from keras_imgen.server.repository import Found
from keras_imgen.server.worker import Worker, exported
from keras_imgen.serving.client import DESCRIPTION, endpoints_in
from keras_imgen.serving.signatures import Signature, signatures_of


class Version:
    """A version that is loaded, or on its way to be.

    Args:
        found: on disk.
        batching: how its batches form.
        memory: bytes of data of its process, None for any.
        seconds: that the process may take for one batch.
        metrics: where it counts.

    Attributes:
        state: LOADING, AVAILABLE, UNLOADING or END, as TensorFlow Serving has them.
        error: why it could not be loaded, "" otherwise.
        signatures: what clients can ask it, by name.
        endpoints: those of the model that it came from.
        description: what its export says of it.
        worker: its process.
        batcher: its queue.
    """

    def __init__(self, found: Found, batching: Batching, memory: int | None, seconds: float, metrics: Metrics):
        self.found, self.state, self.error = found, "LOADING", ""
        self.signatures: dict[str, Signature] = {}
        self.endpoints: Endpoints = {}
        self.description: dict[str, Any] = {}
        self._memory, self._seconds, self._metrics = memory, seconds, metrics
        self._thread = ThreadPoolExecutor(1, f"{found.name}-{found.version}")  # the one that talks to the process
        self._folder: tempfile.TemporaryDirectory | None = None
        self._export: Any = None  # the process that writes it
        self._closed = False
        self._asked = 0  # requests that are on their way
        self.worker: Worker | None = None
        self.batcher = Batcher(self._run, batching, lambda rows, seconds: metrics.batch(found.name, rows, seconds))

    @property
    def signature_defs(self) -> dict[str, Any]:
        """What the SavedModel declares, in the JSON form of its protocol buffers."""
        return self.worker.signature_defs if self.worker else {}

    async def load(self) -> None:
        """Open it; then it is AVAILABLE.

        Raises:
            ValueError: it cannot be opened, in one line; then it is at its END.
        """
        try:
            await asyncio.get_running_loop().run_in_executor(self._thread, self._load)
        except BaseException as error:
            self.state, self.error = "END", str(error)
            self._close()
            raise
        self.batcher.start()
        self.state = "AVAILABLE"

    def _load(self):
        path = self.found.path
        if path.endswith(".keras"):  # the same as its export, which a process opens sooner, without what trains
            self._folder = tempfile.TemporaryDirectory(prefix="keras-imgen-")
            file, path = path, os.path.join(self._folder.name, "model")
            exported(file, path, self._exporting)
        self.worker = Worker(path, self._memory)
        if self._closed:
            self.worker.stop()
        self.worker.start()
        with open(os.path.join(path, DESCRIPTION), encoding="utf-8") as file:
            self.description = json.load(file)
        self.endpoints = endpoints_in(self.description, set(self.signature_defs))
        self.signatures = signatures_of(self.signature_defs, self.endpoints)

    def _exporting(self, process):
        self._export = process
        if self._closed:
            process.kill()

    def endpoint(self, name: str) -> Endpoint:
        """One of the endpoints.

        Args:
            name: its name.

        Raises:
            NotFound: there is none.
        """
        if name not in self.endpoints:
            raise NotFound(f"{self.found.name} has no endpoint {name!r}: expected one of {', '.join(self.endpoints)}.")
        return self.endpoints[name]

    def signature(self, name: str) -> Signature:
        """One of the signatures.

        Args:
            name: its name.

        Raises:
            NotFound: there is none.
        """
        if name not in self.signatures:
            raise NotFound(
                f"{self.found.name} has no signature {name!r}: expected one of {', '.join(self.signatures)}."
            )
        return self.signatures[name]

    async def answer(
        self, signature: str, tensors: Mapping[str, np.ndarray], begun: bool = False
    ) -> dict[str, np.ndarray]:
        """Outputs by name.

        Args:
            signature: its name.
            tensors: by name.
            begun: see `Batcher.answer`.

        Raises:
            RequestError: a signature that is not there, tensors that it refuses, a full queue.
        """
        if self.state in ("END", "LOADING"):
            raise Unavailable(f"Version {self.found.version} of {self.found.name} is not loaded: ask again.", 1)
        known = self.signature(signature)
        try:
            rows, shared = known.whole(tensors)
        except ValueError as error:
            raise Invalid(str(error)) from error
        self._asked += 1
        try:
            return await self.batcher.answer(signature, rows, shared, begun)
        finally:
            self._asked -= 1

    async def _run(self, signature, tensors):
        loop, starts = asyncio.get_running_loop(), self.worker.starts
        try:
            return await loop.run_in_executor(self._thread, self.worker.run, signature, tensors, self._seconds)
        finally:
            self._metrics.restarted(self.found.name, self.worker.starts - starts)

    async def unload(self, seconds: float) -> None:
        """End it when it has answered what it was asked.

        Args:
            seconds: after which it ends anyway.
        """
        self.state = "UNLOADING"
        end = asyncio.get_running_loop().time() + seconds
        while self._asked and asyncio.get_running_loop().time() < end:
            await asyncio.sleep(0.02)
        self.batcher.stop()
        self.state = "END"
        self._close()

    def _close(self):
        self._closed = True
        if self._export is not None and self._export.is_alive():
            self._export.kill()
        if self.worker is not None:
            self.worker.stop()
        self._thread.shutdown(wait=False, cancel_futures=True)
        if self._folder is not None:
            self._folder.cleanup()
