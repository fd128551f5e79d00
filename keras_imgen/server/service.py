"""The one interface of all protocols: models, versions, what they take, their answers. It knows no protocol, and no kind of model."""

import asyncio
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

import numpy as np

from keras_imgen.inference.endpoints import Endpoint
from keras_imgen.server.batching import Batching
from keras_imgen.server.errors import Busy, Invalid, TooLate
from keras_imgen.server.limits import Limits, check_tensors, checked_arguments
from keras_imgen.server.metrics import Metrics
from keras_imgen.server.models import Models
from keras_imgen.server.repository import Found
from keras_imgen.server.version import Version
from keras_imgen.serving.client import signature_for
from keras_imgen.serving.signatures import endpoint_of

DEFAULT = "serving_default"
THREADS, WAITING = 16, 48  # calls that are worked on at once, and that wait for it, at most
SOON = 2  # seconds after which a call may find a place


class Progress(NamedTuple):
    """How far a call is.

    Args:
        state: queued, started, when the arguments have been found right, or done.
        parts: how many batches or tiles of it are answered.
        share: of the answer that is finished.
        newest: what was finished last, None for nothing yet: rows, or pictures (N, H, W, C) from the top, black below.
        notes: what people should know of what they asked, as words that the model has not learned.
    """

    state: str
    parts: int
    share: float = 0.0
    newest: np.ndarray | None = None
    notes: tuple[str, ...] = ()


class Service(Models):
    """Models in service, and their answers. Everything is called in one event loop.

    Args:
        paths: of models, see `repository.scan`.
        batching: how batches form.
        limits: of a request.
        memory: bytes of data of a model's process, None for any.
        keep: how many of the newest versions are served.
        poll: seconds between looks at the disk.

    Attributes:
        limits: of a request.
        metrics: what is counted.
    """

    def __init__(
        self,
        paths: Sequence[str],
        batching: Batching = Batching(),  # noqa: B008 - frozen
        limits: Limits = Limits(),  # noqa: B008 - frozen
        memory: int | None = None,
        keep: int = 1,
        poll: float = 2.0,
    ):
        self.limits, self.metrics, self._batching = limits, Metrics(), batching

        def make(found: Found) -> Version:
            return Version(found, batching, memory, limits.seconds, self.metrics)

        super().__init__(paths, make, keep, poll, limits.seconds)
        self._threads, self._calls = ThreadPoolExecutor(THREADS, "call"), 0

    async def stop(self, seconds: float = 30.0) -> None:
        """End all processes when they have answered what they were asked.

        Args:
            seconds: after which they end anyway.
        """
        await super().stop(seconds)
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def answer(
        self,
        model: str,
        signature: str = DEFAULT,
        tensors: Mapping[str, np.ndarray] | None = None,
        version: int | None = None,
        deadline: float | None = None,
    ) -> dict[str, np.ndarray]:
        """Outputs of a signature by name, the same as the SavedModel gives. If the task is cancelled, what still waits is dropped.

        Args:
            model: its name.
            signature: its name.
            tensors: what it takes, by name, in its own dtypes, bytes as objects; what has a default may be left out.
            version: its number, None for the newest.
            deadline: seconds from now, at most those of the limits, which are the default.

        Raises:
            RequestError: which one says what is to be done; see `errors`.
        """
        found = self.version(model, version)
        told = endpoint_of(signature, found.endpoints).conditions
        check_tensors(tensors or {}, found.signature(signature), self.limits, told)
        async with self._within(deadline):
            return await found.answer(signature, tensors or {})

    async def call(
        self,
        model: str,
        endpoint: str,
        arguments: Mapping[str, Any],
        version: int | None = None,
        deadline: float | None = None,
        progress: Callable[[Progress], None] = lambda progress: None,
    ) -> Any:
        """What the method of this name of the model itself returns, as uint8 images (N, H, W, C).

        Args:
            model: its name.
            endpoint: its name, as `generate`; `version(model).endpoints[endpoint].parameters()` lists the arguments.
            arguments: of the method, by name. Pictures are arrays: a path is refused.
            version: its number, None for the newest.
            deadline: as in `answer`.
            progress: told what is done, in the event loop.

        Raises:
            RequestError: which one says what is to be done; see `errors`.
        """
        found = self.version(model, version)
        one, loop, left, at = (
            found.endpoint(endpoint),
            asyncio.get_running_loop(),
            threading.Event(),
            Progress("queued", 0),
        )
        given = self._arguments(one, arguments)
        if self._calls >= THREADS + WAITING:
            raise Busy(f"{self._calls} calls are on their way already: ask again in {SOON} s.", SOON)

        def tell(**more):
            nonlocal at
            at = at._replace(**more)
            loop.call_soon_threadsafe(progress, at)

        def run(tensors):
            nonlocal waiting
            if left.is_set():
                raise TooLate("Nobody waits for it any more.")
            if not at.parts:
                tell(state="started")
            own = {
                k: _as_declared(v, found.signatures[signature].inputs[k].dtype)
                for k, v in tensors.items()
                if k not in dropped
            }
            asked = found.answer(signature, own, begun=at.parts > 0)
            waiting = asyncio.run_coroutine_threadsafe(asked, loop)
            if left.is_set():  # in the meantime
                waiting.cancel()
            answered = waiting.result()[one.output]
            tell(parts=at.parts + 1)
            return answered

        def work():
            nonlocal signature, dropped
            signature, dropped = signature_for(endpoint, one, given, set(found.signatures))
            tell(notes=tuple(one.remarks(given)))
            return one.answer(run, given, lambda newest, share: tell(newest=newest, share=share))

        signature, dropped, waiting = "", (), None
        progress(at)
        self._calls += 1
        try:
            async with self._within(deadline):
                made = await loop.run_in_executor(self._threads, work)
        except (ValueError, TypeError) as error:  # the endpoint's own words
            raise Invalid(str(error)) from error
        finally:
            self._calls -= 1
            left.set()
            if waiting is not None:
                waiting.cancel()  # rows that nobody wants leave the queue
        progress(at._replace(state="done", share=1.0))
        return made

    def observe(self, model: str | None, status: int | str, seconds: float) -> None:
        """Count a request; of models that are not here none, so that strangers' names are not kept.

        Args:
            model: its name, None for none.
            status: of HTTP, or the code of gRPC.
            seconds: that it took.
        """
        if self._available(model):
            self.metrics.request(model, status, seconds)

    def _arguments(self, endpoint: Endpoint, given: Mapping[str, Any]) -> dict[str, Any]:
        every = checked_arguments(given, endpoint, self.limits)
        return every | ({"progress": False} if "progress" in every else {"batch_size": self._batching.size})

    @asynccontextmanager
    async def _within(self, deadline):
        seconds = self.limits.seconds if deadline is None else min(deadline, self.limits.seconds)
        try:
            async with asyncio.timeout(seconds):
                yield
        except TimeoutError:
            raise TooLate(
                f"Expected an answer within {seconds:g} s; it takes longer: ask for less at a time."
            ) from None


def _as_declared(array, dtype):
    return array if dtype == "string" else np.asarray(array, dtype)
