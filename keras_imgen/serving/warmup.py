"""Requests that TensorFlow Serving asks itself before it is ready, so that nobody waits for what only the first one costs.

https://www.tensorflow.org/tfx/serving/saved_model_warmup: a TFRecord of `PredictionLog`. Of its messages three fields are needed, which
are written here by hand, so that an export does not depend on tensorflow-serving-api.
"""

from collections.abc import Mapping

import numpy as np


def write_warmup(path: str, name: str, given: Mapping[str, Mapping[str, np.ndarray]]) -> None:
    """Write the file.

    Args:
        path: of it.
        name: of the model.
        given: all that a signature takes, by the names of the signatures.
    """
    import tensorflow as tf

    with tf.io.TFRecordWriter(path) as file:
        for signature, tensors in given.items():
            file.write(_prediction_log(name, signature, {k: tf.make_tensor_proto(v) for k, v in tensors.items()}))


def _prediction_log(name, signature, protos):
    """PredictionLog{predict_log: 6 {request: 1 {model_spec: 1 {name: 1, signature_name: 3}, inputs: 2 {key: 1, value: 2}}}}"""
    spec = _field(1, name.encode()) + _field(3, signature.encode())
    inputs = [_field(2, _field(1, k.encode()) + _field(2, v.SerializeToString())) for k, v in protos.items()]
    return _field(6, _field(1, _field(1, spec) + b"".join(inputs)))


def _field(number: int, value: bytes) -> bytes:
    """A field of a protocol buffer that holds bytes, a string or a message: its number and kind, its length, itself."""
    length, found = len(value), bytearray([number << 3 | 2])
    while length > 127:
        found.append(length & 127 | 128)
        length >>= 7
    return bytes([*found, length]) + value
