"""Were pictures of shapes changed as their instructions say, and nowhere else?"""

from collections.abc import Sequence

import numpy as np
from scipy.optimize import linear_sum_assignment

from keras_imgen.data.scene_edits import Edit
from keras_imgen.data.sources.shapes import BACKGROUNDS, COLOURS, SHAPES, SIZES, Scene, Thing
from keras_imgen.metrics.scene_reader import Reading, Seen, read_scene

NEAR = 0.1  # a thing is at its place if its centre is so near, as a share of the image: half of what "move" moves


def edit_accuracy(
    scenes: Sequence[Scene], edits: Sequence[Edit], sources: np.ndarray, images: np.ndarray
) -> dict[str, float]:
    """The share of instructions that were followed, and of pictures of which all else is as it was.

    `read_scene` reads the answer; it sees neither the instruction nor what was there before.

    - `made`: what is asked for is there: a thing of the new colour, size or shape where the old one was; the thing at its new place;
      nothing where it was; one more of these, anywhere; the background;
    - `kept`: every other thing has its shape, colour, size and place, the background is the same, and there is nothing more;
    - `right`: both;
    - `kept_psnr`: dB, outside the region that the edit may change, against the picture that was given; of "add", whose place no
      instruction tells, nothing is counted.

    Args:
        scenes: what was given, as `data.sources.instructed.edited` has them.
        edits: what each becomes.
        sources: uint8 (N, size, size, 3), the scenes as they were given.
        images: uint8 (N, size, size, 3), the answers.

    Raises:
        ValueError: not as many of each, none, or images that `read_scene` refuses.
    """
    counts = {len(scenes), len(edits), len(sources), len(images)}
    if len(counts) > 1 or counts == {0}:
        raise ValueError(f"Expected as many scenes, edits, sources and images, got {sorted(counts)}.")
    shapes = {edit.mask.shape for edit in edits} | {np.shape(sources)[1:3], np.shape(images)[1:3]}
    if len(shapes) > 1:
        raise ValueError(
            f"Expected masks and pictures of one size, as `edited(..., size=...)` makes them, got {sorted(shapes)}."
        )
    judged = [followed(before, edit.scene, read_scene(image)) for before, edit, image in zip(scenes, edits, images)]
    found = {k: float(np.mean([one[k] for one in judged])) for k in ("made", "kept", "right")}
    errors = [
        np.mean((source[~edit.mask].astype("float64") - image[~edit.mask]) ** 2)
        for before, edit, source, image in zip(scenes, edits, sources, images)
        if len(edit.scene.things) <= len(before.things) and not edit.mask.all()
    ]
    if errors:
        found["kept_psnr"] = float(np.mean([min(10 * np.log10(255**2 / e), 100.0) if e else 100.0 for e in errors]))
    return found


def followed(before: Scene, after: Scene, reading: Reading) -> dict[str, bool]:
    """Of one picture: whether it was `made`, whether all else was `kept`, and whether it is `right`.

    Args:
        before: the scene that was given.
        after: what the edit makes of it.
        reading: of the answer.
    """
    grounds = [tuple(BACKGROUNDS)[scene.background] for scene in (before, after)]
    others = [thing for thing in after.things if thing in before.things]
    gone, new = ([t for t in a.things if t not in b.things] for a, b in ((before, after), (after, before)))
    taken = _found(others, reading.things)
    rest = [seen for k, seen in enumerate(reading.things) if k not in taken]
    if new:
        made = any(_is(seen, new[0]) and (not gone or _near(seen, new[0])) for seen in rest)
    elif gone:
        made = not any(_near(seen, gone[0]) for seen in rest)
    else:
        made = reading.background == grounds[1]
    # What should have changed and has not is not made, but nothing else has changed either.
    left = [seen for seen in rest if not new and gone and _is(seen, gone[0]) and _near(seen, gone[0])]
    kept = len(taken) == len(others) and reading.background in grounds and len(rest) - len(left) <= len(new)
    return {"made": made, "kept": kept, "right": made and kept}


def _found(things, seen) -> set[int]:
    """Numbers of what was seen that is one of these things at its place, each for one."""
    if not things or not seen:
        return set()
    agree = np.array([[_is(s, t) and _near(s, t) for s in seen] for t in things])
    rows, columns = linear_sum_assignment(agree, maximize=True)
    return {int(c) for r, c in zip(rows, columns) if agree[r, c]}


def _is(seen: Seen, thing: Thing) -> bool:
    known = SHAPES[thing.shape], tuple(COLOURS)[thing.colour], tuple(SIZES)[thing.size]
    return (seen.shape, seen.colour, seen.size) == known


def _near(seen: Seen, thing: Thing) -> bool:
    return max(abs(seen.x - thing.x), abs(seen.y - thing.y)) <= NEAR
