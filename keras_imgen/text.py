"""Text as numbers: a tokenizer of words and word pieces, and the condition that is a text. NumPy only.

`serving.strings` says the same in TensorFlow, for exports that take strings.
"""

import difflib
import re
import string
import unicodedata
import warnings
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from heapq import heapify, heappop, heappush
from itertools import islice, pairwise
from typing import Any

import numpy as np

from keras_imgen.arguments import finite, shown
from keras_imgen.conditions import Condition, Input
from keras_imgen.kinds import Kind

PAD, UNKNOWN, INSIDE = "[PAD]", "[UNK]", "##"
LONGEST = 100  # characters of a word; a longer one is unknown
IDEOGRAPHS = (  # each is a word
    (0x3400, 0x4DBF),
    (0x4E00, 0x9FFF),
    (0xF900, 0xFAFF),
    (0x20000, 0x2A6DF),
    (0x2A700, 0x2CEAF),
    (0x2F800, 0x2FA1F),
)
WEIGHTED = re.compile(r"\(([^()]+):[ ]*([0-9]{1,2})(?:\.([0-9]{1,6}))?[ ]*\)")  # "(red star:1.5)"
MARKS = (
    "\ue000\ue001\ue002"  # private to Unicode's users: by these `serving.strings` marks weights, so they are in no text
)


class Remark(UserWarning):
    """What a text holds that a model does not read."""


def ideograph(code: int) -> bool:
    """Whether a character of Unicode is one of those that are words of their own."""
    return any(low <= code <= high for low, high in IDEOGRAPHS)


class _Characters(dict):
    """What each character becomes, for `str.translate`: lower case without accents, in spaces where it is a word of its own."""

    def __missing__(self, code: int) -> str:
        character = chr(code)
        kind = unicodedata.category(character)
        if character in "\t\n\r" or kind == "Zs":
            found = " "
        elif kind in ("Cc", "Cf", "Cs") or character in MARKS + "\ufffd":
            found = ""
        else:
            parts = [c for c in unicodedata.normalize("NFD", character) if unicodedata.category(c) != "Mn"]
            found = "".join(f" {c} " if _alone(c) else c.lower() for c in parts)
        self[code] = found
        return found


def _alone(character):
    code = ord(character)
    in_ascii = 33 <= code < 127 and not character.isalnum()
    return in_ascii or unicodedata.category(character)[0] == "P" or ideograph(code)


CHARACTERS = _Characters()


def words_of(text: str) -> list[str]:
    """Words in lower case without accents; punctuation and ideographs are words of one character (Devlin et al. 2019, uncased BERT)."""
    return [word for word in text.translate(CHARACTERS).split(" ") if word]


