"""What diffusion networks are told besides the picture: noise level, label, vector, sequence."""

from typing import Any

import keras

from keras_imgen.layers import FourierFeatures, LabelEmbedding


def inputs(channels: int, num_classes: int | None, vector_dim: int | None, sequence_dim: int | None) -> dict:
    """The symbolic inputs of a network, by name: `image` and `log_snr`, and those of the conditions that are not None.

    Args:
        channels: of the pictures.
        num_classes: adds `label`.
        vector_dim: adds `vector`, of that length.
        sequence_dim: adds `sequence` of vectors of that length, and `sequence_mask`, which may be left out.
    """
    found = {
        "image": keras.Input((None, None, channels), name="image"),
        "log_snr": keras.Input((), name="log_snr"),
    }
    if num_classes is not None:
        found["label"] = keras.Input((), dtype="int32", name="label")
    if vector_dim is not None:
        found["vector"] = keras.Input((vector_dim,), name="vector")
    if sequence_dim is not None:
        found["sequence"] = keras.Input((None, sequence_dim), name="sequence")
        found["sequence_mask"] = keras.Input((None,), dtype="bool", name="sequence_mask", optional=True)
    return found


class Conditioned(keras.Model):
    """A network of the inputs above, that may be called without `sequence_mask`: then all of the sequence counts."""

    def __call__(self, inputs: Any, *args: Any, **kwargs: Any) -> Any:
        """The network's output for a dict of its inputs."""
        if isinstance(inputs, dict) and "sequence" in inputs:
            inputs = {"sequence_mask": None, **inputs}
        return super().__call__(inputs, *args, **kwargs)


def embedding(given: dict, width: int, num_classes: int | None) -> Any:
    """One vector (N, width) from log-SNR, label and vector.

    Args:
        given: the symbolic inputs, as of `inputs`.
        width: length of the vector.
        num_classes: number of classes, None without labels.
    """
    h = FourierFeatures(width, name="log_snr_features")(given["log_snr"])
    h = keras.layers.Dense(width, activation="silu", name="log_snr_dense")(h)
    parts = [keras.layers.Dense(width, name="embedding_dense")(h)]
    if "label" in given:
        parts.append(LabelEmbedding(num_classes, width, name="label_embedding")(given["label"]))
    if "vector" in given:
        parts.append(keras.layers.Dense(width, name="vector_dense")(given["vector"]))
    total = parts[0] if len(parts) == 1 else keras.layers.Add(name="embedding_sum")(parts)
    return keras.layers.Activation("silu", name="embedding")(total)
