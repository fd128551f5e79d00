"""`load`: any source as a data set of batches, and `describe`: what is in it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from keras_imgen.arguments import integer
from keras_imgen.data import epoch, image_io, sources, streams
from keras_imgen.data.augment import Augment
from keras_imgen.data.batches import Batches, drawn
from keras_imgen.data.captions import captions_at
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
        captions: all that the first image has, as an example.
    """

    name: str
    split: str
    count: int
    shape: tuple[int, int, int]
    class_names: Sequence[str] | None
    keys: tuple[str, ...]
    skipped: tuple[str, ...] = ()
    captions: tuple[str, ...] = ()


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
    stride: int = 1,
    data_dir: str | None = None,
    text: str | None = None,
) -> Any:
    """Images as a `tf.data.Dataset` of batches; where TensorFlow is not installed, as a `keras.utils.PyDataset` with `take` and `map`.

    Args:
        source: "digits", "shapes", "shapes:text", "moving_digits", "fashion_mnist", "sprites", "emoji", "flickr8k", "tfds:NAME",
            "folder:PATH", "clips:PATH", "coco:PATH", "npz:PATH", an array, (images, labels), or a dict of arrays with the key `image`.
        split: "train", "test", "all", or what else the source has; arrays have no splits.
        size: of the images, one number for squares; None keeps theirs.
        batch: images in a batch.
        channels: 1, 3 or 4; None keeps the source's.
        resize: "crop" fills the size and cuts evenly, "pad" fits inside and repeats the edge; neither distorts.
        columns: the keys to keep, as ("image", "label"); None is all.
        shuffle: the order is a function of (seed, epoch); None shuffles the split "train" alone.
        seed: of the order, of `augment`, and of the places of clips in films.
        augment: see `Augment`; drawn from (seed, epoch) as well.
        cache: keep what is decoded in memory, if all columns of all rows take no more than 4 GiB.
        drop_remainder: leave out a last batch that is smaller; None does so where it shuffles.
        limit: at most so many images, the first ones.
        frames: length of the `clip` (batch, frames, height, width, channels) of "clips:PATH", "shapes", "moving_digits" and
            "sprites".
        stride: frames from one of a clip of "clips:PATH" to the next.
        data_dir: of tfds, or the folder with the files of Fashion-MNIST, sprites, emoji or Flickr8k, or with the pictures of coco.
        text: which text is the `caption`, by its name: a feature of tfds, a column of a folder's metadata, an array; None takes what is
            called `caption`, `captions` or `text`.

    Returns:
        Dicts of `image` uint8 (batch, height, width, channels) and, where there are any, `label` int32 (batch,), `caption`, `mask` ...
        Of several captions of an image, one is drawn by (seed, epoch, row) where it shuffles, and else the first one is taken.

    Raises:
        ValueError: an unknown source, split or column, pictures of unequal sizes and no `size`, a batch larger than the data.
        FileNotFoundError: a file or folder that is not there, or data that cannot be downloaded.
        ModuleNotFoundError: data of tfds, and TensorFlow is not installed.
    """
    batch = integer("batch", batch, 1)
    limit = None if limit is None else integer("limit", limit, 1)
    shuffle = split == "train" if shuffle is None else shuffle
    drop_remainder = shuffle if drop_remainder is None else drop_remainder
    request = _request(split, size, channels, resize, frames, data_dir, text, stride, seed)
    found = sources.find(source, request)
    count = found.count if limit is None else min(limit, found.count)
    if count < 1:
        raise ValueError("The source is empty: expected at least one image.")
    steps = count // batch if drop_remainder else -(-count // batch)
    if steps < 1:
        raise ValueError(f"A batch of {batch} is more than the {count} images there are: use a smaller batch.")
    draw = seed if shuffle else None
    if found.stream is None:
        fetch = found.fetch
        sample = fetch(np.arange(1))
        if cache and found.slow and count * sum(v.nbytes for v in sample.values()) <= CACHE_BYTES:
            fetch = _Kept(fetch, count)
        if found.refused and (columns is None or "caption" in columns):
            raise ValueError(f"{found.refused} To load the pictures without captions, pass columns=('image',).")
        if found.captions is not None:
            sample["caption"] = captions_at(found.captions, np.arange(1), None, 0)
        columns = list(sample) if columns is None else list(columns)
        _known(columns, sample)
        captioned = found.captions is not None and "caption" in columns

        def values(rows, now):
            there = fetch(rows) if {*columns} != {"caption"} or not captioned else {}
            if captioned:
                there = {**there, "caption": captions_at(found.captions, rows, draw, now)}
            return {k: there[k] for k in columns}

        if not has("tensorflow"):
            data = Batches(lambda rows: {"row": rows}, count, batch, draw, drop_remainder)
            data = data.changed(lambda b, now, i: values(b["row"], now))
            if augment is None:
                return data
            alter = augment.change(found.shape)
            return data.changed(lambda b, now, i: alter(b, drawn(seed, now, i + 1).integers(1 << 32, size=2)))

    import tensorflow as tf

    now = epoch.current()
    if found.stream is not None:
        examples = found.stream.take(count)
        if cache and count * streams.bytes_of(examples.element_spec) <= CACHE_BYTES:
            examples = examples.cache()
        columns = list(streams.columns_of(examples.element_spec)) if columns is None else list(columns)
        _known(columns, streams.columns_of(examples.element_spec))

        def order(_):
            chosen = streams.captioned(examples, draw, now).map(lambda e: {k: e[k] for k in columns})
            if not shuffle:
                return chosen
            tf.compat.v1.set_random_seed(None)  # of this graph: a global seed of 0 would be compared with the tensor
            return chosen.shuffle(min(count, BUFFER), tf.bitcast(epoch.seed_at(now, seed, 0), "int64"))

        data = tf.data.Dataset.range(1).flat_map(order).batch(batch, drop_remainder)
    else:

        def order(_):
            rows = tf.range(count)
            if shuffle:
                rows = tf.random.experimental.stateless_shuffle(rows, epoch.seed_at(now, seed, 0))
            epochs = tf.fill([count], now) if shuffle else tf.zeros([count], "int64")
            return tf.data.Dataset.from_tensor_slices((rows, epochs))

        @of_host
        def listed(rows, epochs):
            there = values(rows, int(epochs[0]))
            return [there[k] for k in columns]

        kinds = {k: tf.as_dtype(sample[k].dtype) if sample[k].dtype.kind in "biuf" else tf.string for k in columns}

        def to_batch(rows, epochs):
            given = tf.numpy_function(listed, [rows, epochs], [kinds[k] for k in columns], stateful=False)
            out = {}
            for k, v in zip(columns, given):
                v.set_shape((batch if drop_remainder or count % batch == 0 else None, *sample[k].shape[1:]))
                out[k] = v
            return out

        data = tf.data.Dataset.range(1).flat_map(order).batch(batch, drop_remainder)
        data = data.map(to_batch, num_parallel_calls=2)
    if augment is not None:
        change = augment.pipeline(found.shape)
        data = data.enumerate().map(lambda i, b: change(b, epoch.seed_at(now, seed, i + 1)), num_parallel_calls=2)
    return of_length(data, steps)


