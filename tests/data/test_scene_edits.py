from collections import Counter

import numpy as np
import pytest

from keras_imgen.data.scene_edits import KINDS, MOVES, STEP, edit, phrases, refer
from keras_imgen.data.scenes import scene
from keras_imgen.data.sources.shapes import BACKGROUNDS, SHAPES, Scene, Thing
from keras_imgen.metrics.scene_reader import read_scene

SIZE = 32
TWO = Scene(
    [Thing(3, 0, 1, 0.3, 0.3, 0, 0), Thing(0, 2, 0, 0.8, 0.35, 0, 0)], 0, 0
)  # large red star, small blue circle
THREE = Scene([Thing(0, 1, 0, x, 0.5, 0, 0) for x in (0.15, 0.5, 0.85)], 2, None)  # small green circles in a row


@pytest.fixture(scope="module", params=KINDS)
def edited(request):
    """(kind, before, edit) of many scenes."""
    rng = np.random.default_rng(1)
    found = [(request.param, before, edit(before, rng, SIZE, request.param)) for before in several(60)]
    found = [one for one in found if one[2] is not None]
    assert len(found) >= 15
    return found


def several(count):
    return [scene(7, "train", k) for k in range(count)]


def test_nothing_changes_outside_the_mask(edited):
    for _, before, (_, after, mask) in edited:
        assert mask.shape == (SIZE, SIZE) and mask.dtype == bool
        changed = (before.draw(SIZE)[0] != after.draw(SIZE)[0]).any(-1)
        assert changed.any() and not (changed & ~mask).any()
        assert mask[changed].mean() == 1 and changed.sum() > 0.25 * mask.sum()


def words_of(thing):
    return str(thing).split()


def test_the_scene_becomes_what_the_instruction_says(edited):
    """And only one thing, or the background, is another."""
    for kind, before, (instruction, after, _) in edited:
        gone = [t for t in before.things if t not in after.things]
        new = [t for t in after.things if t not in before.things]
        if kind == "background":
            assert not gone and not new
            assert instruction == f"turn the background {tuple(BACKGROUNDS)[after.background]}"
            assert after.background != before.background
            continue
        assert after.background == before.background
        assert len(gone) == (kind != "add") and len(new) == (kind != "remove")
        if kind == "add":
            assert instruction == f"add a {new[0]}" and len(after.things) <= 4
            continue
        k = before.things.index(gone[0])
        if kind == "remove":
            assert instruction in [f"remove {name}" for name in phrases(before.things, k)]
            continue
        size, colour, shape = words_of(new[0])
        forms = {
            "recolour": f"make {{}} {colour}",
            "resize": f"make {{}} {size}",
            "replace": f"replace {{}} with a {shape}",
        }
        if kind == "move":
            (way,) = (w for w in MOVES if instruction.endswith(f" {w}"))
            step = np.array([new[0].x - gone[0].x, new[0].y - gone[0].y])
            np.testing.assert_allclose(step, STEP * np.array(MOVES[way]), atol=1e-9)
            forms["move"] = f"move {{}} {way}"
        assert instruction in [forms[kind].format(name) for name in phrases(before.things, k)]
        kept = [a == b for a, b in zip(words_of(gone[0]), words_of(new[0]))]
        assert kept == [kind != "resize", kind != "recolour", kind != "replace"]


def test_the_reader_sees_what_the_instruction_says(edited):
    right = 0
    for _, _, (_, after, _) in edited:
        reading = read_scene(after.draw(SIZE)[0])
        there = Counter(str(thing) for thing in after.things)
        right += (
            Counter(f"{s.size} {s.colour} {s.shape}" for s in reading.things) == there
            and reading.background == tuple(BACKGROUNDS)[after.background]
        )
    assert right == len(edited)


def test_the_scene_itself_stays():
    before = str(TWO), TWO.draw(SIZE)[0]
    rng = np.random.default_rng(0)
    for _ in range(50):
        edit(TWO, rng)
    assert str(TWO) == before[0]
    np.testing.assert_array_equal(TWO.draw(SIZE)[0], before[1])


def test_phrases_are_true_of_one_thing():
    """By the words themselves: each is looked for in the scene."""
    for drawn in several(80):
        for k in range(len(drawn.things)):
            for phrase in phrases(drawn.things, k):
                noun, _, place = phrase.partition(" on the " if " on the " in phrase else " at the ")
                words = noun.split()[1:]
                like = [t for t in drawn.things if all(w in (*words_of(t), "shape", "one") for w in words)]
                keys = {"": lambda t: 0, "left": lambda t: t.x, "right": lambda t: -t.x}
                keys |= {"top": lambda t: t.y, "bottom": lambda t: -t.y}
                assert min(like, key=keys[place]) is drawn.things[k]
                assert place or len(like) == 1


def test_phrases_of_two_and_three():
    star, circle = phrases(TWO.things, 0), phrases(TWO.things, 1)
    assert {"the star", "the red one", "the large shape", "the shape on the left"} <= {*star}
    assert {"the circle", "the small one", "the shape on the right"} <= {*circle}
    assert "the shape at the top" not in star + circle  # they are about as high
    left, middle, right = (phrases(THREE.things, k) for k in range(3))
    assert "the green circle on the left" in left and "the one on the right" not in right and not middle


def test_references_are_where_they_say():
    rng = np.random.default_rng(0)
    said = set()
    for drawn in several(60):
        phrase, mask = refer(drawn, rng, SIZE)
        layers = drawn.draw(SIZE)[1][..., 0]
        (layer,) = np.unique(layers[mask])
        np.testing.assert_array_equal(mask, layers == layer)
        assert phrase == "the background" if layer == 0 else phrase in phrases(drawn.things, layer - 1)
        said.add(phrase)
    assert "the background" in said and len(said) > 20


def test_an_edit_that_cannot_be():
    alone = Scene([Thing(0, 0, 1, 0.5, 0.5, 0, 0)], 0, None)
    assert edit(alone, np.random.default_rng(0), kind="remove") is None
    assert edit(alone, np.random.default_rng(0)) is not None
    with pytest.raises(ValueError, match="Expected `kind` to be one of recolour, .*, got 'melt'"):
        edit(alone, np.random.default_rng(0), kind="melt")
    assert SHAPES[alone.things[0].shape] == "circle"
