"""Captioned scenes: what a scene means, which meanings are kept from training, and where its things are placed."""

import math
import zlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from keras_imgen.data.sources.shapes import BACKGROUNDS, COLOURS, RELATIONS, SHAPES, SIZES, Scene, Thing, _cover

SPLITS = {"train": 60_000, "validation": 1_000, "test": 2_000}
HELD_OUT = ("new pair", "new caption")  # why a meaning is kept from training
NEW_PAIRS = {("purple", "circle"), ("orange", "triangle"), ("cyan", "star"), ("yellow", "heart")}
FORWARDS = ("to the left of", "above", "in front of")  # the inverse of each is the same with the things exchanged
GAP = 0.06  # between things, as a share of the image
HIDDEN = (0.3, 0.5)  # of the smaller of two things of which one is in front
ASIDE = 0.8  # a thing beside another is shifted across by less than this times their distance


@dataclass(frozen=True)
class Item:
    """A thing in words.

    Args:
        shape: one of SHAPES.
        colour: one of COLOURS.
        size: one of SIZES; None where it is not said.
    """

    shape: str
    colour: str
    size: str | None = None


@dataclass(frozen=True)
class Meaning:
    """What a caption says; two captions that say the same have equal meanings.

    Args:
        things: one, or two of which the first is in the relation to the second.
        count: how many there are that are like the first, 1 to 4; more than one only where there is no second.
        relation: one of FORWARDS with two things, else None.
        background: one of BACKGROUNDS; None where it is not said.
    """

    things: tuple[Item, ...]
    count: int = 1
    relation: str | None = None
    background: str | None = None

    @property
    def items(self) -> tuple[Item, ...]:
        """Of all things, also of those that are alike."""
        return self.things * self.count


def held_out(meaning: Meaning) -> str | None:
    """Why a meaning is in no training scene, one of HELD_OUT, or None: it may be in one.

    A "new pair" is a colour and a shape that are never seen together; a "new caption" has only pairs that are seen, and is one in
    ten by a hash. (Held-out combinations test whether a model composes; Park et al. 2021, "Benchmark for compositional
    text-to-image synthesis".)
    """
    if any((thing.colour, thing.shape) in NEW_PAIRS for thing in meaning.things):
        return "new pair"
    words = [str(meaning.count), meaning.relation or "", meaning.background or ""]
    words += [f"{thing.size or ''} {thing.colour} {thing.shape}" for thing in meaning.things]
    return "new caption" if zlib.crc32("|".join(words).encode()) % 10 == 0 else None


def meaning_of(seed: int, split: str, k: int) -> Meaning:
    """What scene k of a split means: one thing (20 %), two to four that are alike (20 %), or two in a relation (60 %).

    Args:
        seed: of all scenes.
        split: one of SPLITS; of "test" all are held out, by turns as a new pair and as a new caption, of the others none.
        k: number of the scene.
    """
    return _begun(seed, split, k)[1]


def scene(seed: int, split: str, k: int) -> Scene:
    """Scene k of a split, to draw: always the same, and of what `meaning_of` says.

    Args:
        seed: of all scenes.
        split: one of SPLITS.
        k: number of the scene.
    """
    rng, said = _begun(seed, split, k)
    return placed(said, rng)


def _begun(seed, split, k):
    rng = np.random.default_rng([seed, *split.encode(), k])
    wanted = HELD_OUT[k % 2] if split == "test" else None
    sort = rng.random()
    while True:
        found = _meaning(rng, sort)
        if held_out(found) == wanted:
            return rng, found


def _meaning(rng, sort):
    def any_of(names):
        return tuple(names)[int(rng.random() * len(names))]

    first, second = (divmod(int(n), len(COLOURS)) for n in rng.permutation(len(SHAPES) * len(COLOURS))[:2])
    kinds = [(SHAPES[s], tuple(COLOURS)[c]) for s, c in (first, second)]
    background = any_of(BACKGROUNDS)
    if sort < 0.2:
        return Meaning((Item(*kinds[0], any_of(SIZES)),), background=background)
    if sort < 0.4:
        count = any_of((2, 3, 4))
        return Meaning((Item(*kinds[0], any_of(SIZES) if count == 2 else "small"),), count, background=background)
    relation = any_of(FORWARDS)
    if relation == "in front of" and first[1] == second[1]:  # would be one blot
        return _meaning(rng, sort)
    return Meaning(tuple(Item(*kind, any_of(SIZES)) for kind in kinds), 1, relation, background)


