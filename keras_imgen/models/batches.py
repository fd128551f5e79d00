"""The batches that `fit` and `evaluate` accept, brought to one form and checked before the first step."""

import itertools
from typing import Any

import keras
import numpy as np
from keras import ops


def as_dict(data: Any, second: str = "label") -> dict[str, Any]:
    """`x`, `(x, y)`, `(dict,)`, `(dict, y)` or a dict as Keras hands them over -> a dict with at least the key `image`.

    `second` is what the model takes y for: `label` or `target`.
    """
    if isinstance(data, (tuple, list)):
        x, y, _ = keras.utils.unpack_x_y_sample_weight(tuple(data))
        batch = dict(x) if isinstance(x, dict) else {"image": x}
        return batch if y is None else {**batch, second: y}
    return dict(data) if isinstance(data, dict) else {"image": data}


def to_model(data: Any, second: str = "label") -> dict[str, Any]:
    """A batch with integer images rescaled to float32 [-1, 1], on the device; text, which networks do not read, left out."""
    batch = {k: v for k, v in as_dict(data, second).items() if keras.backend.standardize_dtype(v.dtype) != "string"}
    for name in ("image", "target"):
        if name in batch:
            batch[name] = rescale(batch[name])
    return batch


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


def shuffled(x, y, batch_size: int, seed: int, second: str = "label"):
    """A tf.data pipeline over arrays whose order is a function of the seed and the epoch."""
    from keras_imgen.data import load

    batch = as_dict((x, y) if y is not None else (x,), second)
    return load(batch, batch=batch_size, shuffle=True, seed=seed, drop_remainder=False)


def peek(x: Any, y: Any = None, second: str = "label"):
    """(x to use from now on, its first batch as a dict of NumPy arrays or None where it cannot be looked at)."""
    if x is None:
        raise ValueError("Expected images (array, dict, tf.data.Dataset or PyDataset) to train on, got None.")
    if is_array(x):
        return x, as_dict((x, y) if y is not None else (x,), second)
    if isinstance(x, keras.utils.PyDataset):
        return x, _numpy(as_dict(x[0], second))
    if hasattr(x, "element_spec"):
        if type(x).__name__ == "DistributedDataset":
            return x, None
        first = next(iter(x.take(1)), None)
    else:
        iterator = iter(x)
        first = next(iterator, None)
        x = itertools.chain([first], iterator) if iterator is x else x
    if first is None:
        raise ValueError("The dataset is empty: expected at least one batch of images.")
    return x, _numpy(as_dict(first, second))


def _numpy(batch):
    return {k: v.numpy() if hasattr(v, "numpy") else np.asarray(v) for k, v in batch.items()}


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


def check(batch: dict[str, np.ndarray], image_shape: tuple, num_classes: int | None, bound: float = 1.0) -> None:
    """Refuse a batch that a model cannot learn from, in one line. Floats may lie in [-bound, bound]."""
    if "image" not in batch:
        raise ValueError(f"Expected a batch with the key 'image', got the keys {sorted(batch)}.")
    images = batch["image"]
    if images.ndim != 4:
        raise ValueError(f"Expected images of shape (batch, height, width, channels), got shape {images.shape}.")
    if len(images) == 0:
        raise ValueError("The dataset is empty: expected at least one image.")
    if images.shape[-1] != image_shape[-1]:
        raise ValueError(
            f"Expected images with {image_shape[-1]} channel(s), got {images.shape[-1]}. "
            f"Load them with channels={image_shape[-1]}, or build the network for {images.shape[-1]}."
        )
    if None not in image_shape and images.shape[1:] != tuple(image_shape):
        raise ValueError(
            f"Expected images of size {image_shape[0]}x{image_shape[1]}, got {images.shape[1]}x{images.shape[2]}. "
            "Load them with size=..., or build the network for their size."
        )
    if images.dtype.kind == "f":
        if not np.isfinite(images).all():
            raise ValueError(
                f"{int((~np.isfinite(images)).any(axis=(1, 2, 3)).sum())} of {len(images)} images hold NaN or infinity."
            )
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
