"""Batches of rows without tf.data: for the other backends, which then need no TensorFlow."""

import copy
from collections.abc import Callable, Iterator
from typing import Any

import keras
import numpy as np

from keras_imgen.data import epoch

Batch = dict[str, np.ndarray]
OF_TF_DATA = "batch unbatch filter shuffle repeat cache enumerate prefetch apply skip".split()


class Batches(keras.utils.PyDataset):
    """Rows in batches, each a function of the seed, the epoch and its number: whoever builds it, and however far ahead.

    Args:
        fetch: f(numbers of rows) -> a dict of arrays.
        count: of all rows.
        batch: rows of a batch.
        seed: of the order; None is that of the rows.
        drop_remainder: leave out a last batch that is smaller.
    """

    def __init__(
        self,
        fetch: Callable[[np.ndarray], Batch],
        count: int,
        batch: int,
        seed: int | None = None,
        drop_remainder: bool = False,
    ):
        super().__init__()
        self.fetch, self.count, self.batch, self.seed = fetch, count, batch, seed
        self.steps = count // batch if drop_remainder else -(-count // batch)
        self.changes: tuple[Callable[[Any, int, int], Any], ...] = ()
        self._ordered = (-1, np.arange(count))

    def __len__(self) -> int:
        return self.steps

    def __getitem__(self, index: int) -> Any:
        if not 0 <= index < self.steps:
            raise IndexError(f"There are {self.steps} batches: expected a number below, got {index}.")
        return self._at(index, epoch.now())

    def __iter__(self) -> Iterator[Any]:
        now = epoch.now()  # one that outlives its epoch goes on as it began
        return (self._at(index, now) for index in range(self.steps))

    def _at(self, index, now):
        found = self.fetch(self._order(now)[index * self.batch : (index + 1) * self.batch])
        for change in self.changes:
            found = change(found, now, index)
        return found

    def _order(self, now):
        ordered = self._ordered
        if self.seed is not None and ordered[0] != now:
            self._ordered = ordered = (now, drawn(self.seed, now, 0).permutation(self.count))
        return ordered[1]

    def take(self, steps: int) -> "Batches":
        """The first batches of every epoch.

        Args:
            steps: so many; -1 is all.
        """
        found = copy.copy(self)
        found.steps = self.steps if steps < 0 else min(steps, self.steps)
        return found

    def map(self, change: Callable[[Any], Any]) -> "Batches":
        """The same with each batch changed by f(batch)."""
        return self.changed(lambda batch, now, index: change(batch))

    def changed(self, change: Callable[[Any, int, int], Any]) -> "Batches":
        """The same with each batch changed by f(batch, epoch, number of the batch)."""
        found = copy.copy(self)
        found.changes = (*self.changes, change)
        return found

    def __getattr__(self, name: str) -> Any:
        hint = ""
        if name in OF_TF_DATA:
            hint = ": that is a word of tf.data, and these batches, which need no TensorFlow, have len, take and map"
        raise AttributeError(f"{type(self).__name__} has no {name}{hint}.")


def drawn(seed: int, now: int, stream: int) -> np.random.Generator:
    """Random numbers that depend on a seed, an epoch and a number.

    Args:
        seed: of the batches.
        now: the epoch.
        stream: 0 is the order, 1, 2, ... are the changes of batch 0, 1, ...
    """
    return np.random.Generator(np.random.Philox(np.random.SeedSequence([seed & 0x7FFFFFFF, now, stream])))


def length(given: Any) -> int | None:
    """Of what has one; a loader of a stream has the method, and raises."""
    try:
        return len(given)
    except TypeError:
        return None
