"""Two sets of pictures without pairs, from one source."""

from collections.abc import Callable
from typing import Any

from keras_imgen.data.pipeline import load
from keras_imgen.libraries import needs_tensorflow


def unpaired(
    source: Any, split: str, image: tuple[int, int], target: tuple[int, int], *, size: int, batch: int, seed: int = 0
) -> Any:
    """Batches of `image` and of `target`, pictures of one source that are told apart by the pixel in their first corner.

    Args:
        source: as for `load`.
        split: as for `load`.
        image: (lowest, highest) gray level of that pixel, in every channel, of the first kind.
        target: (lowest, highest) gray level of the second kind.
        size: as for `load`.
        batch: pictures of each kind in a batch; every batch is full.
        seed: as for `load`.

    Returns:
        A tf.data.Dataset of dicts of uint8 (batch, size, size, C); of unknown length.

    Raises:
        ModuleNotFoundError: TensorFlow is not installed.
    """
    needs_tensorflow("data.unpaired")
    import tensorflow as tf

    data = load(source, split, size=size, batch=batch, seed=seed, columns=("image",)).unbatch()

    def of(low, high):
        chosen = data.filter(with_corner(low, high)).map(lambda example: example["image"])
        return chosen.batch(batch, drop_remainder=True)

    both = tf.data.Dataset.zip((of(*image), of(*target)))
    return both.map(lambda first, second: {"image": first, "target": second}).prefetch(2)


def with_corner(low: int, high: int) -> Callable[[dict], Any]:
    """A filter of examples, for `tf.data.Dataset.filter`: the pixel in the first corner of `image` lies within [low, high]."""
    import tensorflow as tf

    def wanted(example):
        corner = tf.cast(example["image"][0, 0], "int32")
        return tf.reduce_all((corner >= low) & (corner <= high))

    return wanted
