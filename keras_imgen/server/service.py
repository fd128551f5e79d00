"""The one interface of all protocols: models, versions, what they take, their answers. It knows no protocol, and no kind of model."""

import asyncio
import math
import struct
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass
from io import BytesIO
from typing import Any, NamedTuple

import numpy as np
from PIL import Image

from keras_imgen.inference.endpoints import Endpoint, bound
from keras_imgen.inference.restorer import TiledEndpoint
from keras_imgen.server.batching import Batching
from keras_imgen.server.errors import Invalid, TooLarge, TooLate
from keras_imgen.server.metrics import Metrics
from keras_imgen.server.models import Models
from keras_imgen.server.repository import Found
from keras_imgen.server.version import Version
from keras_imgen.serving.client import signature_for

DEFAULT = "serving_default"
STEPS = 1000  # of a sampler, at most
FRAMES = 1000  # of a prediction


@dataclass(frozen=True)
class Limits:
    """Of one request.

    Args:
        rows: of all its tensors.
        pixels: of one picture, width x height, and a quarter of those of all pictures together.
        seconds: until it is answered.
        body: bytes.
    """

    rows: int = 256
    pixels: int = 1 << 24
    seconds: float = 120.0
    body: int = 64 << 20


class Progress(NamedTuple):
    """How far a call is.

    Args:
        state: queued, started or done.
        parts: how many batches or tiles of it are answered.
        share: of the answer that is finished.
        newest: what was finished last, None for nothing yet: rows, or pictures (N, H, W, C) from the top, black below.
    """

    state: str
    parts: int
    share: float = 0.0
    newest: np.ndarray | None = None


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
        self._threads = ThreadPoolExecutor(16, "call")

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
        self._check(tensors or {})
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

        def tell(**more):
            nonlocal at
            at = at._replace(**more)
            loop.call_soon_threadsafe(progress, at)

        def run(tensors):
            if left.is_set():
                raise TooLate("Nobody waits for it any more.")
            own = {
                k: _as_declared(v, found.signatures[signature].inputs[k].dtype)
                for k, v in tensors.items()
                if k not in dropped
            }
            answered = asyncio.run_coroutine_threadsafe(found.answer(signature, own), loop).result()[one.output]
            tell(parts=at.parts + 1)
            return answered

        def work():
            nonlocal signature, dropped
            signature, dropped = signature_for(endpoint, one, given, set(found.signatures))
            tell(state="started")
            return one.answer(run, given, lambda newest, share: tell(newest=newest, share=share))

        signature, dropped = "", ()
        progress(at)
        try:
            async with self._within(deadline):
                made = await loop.run_in_executor(self._threads, work)
        except (ValueError, TypeError) as error:  # the endpoint's own words
            raise Invalid(str(error)) from error
        finally:
            left.set()
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
        """All arguments of an endpoint, checked for what a stranger must not ask."""
        self._check({k: v for k, v in _arrays(given)})
        try:
            every = bound(endpoint, (), given)
        except TypeError as error:
            known = ", ".join(endpoint.parameters().parameters)
            raise Invalid(f"{error}: expected arguments of {known}.") from error
        if isinstance(endpoint, TiledEndpoint):
            for name in ("images", "masks"):  # which the method also takes as paths
                found = every[name] if isinstance(every[name], list | tuple) else [every[name]]
                if not all(isinstance(one, np.ndarray) or (one is None and name == "masks") for one in found):
                    raise Invalid(f"Expected `{name}` as an array uint8 (N, H, W, C), or a list of arrays (H, W, C).")
            return {**every, "progress": False}
        if isinstance(every.get("n"), int) and every["n"] > self.limits.rows:
            raise TooLarge(f"Expected `n` of at most {self.limits.rows}, got {every['n']}.")
        if isinstance(every.get("steps"), int) and every["steps"] > STEPS:
            raise TooLarge(f"Expected `steps` of at most {STEPS}, got {every['steps']}.")
        if isinstance(every.get("frames"), int) and every["frames"] > FRAMES:
            raise TooLarge(f"Expected `frames` of at most {FRAMES}, got {every['frames']}.")
        n, size = every.get("n"), every.get("size")
        if isinstance(size, list | tuple) and all(isinstance(side, int) for side in size):
            if math.prod(map(abs, size)) * (n if isinstance(n, int) else 1) > 4 * self.limits.pixels:
                raise TooLarge(f"Expected `n` pictures of `size` of at most {4 * self.limits.pixels} pixels together.")
        return {**every, "batch_size": self._batching.size}

    def _check(self, tensors: Mapping[str, np.ndarray]) -> None:
        """Refuse what would take too much, before anything is decoded."""
        pixels = 0
        for name, array in tensors.items():
            if array.ndim and len(array) > self.limits.rows and array.ndim != 3:
                raise TooLarge(f"Expected at most {self.limits.rows} rows in `{name}`, got {len(array)}.")
            if array.dtype == object and name.endswith("_bytes"):
                sizes = [size_of(text, name) for text in array.reshape(-1)]
            elif array.dtype == np.uint8 and array.ndim > 2:
                height, width = array.shape[-3:-1] if array.ndim > 3 else array.shape[:2]
                sizes = [(width, height)] * (len(array) if array.ndim > 3 else 1)
            else:
                continue
            for width, height in sizes:
                pixels += width * height
                if width * height > self.limits.pixels or pixels > 4 * self.limits.pixels:
                    raise TooLarge(f"Expected `{name}` of at most {self.limits.pixels} pixels, got {width} x {height}.")

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


def size_of(text: bytes, name: str) -> tuple[int, int]:
    """(width, height) of a PNG or JPEG file, from its header.

    Args:
        text: its bytes.
        name: what messages call it.

    Raises:
        Invalid: another file.
    """
    try:
        with Image.open(BytesIO(text), formats=("PNG", "JPEG")) as image:
            return image.size
    except (OSError, ValueError, SyntaxError, struct.error, Image.DecompressionBombError) as error:
        if isinstance(error, Image.DecompressionBombError):
            raise TooLarge(f"Expected `{name}` of fewer pixels: {error}") from error
        raise Invalid(f"Expected `{name}` as PNG or JPEG files.") from error


def _arrays(given):
    """(name, array) of all arrays in arguments, also in lists and in `conditions`."""
    for name, value in given.items():
        if isinstance(value, np.ndarray):
            yield name, value
        elif isinstance(value, Mapping):
            yield from _arrays(value)
        elif isinstance(value, list | tuple):
            yield from ((f"{name}[{k}]", one) for k, one in enumerate(value) if isinstance(one, np.ndarray))


def _as_declared(array, dtype):
    return array if dtype == "string" else np.asarray(array, dtype)
