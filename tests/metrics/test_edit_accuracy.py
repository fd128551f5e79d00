"""Edits are judged by what is seen: the truth is right, doing nothing is not made, and every slip is found."""

from dataclasses import replace

import numpy as np
import pytest

from keras_imgen.data.scene_edits import KINDS, edit
from keras_imgen.data.scenes import apart
from keras_imgen.data.sources.instructed import edited
from keras_imgen.data.sources.shapes import Scene, Thing
from keras_imgen.metrics import edit_accuracy, read_scene
from keras_imgen.metrics.edit_accuracy import followed

SIZE = 48
RED_STAR, BLUE_SQUARE = Thing(3, 0, 1, 0.3, 0.3, 0.0, 0.0), Thing(1, 2, 0, 0.75, 0.7, 0.0, 0.0)
SCENE = Scene([RED_STAR, BLUE_SQUARE], 1, None)


def several(n):
    scenes, edits = zip(*(edited(0, "test", k, SIZE) for k in range(n)))
    return scenes, edits, *(np.stack([s.draw(SIZE)[0] for s in some]) for some in (scenes, [e.scene for e in edits]))


def test_targets_are_right_and_what_is_left_alone_is_kept_but_not_made():
    scenes, edits, sources, targets = several(120)
    truth = edit_accuracy(scenes, edits, sources, targets)
    assert min(truth["made"], truth["kept"], truth["right"]) > 0.99 and truth["kept_psnr"] == 100.0
    idle = edit_accuracy(scenes, edits, sources, sources)
    assert idle["made"] < 0.01 and idle["kept"] > 0.99 and idle["right"] < 0.01
    others = edit_accuracy(scenes, edits, sources, np.roll(targets, 1, 0))
    assert others["right"] < 0.03 and others["kept_psnr"] < 30


def seen(scene):
    return read_scene(scene.draw(SIZE)[0])


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind(kind):
    change = edit(SCENE, np.random.default_rng(3), SIZE, kind)
    after = change.scene
    assert followed(SCENE, after, seen(after)) == {"made": True, "kept": True, "right": True}
    assert followed(SCENE, after, seen(SCENE)) == {"made": False, "kept": True, "right": False}
    free = [Thing(4, 5, 0, x, y, 0.0, 0.0) for x in (0.15, 0.5, 0.85) for y in (0.15, 0.5, 0.85)]
    extra = replace(after, things=[*after.things, next(thing for thing in free if apart(thing, after.things))])
    assert followed(SCENE, after, seen(extra))["kept"] is False
    others = [t for t in after.things if t in SCENE.things]
    if others:
        lost = replace(after, things=[t for t in after.things if t != others[0]])
        assert followed(SCENE, after, seen(lost))["kept"] is False
        moved = replace(others[0], x=others[0].x + 0.13 * (1 if others[0].x < 0.5 else -1))
        slipped = replace(after, things=[moved if t == others[0] else t for t in after.things])
        assert followed(SCENE, after, seen(slipped))["kept"] is False


def test_a_wrong_colour_or_place_is_not_made():
    blue = replace(SCENE, things=[replace(RED_STAR, colour=2), BLUE_SQUARE])
    green = replace(SCENE, things=[replace(RED_STAR, colour=1), BLUE_SQUARE])
    assert followed(SCENE, blue, seen(green)) == {"made": False, "kept": True, "right": False}
    away = replace(SCENE, things=[replace(RED_STAR, colour=2, y=0.7), BLUE_SQUARE])
    assert followed(SCENE, blue, seen(away))["made"] is False
    white = replace(SCENE, background=2)
    assert followed(SCENE, white, seen(replace(SCENE, background=0)))["right"] is False
    assert followed(SCENE, blue, seen(replace(blue, background=2)))["kept"] is False


def test_a_thing_may_be_added_anywhere():
    added = replace(SCENE, things=[*SCENE.things, Thing(0, 4, 0, 0.2, 0.8, 0.0, 0.0)])
    elsewhere = replace(SCENE, things=[*SCENE.things, Thing(0, 4, 0, 0.75, 0.25, 0.0, 0.0)])
    assert followed(SCENE, added, seen(elsewhere))["right"] is True


def test_as_many_of_each():
    scenes, edits, sources, targets = several(3)
    with pytest.raises(ValueError, match=r"as many scenes, edits, sources and images, got \[2, 3\]"):
        edit_accuracy(scenes[:2], edits, sources, targets)
    with pytest.raises(ValueError, match="as many"):
        edit_accuracy([], [], sources[:0], targets[:0])


def test_masks_of_another_size_are_refused():
    scenes, edits, sources, images = several(2)
    small = [edit._replace(mask=edit.mask[::2, ::2]) for edit in edits]
    with pytest.raises(ValueError, match="of one size"):
        edit_accuracy(scenes, small, sources, images)
