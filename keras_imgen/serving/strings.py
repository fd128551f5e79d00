"""Texts in TensorFlow's graph: strings as the tokens and weights that `text.Text` makes of them, for exports that take strings."""

from typing import Any

import numpy as np

from keras_imgen.text import CHARACTERS, IDEOGRAPHS, INSIDE, LONGEST, MARKS, UNKNOWN, WEIGHTED, Text, ideograph

OPEN, CLOSE, POINT = MARKS


class _Words:
    """Strings that are looked up by their hash, and then compared; constants of the graph, so that nothing has to be initialised."""

    def __init__(self, words: tuple[str, ...]):
        import tensorflow as tf

        hashes = self._hashed(tf.constant(words)).numpy()
        order = np.argsort(hashes)
        if len(set(hashes.tolist())) < len(words):
            raise ValueError("Two words of the vocabulary have one hash: expected all to differ.")
        self.hashes, self.words = hashes[order], np.array(words, object)[order]
        self.numbers = np.arange(len(words), dtype="int32")[order]

    @staticmethod
    def _hashed(words):
        import tensorflow as tf

        return tf.strings.to_hash_bucket_fast(words, 2**63 - 1)

    def find(self, words: Any) -> Any:
        """Their numbers, int32 of the same shape, -1 of those that are not known."""
        import tensorflow as tf

        flat = tf.reshape(words, [-1])
        places = tf.minimum(tf.searchsorted(self.hashes, self._hashed(flat)), len(self.hashes) - 1)
        right = tf.gather(tf.constant(self.words), places) == flat
        return tf.reshape(tf.where(right, tf.gather(self.numbers, places), -1), tf.shape(words))


def _characters():
    """(code points, what they become), of all that change, but for ideographs that are only set apart."""
    codes = [
        code
        for code in range(0x110000)
        if CHARACTERS[code] != chr(code) and not (ideograph(code) and CHARACTERS[code] == f" {chr(code)} ")
    ]
    codes = [code for code in codes if chr(code) not in MARKS and not 0xD800 <= code < 0xE000]
    return np.array(codes, "int32"), np.array([CHARACTERS[code] for code in codes], object)


