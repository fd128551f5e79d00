"""Scenes with an instruction and what they become by it, and scenes with a phrase and the part that it means: for editing by text."""

import numpy as np

from keras_imgen.data.scene_edits import Edit, edit, refer
from keras_imgen.data.scenes import NEW_PAIRS, scene
from keras_imgen.data.sources.base import Captions, Request, Source
from keras_imgen.data.sources.captioned import asked_still
from keras_imgen.data.sources.shapes import COLOURS, SHAPES, Scene

SMALL = 16  # pixels of a mask that nobody looks at


def edited(seed: int, split: str, k: int, size: int = SMALL) -> tuple[Scene, Edit]:
    """Scene k of a split and what it becomes: always the same; where training is, it has no pair of a
    colour and a shape that is kept from training.

    Args:
        seed: of all scenes.
        split: "train", "validation" or "test".
        k: number of the scene.
        size: of the mask, in pixels.
    """
    before, rng = scene(seed, split, k), np.random.default_rng([seed, *split.encode(), k, 2])
    while True:
        found = edit(before, rng, size)
        if found and (split == "test" or not _has_new_pair(found.scene)):
            return before, found


def _has_new_pair(scene):
    return any((tuple(COLOURS)[thing.colour], SHAPES[thing.shape]) in NEW_PAIRS for thing in scene.things)


def find(kind: str, request: Request, seed: int = 0) -> Source:
    """Scenes of shapes:text that are changed or pointed at; scenes of the test split mean what no other does (see `scenes.held_out`).

    Keys of "edit": `source` uint8 (size, size, 3), the scene; `caption`, the instruction; `image`, what it becomes; `mask` uint8 (size,
    size, 1), 1 where it may change. Of "segment": `image`; `caption`, the phrase; `mask`, 1 where that is.

    Args:
        kind: "edit" or "segment".
        request: squares of 16 to 128 pixels, by default 32.
        seed: of all scenes.

    Raises:
        NoSplit: another split than train, validation, test, all.
        ValueError: another size, or clips.
    """
    height, numbers = asked_still(f"shapes:{kind}", request)

    def referred(row, size=SMALL):
        split, k = numbers[row]
        drawn = scene(seed, split, k)
        return drawn, refer(drawn, np.random.default_rng([seed, *split.encode(), k, 3]), size)

    def one(row):
        if kind == "segment":
            drawn, reference = referred(row, height)
            return {"image": request.fit(drawn.draw(height)[0]), "mask": reference.mask}
        before, change = edited(seed, *numbers[row], height)
        images = (request.fit(each.draw(height)[0]) for each in (change.scene, before))
        return {**dict(zip(("image", "source"), images)), "mask": change.mask}

    def said(row):
        return (referred(row)[1].phrase if kind == "segment" else edited(seed, *numbers[row])[1].instruction,)

    def fetch(rows):
        made = [one(int(k)) for k in rows]
        found = {k: np.array([row[k] for row in made]) for k in made[0]}
        return {**found, "mask": found["mask"].astype("uint8")[..., None]}

    shape = (height, height, request.channels or 3)
    return Source(len(numbers), shape, fetch, SHAPES, slow=True, captions=Captions(len(numbers), said))