def by_step(
    draw: Callable[[int, int], dict[str, np.ndarray]], columns: dict[str, tuple[str, tuple]], steps: int
) -> Any:
    """A dataset of batches that are functions of the epoch and of their number in it.

    Args:
        draw: f(epoch, number) -> a batch, arrays by name.
        columns: of a batch, by name: (type, shape).
        steps: batches of an epoch.
    """
    import tensorflow as tf

    now, types = epoch.current(), [kind for kind, _ in columns.values()]

    def arrays(epoch_, step):
        batch = draw(int(epoch_), int(step))
        return tuple(batch[name] for name in columns)

    def to_batch(step):
        found = tf.numpy_function(arrays, [now, step], types, stateful=False)
        return {name: tf.ensure_shape(v, shape) for v, (name, (_, shape)) in zip(found, columns.items())}

    return of_length(tf.data.Dataset.range(steps).map(to_batch, num_parallel_calls=2), steps)


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
    text: str | None = None,
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
        text: as for `load`.

    Raises:
        ValueError: as `load`.
        FileNotFoundError: as `load`.
    """
    found = sources.find(source, _request(split, size, channels, resize, frames, data_dir, text))
    name = source if isinstance(source, str) else "arrays"
    if found.stream is not None:
        first = next(found.stream.take(1).as_numpy_iterator(), found.stream.element_spec)
    else:
        first = found.fetch(np.arange(min(1, found.count)))
    if found.captions is not None:
        first["captions"] = found.captions[0] if found.count else ()
    keys, texts = streams.columns_of(first), first.get("captions", first.get("caption", ())) if found.count else ()
    texts = [t for t in np.reshape(texts, -1) if isinstance(t, str | bytes)]  # tokens are none
    captions = tuple(str(t if isinstance(t, str) else t.decode()) for t in texts)
    classes = None if found.class_names is None else tuple(found.class_names)
    return SourceInfo(name, split, found.count, tuple(found.shape), classes, keys, tuple(found.skipped), captions)


def _request(split, size, channels, resize, frames, data_dir, text, stride=1, seed=0):
    if size is not None:
        pair = tuple(size) if isinstance(size, Sequence) and not isinstance(size, str) else (size, size)
        if len(pair) != 2:
            raise ValueError(f"Expected `size` as a number of pixels or (height, width), got {size!r}.")
        size = tuple(integer("size", pixels, 1) for pixels in pair)
    if channels not in (None, 1, 3, 4):
        raise ValueError(f"Expected `channels` of 1, 3 or 4, got {channels!r}.")
    if resize not in image_io.RESIZE:
        raise ValueError(f"Expected `resize` to be one of {', '.join(image_io.RESIZE)}, got {resize!r}.")
    return sources.Request(split, size, channels, resize, data_dir, frames, text, stride, seed)


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
