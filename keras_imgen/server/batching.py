"""Batches across requests: rows that can be answered together are, and who asks too much at once is told when to come again."""

import asyncio
import math
import time
from collections import deque
from collections.abc import Awaitable, Callable, Hashable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from keras_imgen.server.errors import Busy, Invalid
from keras_imgen.server.worker import WorkerDied

Tensors = Mapping[str, np.ndarray]
Run = Callable[[str, Tensors], Awaitable[dict[str, np.ndarray]]]


@dataclass(frozen=True)
class Batching:
    """How batches form.

    Args:
        size: rows of a batch, at most.
        wait: seconds that a row waits for others, while there are fewer.
        queue: rows that wait, at most.
    """

    size: int = 32
    wait: float = 0.005
    queue: int = 512


@dataclass(eq=False)
class _Item:
    """Rows of one request that are answered together."""

    signature: str
    rows: Tensors
    shared: Tensors
    count: int
    future: asyncio.Future
    came: float = field(default_factory=time.monotonic)

    @cached_property
    def key(self) -> Hashable:
        """Alike for those that can be in one batch."""
        shapes = tuple((k, v.dtype.str, v.shape[1:]) for k, v in sorted(self.rows.items()))
        return self.signature, shapes, tuple((k, v.shape, v.tobytes()) for k, v in sorted(self.shared.items()))


class Batcher:
    """The queue of one model. It lives in an event loop; `start` and `stop` are called there.

    Args:
        run: (signature, tensors) -> outputs; asked for one batch at a time.
        how: see `Batching`.
        observe: told the rows of each batch and its seconds.
    """

    def __init__(self, run: Run, how: Batching, observe: Callable[[int, float], None] = lambda rows, seconds: None):
        self._run, self._how, self._observe = run, how, observe
        self._items: deque[_Item] = deque()
        self._came = asyncio.Event()
        self._pace = 0.0  # seconds of a row, lately
        self._task: asyncio.Task | None = None

    @property
    def waiting(self) -> int:
        """Rows that wait."""
        return sum(item.count for item in self._items if not item.future.done())

    def start(self) -> None:
        """Begin to answer."""
        self._task = asyncio.get_running_loop().create_task(self._work())

    def stop(self) -> None:
        """Answer nothing more."""
        if self._task is not None:
            self._task.cancel()

    async def answer(
        self, signature: str, rows: Tensors, shared: Tensors, begun: bool = False
    ) -> dict[str, np.ndarray]:
        """Outputs of some rows, which may be answered in several batches, beside those of others.

        Args:
            signature: its name.
            rows: tensors with a row each, by name.
            shared: tensors that all rows share; only requests with the same meet in a batch.
            begun: whether these go on with something of which a part is answered: it is not thrown away for want of a place.

        Raises:
            Busy: too many rows wait already.
        """
        count = len(next(iter(rows.values()))) if rows else 1
        waiting = self.waiting
        if waiting and waiting + count > self._how.queue and not begun:
            seconds = max(1, math.ceil(waiting * self._pace))
            raise Busy(f"{waiting} rows wait already, of at most {self._how.queue}: ask again in {seconds} s.", seconds)
        parts = [slice(k, k + self._how.size) for k in range(0, max(count, 1), self._how.size)]
        loop = asyncio.get_running_loop()
        items = [
            _Item(
                signature,
                {k: v[part] for k, v in rows.items()},
                shared,
                min(count - part.start, self._how.size),
                loop.create_future(),
            )
            for part in parts
        ]
        self._items.extend(items)
        self._came.set()
        try:
            found = await asyncio.gather(*(item.future for item in items))
        finally:
            for item in items:
                item.future.cancel()  # of those that still wait, where one went wrong or the client left
        return found[0] if len(found) == 1 else {k: np.concatenate([one[k] for one in found]) for k in found[0]}

    async def _work(self):
        while True:
            batch = await self._next()
            begun, rows = time.monotonic(), sum(item.count for item in batch)
            await self._answer(batch)
            seconds = time.monotonic() - begun
            self._pace = 0.7 * self._pace + 0.3 * seconds / max(rows, 1)
            self._observe(rows, seconds)

    async def _next(self) -> list[_Item]:
        """The oldest that waits, and what can be answered with it."""
        while True:
            while self._items and self._items[0].future.done():
                self._items.popleft()
            if not self._items:
                self._came.clear()
                await self._came.wait()
                continue
            left = self._items[0].came + self._how.wait - time.monotonic()
            batch = list(self._fitting())
            if left <= 0 or sum(item.count for item in batch) >= self._how.size:
                self._items = deque(item for item in self._items if item not in batch)
                return batch
            self._came.clear()
            try:
                await asyncio.wait_for(self._came.wait(), left)
            except TimeoutError:
                pass

    def _fitting(self) -> Iterator[_Item]:
        key, rows = self._items[0].key, 0
        for item in self._items:
            if not item.future.done() and rows + item.count <= self._how.size and item.key == key:
                rows += item.count
                yield item

    async def _answer(self, batch):
        if len(batch) == 1:
            return await self._alone(batch[0])
        tensors = {k: np.concatenate([item.rows[k] for item in batch]) for k in batch[0].rows}
        try:
            found = await self._run(batch[0].signature, {**tensors, **batch[0].shared})
        except Exception:  # of one of them; the others are not to blame
            for item in batch:
                await self._alone(item)
            return
        start = 0
        for item in batch:
            _settle(item, {k: v[start : start + item.count] for k, v in found.items()})
            start += item.count

    async def _alone(self, item):
        for last in (False, True):
            if item.future.done():
                return
            try:
                return _settle(item, await self._run(item.signature, {**item.rows, **item.shared}))
            except WorkerDied as error:  # once more, on a new process: it may not have been this request's fault
                if last:
                    _fail(item, error)
            except Exception as error:
                return _fail(item, error)


def _settle(item, found):
    wrong = next((k for k, v in found.items() if not v.ndim or len(v) != item.count), None) if item.rows else None
    if wrong is not None:
        _fail(item, Invalid(f"Expected {item.count} rows of {wrong!r} from the model, got {found[wrong].shape}."))
    elif not item.future.done():
        item.future.set_result(found)


def _fail(item, error):
    if not item.future.done():
        item.future.set_exception(error)
