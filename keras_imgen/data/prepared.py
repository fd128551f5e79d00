"""Whatever `fit` is given as batches that a model has looked at: arrays, data sets, PyDatasets, loaders."""

import itertools
import warnings
from typing import Any

import keras
import numpy as np

from keras_imgen.data.batches import Batches, length
from keras_imgen.data.host import of_host
from keras_imgen.data.pipeline import load
from keras_imgen.data.sources import Source

Batch = dict[str, Any]


def is_array(x: Any) -> bool:
    """Whether it is a NumPy array or a dict of such."""
    return isinstance(x, np.ndarray) or (isinstance(x, dict) and all(isinstance(v, np.ndarray) for v in x.values()))


def shuffled(batch: Batch, batch_size: int, seed: int) -> Any:
    """Batches of a dict of arrays whose order is a function of the seed and the epoch: tf.data on TensorFlow, else without it.

    Args:
        batch: arrays of equal numbers of rows, by name.
        batch_size: rows of a batch; the last one may have fewer.
        seed: of the order.
    """
    first = next(iter(batch.values()))
    source = Source(len(first), first.shape[1:], lambda rows: {k: v[rows] for k, v in batch.items()})
    if keras.backend.backend() != "tensorflow":
        return Batches(source.fetch, source.count, batch_size, seed)
    return load(source, batch=batch_size, shuffle=True, seed=seed, drop_remainder=False)


def split(batch: Batch, fraction: float) -> tuple[Batch, Batch | None]:
    """A dict of arrays without its last rows, and these, as Keras' `validation_split` has it; None for a fraction of 0.

    Raises:
        ValueError: a fraction outside [0, 1), or one that leaves one side empty.
    """
    if not 0.0 <= fraction < 1.0:
        raise ValueError(f"Expected `validation_split` in [0, 1), got {fraction!r}.")
    if not fraction:
        return batch, None
    count = len(next(iter(batch.values())))
    kept = int(count * (1.0 - fraction))
    if kept in (0, count):
        raise ValueError(f"A `validation_split` of {fraction} of {count} images leaves one side empty.")
    return {k: v[:kept] for k, v in batch.items()}, {k: v[kept:] for k, v in batch.items()}


def prepared(x: Any, y: Any, model: Any) -> Any:
    """x, with y in it, for `fit` and its like, every batch of which has passed through `model.plain`.

    Arrays come as one dict, the others batch by batch as they are asked for.

    Args:
        x: arrays, dicts, a tf.data.Dataset, a PyDataset, or anything that gives batches.
        y: arrays that go with the arrays x; else None.
        model: an `ImageModel`; its `plain` turns a dict of NumPy arrays, as they were given, into the one that it learns from, and raises
            ValueError for one that it cannot learn from.

    Raises:
        ValueError: no data, no batch, a first batch that is refused.
    """
    if x is None or isinstance(x, (list, tuple)):
        raise ValueError(
            f"Expected images (array, dict, tf.data.Dataset or PyDataset), got {'None' if x is None else f'a {type(x).__name__}'}."
        )
    x, y = _of_tensors(x), _of_tensors(y)

    @of_host
    def each(data):
        return (model.plain(_numpy(model.as_dict(data))),)

    if is_array(x):
        (found,) = each((x, y) if y is not None else (x,))
        _warn_of_range(found, model.pictures)
        return found
    if y is not None:
        raise ValueError(f"Expected `y` inside the batches of a {type(x).__name__}, got it beside them.")
    if isinstance(x, keras.utils.PyDataset):
        _warn_of_range(*each(x[0]), model.pictures)
        return x.map(each) if isinstance(x, Batches) else _Each(x, each)
    if hasattr(x, "element_spec"):
        return x if type(x).__name__ == "DistributedDataset" else _mapped(x, model)
    iterator = iter(x)
    begun = list(itertools.islice(iterator, 1 if iterator is x else 2))
    if not begun:
        raise ValueError("The dataset is empty: expected at least one batch of images.")
    found = [each(data)[0] for data in begun]
    _warn_of_range(found[0], model.pictures)
    if iterator is x:
        return (each(data) for data in itertools.chain(begun, iterator))
    if keras.backend.backend() != "tensorflow":
        from keras_imgen.data.loaders import Loader  # a private name of Keras: not for those who need none

        return Loader(x, lambda data: each(data)[0])
    return _of_batches(x, lambda data: each(data)[0], found[0], found[-1])


