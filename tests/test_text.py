"""The tokenizer against hand-worked texts and a reference, and the condition that is a text."""

import warnings
from collections import Counter

import numpy as np
import pytest

from keras_imgen import conditions
from keras_imgen.kinds import described, from_description
from keras_imgen.text import Text, Tokenizer, _pieces, text_of, words_of

CAPTIONS = ["a red star on a black background", "two blue circles, left of a star"]


def text(**kwargs):
    return Text(Tokenizer.of(CAPTIONS), **kwargs)


@pytest.mark.parametrize(
    "given, words",
    [
        ("A Red STAR", "a red star"),
        ("naïve Ünited CAFE\u0301 \u1e9b", "naive united cafe ſ"),
        ("İstanbul", "istanbul"),
        ("can't; (go)!", "can ' t ; ( go ) !"),
        ("红色 star星", "红 色 star 星"),
        ("\ta\r\n b\u3000c\u00a0d", "a b c d"),
        ("a\x00b\u200dc\ufffd\ue000", "abc"),
        ("", ""),
        (" \n", ""),
    ],
)
def test_words(given, words):
    assert words_of(given) == words.split()


def test_both_forms_of_an_accent_are_one_word():
    assert words_of("caf\u00e9") == words_of("cafe\u0301") == ["cafe"]


def test_the_longest_piece_first():
    """By hand: "unaffable" is un + ##aff + ##able, as in the paper's code, and a word with one part unknown is unknown as a whole."""
    tokenizer = Tokenizer(("[PAD]", "[UNK]", "un", "##aff", "##able", "##a", "aff"), 8)
    assert tokenizer.numbers(["unaffable"]) == [2, 3, 4]
    assert tokenizer.numbers(["affa", "able", "unx", "un" * 51]) == [6, 5, 1, 1, 1]


def test_numbers_and_weights():
    tokenizer = text().tokenizer
    number = tokenizer.number
    ids, weights = tokenizer.encode("a (red star:1.5) on black")
    assert ids.tolist()[:5] == [number[w] for w in ("a", "red", "star", "on", "black")]
    assert weights.tolist()[:6] == [1.0, 1.5, 1.5, 1.0, 1.0, 0.0]
    ids, weights = tokenizer.encode("(red:0) (blue: 2 )")
    assert weights.tolist()[:3] == [0.0, 2.0, 0.0]
    assert not tokenizer.encode("")[0].any() and not tokenizer.encode(" \x00 ")[1].any()


def test_begin_and_end_stay_when_a_text_is_cut():
    tokenizer = Tokenizer(("[PAD]", "[UNK]", "[CLS]", "[SEP]", "a", "b"), 4, "[CLS]", "[SEP]")
    assert tokenizer.encode("a b")[0].tolist() == [2, 4, 5, 3]
    with pytest.warns(UserWarning, match="3 tokens is cut after 2"):
        assert tokenizer.encode("b a a")[0].tolist() == [2, 5, 4, 3]
    assert not tokenizer.encode("")[1].any()  # nothing is said: no beginning and no end


def test_a_tokenizer_of_texts_knows_them_all():
    tokenizer = Tokenizer.of([*CAPTIONS, b"caf\xc3\xa9"])
    assert tokenizer.length == 8 and tokenizer.vocabulary[:3] == ("[PAD]", "[UNK]", "a")
    assert not any(tokenizer.unknown(caption) for caption in CAPTIONS) and "cafe" in tokenizer.number
    with pytest.raises(ValueError, match="at least one word"):
        Tokenizer.of(["", " "])


def test_pieces_are_learned_where_words_are_too_many():
    """By hand, as Sennrich et al. 2016 have it: low (5), lower (2), newest (6), widest (3) are merged at es, est, ow, low."""
    counts = Counter({"low": 5, "lower": 2, "newest": 6, "widest": 3})
    assert _pieces(counts, ["l", "##o"], 1) == ["l", "##o"]  # which are all kept
    assert _pieces(counts, ["l"], 5) == ["l", "##es", "##est", "##ow", "low"]
    assert _pieces(counts, [], 99)[-1] == "lower"  # nothing else is left that comes twice


def test_with_a_size_every_word_can_be_spelled():
    texts = [a + b for a in "abcd" for b in ("and", "end", "ond", "und")]
    pieces, whole = Tokenizer.of(texts, size=22), Tokenizer.of(texts, size=100)
    assert pieces == Tokenizer.of(reversed(texts), size=22) and len(pieces.vocabulary) == 22
    assert "##nd" in pieces.number and set(texts) <= set(whole.vocabulary)
    for tokenizer in (pieces, whole):
        assert not tokenizer.unknown("aond dnnuoeabcd") and tokenizer.unknown("x")
    assert Tokenizer.of(texts).unknown("dnn") and Tokenizer.of(texts).vocabulary[2:] == tuple(sorted(texts))


