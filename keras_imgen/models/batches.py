"""The batches that `fit` and `evaluate` accept, brought to one form and checked before the first step."""

from typing import Any

import keras
import numpy as np

from keras_imgen.conditions import Conditions, Label, Picture
from keras_imgen.layers.pictures import rescale
from keras_imgen.text import Text

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


def with_texts(batch: Batch, conditions: Conditions) -> Batch:
    """Texts as the tokens that a model reads; brackets in captions weigh nothing, unlike those in prompts.

    Args:
        batch: arrays by key, of which some are texts (N,) in str or bytes; tokens are taken as they are.
        conditions: of the model; other texts are left out.

    Raises:
        ValueError: what a condition refuses.
    """
    texts = {k: v for k, v in batch.items() if v.dtype.kind in "SUO"}
    found = {k: v for k, v in batch.items() if k not in texts}
    for condition in conditions:
        if isinstance(condition, Text) and condition.key in texts:
            found |= condition.captions(texts[condition.key])
        elif isinstance(condition, Text) and condition.key in found:
            found |= condition.arrays(found)
        elif condition.key in texts:
            found |= condition.encode({condition.key: texts[condition.key]})
    return found


def to_model(batch: Batch, pictures: tuple[str, ...], reads: tuple[str, ...] | None) -> Batch:
    """What a model reads of a batch, on the device; never text.

    Args:
        batch: tensors by key.
        pictures: keys whose whole numbers are rescaled to float32 [-1, 1].
        reads: keys that are kept, None for all.
    """
    batch = {k: v for k, v in batch.items() if keras.backend.standardize_dtype(v.dtype) != "string"}
    batch = {k: v for k, v in batch.items() if reads is None or k in reads}
    return {**batch, **{name: rescale(batch[name]) for name in pictures if name in batch}}


def refuse_weights(**given: Any) -> None:
    """Refuse weights of images.

    Args:
        **given: what Keras takes as such, by name; None passes.

    Raises:
        ValueError: one of them is given.
    """
    for name, value in given.items():
        if value is not None:
            raise ValueError(
                f"There is no `{name}` here: the losses of these models are means over the images of a batch. Let images that count more "
                "come more often: repeat them, or mix data sets by `tf.data.Dataset.sample_from_datasets`."
            )


def plain(batch: Batch, num_classes: int | None, pictures: tuple[str, ...]) -> Batch:
    """Arrays whose meaning is plain, as what `check` takes: whole numbers from 0 to 255 and truth values, True for white, as uint8
    images; labels (N, 1) or one-hot (N, num_classes), also whole numbers as floats, as int32 (N,).

    Args:
        batch: arrays by key.
        num_classes: of the labels; None leaves them out.
        pictures: keys of images.

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
    """Refuse a batch without `target`, or with one of another shape or range.

    Args:
        batch: arrays by key.
        shape: (height, width, channels) of the targets; a dimension of None may be any.

    Raises:
        ValueError: what is wrong, in one line.
    """
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
    """Refuse a batch that a model cannot learn from.

    Args:
        batch: arrays by key.
        image_shape: of one picture; a dimension of None may be any.
        num_classes: of the labels, None for a model without.
        bound: floats may lie in [-bound, bound].
        key: of the pictures.

    Raises:
        ValueError: what is wrong, in one line.
    """
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


LARGEST = 1 << 24  # pixels of a picture whose maps are in memory whole, by some 500 bytes a pixel


def at_a_time(images: np.ndarray, batch_size: int) -> int:
    """How many pictures to take together, each in one piece: `batch_size`, of large ones fewer.

    Args:
        images: (H, W, C) or (N, H, W, C).
        batch_size: at most.

    Raises:
        ValueError: more than 16 megapixels of one.
    """
    height, width = images.shape[-3:-1]
    if height * width > LARGEST:
        raise ValueError(
            f"Expected pictures of at most {LARGEST:,} pixels, got {width}x{height}: they are taken in one piece. Make them smaller first."
        )
    return max(1, min(batch_size, LARGEST // max(1, height * width)))


def check_conditions(batch: dict[str, np.ndarray], conditions: Conditions) -> None:
    """Refuse a batch without what a model is told, or with another form of it. Labels are looked at by `check`.

    Raises:
        ValueError: what is wrong, in one line.
    """
    for condition in conditions:
        for name, one in condition.inputs().items():
            if name == "label" or name not in batch and (name != condition.key or not condition.needed):
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
            if isinstance(condition, Label | Picture):
                condition.encode({name: batch[name]})
