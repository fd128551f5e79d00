"""The tokenizer in TensorFlow's graph says what Python's says, of texts that nobody made for it."""

import random

import numpy as np
import pytest

from keras_imgen.text import Text, Tokenizer

pytestmark = pytest.mark.tensorflow
WORDS = ["red", "star", "##s", "circle", "##l", "pur", "##ple", "a", ",", "(", "the", "中", "e", "##e"]
PARTS = [
    "red",
    "star",
    "s",
    " ",
    "(",
    ")",
    ":",
    "1.5",
    "2",
    "é",
    "中",
    "\u0301",
    "\t",
    "\u3000",
    "purple",
    "Σ",
    "İ",
    "\ue000",
    "\ue002",
]
PARTS += [
    ".",
    ",",
    "ß",
    "👍🏽",
    "ee",
    "\ufffd",
    "豈",
    "\U0002f800",
    "\x00",
    "\u200d",
    "한국",
    "ﬁ",
    "(red star:1.5)",
    "(a: 0.25 )",
]
BY_HAND = [
    "",
    "red",
    "Réd STARS, purple",
    "(red star:1.5) blue",
    "(red:2)(a:0)",
    "redl",
    "x" * 120,
    "(red (a:3) :2)",
    "(a:1.23456789)",
]


@pytest.mark.parametrize("ends", [{}, {"before": "[CLS]", "after": "[SEP]"}], ids=["plain", "with ends"])
@pytest.mark.filterwarnings("ignore:Words that", "ignore:A text of")
def test_the_graph_is_python_to_the_bit(ends):
    tf = pytest.importorskip("tensorflow")
    from keras_imgen.serving.strings import encoder

    text = Text(Tokenizer(("[PAD]", "[UNK]", "[CLS]", "[SEP]", *WORDS), 10, **ends))
    rng = random.Random(0)
    texts = [*BY_HAND, *("".join(rng.choice(PARTS) for _ in range(rng.randrange(20))) for _ in range(1000))]
    inside = tf.function(encoder(text), autograph=False).get_concrete_function(tf.TensorSpec([None], "string"))
    tokens, weights = (v.numpy() for v in inside(tf.constant(texts)))
    known = text.encode({"caption": texts})
    np.testing.assert_array_equal(tokens, known["caption"])
    np.testing.assert_array_equal(weights, known["caption_weight"])
    spelled = Text(Tokenizer(("[PAD]", "[UNK]", "a", "##a"), 2))
    found = encoder(spelled)(tf.constant(["aaaz", "aaaa"]))[
        0
    ]  # more pieces than there is room for, of which the last is not known
    np.testing.assert_array_equal(found, [[1, 0], [2, 3]])
    for few in (texts[:1], texts[1:2], []):
        tokens, weights = inside(tf.constant(few, "string"))
        assert tokens.shape == weights.shape == (len(few), 10)
        np.testing.assert_array_equal(tokens.numpy(), text.encode({"caption": few})["caption"])