def _of_tensors(given):
    """Tensors of any library and lists of texts, also in a dict, as NumPy arrays; what is something else as it is."""
    if isinstance(given, dict):
        return {k: _of_tensors(v) for k, v in given.items()}
    if isinstance(given, list | tuple) and given and all(isinstance(v, str | bytes) for v in given):
        return np.array(given, object)
    is_tensor = hasattr(given, "shape") and hasattr(given, "__array__") and not isinstance(given, np.ndarray)
    return np.asarray(given) if is_tensor else given


def _of_batches(given, change, first, second):
    """A tf.data.Dataset of the batches of something that can be gone through again, as a data loader, each changed as these were."""
    import tensorflow as tf

    both = {k: zip(v.shape[1:], second[k].shape[1:]) for k, v in first.items()}  # sizes may differ from batch to batch
    spec = {k: tf.TensorSpec([None, *(a if a == b else None for a, b in both[k])], first[k].dtype) for k in first}
    data = tf.data.Dataset.from_generator(lambda: map(change, given), output_signature=spec)
    return data if length(given) is None else data.apply(tf.data.experimental.assert_cardinality(len(given)))


def _numpy(batch):
    return {k: v.numpy() if hasattr(v, "numpy") else np.asarray(v) for k, v in batch.items()}


def _warn_of_range(batch, pictures):
    for name in pictures:
        images = batch.get(name)
        if images is not None and images.dtype.kind == "f" and images.size and images.min() >= 0 < images.max() <= 1:
            warnings.warn(
                f"Float images ({name}) lie in [0, 1], and are taken as in [-1, 1]: black would be gray. Pass uint8 in [0, 255], or "
                "images * 2 - 1.",
                stacklevel=5,
            )


class _Each(keras.utils.PyDataset):
    """The batches of another one, each changed."""

    def __init__(self, given: Any, change: Any):
        super().__init__(given.workers, given.use_multiprocessing, given.max_queue_size)
        self.given, self.change = given, change

    def __getitem__(self, index):
        return self.change(self.given[index])

    @property
    def num_batches(self) -> Any:
        return self.given.num_batches

    def on_epoch_begin(self) -> None:
        self.given.on_epoch_begin()

    def on_epoch_end(self) -> None:
        self.given.on_epoch_end()


def _mapped(data, model):
    """A tf.data.Dataset, each of whose batches is looked at where something can be wrong with it."""
    import tensorflow as tf

    first = next(iter(data.take(1)), None)
    if first is None:
        raise ValueError("The dataset is empty: expected at least one batch of images.")
    given = _numpy(model.as_dict(first))
    found = model.plain(given)
    _warn_of_range(found, model.pictures)
    changed = [k for k in found if found[k] is not given.get(k)]
    every = set(model.as_dict(data.element_spec))
    if every == set(found) and not changed and "label" not in found:
        if all(v.dtype == np.uint8 for v in found.values()):
            return data  # bytes in the right shape are never wrong

    @of_host
    def look(*arrays):
        now = model.plain(dict(zip(given, arrays)))
        return [now[k] for k in changed] + [np.True_]

    def one(*parts):
        batch = model.as_dict(parts if len(parts) > 1 else parts[0])
        kinds = [found[k].dtype for k in changed] + [np.bool_]
        # Stateful: an op without effects, whose answer nothing needs, would be left out.
        *values, ok = tf.numpy_function(look, [batch[k] for k in given], kinds, stateful=True)
        for k, v in zip(changed, values):
            shape = batch[k if k in batch else model.pictures[0]].shape  # a text becomes several arrays
            v.set_shape(shape if shape.rank == found[k].ndim else [shape[:1][0], *found[k].shape[1:]])
        with tf.control_dependencies([ok]):
            return {k: tf.identity(v) for k, v in {**batch, **dict(zip(changed, values))}.items() if k in found}

    return data.map(one).prefetch(2)
