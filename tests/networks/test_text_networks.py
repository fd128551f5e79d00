"""Encoders of texts: against BERT written out in NumPy, and what padding, weights and freezing do."""

import json
import math

import keras
import numpy as np
import pytest
from keras import ops

from keras_imgen import networks
from keras_imgen.networks.text import Weighted
from keras_imgen.text import Text, Tokenizer

TEXT = Text(Tokenizer(("[PAD]", "[UNK]", "[CLS]", "[SEP]", *"abcdef"), 6, "[CLS]", "[SEP]"))


def encoder(**kwargs):
    keras.utils.set_random_seed(0)
    return networks.text_encoder(TEXT, 8, 2, 2, **kwargs)


def random_weights(network, seed=0):
    rng = np.random.default_rng(seed)
    for v in network.variables:
        v.assign(rng.normal(size=v.shape) * 0.3)


def arrays(found):
    return {k: ops.convert_to_numpy(v) for k, v in found.items()}


def test_what_stands_in_the_padding_changes_nothing():
    network = encoder()
    random_weights(network)
    given = TEXT.encode({"caption": ["a b", "c", ""]})
    plain = arrays(network(given))
    other = {**given, "caption": np.where(given["caption_weight"] != 0, given["caption"], 7)}
    for k, v in arrays(network(other)).items():
        np.testing.assert_array_equal(v, plain[k])
    assert not plain["vector"][2].any() and not plain["sequence_mask"][2].any()  # nothing is said
    assert not plain["sequence"][~plain["sequence_mask"]].any()
    swapped = arrays(network(TEXT.encode({"caption": ["b a"]})))["vector"]
    assert abs(swapped - plain["vector"][:1]).max() > 1e-3  # the order of words is read


def test_weights_weigh():
    sequence = np.array([[[1.0, 2.0], [3.0, 4.0], [np.inf, np.nan]]], "float32")
    weighted, mask, mean = (np.array(v) for v in Weighted()(sequence, np.array([[2.0, 0.5, 0.0]], "float32")))
    np.testing.assert_array_equal(weighted, [[[2, 4], [1.5, 2], [0, 0]]])
    np.testing.assert_array_equal(mask, [[True, True, False]])
    np.testing.assert_array_equal(mean, [[1.75, 3]])


def conditioned(frozen=False, **takes):
    unet = networks.unet((8, 8, 1), (8,), 1, (8,), **takes)
    return networks.TextConditioned(unet, encoder(), TEXT, frozen)


def test_a_network_takes_what_it_can_of_a_text():
    given = {"image": np.ones((2, 8, 8, 1), "float32"), "log_snr": np.zeros(2, "float32")}
    given |= TEXT.encode({"caption": ["a b", ""]})
    for takes in ({"sequence_dim": 8}, {"vector_dim": 8}, {"sequence_dim": 8, "vector_dim": 8}):
        network = conditioned(**takes)
        random_weights(network)
        encoded = network.encode(given)
        assert set(encoded) - {"image", "log_snr"} == {
            k for k in ("sequence", "sequence_mask", "vector") if k[:6] in str(takes)
        }
        np.testing.assert_array_equal(network(given), network(encoded))
        assert abs(np.array(network(given))[0] - np.array(network(given))[1]).max() > 1e-3
    assert network.encode({"image": 1}) == {"image": 1}
    with pytest.raises(ValueError, match="sequence_dim=... or vector_dim=..."):
        conditioned()


def test_a_frozen_encoder_has_nothing_to_train():
    free, frozen = conditioned(sequence_dim=8), conditioned(True, sequence_dim=8)
    ids = {id(v) for v in frozen.trainable_variables}
    assert ids == {id(v) for v in frozen.network.trainable_variables} and frozen.encoder.variables
    assert len(free.trainable_variables) == len(ids) + len(free.encoder.variables)
    copy = networks.TextConditioned.from_config(frozen.get_config())
    assert copy.frozen and len(copy.trainable_variables) == len(ids) and copy.text == TEXT


# === BERT ===

WIDTH, DEPTH, HEADS, HIDDEN = 8, 2, 2, 16