def encoder(text: Text) -> Any:
    """f(strings (N,)) -> (tokens int32 (N, L), weights float32 (N, L)), equal to what `text.encode` gives of the same texts.

    Args:
        text: the condition.
    """
    import tensorflow as tf

    tokenizer = text.tokenizer
    vocabulary, (codes, changed) = _Words(tokenizer.vocabulary), _characters()
    unknown = tokenizer.number[UNKNOWN]
    first, last = ([tokenizer.number[t]] if t else [] for t in (tokenizer.before, tokenizer.after))
    room = tokenizer.length - len(first) - len(last)

    def words_of(texts):
        """Ragged words of texts, with marks around those that have a weight."""
        texts = tf.strings.regex_replace(texts, f"[{MARKS}]", "")
        texts = tf.strings.regex_replace(texts, WEIGHTED.pattern, rf" {OPEN}\2{POINT}\3 \1 {CLOSE} ")
        points = tf.strings.unicode_decode(texts, "UTF-8")
        flat = points.flat_values
        places = tf.minimum(tf.searchsorted(codes, flat), len(codes) - 1)
        own = tf.strings.unicode_encode(flat[:, None], "UTF-8")
        apart = tf.reduce_any([(flat >= low) & (flat <= high) for low, high in IDEOGRAPHS], axis=0)
        kept = tf.where(apart, tf.strings.join([" ", own, " "]), own)
        kept = tf.where(tf.gather(codes, places) == flat, tf.gather(tf.constant(changed), places), kept)
        return tf.strings.split(tf.strings.reduce_join(points.with_flat_values(kept), axis=-1))

    def weights_of(words):
        """(whether a word is no mark, its weight), flat."""
        opens = tf.strings.substr(words, 0, 1, unit="UTF8_CHAR") == OPEN
        closes = words == CLOSE
        spelled = tf.strings.regex_replace(tf.boolean_mask(words, opens), OPEN, "")
        values = tf.strings.to_number(tf.strings.regex_replace(spelled, POINT, "."), "float64")
        values = tf.concat([tf.cast(values, "float32"), [1.0]], 0)
        count = tf.cumsum(tf.cast(opens, "int32"))
        inside = count > tf.cumsum(tf.cast(closes, "int32"))
        return ~(opens | closes), tf.where(inside, tf.gather(values, tf.maximum(count - 1, 0)), 1.0)

    def pieces_of(words):
        """Ragged numbers of the pieces of each word: the longest first."""
        lengths = tf.strings.length(words, unit="UTF8_CHAR")
        ends = tf.range(1, tokenizer.longest + 1)

        start, parts = tf.zeros_like(lengths), tf.TensorArray("int32", 0, dynamic_size=True, element_shape=[None])

        def go_on(i, start, parts, bad):
            return tf.reduce_any((start < lengths) & ~bad) & (i < LONGEST)

        def longest(i, start, parts, bad):
            shape = tf.stack([tf.shape(words)[0], tokenizer.longest])
            spread = lambda x: tf.broadcast_to(x, shape)  # noqa: E731
            pieces = tf.strings.substr(spread(words[:, None]), spread(start[:, None]), spread(ends[None]), "UTF8_CHAR")
            begins = tf.where(start > 0, INSIDE, "")
            numbers = vocabulary.find(tf.strings.join([spread(begins[:, None]), pieces]))
            fits = (numbers >= 0) & (ends[None] <= (lengths - start)[:, None])
            taken = tf.reduce_max(tf.where(fits, ends[None], 0), axis=1)
            number = tf.gather(numbers, tf.maximum(taken - 1, 0), axis=1, batch_dims=1)
            bad |= (taken == 0) & (start < lengths)
            return i + 1, start + taken, parts.write(i, tf.where(taken > 0, number, -1)), bad

        shapes = (tf.TensorShape([]), lengths.shape, tf.TensorShape(None), lengths.shape)
        count, _, parts, bad = tf.while_loop(
            go_on, longest, (0, start, parts, lengths > LONGEST), shape_invariants=shapes
        )
        parts = tf.cond(count > 0, lambda: tf.transpose(parts.stack()), lambda: tf.fill([tf.shape(words)[0], 1], -1))
        alone = tf.concat([tf.fill([tf.shape(words)[0], 1], unknown), tf.fill(tf.shape(parts[:, 1:]), -1)], 1)
        parts = tf.where(bad[:, None], alone, parts)
        return tf.ragged.boolean_mask(parts, parts >= 0)

    def encode(texts):
        words = words_of(texts)
        is_word, weights = weights_of(words.flat_values)
        words, weights = (
            tf.ragged.boolean_mask(words.with_flat_values(v), words.with_flat_values(is_word))
            for v in (words.flat_values, weights)
        )
        pieces = pieces_of(words.flat_values)
        shares = tf.repeat(weights.flat_values, pieces.row_lengths())
        numbers = words.with_flat_values(pieces).merge_dims(1, 2)[:, :room]
        shares = words.with_flat_values(pieces.with_flat_values(shares)).merge_dims(1, 2)[:, :room]

        def whole(rows, before, after):
            some = tf.cast(rows.row_lengths() > 0, "int64")

            def side(values):
                every = tf.tile(tf.constant(values, rows.dtype), [tf.cast(tf.reduce_sum(some), "int32")])
                return tf.RaggedTensor.from_row_lengths(every, some * len(values))

            return tf.concat([side(before), rows, side(after)], axis=1).to_tensor(shape=[None, tokenizer.length])

        return whole(numbers, first, last), whole(shares, [1.0] * len(first), [1.0] * len(last))

    return encode
