"""Scenes with several captions each, some combinations kept from training: for text-to-image."""

import numpy as np

from keras_imgen.data.scene_captions import captions
from keras_imgen.data.scenes import SPLITS, meaning_of, scene
from keras_imgen.data.sources.base import Captions, Request, Source
from keras_imgen.data.sources.shapes import SHAPES, asked

MOST = 4  # things in a scene


def asked_still(name: str, request: Request) -> tuple[int, list[tuple[str, int]]]:
    """As `shapes.asked`, of scenes of `SPLITS`, which do not move.

    Raises:
        NoSplit: another split than train, validation, test, all.
        ValueError: another size, or clips.
    """
    found = asked(name, request, SPLITS)
    if request.frames is not None:
        raise ValueError(f"The scenes of {name} stand still; expected no `frames`, got {request.frames}.")
    return found


def find(kind: str, request: Request, seed: int = 0) -> Source:
    """Scenes of one to four shapes, three captions each; no meaning of the test split is in the others (see `scenes.held_out`).

    Keys: `image`, `label` (the shape of the first thing), `mask` (k where the k-th thing is), `attributes` int32 (4, 3) (shape,
    colour, size of each thing, -1 where there is none), `relation` int32 (of the first thing to the second, -1 without).

    Args:
        kind: "text".
        request: squares of 16 to 128 pixels, by default 32.
        seed: of all scenes.

    Raises:
        NoSplit: another split than train, validation, test, all.
        ValueError: another size, or clips.
    """
    height, numbers = asked_still("shapes:text", request)

    def one(k):
        drawn = scene(seed, *numbers[k])
        image, mask = drawn.draw(height)
        kinds = [(t.shape, t.colour, t.size) for t in drawn.things]
        return {
            "image": request.fit(image),
            "label": np.int32(kinds[0][0]),
            "mask": mask,
            "attributes": np.array(kinds + [(-1, -1, -1)] * (MOST - len(kinds)), "int32"),
            "relation": np.int32(-1 if drawn.relation is None else drawn.relation),
        }

    def wordings(row):
        split, k = numbers[row]
        return captions(meaning_of(seed, split, k), np.random.default_rng([seed, *split.encode(), k, 1]))

    def fetch(rows):
        made = [one(int(k)) for k in rows]
        return {k: np.array([row[k] for row in made]) for k in made[0]}

    return Source(
        len(numbers),
        (height, height, request.channels or 3),
        fetch,
        SHAPES,
        slow=True,
        captions=Captions(len(numbers), wordings),
    )
