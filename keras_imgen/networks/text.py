"""Text for networks: a small Transformer that encodes it, and a network that is told what an encoder made of it."""

from typing import Any

import keras
from keras import layers, ops

from keras_imgen.kinds import described, from_description
from keras_imgen.layers import Attention
from keras_imgen.layers.initial import normal
from keras_imgen.layers.one_pass import gelu
from keras_imgen.text import Text


@keras.saving.register_keras_serializable("keras_imgen")
class Tokens(layers.Layer):
    """Embeddings of tokens int32 (N, L) and of their places: (N, L, size).

    Args:
        count: how many tokens there are.
        length: L.
        size: of a vector.
    """

    def __init__(self, count: int, length: int, size: int, **kwargs: Any):
        super().__init__(**kwargs)
        self.count, self.length, self.size = count, length, size

    def build(self, shape: tuple) -> None:
        start = normal(0.02)
        self.tokens = self.add_weight(name="tokens", shape=(self.count, self.size), initializer=start)
        self.places = self.add_weight(name="places", shape=(self.length, self.size), initializer=start)

    def call(self, numbers: Any) -> Any:
        return ops.cast(ops.take(self.tokens, numbers, axis=0) + self.places, self.compute_dtype)

    def compute_output_shape(self, shape: tuple) -> tuple:
        return (*shape, self.size)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "count": self.count, "length": self.length, "size": self.size}


@keras.saving.register_keras_serializable("keras_imgen")
class Weighted(layers.Layer):
    """A sequence (N, L, D) and its weights (N, L) -> the sequence times its weights, its mask bool (N, L), and its mean by weight (N, D).

    A token of weight 0 is left out; of a text without tokens the mean is zero.
    """

    def call(self, sequence: Any, weights: Any) -> tuple[Any, Any, Any]:
        keep = weights != 0.0
        shares = ops.cast(weights, sequence.dtype)[..., None]
        weighted = ops.where(keep[..., None], sequence * shares, ops.zeros_like(sequence))  # also of what is infinite
        total = ops.sum(ops.cast(keep, sequence.dtype), axis=1, keepdims=True)
        return weighted, keep, ops.sum(weighted, axis=1) / ops.maximum(total, ops.ones_like(total))

    def compute_output_spec(self, sequence: Any, weights: Any) -> tuple[Any, Any, Any]:
        n, length, size = sequence.shape
        spec = keras.KerasTensor
        return spec((n, length, size), sequence.dtype), spec((n, length), "bool"), spec((n, size), sequence.dtype)


def text_encoder(
    text: Text, width: int = 128, depth: int = 2, heads: int = 4, dropout: float = 0.0, name: str = "text_encoder"
) -> keras.Model:
    """A Transformer on tokens (Vaswani et al. 2017, pre-norm), that sees all of a text, to be trained with what it is for.

    Args:
        text: what it reads; its inputs are a dict of the text's tokens int32 (N, L) and weights (N, L), see `text.Text`.
        width: of its vectors, a multiple of `heads`.
        depth: blocks of attention and two dense layers.
        heads: of the attention.
        dropout: rate in [0, 1) in every block.
        name: of the model.

    Returns:
        A model that gives a dict of `sequence` (N, L, width), `sequence_mask` bool (N, L) and `vector` (N, width), its mean.
    """
    length = text.tokenizer.length
    tokens = keras.Input((length,), dtype="int32", name=text.key)
    weights = keras.Input((length,), name=text.weight)
    keep = ops.not_equal(weights, 0.0)
    h = Tokens(len(text.tokenizer.vocabulary), length, width, name="embedding")(tokens)
    for i in range(depth):
        y = layers.LayerNormalization(name=f"norm{i}_attention")(h)
        y = Attention(heads, zero=False, name=f"attention{i}")(y, y, keep)
        y = layers.Dropout(dropout, name=f"dropout{i}_attention")(y) if dropout else y
        h = layers.Add(name=f"add{i}_attention")([h, y])
        y = layers.LayerNormalization(name=f"norm{i}")(h)
        y = layers.Dense(4 * width, gelu, name=f"dense{i}_in")(y)
        y = layers.Dense(width, name=f"dense{i}_out")(y)
        y = layers.Dropout(dropout, name=f"dropout{i}")(y) if dropout else y
        h = layers.Add(name=f"add{i}")([h, y])
    h = layers.LayerNormalization(name="norm_out")(h)
    sequence, mask, vector = Weighted(name="weighted")(h, weights)
    outputs = {"sequence": sequence, "sequence_mask": mask, "vector": vector}
    return keras.Model({text.key: tokens, text.weight: weights}, outputs, name=name)


