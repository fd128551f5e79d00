"""Encoders of KerasHub: the library's own where it is installed, and what is refused."""

import keras
import numpy as np
import pytest
from keras import ops

from keras_imgen import load_model, models, networks
from keras_imgen.networks import keras_hub_encoder

WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a", "red", "star", "##s", "caf", "##e"]


class Pieces:
    lowercase = True

    def get_vocabulary(self):
        return WORDS


def backbone():
    ids, mask = (keras.Input((None,), dtype="int32", name=name) for name in ("token_ids", "padding_mask"))
    h = keras.layers.Embedding(len(WORDS), 8)(ids) * ops.cast(mask, "float32")[..., None]
    return keras.Model({"token_ids": ids, "padding_mask": mask}, h)


def test_any_backbone_of_these_inputs():
    text, encoder = keras_hub_encoder(backbone(), Pieces(), 6)
    told = text.encode({"caption": ["Red STARS", ""]})
    assert told["caption"].tolist() == [[2, 6, 7, 8, 3, 0], [0] * 6]
    made = encoder(told)
    assert made["sequence"].shape == (2, 6, 8) and not np.array(made["vector"])[1].any()
    np.testing.assert_array_equal(np.array(made["sequence_mask"])[0], [True] * 5 + [False])
    np.testing.assert_allclose(made["vector"][0], np.array(made["sequence"])[0, :5].mean(0), atol=1e-6)


def test_what_is_refused():
    cased = Pieces()
    cased.lowercase = False
    with pytest.raises(ValueError, match="lowercase=True, .* got Pieces"):
        keras_hub_encoder(backbone(), cased)
    x = keras.Input((4,))
    other = keras.Model(x, keras.layers.Dense(2)(x))
    with pytest.raises(ValueError, match="Expected a backbone of token_ids"):
        keras_hub_encoder(other, Pieces())


def test_bert_of_kerashub(tmp_path):
    hub = pytest.importorskip("keras_hub")
    sizes = {"num_layers": 1, "num_heads": 2, "hidden_dim": 8, "intermediate_dim": 16, "max_sequence_length": 12}
    bert = hub.models.BertBackbone(vocabulary_size=len(WORDS), **sizes)
    reference = hub.models.BertTokenizer(WORDS, lowercase=True, strip_accents=True)  # as uncased BERT was trained
    text, encoder = keras_hub_encoder(bert, reference, 8)
    for sentence in ("a red star", "Cafés", "stars, a CAFÉ"):
        np.testing.assert_array_equal(
            [k for k in text.encode({"caption": sentence})["caption"] if k][1:-1], np.array(reference(sentence))
        )
    told = text.encode({"caption": ["a red star"]})
    wanted = bert(
        {
            "token_ids": told["caption"],
            "padding_mask": (told["caption"] > 0).astype("int32"),
            "segment_ids": told["caption"] * 0,
        }
    )
    np.testing.assert_allclose(encoder(told)["sequence"][:, :5], wanted["sequence_output"][:, :5], atol=1e-6)
    network = networks.unet((8, 8, 3), (8,), 1, (8,), vector_dim=8, sequence_dim=8)
    model = models.Diffusion(networks.TextConditioned(network, encoder, text, frozen=True), steps=2)
    before = [np.array(v) for v in bert.variables]
    model.compile("adam")
    model.fit(np.zeros((4, 8, 8, 3), "uint8"), np.array(["a red star"] * 4), batch_size=2, verbose=0)
    assert all((a == np.array(b)).all() for a, b in zip(before, bert.variables))
    images = model.generate(conditions={"caption": ["a star"]})
    model.save(tmp_path / "m.keras")
    np.testing.assert_array_equal(load_model(tmp_path / "m.keras").generate(conditions={"caption": ["a star"]}), images)
