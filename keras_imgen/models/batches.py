"""The batches that `fit` and `evaluate` accept, brought to one form and checked before the first step."""

import itertools
import warnings
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_imgen.conditions import Conditions, Label
from keras_imgen.data.host import of_host

Batch = dict[str, Any]


def as_dict(data: Any, second: str = "label", first: str = "image") -> dict[str, Any]:
    """`x`, `(x, y)`, `(dict,)`, `(dict, y)` or a dict as Keras hands them over -> a dict with at least the key `first`.

    Args:
        data: what Keras hands over.
        second: what the model takes y for: `label` or `target`.
        first: what it takes x for, if that is no dict.

    Raises:
        ValueError: (x, y, sample_weight).
    """
    if isinstance(data, (tuple, list)):
        x, y, weights = keras.utils.unpack_x_y_sample_weight(tuple(data))
        if weights is not None:
            refuse_weights(sample_weight=weights)
        batch = dict(x) if isinstance(x, dict) else {first: x}
        return batch if y is None else {**batch, second: y}
    return dict(data) if isinstance(data, dict) else {first: data}


def to_model(batch: Batch, pictures: tuple[str, ...], reads: tuple[str, ...] | None) -> Batch:
    """What a model reads of a batch, on the device: whole numbers in its pictures rescaled to float32 [-1, 1]; never text."""
    batch = {k: v for k, v in batch.items() if keras.backend.standardize_dtype(v.dtype) != "string"}
    batch = {k: v for k, v in batch.items() if reads is None or k in reads}
    return {**batch, **{name: rescale(batch[name]) for name in pictures if name in batch}}


def rescale(images):
    """uint8 [0, 255] -> float32 [-1, 1]; floats are taken as they are."""
    if "int" in keras.backend.standardize_dtype(images.dtype):
        return ops.cast(images, "float32") / 127.5 - 1.0
    return ops.cast(images, "float32")


def to_uint8(images):
    """Floats in [-1, 1], clipped, -> uint8 [0, 255], in tensors."""
    return ops.cast(ops.round(ops.clip(ops.cast(images, "float32"), -1.0, 1.0) * 127.5 + 127.5), "uint8")


def is_array(x: Any) -> bool:
    return isinstance(x, np.ndarray) or (isinstance(x, dict) and all(isinstance(v, np.ndarray) for v in x.values()))


def refuse_weights(**given: Any) -> None:
    """Raises ValueError if one of the weights is given."""
    for name, value in given.items():
        if value is not None:
            raise ValueError(
                f"There is no `{name}` here: the losses of these models are means over the images of a batch. Let images that count more "
                "come more often: repeat them, or mix data sets by `tf.data.Dataset.sample_from_datasets`."
            )


def shuffled(batch: Batch, batch_size: int, seed: int):
    """A tf.data pipeline over a dict of arrays whose order is a function of the seed and the epoch."""
    from keras_imgen.data import load

    return load(batch, batch=batch_size, shuffle=True, seed=seed, drop_remainder=False)


def split(batch: Batch, share: float) -> tuple[Batch, Batch | None]:
    """A dict of arrays without its last rows, and these, as Keras' `validation_split` has it; None for a share of 0."""
    if not 0.0 <= share < 1.0:
        raise ValueError(f"Expected `validation_split` in [0, 1), got {share!r}.")
    if not share:
        return batch, None
    count = len(batch["image"])
    kept = int(count * (1.0 - share))
    if kept in (0, count):
        raise ValueError(f"A `validation_split` of {share} of {count} images leaves one side empty.")
    return {k: v[:kept] for k, v in batch.items()}, {k: v[kept:] for k, v in batch.items()}