@keras.saving.register_keras_serializable("keras_imgen")
class TextConditioned(keras.Model):
    """A network that is told texts: `encoder` makes of their tokens the sequence and the vector that `network` takes.

    Called with a dict of the network's inputs, where the text's tokens and weights stand for `sequence`, `sequence_mask` and `vector`; or
    with these, as `encode` gives them, so that a sampler encodes a text once.

    Args:
        network: a network of `sequence`, with `sequence_mask`, or of `vector`, or of both, as `unet` and `dit` make.
        encoder: `text_encoder`, or a model like it.
        text: what the encoder reads.
        frozen: keep the encoder as it is; its weights are not trained.

    Raises:
        ValueError: a network that takes nothing of what the encoder makes.
    """

    def __init__(self, network: keras.Model, encoder: keras.Model, text: Text, frozen: bool = False, **kwargs: Any):
        super().__init__(dtype="float32", **kwargs)  # else the picture would be cast before its network has it
        self.network, self.encoder, self.text, self.frozen = network, encoder, text, frozen
        inputs = getattr(network, "input", None)  # a Sequential that was never called has none
        inputs = inputs if isinstance(inputs, dict) else {}
        self.takes = tuple(name for name in encoder.output if name in inputs)
        if not {"sequence", "vector"} & set(self.takes):
            raise ValueError(
                f"Expected a network with the input `sequence` or `vector`, got one of {', '.join(inputs) or 'one tensor'}: make it with "
                "sequence_dim=... or vector_dim=... ."
            )
        if frozen:
            encoder.trainable = False
            for v in encoder.variables:  # a layer that was frozen before it was built has some that do not know
                v.trainable = False
        self.built = True

    @property
    def frozen_variables(self) -> list[keras.Variable]:
        """Those that never change."""
        return self.encoder.variables if self.frozen else []

    @property
    def image_shape(self) -> tuple[int, ...]:
        """That of the network."""
        return self.network.image_shape

    @property
    def num_classes(self) -> int | None:
        """Those of the network."""
        return getattr(self.network, "num_classes", None)

    def encode(self, conditions: dict[str, Any], training: bool = False) -> dict[str, Any]:
        """Conditions with what the encoder makes of the text in place of its tokens; without a text as they are.

        Args:
            conditions: tensors (N, ...) by name.
            training: whether the encoder is in training mode.
        """
        if self.text.key not in conditions:
            return conditions
        names = tuple(self.text.inputs())
        rest = {k: v for k, v in conditions.items() if k not in names}
        made = self.encoder({k: conditions[k] for k in names}, training=training and not self.frozen)
        return {**rest, **{k: made[k] for k in self.takes}}

    def call(self, inputs: dict[str, Any], training: bool = False) -> Any:
        return self.network(self.encode(inputs, training), training=training)

    def compute_output_shape(self, shape: Any) -> Any:
        return self.network.compute_output_shape(shape)

    def get_config(self) -> dict[str, Any]:
        parts = {"network": self.network, "encoder": self.encoder}
        parts = {k: keras.saving.serialize_keras_object(v) for k, v in parts.items()}
        return {**parts, "text": described(self.text), "frozen": self.frozen, "name": self.name}

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> "TextConditioned":
        made = {k: keras.saving.deserialize_keras_object(config[k], custom_objects) for k in ("network", "encoder")}
        return cls(**{**config, **made, "text": from_description(config["text"])})
