"""Text encoders of KerasHub, as this package calls them."""

from typing import Any

import keras
from keras import ops

from keras_imgen.networks.text import Weighted
from keras_imgen.text import PAD, UNKNOWN, Text, Tokenizer

TAKES = ("token_ids", "padding_mask", "segment_ids")


def keras_hub_encoder(
    backbone: keras.Model, tokenizer: Any, length: int = 64, key: str = "caption", name: str = "keras_hub_encoder"
) -> tuple[Text, keras.Model]:
    """A BERT of KerasHub, with the vocabulary that it was trained on: BertBackbone, DistilBertBackbone, ElectraBackbone.

    Use it frozen, `TextConditioned(network, encoder, text, frozen=True)`, or train it along. Its tokenizer is rewritten as this
    package's, so that a SavedModel takes strings without KerasHub; a `.keras` file needs it to be loaded.

    Args:
        backbone: a `keras_hub.models.Backbone` of `token_ids` (N, L) and `padding_mask`, perhaps `segment_ids`, to vectors (N, L, D).
        tokenizer: its tokenizer of word pieces, in lower case.
        length: tokens of a text, with the two that stand before and after it.
        key: the text's name in a batch.
        name: of the model.

    Returns:
        (the text that it reads, the encoder, called and answering as `text_encoder`).

    Raises:
        ValueError: a backbone of other inputs, a tokenizer of another kind, a vocabulary that is not the backbone's.
    """
    given = backbone.input if isinstance(backbone.input, dict) else {}
    if not {"token_ids", "padding_mask"} <= set(given) <= set(TAKES):
        raise ValueError(
            f"Expected a backbone of {', '.join(TAKES)}, got one of {', '.join(given) or 'something else'}."
        )
    if not getattr(tokenizer, "lowercase", False) or not hasattr(tokenizer, "get_vocabulary"):
        found = type(tokenizer).__name__
        raise ValueError(
            f"Expected a tokenizer of word pieces with lowercase=True, as an uncased BertTokenizer, got {found}."
        )
    vocabulary = tuple(tokenizer.get_vocabulary())
    known = getattr(backbone, "vocabulary_size", len(vocabulary))
    if known < len(vocabulary):
        raise ValueError(f"Expected the backbone's own tokenizer, of {known} tokens, got one of {len(vocabulary)}.")
    if vocabulary[:1] != (PAD,) or UNKNOWN not in vocabulary:
        raise ValueError(
            f"Expected a vocabulary that begins with {PAD} and has {UNKNOWN}, got {', '.join(vocabulary[:3])}, ..."
        )
    text = Text(Tokenizer(vocabulary, length, "[CLS]", "[SEP]"), key)
    tokens = keras.Input((length,), dtype="int32", name=text.key)
    weights = keras.Input((length,), name=text.weight)
    told = {"token_ids": tokens, "padding_mask": ops.cast(ops.not_equal(weights, 0.0), "int32")}
    told["segment_ids"] = ops.zeros_like(tokens)
    made = backbone({k: told[k] for k in given})
    made = made["sequence_output"] if isinstance(made, dict) else made
    sequence, mask, vector = Weighted(name="weighted")(made, weights)
    outputs = {"sequence": sequence, "sequence_mask": mask, "vector": vector}
    return text, keras.Model({text.key: tokens, text.weight: weights}, outputs, name=name)