def prepared(x: Any, y: Any, model: Any) -> Any:
    """x, with y in it, for `fit` and its like, every batch of which has passed through `model.plain`: arrays as one dict, the others batch
    by batch as they come.

    Args:
        x, y: arrays, dicts, a tf.data.Dataset, a PyDataset, or anything that gives batches.
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
        return _Each(x, each)
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
    return _of_batches(x, lambda data: each(data)[0], found[0], found[-1])


def _of_tensors(given):
    """Tensors of any library, also in a dict, as NumPy arrays; what is something else as it is."""
    if isinstance(given, dict):
        return {k: _of_tensors(v) for k, v in given.items()}
    is_tensor = hasattr(given, "shape") and hasattr(given, "__array__") and not isinstance(given, np.ndarray)
    return np.asarray(given) if is_tensor else given


def _of_batches(given, change, first, second):
    """A tf.data.Dataset of the batches of something that can be gone through again, as a data loader, each changed as these were."""
    import tensorflow as tf

    both = {k: zip(v.shape[1:], second[k].shape[1:]) for k, v in first.items()}  # sizes may differ from batch to batch
    spec = {k: tf.TensorSpec([None, *(a if a == b else None for a, b in both[k])], first[k].dtype) for k in first}
    data = tf.data.Dataset.from_generator(lambda: map(change, given), output_signature=spec)
    return data.apply(tf.data.experimental.assert_cardinality(len(given))) if hasattr(given, "__len__") else data


def _numpy(batch):
    """NumPy arrays, without text."""
    found = {k: v.numpy() if hasattr(v, "numpy") else np.asarray(v) for k, v in batch.items()}
    return {k: v for k, v in found.items() if v.dtype.kind not in "SUO"}


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

    def __init__(self, given, change):
        super().__init__(given.workers, given.use_multiprocessing, given.max_queue_size)
        self.given, self.change = given, change

    def __getitem__(self, index):
        return self.change(self.given[index])

    @property
    def num_batches(self):
        return self.given.num_batches

    def on_epoch_begin(self):
        self.given.on_epoch_begin()

    def on_epoch_end(self):
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
    changed = [k for k in found if found[k] is not given[k]]
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
            shape = batch[k].shape
            v.set_shape(shape if shape.rank == found[k].ndim else [shape[:1][0], *found[k].shape[1:]])
        with tf.control_dependencies([ok]):
            return {k: tf.identity(v) for k, v in {**batch, **dict(zip(changed, values))}.items() if k in found}

    return data.map(one).prefetch(2)


def plain(batch: Batch, num_classes: int | None, pictures: tuple[str, ...]) -> Batch:
    """Arrays whose meaning is plain, as what `check` takes: whole numbers from 0 to 255 and truth values, True for white, as uint8
    images; labels (N, 1) or one-hot (N, num_classes), also whole numbers as floats, as int32 (N,). Labels that a model does not read are
    left out.

    Raises:
        ValueError: whole numbers outside [0, 255], rows that are not one-hot.
    """
    batch = dict(batch)
    for name in pictures:
        images = batch.get(name)
        if images is not None and images.dtype == bool:
            batch[name] = images.astype("uint8") * np.uint8(255)
        elif images is not None and images.dtype.kind in "iu" and images.dtype != np.uint8 and images.size:
            if images.min() < 0 or images.max() > 255:
                raise ValueError(f"Expected whole numbers in [0, 255] as images, got {images.min()}..{images.max()}.")
            batch[name] = images.astype("uint8")
    if num_classes is None:
        batch.pop("label", None)
    elif "label" in batch:
        batch["label"] = _classes(batch["label"], num_classes)
    return batch


def _classes(labels, num_classes):
    if labels.ndim == 2 and labels.shape[1] == num_classes > 1:
        if not (((labels == 0) | (labels == 1)).all() and (labels.sum(1) == 1).all()):
            raise ValueError(f"Expected labels (N,) or one-hot rows (N, {num_classes}), got rows of other numbers.")
        labels = labels.argmax(1)
    if labels.ndim == 2 and labels.shape[1] == 1:
        labels = labels[:, 0]
    if labels.dtype.kind == "f" and labels.size and (labels % 1 == 0).all():
        labels = labels.astype("int64")
    if labels.dtype.kind not in "iu" or labels.dtype == np.int32:
        return labels  # or refused by `check`
    if labels.size and (labels.min() < 0 or labels.max() >= num_classes):  # before they wrap around
        raise ValueError(f"Expected labels in 0..{num_classes - 1}, got {labels.min()}..{labels.max()}.")
    return labels.astype("int32")


def check_target(batch: dict[str, np.ndarray], shape: tuple) -> None:
    """Refuse a batch without `target`, or with one of another shape, where a dimension of None may be any, or range."""
    if "target" not in batch:
        raise ValueError(
            f"Expected batches with the keys 'image' and 'target', or fit(images, targets); got {sorted(batch)}."
        )
    try:
        check({"image": batch["target"]}, shape, None)
    except ValueError as error:
        raise ValueError(f"In 'target': {error}") from None


def check(
    batch: dict[str, np.ndarray], image_shape: tuple, num_classes: int | None, bound: float = 1.0, key: str = "image"
) -> None:
    """Refuse a batch that a model cannot learn from, in one line. Floats may lie in [-bound, bound]; `key` is that of its pictures."""
    if key not in batch:
        raise ValueError(f"Expected a batch with the key {key!r}, got the keys {sorted(batch)}.")
    images = batch[key]
    if images.ndim != 1 + len(image_shape):
        sides = ("batch", *("frames", "height", "width", "channels")[-len(image_shape) :])
        raise ValueError(f"Expected {key}s of shape ({', '.join(sides)}), got shape {images.shape}.")
    if len(images) == 0:
        raise ValueError("The dataset is empty: expected at least one image.")
    rows = {k: len(v) for k, v in batch.items() if v.ndim}
    if len(set(rows.values())) > 1:
        counts = ", ".join(f"{n:,} of {k!r}" for k, n in rows.items())
        raise ValueError(f"Expected as many rows of each, got {counts}.")
    if images.shape[-1] != image_shape[-1]:
        raise ValueError(
            f"Expected images with {image_shape[-1]} channel(s), got {images.shape[-1]}. "
            f"Load them with channels={image_shape[-1]}, or build the network for {images.shape[-1]}."
        )
    if None not in image_shape and images.shape[1:] != tuple(image_shape):
        wanted, got = ("x".join(map(str, shape[:-1])) for shape in (image_shape, images.shape[1:]))
        raise ValueError(
            f"Expected {key}s of size {wanted}, got {got}. Load them with size=..., or build the network for their size."
        )
    if images.dtype.kind == "f":
        if not np.isfinite(images).all():
            holes = (~np.isfinite(images)).reshape(len(images), -1).any(axis=1)
            raise ValueError(f"{int(holes.sum())} of {len(images)} {key}s hold NaN or infinity.")
        low, high = float(images.min()), float(images.max())
        if low < -bound or high > bound:
            raise ValueError(
                f"Expected float images in [-1, 1], got values from {low:g} to {high:g}. "
                "Pass uint8 images in [0, 255], or rescale them: images / 127.5 - 1."
            )
    elif images.dtype != np.uint8:
        raise ValueError(f"Expected uint8 images in [0, 255] or floats in [-1, 1], got {images.dtype}.")
    if num_classes is not None:
        if "label" not in batch:
            raise ValueError(
                "This model is conditional on labels: expected batches (image, label) or with the key 'label'."
            )
        labels = batch["label"]
        if labels.ndim != 1 or labels.dtype.kind not in "iu":
            raise ValueError(f"Expected integer labels of shape (batch,), got {labels.dtype} of shape {labels.shape}.")
        if labels.min() < 0 or labels.max() >= num_classes:
            raise ValueError(f"Expected labels in 0..{num_classes - 1}, got {labels.min()}..{labels.max()}.")


def check_conditions(batch: dict[str, np.ndarray], conditions: Conditions) -> None:
    """Refuse a batch without what a model is told, or with another form of it. Labels are looked at by `check`."""
    for condition in conditions:
        for name, one in condition.inputs().items():
            if name == "label" or name not in batch and name != condition.key:
                continue
            if name not in batch:
                raise ValueError(
                    f"This model is conditional on {name!r}: expected batches with that key, got {sorted(batch)}."
                )
            size = batch[name].shape[1:]
            if len(size) != len(one.shape) or any(a not in (None, b) for a, b in zip(one.shape, size)):
                raise ValueError(
                    f"Expected {name!r} of shape (batch, {', '.join(map(str, one.shape))}), got {batch[name].shape}."
                )
            if not np.isfinite(batch[name]).all():
                raise ValueError(f"{name!r} holds NaN or infinity.")
            if isinstance(condition, Label):
                condition.encode({name: batch[name]})
