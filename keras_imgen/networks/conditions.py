"""What diffusion networks are told besides the picture: noise level, label, vector, sequence, another picture."""

from typing import Any

import keras

from keras_imgen.layers import FourierFeatures, LabelEmbedding
from keras_imgen.layers.pictures import rescale


def inputs(
    channels: int,
    num_classes: int | None,
    vector_dim: int | None,
    sequence_dim: int | None,
    source_channels: int | None = None,
    log_snr: bool = True,
    frames: int | None = None,
) -> dict:
    """The symbolic inputs of a network, by name: `image`, and those of the conditions that are not None.

    Args:
        channels: of the pictures.
        num_classes: adds `label`.
        vector_dim: adds `vector`, of that length.
        sequence_dim: adds `sequence` of vectors of that length, and `sequence_mask`, which may be left out.
        source_channels: adds `source`, a picture uint8 of so many channels and of the size of `image`.
        log_snr: adds `log_snr`, the noise level of the pictures.
        frames: of clips, in the place of pictures; `source` stays one.
    """
    time = () if frames is None else (frames,)
    found = {"image": keras.Input((*time, None, None, channels), name="image")}
    if log_snr:
        found["log_snr"] = keras.Input((), name="log_snr")
    if num_classes is not None:
        found["label"] = keras.Input((), dtype="int32", name="label")
    if vector_dim is not None:
        found["vector"] = keras.Input((vector_dim,), name="vector")
    if sequence_dim is not None:
        found["sequence"] = keras.Input((None, sequence_dim), name="sequence")
        found["sequence_mask"] = keras.Input((None,), dtype="bool", name="sequence_mask", optional=True)
    if source_channels is not None:
        found["source"] = keras.Input((None, None, source_channels), dtype="uint8", name="source")
    return found


@keras.saving.register_keras_serializable("keras_imgen")
class Beside(keras.layers.Layer):
    """A noisy picture (N, H, W, C) and one that it is to be made of, uint8 (N, H, W, D), in [-1, 1] behind its channels (Saharia et al.
    2022, "Palette"; Brooks et al. 2023, "InstructPix2Pix"); of a clip (N, F, H, W, C) behind those of every frame."""

    def call(self, image: Any, source: Any) -> Any:
        source = keras.ops.cast(rescale(source), image.dtype)
        if len(image.shape) > len(source.shape):
            source = keras.ops.repeat(source[:, None], image.shape[1], axis=1)
        return keras.ops.concatenate([image, source], axis=-1)

    def compute_output_shape(self, image_shape: tuple, source_shape: tuple) -> tuple:
        return (*image_shape[:-1], image_shape[-1] + source_shape[-1])


def entering(given: dict) -> Any:
    """What the first layer of a network sees: the picture, and the one that it is made of, if there is one.

    Args:
        given: the symbolic inputs, as of `inputs`.
    """
    return Beside(name="beside")(given["image"], given["source"]) if "source" in given else given["image"]


@keras.saving.register_keras_serializable("keras_imgen")
class Conditioned(keras.Model):
    """A network of the inputs above, that may be called without `sequence_mask`: then all of the sequence counts."""

    def __call__(self, inputs: Any, *args: Any, **kwargs: Any) -> Any:
        """The network's output for a dict of its inputs."""
        if isinstance(inputs, dict) and "sequence" in inputs:
            inputs = {"sequence_mask": None, **inputs}
        return super().__call__(inputs, *args, **kwargs)


def embedding(given: dict, width: int, num_classes: int | None) -> Any:
    """One vector (N, width) from log-SNR, label and vector, or None where there are none of these.

    Args:
        given: the symbolic inputs, as of `inputs`.
        width: length of the vector.
        num_classes: number of classes, None without labels.
    """
    parts = []
    if "log_snr" in given:
        h = FourierFeatures(width, name="log_snr_features")(given["log_snr"])
        h = keras.layers.Dense(width, activation="silu", name="log_snr_dense")(h)
        parts.append(keras.layers.Dense(width, name="embedding_dense")(h))
    if "label" in given:
        parts.append(LabelEmbedding(num_classes, width, name="label_embedding")(given["label"]))
    if "vector" in given:
        parts.append(keras.layers.Dense(width, name="vector_dense")(given["vector"]))
    if not parts:
        return None
    total = parts[0] if len(parts) == 1 else keras.layers.Add(name="embedding_sum")(parts)
    return keras.layers.Activation("silu", name="embedding")(total)
