"""Instructions that change a scene and phrases that refer to a part of it: for editing by text."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations, product
from typing import NamedTuple

import numpy as np

from keras_imgen.data.scenes import HIDDEN, apart, shared
from keras_imgen.data.sources.shapes import BACKGROUNDS, COLOURS, SHAPES, SIZES, Scene, Thing, _cover

PLACES = {"on the left": ("x", 1), "on the right": ("x", -1), "at the top": ("y", 1), "at the bottom": ("y", -1)}
MOVES = {"to the left": (-1, 0), "to the right": (1, 0), "up": (0, -1), "down": (0, 1)}
STEP = 0.2  # that a thing is moved, as a share of the image
AHEAD = 0.15  # a thing is "on the left" of others if it is so much further left, as a share of the image
MOST = 4  # things in a scene
TRIES = 20


class Edit(NamedTuple):
    """A change of a scene.

    Args:
        instruction: what to do, as "make the red star blue".
        scene: what it becomes; without relation where things were moved, so that its own caption says less.
        mask: bool (size, size), what may change; all other pixels stay as they are.
    """

    instruction: str
    scene: Scene
    mask: np.ndarray


class Reference(NamedTuple):
    """A part of a scene.

    Args:
        phrase: that is true of nothing else in it, as "the small one".
        mask: bool (size, size), where it is seen.
    """

    phrase: str
    mask: np.ndarray


def edit(scene: Scene, rng: np.random.Generator, size: int = 32, kind: str | None = None) -> Edit | None:
    """An instruction, what the scene becomes by it, and where it may change; the scene itself stays as it is.

    Things that are changed or added keep a gap to the others; of two that overlap, enough of the far one stays to be told.

    Args:
        scene: of one to four things.
        rng: draws all that is open.
        size: of the mask.
        kind: one of KINDS; None takes any that is possible.

    Returns:
        None where the scene has no change of this kind.

    Raises:
        ValueError: an unknown kind.
    """
    if kind not in (None, *KINDS):
        raise ValueError(f"Expected `kind` to be one of {', '.join(KINDS)}, got {kind!r}.")
    for name in rng.permutation(list(KINDS)) if kind is None else [kind]:
        for _ in range(TRIES):
            if found := KINDS[name](scene, rng):
                instruction, changed, k = found
                is_removed = len(changed.things) < len(scene.things)
                mask = _part(scene, k, size)
                return Edit(instruction, changed, mask if is_removed else mask | _part(changed, k, size))
    return None


def refer(scene: Scene, rng: np.random.Generator, size: int = 32) -> Reference:
    """A phrase that is true of one thing, or of the background, and where that is.

    Args:
        scene: of any things.
        rng: draws which.
        size: of the mask.
    """
    every = [(k, said) for k in range(len(scene.things)) for said in [phrases(scene.things, k)] if said]
    every.append((-1, ["the background"]))
    k, said = every[rng.integers(len(every))]
    return Reference(_any(rng, said), scene.draw(size)[1][..., 0] == k + 1)


def phrases(things: Sequence[Thing], k: int) -> list[str]:
    """All phrases that are true of the k-th thing alone: by size, colour and shape, and by its place among those that are like it."""
    thing, found = things[k], []
    size, colour, shape = str(thing).split()
    for by_size, by_colour, noun in product((False, True), (False, True), (shape, "shape", "one")):
        if noun == "one" and not (by_size or by_colour):
            continue
        words = " ".join(["the", *[size] * by_size, *[colour] * by_colour, noun])
        others = [
            other
            for j, other in enumerate(things)
            if j != k
            and not (by_size and other.size != thing.size)
            and not (by_colour and other.colour != thing.colour)
            and not (noun == shape and other.shape != thing.shape)
        ]
        if not others:
            found.append(words)
        else:
            for place, (axis, sign) in PLACES.items():
                if all(sign * (getattr(other, axis) - getattr(thing, axis)) >= AHEAD for other in others):
                    found.append(f"{words} {place}")
    return found


def _any(rng, choices):
    return choices[int(rng.integers(len(choices)))]


def _part(scene, k, size):
    """Where the k-th thing is seen, also in part; the background is -1, and a thing that is not there is nowhere."""
    free, parts = 1.0, []
    for thing in scene.things:
        cover = _cover(SHAPES[thing.shape], thing.x, thing.y, thing.radius, size)[..., 0]
        parts.append(free * cover > 0)
        free = free * (1 - cover)
    if k == -1:
        return np.broadcast_to(free > 0, (size, size))
    return parts[k] if k < len(parts) else np.zeros((size, size), bool)


def _chosen(scene, rng):
    """A thing that can be named: its number, its name, itself and the others; None where there is none."""
    k = int(rng.integers(len(scene.things)))
    said = phrases(scene.things, k)
    return (k, _any(rng, said), scene.things[k], [*scene.things[:k], *scene.things[k + 1 :]]) if said else None


def _with(scene, k, thing):
    return replace(scene, things=[*scene.things[:k], thing, *scene.things[k + 1 :]])


def _is_clear(things):
    """Whether of all things that overlap enough is seen, in two colours."""
    return all(
        apart(a, [b]) or a.colour != b.colour and HIDDEN[0] <= shared(a, b) <= HIDDEN[1]
        for a, b in combinations(things, 2)
    )


def _recolour(scene, rng):
    if not (chosen := _chosen(scene, rng)):
        return None
    k, name, thing, _ = chosen
    changed = _with(scene, k, replace(thing, colour=int(rng.integers(len(COLOURS)))))
    if changed.things[k].colour == thing.colour or not _is_clear(changed.things):
        return None
    return f"make {name} {tuple(COLOURS)[changed.things[k].colour]}", changed, k


def _resize(scene, rng):
    if not (chosen := _chosen(scene, rng)):
        return None
    k, name, thing, others = chosen
    new = replace(thing, size=1 - thing.size)
    if not apart(new, others):
        return None
    return f"make {name} {tuple(SIZES)[new.size]}", _with(scene, k, new), k


def _reshape(scene, rng):
    if not (chosen := _chosen(scene, rng)):
        return None
    k, name, thing, _ = chosen
    changed = _with(scene, k, replace(thing, shape=int(rng.integers(len(SHAPES)))))
    if changed.things[k].shape == thing.shape or not _is_clear(changed.things):
        return None
    return f"replace {name} with a {SHAPES[changed.things[k].shape]}", changed, k


def _move(scene, rng):
    if not (chosen := _chosen(scene, rng)):
        return None
    k, name, thing, others = chosen
    way = _any(rng, tuple(MOVES))
    right, down = MOVES[way]
    new = replace(thing, x=thing.x + STEP * right, y=thing.y + STEP * down)
    if not apart(new, others):
        return None
    return f"move {name} {way}", replace(_with(scene, k, new), relation=None), k


def _remove(scene, rng):
    if len(scene.things) < 2 or not (chosen := _chosen(scene, rng)):
        return None
    k, name, _, others = chosen
    return f"remove {name}", replace(scene, things=others, relation=None), k


def _add(scene, rng):
    if len(scene.things) >= MOST:
        return None
    shape, colour, size = (int(rng.integers(len(names))) for names in (SHAPES, COLOURS, SIZES))
    new = Thing(shape, colour, size, *(float(v) for v in rng.uniform(0, 1, 2)), 0.0, 0.0)
    if not apart(new, scene.things) or any((t.shape, t.colour) == (shape, colour) for t in scene.things):
        return None
    return f"add a {new}", replace(scene, things=[*scene.things, new], relation=None), len(scene.things)


def _background(scene, rng):
    new = int(rng.integers(len(BACKGROUNDS)))
    if new == scene.background:
        return None
    return f"turn the background {tuple(BACKGROUNDS)[new]}", replace(scene, background=new), -1


KINDS = {
    "recolour": _recolour,
    "resize": _resize,
    "replace": _reshape,
    "move": _move,
    "remove": _remove,
    "add": _add,
    "background": _background,
}
