"""Networks that tell each code of a map from those before it in raster order: gated PixelCNN and a causal Transformer.

Called with codes int32 (N, h, w), or with a dict of `codes` and `label` (N,), they give logits float32 (N, h, w, codes).
"""

from typing import Any

import keras
from keras import layers, ops

from keras_imgen.layers import Attention
from keras_imgen.layers.one_pass import gelu
from keras_imgen.networks.conditions import Conditioned, embedding, inputs


def _inputs(shape, num_classes, width):
    """(what the network takes, the codes, an embedding of the label (N, width) or None)."""
    codes = keras.Input(tuple(shape), dtype="int32", name="codes")
    if num_classes is None:
        return codes, codes, None
    label = keras.Input((), dtype="int32", name="label")
    return {"codes": codes, "label": label}, codes, layers.Embedding(num_classes, width, name="label_embedding")(label)


def pixelcnn(
    shape: tuple[int, int],
    codes: int,
    width: int = 64,
    depth: int = 6,
    num_classes: int | None = None,
    dropout: float = 0.0,
    name: str = "pixelcnn",
) -> keras.Model:
    """Gated PixelCNN (van den Oord et al. 2016).

    A vertical stack sees the rows above, a horizontal one what lies to the left, so that nothing before a code is out of sight. Kernels of
    3; padding and cropping in place of masks.

    Args:
        shape: (h, w) of the map of codes.
        codes: how many there are.
        width: features of each place.
        depth: gated layers, each of which sees one place further.
        num_classes: adds the input `label`.
        dropout: rate in [0, 1) in every layer.
        name: of the model.
    """
    inputs, given, label = _inputs(shape, num_classes, 2 * width)
    x = layers.Embedding(codes, width, name="code_embedding")(given)
    down = layers.ZeroPadding2D(((1, 0), (0, 0)), name="down")
    right = layers.ZeroPadding2D(((0, 0), (1, 0)), name="right")
    cut_bottom = layers.Cropping2D(((0, 1), (0, 0)), name="cut_bottom")
    cut_right = layers.Cropping2D(((0, 0), (0, 1)), name="cut_right")
    above = layers.ZeroPadding2D(((1, 0), (1, 1)), name="above")  # for a kernel of 2 x 3
    v, h = cut_bottom(down(x)), cut_right(right(x))  # strictly above, strictly to the left: no code sees itself
    condition = None if label is None else layers.Reshape((1, 1, 2 * width), name="label_place")(label)
    for i in range(depth):
        vertical = layers.Conv2D(2 * width, (2, 3), name=f"vertical{i}")(above(v))
        horizontal = layers.Conv2D(2 * width, (1, 2), name=f"horizontal{i}")(right(h))
        seen = layers.Conv2D(2 * width, 1, name=f"from_above{i}")(vertical)
        both = layers.Add(name=f"sum{i}")([horizontal, seen])
        if condition is not None:
            vertical = layers.Add(name=f"label_vertical{i}")([vertical, condition])
            both = layers.Add(name=f"label{i}")([both, condition])
        v = Gate(name=f"gate_vertical{i}")(vertical)
        out = Gate(name=f"gate{i}")(both)
        if dropout:
            out = layers.Dropout(dropout, name=f"dropout{i}")(out)
        h = layers.Add(name=f"residual{i}")([h, layers.Conv2D(width, 1, name=f"out{i}")(out)])
    h = layers.Conv2D(2 * width, 1, activation="relu", name="last")(layers.ReLU(name="relu")(h))
    return keras.Model(inputs, layers.Conv2D(codes, 1, dtype="float32", name="logits")(h), name=name)


def code_transformer(
    shape: tuple[int, int],
    codes: int,
    width: int = 128,
    depth: int = 4,
    heads: int = 4,
    num_classes: int | None = None,
    dropout: float = 0.1,
    name: str = "code_transformer",
) -> keras.Model:
    """A causal Transformer, pre-norm (Radford et al. 2019), over the codes in raster order.

    Args:
        shape: (h, w) of the map of codes.
        codes: how many there are.
        width: features of each place.
        depth: number of blocks.
        heads: of attention; `width` must be a multiple of it.
        num_classes: adds the input `label`.
        dropout: rate in [0, 1) after each attention and each dense layer.
        name: of the model.
    """
    inputs, given, label = _inputs(shape, num_classes, width)
    length = shape[0] * shape[1]
    h = layers.Embedding(codes, width, name="code_embedding")(layers.Reshape((length,), name="row")(given))
    h = layers.Cropping1D((0, 1), name="cut")(
        layers.ZeroPadding1D((1, 0), name="shift")(h)
    )  # place k sees codes below k
    h = Places(name="places")(h)
    if label is not None:
        h = layers.Add(name="with_label")([h, layers.Reshape((1, width), name="label_place")(label)])
    for i in range(depth):
        a = Attention(heads, causal=True, name=f"attention{i}")(layers.LayerNormalization(name=f"norm{i}a")(h))
        h = layers.Add(name=f"sum{i}a")([h, layers.Dropout(dropout, name=f"dropout{i}a")(a)])
        m = layers.Dense(4 * width, activation="gelu", name=f"dense{i}a")(
            layers.LayerNormalization(name=f"norm{i}b")(h)
        )
        m = layers.Dropout(dropout, name=f"dropout{i}b")(layers.Dense(width, name=f"dense{i}b")(m))
        h = layers.Add(name=f"sum{i}b")([h, m])
    h = layers.Dense(codes, dtype="float32", name="logits")(layers.LayerNormalization(name="norm")(h))
    return keras.Model(inputs, layers.Reshape((*shape, codes), dtype="float32", name="map")(h), name=name)


