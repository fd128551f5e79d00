"""The epoch that `fit` is in, as data sets read it: their order is then a function of (seed, epoch)."""

from typing import Any

_epoch, _variable = 0, None


def set_epoch(epoch: int) -> None:
    """Called by `ImageModel.fit` before every epoch; call it yourself in a loop of your own. Imports nothing."""
    global _epoch
    _epoch = int(epoch)
    if _variable is not None:
        _variable.assign(_epoch)


def now() -> int:
    """The epoch, for what is not tf.data."""
    return _epoch


def current() -> Any:
    """An int64 variable on the host: what reads it inside a pipeline sees the epoch in which the iterator starts."""
    global _variable
    if _variable is None:
        import tensorflow as tf

        with tf.init_scope(), tf.device("CPU:0"):
            _variable = tf.Variable(_epoch, dtype="int64", trainable=False, name="epoch")
    return _variable


def seed_at(now: Any, seed: int, stream: Any) -> Any:
    """A seed, int32 (2,), that depends on a seed, an epoch and a number.

    Args:
        now: the epoch, as `current` gives it.
        seed: of the pipeline.
        stream: 0 is the order of `load`, 1, 2, ... its changes of batch 0, 1, ..., and -1, -2, ... the degradations of `degraded`.
    """
    import tensorflow as tf

    numbers = tf.stack([tf.cast(now, "int64"), tf.cast(stream, "int64")])
    drawn = tf.random.stateless_uniform([2], tf.bitcast(numbers, "int64"), None, None, "int32")
    return tf.bitwise.bitwise_xor(drawn, tf.constant([seed & 0x7FFFFFFF, 0], "int32"))
