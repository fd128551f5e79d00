"""Do pictures show what their captions ask for? Skill by skill, for the captioned scenes of shapes."""

from collections.abc import Sequence

import numpy as np
from scipy.optimize import linear_sum_assignment

from keras_imgen.data.scene_captions import parse
from keras_imgen.data.scenes import Item, Meaning
from keras_imgen.metrics.scene_reader import Reading, Seen, read_scene

SKILLS = ("object", "two_objects", "colour", "size", "count", "position", "background")


def caption_accuracy(captions: Sequence[str], images: np.ndarray) -> dict[str, float]:
    """The share of images that show all that their captions say, and the share for each skill.

    After GenEval (Ghosh et al. 2023, "GenEval: An object-focused framework for evaluating text-to-image alignment") and
    T2I-CompBench (Huang et al. 2023), with `read_scene` in place of a detector: it never sees the caption. The things that a
    caption asks for are assigned to those that were read, so that most shapes, then most colours, then most sizes are right. Each
    skill is the mean over those captions that ask for it, and is left out where none does:

    - `whole`: everything that is asked for, and no other thing;
    - `object`: every thing is there, by its shape;
    - `two_objects`: the same, of captions of two different things;
    - `colour`: every thing of the right shape has its colour, so that exchanged colours are wrong;
    - `size`: every thing of the right shape has its size;
    - `count`: of two to four things that are alike, exactly so many of the shape;
    - `position`: left of and above by the centres, which differ more in this direction than across it (as in T2I-CompBench); in
      front of, where the first hides a part of the second; right or wrong colours do not matter;
    - `background`: its colour.

    Real scenes of shapes:text are read wholly right in more than 99.5 % at 32 pixels and above: differences below the rest are of
    the reader. Report new pairs and new captions (`scenes.held_out`) apart, over several seeds.

    Args:
        captions: one for each image, as `scene_captions.parse` reads them.
        images: uint8 (N, size, size, 3).

    Raises:
        ValueError: a caption that is no scene, no images or not as many as captions, or images that `read_scene` refuses.
    """
    if len(captions) != len(images) or not len(images):
        raise ValueError(f"Expected an image for each caption, got {len(images)} images and {len(captions)} captions.")
    judged = [skills(parse(caption), read_scene(image)) for caption, image in zip(captions, images)]
    found = {skill: [one[skill] for one in judged if skill in one] for skill in ("whole", *SKILLS)}
    return {skill: float(np.mean(values)) for skill, values in found.items() if values}


def skills(meaning: Meaning, reading: Reading) -> dict[str, bool]:
    """Of one picture: which of the SKILLS that its caption asks for are right, and `whole`."""
    asked, seen = meaning.items, reading.things
    pairs = _assigned(asked, seen)
    shaped = [(item, seen[k]) for item, k in zip(asked, pairs) if k is not None and seen[k].shape == item.shape]
    right = {"object": len(shaped) == len(asked)}
    if len(meaning.things) == 2:
        right["two_objects"] = right["object"]
        right["position"] = right["object"] and _holds(meaning.relation, *pairs, reading)
    right["colour"] = right["object"] and all(thing.colour == item.colour for item, thing in shaped)
    if any(item.size for item in asked):
        right["size"] = right["object"] and all(item.size in (None, thing.size) for item, thing in shaped)
    if meaning.count > 1:
        right["count"] = sum(thing.shape == asked[0].shape for thing in seen) == meaning.count
    if meaning.background:
        right["background"] = reading.background == meaning.background
    return {"whole": all(right.values()) and len(seen) == len(asked), **right}


def _assigned(asked: Sequence[Item], seen: Sequence[Seen]) -> list[int | None]:
    """Of each thing that is asked for the number of the one that was read for it; None where there are too few."""
    if not seen:
        return [None] * len(asked)
    agree = [
        [100 * (i.shape == s.shape) + 10 * (i.colour == s.colour) + (i.size == s.size) for s in seen] for i in asked
    ]
    which = dict(zip(*(v.tolist() for v in linear_sum_assignment(agree, maximize=True))))
    return [which.get(k) for k in range(len(asked))]


def _holds(relation, first, second, reading):
    if relation == "in front of":
        return (first, second) in reading.in_front
    one, two = reading.things[first], reading.things[second]
    right, down = two.x - one.x, two.y - one.y
    return right > abs(down) if relation == "to the left of" else down > abs(right)
