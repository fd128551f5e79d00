"""`styled`: batches of pictures, and for each picture a part of one whose style it is to get."""

from typing import Any

import numpy as np

from keras_imgen.arguments import finite
from keras_imgen.data import epoch, image_io
from keras_imgen.data.photos import pictures_of
from keras_imgen.libraries import needs_tensorflow

COLOURS = 0.7  # how far recoloured styles go from their own colours to those of another mixture of their channels


def styled(dataset: Any, styles: Any, seed: int = 0, recolour: float = 0.0) -> Any:
    """A dataset of dicts with `image` -> the same with `style` uint8 (N, H, W, 3), for each picture a random square of one of the styles,
    in the size of the pictures, and `label` int32 (N,), the number of that style.

    What is drawn is a function of (seed, epoch, number of the batch), as of `patches`.

    Args:
        dataset: a `tf.data.Dataset` of batches of square pictures, as of `patches`.
        styles: what `photos` takes, or a list of uint8 arrays (height, width, 3). They are taken in their own size, as far as they are as
            large as the pictures: strokes of a style have so many pixels in the answer as here.
        seed: of the draws.
        recolour: share of the squares, in [0, 1], whose channels are mixed anew, so that few pictures make many styles.

    Raises:
        ValueError: a dataset of another form, no style, `recolour` out of range.
        FileNotFoundError: as `photos`.
        ModuleNotFoundError: TensorFlow is not installed.
    """
    needs_tensorflow("data.styled")
    import tensorflow as tf

    spec = dataset.element_spec
    if not isinstance(spec, dict) or "image" not in spec or spec["image"].shape[1] != spec["image"].shape[2]:
        raise ValueError(
            "Expected batches of dicts with square pictures under the key `image`, as those of data.patches."
        )
    finite("recolour", recolour, 0.0, 1.0)
    size = int(spec["image"].shape[1])
    pictures = [at_least(one, size) for one in pictures_of(styles, 3)]
    if not pictures:
        raise ValueError("Expected at least one picture of a style, got none.")
    now = epoch.current()

    def draw(epoch_, step, count):
        rng = np.random.default_rng([seed & 0x7FFFFFFF, int(epoch_), int(step), 1])
        labels = rng.integers(len(pictures), size=count, dtype="int32")
        out = np.empty((count, size, size, 3), "uint8")
        for k, label in enumerate(labels):
            one = pictures[label]
            top, left = (rng.integers(n - size + 1) for n in one.shape[:2])
            out[k] = one[top : top + size, left : left + size]
            if rng.random() < recolour:
                out[k] = _recoloured(out[k], rng)
        return out, labels

    def add(step, batch):
        count = tf.shape(batch["image"])[0]
        style, label = tf.numpy_function(draw, [now, step, count], ["uint8", "int32"], stateful=False)
        return {
            **batch,
            "style": tf.ensure_shape(style, spec["image"].shape),
            "label": tf.ensure_shape(label, spec["image"].shape[:1]),
        }

    return dataset.enumerate().map(add, num_parallel_calls=2).prefetch(2)


def at_least(picture: np.ndarray, size: int) -> np.ndarray:
    """A picture uint8 (H, W, C), enlarged if a side is smaller.

    Args:
        picture: uint8 (H, W, C).
        size: of its shorter side, in pixels.
    """
    height, width = picture.shape[:2]
    factor = size / min(height, width)
    if factor <= 1:
        return picture
    return image_io.resize(picture, (max(size, round(height * factor)), max(size, round(width * factor))))


def _recoloured(picture, rng):
    """Its channels mixed by a random rotation of colours, some of them inverted, about the middle."""
    turn = np.linalg.qr(rng.normal(size=(3, 3)))[0]
    mixed = (picture.astype("float32") - 127.5) @ ((1 - COLOURS) * np.eye(3) + COLOURS * turn) * rng.uniform(0.8, 1.3)
    return image_io.to_uint8(np.clip(mixed / 127.5 + rng.uniform(-0.3, 0.3, 3), -1, 1))
