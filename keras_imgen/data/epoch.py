"""The epoch that `fit` is in, as tf.data pipelines read it: their order is then a function of (seed, epoch)."""

_epoch, _variable = 0, None


def set_epoch(epoch: int) -> None:
    """Called by `ImageModel.fit` before every epoch; call it yourself in a loop of your own. Imports nothing."""
    global _epoch
    _epoch = int(epoch)
    if _variable is not None:
        _variable.assign(_epoch)


def current():
    """An int64 variable on the host: what reads it inside a pipeline sees the epoch in which the iterator starts."""
    global _variable
    if _variable is None:
        import tensorflow as tf

        with tf.init_scope(), tf.device("CPU:0"):
            _variable = tf.Variable(_epoch, dtype="int64", trainable=False, name="epoch")
    return _variable