def bert_files(folder, rng):
    """A BERT of random weights, as its published files have it."""
    vocabulary = TEXT.tokenizer.vocabulary
    shapes = {
        "embeddings.word_embeddings.weight": (len(vocabulary), WIDTH),
        "embeddings.position_embeddings.weight": (12, WIDTH),
        "embeddings.token_type_embeddings.weight": (2, WIDTH),
        "embeddings.LayerNorm.weight": (WIDTH,),
        "embeddings.LayerNorm.bias": (WIDTH,),
    }
    for i in range(DEPTH):
        block = f"encoder.layer.{i}"
        parts = {f"attention.self.{k}": (WIDTH, WIDTH) for k in ("query", "key", "value")}
        parts |= {"attention.output.dense": (WIDTH, WIDTH), "attention.output.LayerNorm": (WIDTH,)}
        parts |= {"intermediate.dense": (HIDDEN, WIDTH), "output.dense": (WIDTH, HIDDEN), "output.LayerNorm": (WIDTH,)}
        for name, shape in parts.items():
            shapes |= {f"{block}.{name}.weight": shape, f"{block}.{name}.bias": shape[:1]}
    weights = {k: rng.normal(size=shape).astype("float32") * 0.5 for k, shape in shapes.items()}
    config = {"model_type": "bert", "max_position_embeddings": 12, "hidden_size": WIDTH, "num_hidden_layers": DEPTH}
    config |= {"num_attention_heads": HEADS, "intermediate_size": HIDDEN}
    pytest.importorskip("safetensors.numpy").save_file(weights, str(folder / "model.safetensors"))
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "vocab.txt").write_text("\n".join(vocabulary) + "\n")
    return weights


def reference(w, ids):
    """BERT of one text without padding, float64."""
    w = {k: v.astype("float64") for k, v in w.items()}

    def norm(x, name):
        x = (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + 1e-12)
        return x * w[f"{name}.weight"] + w[f"{name}.bias"]

    def dense(x, name):
        return x @ w[f"{name}.weight"].T + w[f"{name}.bias"]

    h = w["embeddings.word_embeddings.weight"][ids] + w["embeddings.position_embeddings.weight"][: len(ids)]
    h = norm(h + w["embeddings.token_type_embeddings.weight"][0], "embeddings.LayerNorm")
    for i in range(DEPTH):
        block, mixed = f"encoder.layer.{i}", []
        q, k, v = (dense(h, f"{block}.attention.self.{part}") for part in ("query", "key", "value"))
        for part in (slice(n * WIDTH // HEADS, (n + 1) * WIDTH // HEADS) for n in range(HEADS)):
            scores = np.exp(q[:, part] @ k[:, part].T / math.sqrt(WIDTH // HEADS))
            mixed.append(scores / scores.sum(-1, keepdims=True) @ v[:, part])
        h = norm(
            h + dense(np.concatenate(mixed, -1), f"{block}.attention.output.dense"),
            f"{block}.attention.output.LayerNorm",
        )
        y = dense(h, f"{block}.intermediate.dense")
        y = y * 0.5 * (1 + np.vectorize(math.erf)(y / math.sqrt(2)))
        h = norm(h + dense(y, f"{block}.output.dense"), f"{block}.output.LayerNorm")
    return h


def test_bert_from_its_files_is_bert(tmp_path):
    weights = bert_files(tmp_path, np.random.default_rng(0))
    text, network = networks.minilm(8, str(tmp_path))
    found = arrays(network(text.encode({"caption": ["a b c", "f", ""]})))
    for row, ids in enumerate([[2, 4, 5, 6, 3], [2, 9, 3]]):
        expected = reference(weights, ids)
        np.testing.assert_allclose(found["sequence"][row, : len(ids)], expected, atol=1e-5)
        mean = expected.mean(0)
        np.testing.assert_allclose(found["vector"][row], mean / np.linalg.norm(mean), atol=1e-5)
    assert not found["vector"][2].any()
    with pytest.raises(ValueError, match="at least 13 tokens"):
        networks.minilm(13, str(tmp_path))
    (tmp_path / "tokenizer_config.json").write_text('{"do_lower_case": false}')
    with pytest.raises(ValueError, match="uncased"):
        networks.minilm(8, str(tmp_path))
    (tmp_path / "tokenizer_config.json").write_text('{"do_lower_case": true, "strip_accents": null}')
    networks.minilm(8, str(tmp_path))
    (tmp_path / "vocab.txt").unlink()
    with pytest.raises(FileNotFoundError, match="vocab.txt"):
        networks.minilm(8, str(tmp_path))


def test_a_network_of_one_tensor_is_refused():
    plain = keras.Sequential([keras.Input((8,)), keras.layers.Dense(4)])
    with pytest.raises(ValueError, match="got one of one tensor"):
        networks.TextConditioned(plain, networks.text_encoder(TEXT, 8, 1, 2), TEXT)
