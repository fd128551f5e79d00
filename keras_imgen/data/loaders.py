"""What can be gone through again, as a data loader of PyTorch or Grain, on the backends that have no use for tf.data."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

# Keras takes a user's own adapter, but has no public name for the class; PyDataset needs a length, which not every loader has.
from keras.src.trainers.data_adapters.data_adapter import DataAdapter

from keras_imgen.data.batches import length


class Loader(DataAdapter):
    """The batches of something, each changed, once more in every epoch.

    Args:
        given: gives batches, and gives them again.
        change: f(batch) -> a dict of NumPy arrays.
    """

    def __init__(self, given: Iterable, change: Callable[[Any], Any]):
        self.given, self.change = given, change

    def __iter__(self) -> Iterator:
        return map(self.change, self.given)

    def get_numpy_iterator(self) -> Iterator:
        return iter(self)

    def get_jax_iterator(self) -> Iterator:
        return iter(self)

    @property
    def num_batches(self) -> int | None:
        return length(self.given)

    @property
    def batch_size(self) -> None:
        return None

    @property
    def has_partial_batch(self) -> None:
        return None

    @property
    def partial_batch_size(self) -> None:
        return None