@dataclass(frozen=True)
class Tokenizer(Kind):
    """Words, or the longest known pieces of words (WordPiece: Schuster & Nakajima 2012; Devlin et al. 2019), by number.

    Args:
        vocabulary: all of them; "[PAD]" is the first, "[UNK]" among them; pieces inside a word begin with "##".
        length: tokens of a text; shorter ones are padded, longer ones are cut with a warning.
        before: the token that every text begins with, None for none.
        after: the token that every text ends with, None for none.

    Raises:
        ValueError: a vocabulary without "[PAD]" as its first, or without "[UNK]"; a length that leaves no room.
    """

    kind = "wordpiece"
    noun = "tokenizer"
    vocabulary: tuple[str, ...]
    length: int
    before: str | None = None
    after: str | None = None

    def __post_init__(self):
        special = [token for token in (UNKNOWN, self.before, self.after) if token]
        if self.vocabulary[:1] != (PAD,) or any(token not in self.number for token in special):
            raise ValueError(f"Expected a vocabulary that begins with {PAD} and has {', '.join(special)}.")
        if len(self.number) < len(self.vocabulary):
            twice = next(token for token, count in Counter(self.vocabulary).items() if count > 1)
            raise ValueError(f"Expected each token of a vocabulary once, got {twice!r} again.")
        if self.length <= len(special) - 1:
            raise ValueError(f"Expected a `length` above {len(special) - 1}, got {self.length}.")

    @classmethod
    def of(cls, texts: Iterable[str], length: int | None = None, size: int | None = None) -> "Tokenizer":
        """The tokenizer of some texts: their words, the most frequent first.

        Args:
            texts: those of the training data.
            length: tokens of a text; None is as many as the longest of these has.
            size: at least all characters, of which words that are not known are spelled, then every word, or, where this is too much,
                the most frequent pieces of words, until there are so many; None takes the words alone.

        Raises:
            ValueError: no text, or only empty ones.
        """
        every = [words_of(as_text(text)) for text in texts]
        counts = Counter(word for words in every for word in words)
        if not counts:
            raise ValueError("Expected texts with at least one word, got none.")
        known = [word for word, _ in sorted(counts.items(), key=lambda item: (-item[1], item[0]))]
        if size is not None:
            alone = sorted({c for word in counts for c in word})
            spelled = [*alone, *(INSIDE + c for c in alone)]
            whole = list(dict.fromkeys([*known, *spelled]))
            known = whole if len(whole) + 2 <= size else _pieces(counts, spelled, size - 2)
        tokenizer = cls((PAD, UNKNOWN, *known), length or 1)
        if length is None:
            tokenizer = cls(tokenizer.vocabulary, max(len(tokenizer.numbers(words)) for words in every))
        return tokenizer

    @cached_property
    def number(self) -> dict[str, int]:
        """Of each token."""
        return {token: k for k, token in enumerate(self.vocabulary)}

    @cached_property
    def _found(self) -> dict[str, list[int]]:
        return {}

    @cached_property
    def longest(self) -> int:
        """Characters of the longest token."""
        return max(map(len, self.vocabulary))

    def numbers(self, words: list[str]) -> list[int]:
        """The tokens of words, by number.

        Args:
            words: as `words_of` gives them.
        """
        return [number for word in words for number in self._of_word(word)]

    def _of_word(self, word):
        found = self._found.get(word)
        if found is None:
            if len(self._found) > 100_000:
                self._found.clear()
            found = self._found[word] = self._split(word)
        return found

    def _split(self, word):
        """Greedily the longest piece first, as the reference does."""
        unknown, found, start = [self.number[UNKNOWN]], [], 0
        if len(word) > LONGEST:
            return unknown
        while start < len(word):
            begins = INSIDE if start else ""
            for end in range(min(len(word), start + self.longest), start, -1):
                if (piece := begins + word[start:end]) in self.number:
                    found.append(self.number[piece])
                    start = end
                    break
            else:
                return unknown
        return found

    def unknown(self, text: str, most: int = 10) -> dict[str, list[str]]:
        """The words of a text that are not known, each with the nearest that are; punctuation is no word.

        Args:
            text: of any length.
            most: at most so many words, the first ones.
        """
        only = [self.number[UNKNOWN]]
        words = dict.fromkeys(words_of(_without_weights(text)))
        words = (word for word in words if word not in string.punctuation and self._of_word(word) == only)
        return {word: difflib.get_close_matches(word, self.vocabulary, 3, 0.6) for word in islice(words, most)}

    @property
    def room(self) -> int:
        """How many tokens of a text are read."""
        return self.length - sum(token is not None for token in (self.before, self.after))

    def cut(self, text: str) -> str:
        """In words, that a text is longer than what is read of it; "" of one that is not.

        Args:
            text: of any length.
        """
        count = len(self.numbers(words_of(_without_weights(text))))
        told = f"A text of {count} tokens is cut after {self.room}, all that this model reads: {shown(text)}."
        return told if count > self.room else ""

    def encode(self, text: str, weighted: bool = True) -> tuple[np.ndarray, np.ndarray]:
        """The tokens of a text and their weights; of an empty one, padding alone.

        Args:
            text: "(red star:1.5)" in it gives these words a weight of 1.5.
            weighted: False reads such brackets as any others.

        Returns:
            (numbers int32 (length,), weights float32 (length,), 0 where there is padding).
        """
        numbers, weights, rest = [], [], 0
        for match in WEIGHTED.finditer(text) if weighted else ():
            told = float(f"{match[2]}.{match[3] or 0}")
            for part, weight in ((text[rest : match.start()], 1.0), (match[1], told)):
                found = self.numbers(words_of(part))
                numbers += found
                weights += [weight] * len(found)
            rest = match.end()
        found = self.numbers(words_of(text[rest:]))
        numbers, weights = numbers + found, weights + [1.0] * len(found)
        ids, shares = np.zeros(self.length, "int32"), np.zeros(self.length, "float32")
        if not numbers:
            return ids, shares
        first, last = ([self.number[token]] if token else [] for token in (self.before, self.after))
        room = self.room
        if len(numbers) > room:
            told = self.cut(text) if weighted else f"Captions of more than {room} tokens are cut."
            warnings.warn(told, Remark, stacklevel=2)
        numbers = first + numbers[:room] + last
        ids[: len(numbers)] = numbers
        shares[: len(numbers)] = [1.0] * len(first) + weights[:room] + [1.0] * len(last)
        return ids, shares


def _without_weights(text):
    return WEIGHTED.sub(r" \1 ", text)


def _pieces(counts, known, size):
    """Pieces of words by merging the most frequent pairs (Sennrich et al. 2016), ties by the alphabet: the same every time, which the
    library `tokenizers` is not."""
    words = [[word[0], *(INSIDE + c for c in word[1:])] for word in counts]
    times, pairs, places = list(counts.values()), Counter(), defaultdict(set)
    for k, word in enumerate(words):
        for pair in pairwise(word):
            pairs[pair] += times[k]
            places[pair].add(k)
    known, waiting = dict.fromkeys(known), [(-count, pair) for pair, count in pairs.items()]
    heapify(waiting)
    while len(known) < size and waiting:
        count, best = heappop(waiting)
        if -count != pairs[best]:  # it has changed since, and waits with its new count
            continue
        if -count < 2:
            break
        merged = best[0] + best[1].removeprefix(INSIDE)
        known[merged], changed = None, set()
        for k in sorted(places.pop(best)):
            before, word = words[k], []
            for piece in before:
                both = word and (word[-1], piece) == best
                word[-1:] = [merged] if both else [*word[-1:], piece]
            words[k] = word
            for sign, pieces in ((-1, before), (1, word)):
                for pair in pairwise(pieces):
                    pairs[pair] += sign * times[k]
                    places[pair].add(k)
                    changed.add(pair)
        for pair in changed:
            heappush(waiting, (-pairs[pair], pair))
    return list(known)


