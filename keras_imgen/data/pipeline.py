"""`load`: any source as a data set of batches, and `describe`: what is in it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from keras_imgen.arguments import integer
from keras_imgen.data import epoch, image_io, sources
from keras_imgen.data.augment import Augment
from keras_imgen.data.batches import Batches, drawn
from keras_imgen.data.host import of_host
from keras_imgen.libraries import has

CACHE_BYTES = 4 << 30
BUFFER = 10_000


@dataclass(frozen=True)
class SourceInfo:
    """What a source holds.

    Args:
        name: of the source.
        split: of it.
        count: number of images.
        shape: of an image, (height, width, channels).
        class_names: of the labels 0, 1, ...; None without classes.
        keys: of a batch.
        skipped: what was skipped and why, a sentence for each file.
    """

    name: str
    split: str
    count: int
    shape: tuple[int, int, int]
    class_names: Sequence[str] | None
    keys: tuple[str, ...]
    skipped: tuple[str, ...] = ()


def load(
    source: Any,
    split: str = "train",
    size: int | tuple[int, int] | None = None,
    batch: int = 64,
    *,
    channels: int | None = None,
    resize: str = "crop",
    columns: Sequence[str] | None = None,
    shuffle: bool | None = None,
    seed: int = 0,
    augment: Augment | None = None,
    cache: bool = True,
    drop_remainder: bool | None = None,
    limit: int | None = None,
    frames: int | None = None,
    data_dir: str | None = None,
) -> Any:
    """Images as a `tf.data.Dataset` of batches; where TensorFlow is not installed, as a `keras.utils.PyDataset` with `take` and `map`.

    Args:
        source: "digits", "shapes", "fashion_mnist", "tfds:NAME", "folder:PATH", "npz:PATH", an array, (images, labels), or a dict
            of arrays with the key `image`.
        split: "train", "test", "all", or what else the source has; arrays have no splits.
        size: of the images, one number for squares; None keeps theirs.
        batch: images in a batch.
        channels: 1, 3 or 4; None keeps the source's.
        resize: "crop" fills the size and cuts evenly, "pad" fits inside and repeats the edge; neither distorts.
        columns: the keys to keep, as ("image", "label"); None is all.
        shuffle: the order is a function of (seed, epoch); None shuffles the split "train" alone.
        seed: of the order and of `augment`.
        augment: see `Augment`; drawn from (seed, epoch) as well.
        cache: keep what is decoded in memory, if all columns of all rows take no more than 4 GiB.
        drop_remainder: leave out a last batch that is smaller; None does so where it shuffles.
        limit: at most so many images, the first ones.
        frames: length of the `clip` (batch, frames, height, width, channels) of "shapes".
        data_dir: of tfds, or the folder of Fashion-MNIST's files.

    Returns:
        Dicts of `image` uint8 (batch, height, width, channels) and, where there are any, `label` int32 (batch,), `caption`, `mask` ...

    Raises:
        ValueError: an unknown source, split or column, pictures of unequal sizes and no `size`, a batch larger than the data.
        FileNotFoundError: a file or folder that is not there, or data that cannot be downloaded.
        ModuleNotFoundError: data of tfds, and TensorFlow is not installed.
    """
    batch = integer("batch", batch, 1)
    limit = None if limit is None else integer("limit", limit, 1)
    shuffle = split == "train" if shuffle is None else shuffle
    drop_remainder = shuffle if drop_remainder is None else drop_remainder
    request = _request(split, size, channels, resize, frames, data_dir)
    found = sources.find(source, request)
    count = found.count if limit is None else min(limit, found.count)
    if count < 1:
        raise ValueError("The source is empty: expected at least one image.")
    steps = count // batch if drop_remainder else -(-count // batch)
    if steps < 1:
        raise ValueError(f"A batch of {batch} is more than the {count} images there are: use a smaller batch.")
    if found.stream is None:
        fetch = found.fetch
        sample = fetch(np.arange(1))
        if cache and found.slow and count * sum(v.nbytes for v in sample.values()) <= CACHE_BYTES:
            fetch = _Kept(fetch, count)
        columns = list(sample) if columns is None else list(columns)
        _known(columns, sample)

        if not has("tensorflow"):

            def chosen(rows):
                values = fetch(rows)
                return {k: values[k] for k in columns}

            data = Batches(chosen, count, batch, seed if shuffle else None, drop_remainder)
            if augment is None:
                return data
            alter = augment.change(found.shape)
            return data.changed(lambda b, now, i: alter(b, drawn(seed, now, i + 1).integers(1 << 32, size=2)))

    import tensorflow as tf

    now = epoch.current()
    if found.stream is not None:
        examples = found.stream.take(count)
        if cache and count * _bytes_of(examples.element_spec) <= CACHE_BYTES:
            examples = examples.cache()
        if columns is not None:
            _known(columns, examples.element_spec)
            examples = examples.map(lambda e: {k: e[k] for k in columns})
        ordered = examples
        if shuffle:

            def order(_):
                tf.compat.v1.set_random_seed(
                    None
                )  # of this graph: a global seed of 0 would be compared with the tensor
                return examples.shuffle(min(count, BUFFER), tf.bitcast(epoch.seed_at(now, seed, 0), "int64"))

            ordered = tf.data.Dataset.range(1).flat_map(order)
        data = ordered.batch(batch, drop_remainder)
    else:

        def order(_):
            rows = tf.range(count)
            if shuffle:
                rows = tf.random.experimental.stateless_shuffle(rows, epoch.seed_at(now, seed, 0))
            return tf.data.Dataset.from_tensor_slices(rows)

        @of_host
        def rows(indices):
            values = fetch(indices)
            return [values[k] for k in columns]

        kinds = {k: tf.as_dtype(sample[k].dtype) if sample[k].dtype.kind in "biuf" else tf.string for k in columns}

        def to_batch(indices):
            values = tf.numpy_function(rows, [indices], [kinds[k] for k in columns], stateful=False)
            out = {}
            for k, v in zip(columns, values):
                v.set_shape((batch if drop_remainder or count % batch == 0 else None, *sample[k].shape[1:]))
                out[k] = v
            return out

        data = tf.data.Dataset.range(1).flat_map(order).batch(batch, drop_remainder)
        data = data.map(to_batch, num_parallel_calls=2)
    if augment is not None:
        change = augment.pipeline(found.shape)
        data = data.enumerate().map(lambda i, b: change(b, epoch.seed_at(now, seed, i + 1)), num_parallel_calls=2)
    return of_length(data, steps)


def of_length(data: Any, steps: int) -> Any:
    """A dataset of batches as it is handed out: its length known, read ahead, shared among replicas by its elements."""
    import tensorflow as tf

    options = tf.data.Options()
    options.experimental_distribute.auto_shard_policy = tf.data.experimental.AutoShardPolicy.DATA
    return data.apply(tf.data.experimental.assert_cardinality(steps)).prefetch(2).with_options(options)


def describe(
    source: Any,
    split: str = "train",
    size: int | tuple[int, int] | None = None,
    *,
    channels: int | None = None,
    resize: str = "crop",
    frames: int | None = None,
    data_dir: str | None = None,
) -> SourceInfo:
    """What `load` with the same arguments will give.

    Args:
        source: as for `load`.
        split: as for `load`.
        size: as for `load`.
        channels: as for `load`.
        resize: as for `load`.
        frames: as for `load`.
        data_dir: as for `load`.

    Raises:
        ValueError: as `load`.
        FileNotFoundError: as `load`.
    """
    found = sources.find(source, _request(split, size, channels, resize, frames, data_dir))
    name = source if isinstance(source, str) else "arrays"
    keys = found.stream.element_spec if found.stream is not None else found.fetch(np.arange(min(1, found.count)))
    classes = None if found.class_names is None else tuple(found.class_names)
    return SourceInfo(name, split, found.count, tuple(found.shape), classes, tuple(keys), tuple(found.skipped))


def _request(split, size, channels, resize, frames, data_dir):
    if size is not None:
        pair = tuple(size) if isinstance(size, Sequence) and not isinstance(size, str) else (size, size)
        if len(pair) != 2:
            raise ValueError(f"Expected `size` as a number of pixels or (height, width), got {size!r}.")
        size = tuple(integer("size", pixels, 1) for pixels in pair)
    if channels not in (None, 1, 3, 4):
        raise ValueError(f"Expected `channels` of 1, 3 or 4, got {channels!r}.")
    if resize not in image_io.RESIZE:
        raise ValueError(f"Expected `resize` to be one of {', '.join(image_io.RESIZE)}, got {resize!r}.")
    return sources.Request(split, size, channels, resize, data_dir, frames)


def _bytes_of(spec) -> int:
    """Of one example; a text is taken for 200."""
    return sum(int(np.prod(s.shape)) * (s.dtype.size or 200) for s in spec.values())


def _known(columns, there):
    if missing := [k for k in columns if k not in there]:
        raise ValueError(f"There is no column {', '.join(missing)}: the source has {', '.join(there)}.")


class _Kept:
    """Rows that were fetched once are kept."""

    def __init__(self, fetch: Any, count: int):
        self.fetch, self.count = fetch, count
        self.arrays: dict[str, np.ndarray] = {}
        self.have = np.zeros(count, bool)

    def __call__(self, rows: Any) -> Any:
        missing = rows[~self.have[rows]]
        if len(missing):
            for k, v in self.fetch(missing).items():
                store = self.arrays.setdefault(k, np.empty((self.count, *v.shape[1:]), v.dtype))
                store[missing] = v
            self.have[missing] = True
        return {k: v[rows] for k, v in self.arrays.items()}
