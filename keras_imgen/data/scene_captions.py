"""Captions of scenes: all wordings of a meaning, and the meaning of a caption."""

import re
from itertools import product

import numpy as np

from keras_imgen.data.scenes import FORWARDS, Item, Meaning
from keras_imgen.data.sources.shapes import BACKGROUNDS, COLOURS, SHAPES, SIZES

SAME = {"large": ("large", "big"), "gray": ("gray", "grey")}
COUNTS = ("one", "two", "three", "four")
WORDS = {  # of a relation, and of its inverse
    "to the left of": (("to the left of", "left of"), ("to the right of", "right of")),
    "above": (("above", "over"), ("below", "under")),
    "in front of": (("in front of",), ("behind",)),
}
EXAMPLES = "'a large red star above a small blue circle on a black background' or 'three small red circles'"


def wordings(meaning: Meaning) -> list[str]:
    """Every caption that the grammar has for a meaning; the plainest one first.

    They differ in synonyms (large, big), in the direction of the relation (above, below) and in where the background is named.
    """
    if meaning.relation is None:
        found = _noun(meaning.things[0], meaning.count)
    else:
        nouns = [_noun(thing, 1) for thing in meaning.things]
        found = []
        for words, (first, second) in zip(WORDS[meaning.relation], (nouns, nouns[::-1])):
            found += [" ".join(parts) for parts in product(first, words, second)]
    if meaning.background is None:
        return found
    names = SAME.get(meaning.background, (meaning.background,))
    forms = "{0} on a {1} background", "on a {1} background, {0}", "a {1} background with {0}"
    return [form.format(things, name) for form, things, name in product(forms, found, names)]


def captions(meaning: Meaning, rng: np.random.Generator, count: int = 3) -> tuple[str, ...]:
    """Several wordings of a meaning, no two alike; fewer where there are not so many.

    Args:
        meaning: what they say.
        rng: draws them, all wordings equally likely.
        count: how many.
    """
    every = wordings(meaning)
    return tuple(every[k] for k in rng.permutation(len(every))[:count])


def _noun(thing, count):
    """Its phrases: "a large red star", "two big red stars"."""
    found = []
    for size in SAME.get(thing.size, (thing.size,)):
        words = " ".join(word for word in (size, thing.colour, thing.shape) if word)
        if count == 1:
            found.append(f"an {words}" if words[0] in "aeiou" else f"a {words}")
        else:
            found.append(f"{COUNTS[count - 1]} {words}{_plural(thing.shape)}")
    return found


def _plural(shape):
    return "es" if shape.endswith("s") else "s"


def _one_of(names):
    return "|".join(word for name in names for word in SAME.get(name, (name,)))


_MEANT = {word: name for name, words in SAME.items() for word in words}
_SAID = {word: (name, k == 1) for name, both in WORDS.items() for k, words in enumerate(both) for word in words}
_RELATION = re.compile(rf" (?:is )?({'|'.join(sorted(_SAID, key=len, reverse=True))}) ")
_BACKGROUND = rf"(?:(?:an?|the) )?({_one_of(BACKGROUNDS)}) background"
_WITH_BACKGROUND = (
    re.compile(rf"(?P<things>.+) (?:on|against) {_BACKGROUND}"),
    re.compile(rf"(?:on|against) {_BACKGROUND} (?P<things>.+)"),
    re.compile(rf"{_BACKGROUND} with (?P<things>.+)"),
)
_NOUN = re.compile(
    rf"(?:(an?|the|{'|'.join(COUNTS)}|[1-4]) )?(?:({_one_of(SIZES)}) )?({_one_of(COLOURS)}) "
    rf"({'|'.join(SHAPES)})({'|'.join(sorted({_plural(s) for s in SHAPES}))})?"
)


def parse(caption: str) -> Meaning:
    """What a caption says: exact for every wording, whatever its case, commas and final full stop.

    Size and background may be missing, and are None then.

    Raises:
        ValueError: it is no scene, or has a word that is in no caption.
    """
    text = " ".join(re.sub(r"[,.]", " ", caption.lower()).split())
    background = None
    for form in _WITH_BACKGROUND:
        if found := form.fullmatch(text):
            text, name = found["things"], found[1] if form is not _WITH_BACKGROUND[0] else found[2]
            background = _MEANT.get(name, name)
            break
    first, *rest = _RELATION.split(text, maxsplit=1)
    if not rest:
        thing, count = _parsed(first, caption)
        return Meaning((thing,), count, background=background)
    relation, swapped = _SAID[rest[0]]
    pair = [_parsed(noun, caption) for noun in (first, rest[1])]
    if any(count > 1 for _, count in pair):
        raise ValueError(f"Expected one thing on each side of a relation, got {caption!r}.")
    things = tuple(thing for thing, _ in pair)
    return Meaning(things[::-1] if swapped else things, 1, relation, background)


def _parsed(noun, caption):
    found = _NOUN.fullmatch(noun)
    if not found:
        raise ValueError(f"Expected a scene such as {EXAMPLES}, got {noun!r} in {caption!r}.")
    number, size, colour, shape, plural = found.groups()
    count = COUNTS.index(number) + 1 if number in COUNTS else int(number) if number and number.isdigit() else 1
    if plural != (_plural(shape) if count > 1 else None):
        raise ValueError(f"Expected '{shape}' for one and '{shape}{_plural(shape)}' for two to four, got {noun!r}.")
    return Item(shape, colour, _MEANT.get(size, size)), count


assert set(WORDS) == set(FORWARDS)