def placed(meaning: Meaning, rng: np.random.Generator) -> Scene:
    """A scene that means this; what is not said is drawn.

    Between things is a gap, or one hides about half of the smaller. Where one is left of or above another, they are further
    apart in this direction than across it.

    Args:
        meaning: at most two large things that are alike.
        rng: of what is left open.

    Raises:
        ValueError: more than two large things that are alike: they do not fit.
    """
    open_size = tuple(SIZES)[int(rng.integers(2)) if meaning.count < 3 else 0]
    sizes = [thing.size or open_size for thing in meaning.items]
    if meaning.count > 2 and "large" in sizes:
        raise ValueError(f"Expected at most 2 large things that are alike, got {meaning.count}.")
    things = [
        Thing(SHAPES.index(t.shape), tuple(COLOURS).index(t.colour), tuple(SIZES).index(size), 0.5, 0.5, 0.0, 0.0)
        for t, size in zip(meaning.items, sizes)
    ]
    if meaning.relation == "in front of":
        _overlap(rng, *things)
    elif meaning.relation:
        _beside(rng, *things, "xy" if meaning.relation == "to the left of" else "yx")
    else:
        _scatter(rng, things)
    names = tuple(BACKGROUNDS)
    background = names.index(meaning.background) if meaning.background else int(rng.integers(len(names)))
    return Scene(things, background, RELATIONS.index(meaning.relation) if meaning.relation else None)


def _scatter(rng, things):
    """Alike things anywhere with gaps."""
    radius, n = things[0].radius, len(things)
    while True:
        tries = rng.uniform(radius, 1 - radius, (32, n, 2))
        far = np.abs(tries[:, :, None] - tries[:, None]).max(-1)
        fits = (far + np.eye(n) >= 2 * radius + GAP).all((1, 2))
        if fits.any():
            for thing, (x, y) in zip(things, tries[fits.argmax()]):
                thing.x, thing.y = float(x), float(y)
            return


def _beside(rng, first, second, axes):
    """The first before the second in the direction of the first axis, and less far from it across."""
    free = 1 - 2 * (first.radius + second.radius) - GAP
    before, after = np.sort(rng.uniform(0, free, 2))
    along = float(before) + first.radius, 1 - (free - float(after)) - second.radius
    reach = ASIDE * (along[1] - along[0])
    across = float(rng.uniform(first.radius, 1 - first.radius))
    low, high = max(second.radius, across - reach), min(1 - second.radius, across + reach)
    for thing, place in zip((first, second), zip(along, (across, float(rng.uniform(low, high))))):
        setattr(thing, axes[0], place[0])
        setattr(thing, axes[1], place[1])


def _overlap(rng, near, far):
    """The near thing on the far one, so that about half of the smaller is in both."""
    while True:
        far.x, far.y = (float(v) for v in rng.uniform(far.radius, 1 - far.radius, 2))
        angle, share = rng.uniform(0, 2 * math.pi), rng.uniform(0.3, 0.7)
        reach = share * (near.radius + far.radius)
        near.x, near.y = far.x + reach * math.cos(angle), far.y + reach * math.sin(angle)
        inside = near.radius <= min(near.x, near.y) and max(near.x, near.y) <= 1 - near.radius
        if inside and HIDDEN[0] <= shared(near, far) <= HIDDEN[1]:
            return


def shared(first: Thing, second: Thing) -> float:
    """How much of the smaller of two things lies in both, 0 to 1."""
    one, two = (_cover(SHAPES[t.shape], t.x, t.y, t.radius, 16) for t in (first, second))
    return float((one * two).sum() / min(one.sum(), two.sum()))


def apart(thing: Thing, others: Sequence[Thing]) -> bool:
    """Whether a thing is inside the picture, with a gap to each of the others."""
    inside = thing.radius <= min(thing.x, thing.y) and max(thing.x, thing.y) <= 1 - thing.radius
    return inside and all(
        max(abs(thing.x - other.x), abs(thing.y - other.y)) >= thing.radius + other.radius + GAP for other in others
    )