def test_brackets_of_captions_weigh_nothing():
    """What is weighted in a prompt is text in training data, and nothing is said of it."""
    known = Text(Tokenizer.of(["red star", "(", ":", "9", ")"], length=8))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = known.captions(np.array([b"(red:9) purple", b""], object))
    assert found["caption_weight"][0].tolist()[:2] == [1.0, 1.0] and not found["caption_weight"][1].any()
    assert known.encode({"caption": "(red:9)"})["caption_weight"][0] == 9.0
    assert known.encode({"caption": "(red:999)"})["caption_weight"].max() == 1.0  # more than 99 is no weight


def test_unknown_words_are_told_with_the_nearest():
    with pytest.warns(UserWarning, match=r"'strar' \(known: star\); 'purple'"):
        text().encode({"caption": ["a (strar:2)", "purple star"]})


def test_remarks_say_what_encode_warns_of():
    for given in ("a (strar:2)", ["a star", "purple" + " star" * 9], [b"a star"], "", ["a"] * 3, "star(red:2)star"):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            text().encode({"caption": given})
        said = text().remarks(given)
        assert sorted(dict.fromkeys(str(one.message) for one in caught)) == sorted(said)
    assert text().remarks(np.zeros((2, 8), "int32")) == text().remarks([[1, 2]]) == []
    assert conditions.Label(3).remarks([1]) == []


@pytest.mark.filterwarnings("ignore:Words that")
def test_what_a_person_may_type_is_a_text():
    for given in ("中文", "👍🏽" * 3, "\x00", "(((", "a" * 10_000, "(:1)", "(a:1.5"):
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "A text of")
            found = text().encode({"caption": given})
        assert found["caption"].shape == (8,) and np.isfinite(found["caption_weight"]).all()


def test_texts_of_every_form():
    alone, rows = text().encode({"caption": "a star"}), text().encode({"caption": ["a star", b"two circles"]})
    assert alone["caption"].shape == (8,) and rows["caption"].shape == (2, 8)
    for same in (
        ("a star", "two circles"),
        np.array(["a star", "two circles"]),
        np.array([b"a star", "two circles"], object),
    ):
        np.testing.assert_array_equal(text().encode({"caption": same})["caption"], rows["caption"])
    np.testing.assert_array_equal(text().encode({"caption": np.array("a star")})["caption"], alone["caption"])
    assert text().encode({"caption": []})["caption"].shape == (0, 8)
    for wrong in (3, [3], [None], ["a", 0], [["a"]], {"a": 1}):
        with pytest.raises(ValueError, match="Expected a text"):
            text().encode({"caption": wrong})


def test_tokens_are_taken_as_they_are():
    found = conditions.encoded((text(),), {"caption": np.array([[2, 3, 0, 0, 0, 0, 0, 0]])})
    assert found["caption_weight"].tolist() == [[1, 1, 0, 0, 0, 0, 0, 0]]
    with pytest.raises(ValueError, match="shape"):
        conditions.encoded((text(),), {"caption": np.array([[2, 3]])})
    row = np.array([2, 3, 0, 0, 0, 0, 0, 0])
    for wrong in (row + 0.5, row - 1, row + 99):
        with pytest.raises(ValueError, match="as tokens in 0.."):
            conditions.encoded((text(),), {"caption": wrong})
    with pytest.raises(ValueError, match="caption_weight"):
        conditions.encoded((text(),), {"caption": row, "caption_weight": np.full(8, np.nan)})
    with pytest.raises(ValueError, match="beside a text"):
        conditions.encoded((text(),), {"caption": "a star", "caption_weight": np.zeros(8)})


def test_a_description_gives_the_same_condition():
    known = text(prompts=("a star",))
    assert from_description(described(known)) == known and text_of((conditions.Label(3), known)) is known
    assert text_of((conditions.Label(3),)) is None
    with pytest.raises(ValueError, match=r"begins with \[PAD\]"):
        Tokenizer(("a", "[UNK]"), 3)
    with pytest.raises(ValueError, match="`length` above 2"):
        Tokenizer(("[PAD]", "[UNK]", "a"), 1, "a", "a")
    with pytest.raises(ValueError, match="'a' again"):
        Tokenizer(("[PAD]", "[UNK]", "a", "a"), 1)


def test_ten_unknown_words_are_enough():
    """A long text of nothing but these would take minutes to match."""
    known = Tokenizer.of(["a red star"])
    found = known.unknown(" ".join(f"word{k}" for k in range(10_000)))
    assert list(found) == [f"word{k}" for k in range(10)]
    assert list(known.unknown("no such thing, redd", 2)) == ["no", "such"]