def as_text(value: Any) -> str:
    """A str; bytes are UTF-8, of which what is damaged is left out.

    Raises:
        ValueError: something else.
    """
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if isinstance(value, str):
        return str(value)
    raise ValueError(f"Expected a text, got {shown(value)}.")


@dataclass(frozen=True)
class Text(Condition):
    """A text, as tokens and their weights; an empty one is the null. Words that are not known are warned of, with the nearest that are.

    Args:
        tokenizer: of the texts.
        key: its name.
        prompts: examples, which sample grids tell in turn where nobody says what.
    """

    kind = "text"
    takes_arrays = False
    tokenizer: Tokenizer
    key: str = "caption"
    prompts: tuple[str, ...] = ()

    @property
    def weight(self) -> str:
        """The name of the tokens' weights."""
        return f"{self.key}_weight"

    def inputs(self) -> dict[str, Input]:
        shape = (self.tokenizer.length,)
        return {
            self.key: Input(shape, "int32", 0, f"{self.key}_tokens"),
            self.weight: Input(shape, "float32", 0.0, f"{self.key}_weights"),
        }

    def examples(self) -> list[str] | None:
        return list(self.prompts) or None

    def parse(self, text: str) -> str:
        return text

    def arrays(self, given: Mapping[str, Any]) -> dict[str, np.ndarray]:
        tokens, known = np.asarray(given[self.key]), len(self.tokenizer.vocabulary)
        if tokens.dtype.kind not in "iu" or tokens.size and not 0 <= tokens.min() <= tokens.max() < known:
            raise ValueError(
                f"Expected {self.key!r} as text, or as tokens in 0..{known - 1}, got {shown(given[self.key])}."
            )
        weights = given.get(self.weight)
        weights = (
            (tokens != 0).astype("float32") if weights is None else finite(self.weight, weights, shape=(tokens.shape,))
        )
        return super().arrays({self.key: tokens, self.weight: weights})

    def captions(self, texts: Any) -> dict[str, np.ndarray]:
        """As `encode`, of texts of training data (N,): no brackets are weights, and nothing is said of words that are not known."""
        encoded = [self.tokenizer.encode(as_text(text), weighted=False) for text in texts]
        return dict(zip(self.inputs(), map(np.stack, zip(*encoded))))

    def encode(self, given: Mapping[str, Any]) -> dict[str, np.ndarray]:
        """Arrays for all of `inputs()`, each (n, length), or (length,) for a text that all images share.

        Args:
            given: a text, or n of them, in str or bytes.

        Raises:
            ValueError: something else.
        """
        texts = given[self.key]
        if self.weight in given:
            raise ValueError(f"Expected no {self.weight!r} beside a text: write (words:1.5) in it, or pass tokens.")
        alone = isinstance(texts, str | bytes) or np.ndim(texts) == 0
        rows = [texts.item() if isinstance(texts, np.ndarray) else texts] if alone else list(texts)
        if wrong := [row for row in rows if not isinstance(row, str | bytes)]:
            raise ValueError(f"Expected a text, or a text for each image, as {self.key!r}, got {shown(wrong[0])}.")
        texts = [as_text(row) for row in rows]
        if unknown := self._unknown(texts):
            warnings.warn(unknown, Remark, stacklevel=2)
        encoded = [self.tokenizer.encode(text) for text in texts]
        shape = (0, self.tokenizer.length)
        ids = np.stack([a for a, _ in encoded]) if encoded else np.zeros(shape, "int32")
        shares = np.stack([b for _, b in encoded]) if encoded else np.zeros(shape, "float32")
        return {self.key: ids[0] if alone else ids, self.weight: shares[0] if alone else shares}

    def remarks(self, value: Any) -> list[str]:
        texts = [value] if isinstance(value, str | bytes) else value
        if not isinstance(texts, list | tuple) or not all(isinstance(one, str | bytes) for one in texts):
            return []  # tokens
        texts = list(dict.fromkeys(map(as_text, texts)))
        return [said for said in (self._unknown(texts), *map(self.tokenizer.cut, texts)) if said][:10]

    def _unknown(self, texts):
        unknown: dict[str, list[str]] = {}
        for text in dict.fromkeys(texts):
            if len(unknown) < 10:
                unknown |= self.tokenizer.unknown(text, 10 - len(unknown))
        told = [f"{word!r}" + (f" (known: {', '.join(near)})" if near else "") for word, near in unknown.items()]
        return f"Words that this model has not learned: {'; '.join(told)}." if told else ""


def text_of(conditions: Iterable[Condition]) -> Text | None:
    """The text among conditions, None where there is none."""
    return next((c for c in conditions if isinstance(c, Text)), None)