def masked_transformer(
    shape: tuple[int, int],
    codes: int,
    width: int = 128,
    depth: int = 4,
    heads: int = 4,
    num_classes: int | None = None,
    vector_dim: int | None = None,
    sequence_dim: int | None = None,
    dropout: float = 0.1,
    name: str = "masked_transformer",
) -> keras.Model:
    """A Transformer, pre-norm, that sees all codes and fills in those that are masked (Chang et al. 2022, MaskGIT).

    Args:
        shape: (h, w) of the map of codes.
        codes: how many there are; as a code this number is a mask.
        width: features of each place.
        depth: number of blocks.
        heads: of attention; `width` must be a multiple of it.
        num_classes: adds the input `label` (N,), 0..num_classes, where num_classes is no label.
        vector_dim: adds the input `vector` (N, vector_dim).
        sequence_dim: adds the input `sequence` (N, S, sequence_dim) and `sequence_mask`, to which every block attends (Muse).
        dropout: rate in [0, 1) after each attention and each dense layer.
        name: of the model.

    Returns:
        A model of a dict of `codes` int32 (N, h, w) and the conditions to logits float32 (N, h, w, codes).
    """
    given = {"codes": keras.Input(tuple(shape), dtype="int32", name="codes")}
    given |= {k: v for k, v in inputs(1, num_classes, vector_dim, sequence_dim, log_snr=False).items() if k != "image"}
    length = shape[0] * shape[1]
    h = layers.Embedding(codes + 1, width, name="code_embedding")(layers.Reshape((length,), name="row")(given["codes"]))
    h = Places(name="places")(h)
    told = embedding(given, width, num_classes)
    if told is not None:
        h = layers.Add(name="told")([h, layers.Reshape((1, width), name="told_place")(told)])
    for i in range(depth):
        for name_, context in (("a", ()), ("c", (given.get("sequence"), given.get("sequence_mask")))):
            if name_ == "a" or "sequence" in given:
                a = layers.LayerNormalization(name=f"norm{i}{name_}")(h)
                a = Attention(heads, name=f"attention{i}{name_}")(a, *context)
                h = layers.Add(name=f"sum{i}{name_}")([h, layers.Dropout(dropout, name=f"dropout{i}{name_}")(a)])
        m = layers.Dense(4 * width, activation=gelu, name=f"dense{i}a")(layers.LayerNormalization(name=f"norm{i}b")(h))
        m = layers.Dropout(dropout, name=f"dropout{i}b")(layers.Dense(width, name=f"dense{i}b")(m))
        h = layers.Add(name=f"sum{i}b")([h, m])
    h = layers.Dense(codes, dtype="float32", name="logits")(layers.LayerNormalization(name="norm")(h))
    h = layers.Reshape((*shape, codes), dtype="float32", name="map")(h)
    return Conditioned(given, h, name=name)


@keras.saving.register_keras_serializable("keras_imgen")
class Gate(layers.Layer):
    """tanh of one half of the channels times sigmoid of the other."""

    def call(self, x: Any) -> Any:
        a, b = ops.split(x, 2, axis=-1)
        return ops.tanh(a) * ops.sigmoid(b)

    def compute_output_shape(self, shape: tuple) -> tuple:
        return (*shape[:-1], shape[-1] // 2)


@keras.saving.register_keras_serializable("keras_imgen")
class Places(layers.Layer):
    """Adds a learned vector for every place of a sequence (N, T, C)."""

    def build(self, shape: tuple) -> None:
        self.table = self.add_weight(
            name="table", shape=shape[1:], initializer=keras.initializers.RandomNormal(0, 0.02)
        )

    def call(self, x: Any) -> Any:
        return x + self.table

    def compute_output_shape(self, shape: tuple) -> tuple:
        return shape
