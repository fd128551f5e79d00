import os
from collections import Counter
from itertools import combinations

import numpy as np
import pytest

from keras_imgen.data import describe, load, scenes
from keras_imgen.data.scene_captions import captions, parse, wordings
from keras_imgen.data.scenes import GAP, Item, Meaning, held_out, meaning_of, placed, scene, shared
from keras_imgen.data.sources import Request, find
from keras_imgen.data.sources.shapes import BACKGROUNDS, COLOURS, RELATIONS, SHAPES, SIZES

RED_STAR, CIRCLE = Item("star", "red", "large"), Item("circle", "blue", "small")


@pytest.fixture(scope="module")
def meanings():
    """Of every scene of every split, of training of the first 20,000."""
    return {split: [meaning_of(0, split, k) for k in range(min(n, 20_000))] for split, n in scenes.SPLITS.items()}


def test_all_wordings_mean_the_same(meanings):
    for meaning in meanings["train"][:700] + meanings["test"][:300]:
        every = wordings(meaning)
        assert len(every) == len(set(every)) >= 3
        assert all(text == text.lower() and parse(text) == meaning for text in every)


def test_captions_of_thousands_are_read(meanings):
    rng = np.random.default_rng(0)
    for meaning in meanings["train"][::5] + meanings["validation"] + meanings["test"]:
        several = captions(meaning, rng)
        assert len(set(several)) == 3
        assert [parse(text) for text in several] == [meaning] * 3


def test_inverse_relations_synonyms_and_clauses_are_in_the_wordings():
    beside = wordings(Meaning((RED_STAR, CIRCLE), 1, "to the left of", "gray"))
    assert beside[0] == "a large red star to the left of a small blue circle on a gray background"
    assert {
        "on a grey background, a small blue circle right of a big red star",
        "a gray background with a big red star left of a small blue circle",
    } <= {*beside}
    assert "a small blue circle under a large red star" in wordings(Meaning((RED_STAR, CIRCLE), 1, "above"))
    assert "a small blue circle behind a big red star" in wordings(Meaning((RED_STAR, CIRCLE), 1, "in front of"))
    assert wordings(Meaning((CIRCLE,), 3)) == ["three small blue circles"]
    assert wordings(Meaning((Item("cross", "orange"),))) == ["an orange cross"]
    assert wordings(Meaning((Item("cross", "orange"),), 2)) == ["two orange crosses"]


@pytest.mark.parametrize(
    "caption, meaning",
    [
        ("A Large RED star.", Meaning((RED_STAR,))),
        ("red star", Meaning((Item("star", "red"),))),
        ("the red star on the black background", Meaning((Item("star", "red"),), background="black")),
        ("4 green hearts, on a Grey background", Meaning((Item("heart", "green"),), 4, background="gray")),
        ("an orange cross against a white background", Meaning((Item("cross", "orange"),), background="white")),
        (
            "On a black background,  a small blue circle is below a big red star",
            Meaning((RED_STAR, CIRCLE), 1, "above", "black"),
        ),
        ("a red star behind a red star", Meaning((Item("star", "red"),) * 2, 1, "in front of")),
    ],
)
def test_captions_by_hand(caption, meaning):
    assert parse(caption) == meaning


@pytest.mark.parametrize(
    "caption",
    [
        "",
        "a dog",
        "a red",
        "a large star",  # of which colour?
        "five red stars",
        "a red star above",
        "a red star on a green background",
        "a red star above a blue circle above a green heart",
        "a photograph of a red star",
    ],
)
def test_no_scene(caption):
    with pytest.raises(ValueError, match="Expected a scene such as .*, got ") as error:
        parse(caption)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    "caption, why",
    [
        ("two red star", "Expected 'star' for one and 'stars'"),
        ("a red cross above two blue circles", "one thing on each side"),
        ("a red crosss", "Expected 'cross' for one and 'crosses' for"),
    ],
)
def test_numbers_that_do_not_fit(caption, why):
    with pytest.raises(ValueError, match=why):
        parse(caption)


def test_nothing_held_out_is_in_training(meanings):
    seen = {*meanings["train"], *meanings["validation"]}
    assert not seen & {*meanings["test"]}
    assert all(held_out(meaning) is None for meaning in seen)
    why = Counter(held_out(meaning) for meaning in meanings["test"])
    assert why == {"new pair": 1000, "new caption": 1000}
    pairs = {(thing.colour, thing.shape) for meaning in seen for thing in meaning.things}
    assert len(pairs) == len(COLOURS) * len(SHAPES) - len(scenes.NEW_PAIRS)
    assert {shape for _, shape in scenes.NEW_PAIRS} <= {*SHAPES}
    for meaning in meanings["test"]:
        is_new = any((thing.colour, thing.shape) not in pairs for thing in meaning.things)
        assert is_new == (held_out(meaning) == "new pair")


def test_the_sorts_of_scene(meanings):
    for several in meanings.values():
        relations = np.mean([len(meaning.things) == 2 for meaning in several])
        groups = np.mean([meaning.count > 1 for meaning in several])
        assert abs(relations - 0.6) < 0.05 and abs(groups - 0.2) < 0.05
    assert {meaning.count for meaning in meanings["test"]} == {1, 2, 3, 4}
    assert {meaning.relation for meaning in meanings["test"]} == {None, *scenes.FORWARDS}


def test_things_are_placed_as_they_are_described():
    for k in range(600):
        meaning, drawn = meaning_of(3, "train", k), scene(3, "train", k)
        assert tuple(str(thing) for thing in drawn.things) == tuple(
            f"{item.size} {item.colour} {item.shape}" for item in meaning.items
        )
        assert tuple(BACKGROUNDS)[drawn.background] == meaning.background
        assert (drawn.relation is None and meaning.relation is None) or RELATIONS[drawn.relation] == meaning.relation
        for thing in drawn.things:
            assert thing.radius - 1e-9 <= min(thing.x, thing.y) <= max(thing.x, thing.y) <= 1 - thing.radius + 1e-9
        for a, b in combinations(drawn.things, 2):
            right, down, near = b.x - a.x, b.y - a.y, a.radius + b.radius
            if meaning.relation == "in front of":
                assert scenes.HIDDEN[0] <= shared(a, b) <= scenes.HIDDEN[1] and a.colour != b.colour
            else:
                assert max(abs(right), abs(down)) >= near + GAP - 1e-9
            if meaning.relation == "to the left of":
                assert right > max(near, abs(down))
            if meaning.relation == "above":
                assert down > max(near, abs(right))


def test_what_is_not_said_is_drawn():
    rng = np.random.default_rng(0)
    found = [placed(parse("two red stars"), rng) for _ in range(40)]
    assert {len({thing.size for thing in drawn.things}) for drawn in found} == {1}
    assert {drawn.things[0].size for drawn in found} == {0, 1}
    assert {drawn.background for drawn in found} == {0, 1, 2}
    assert placed(parse("three red stars"), rng).things[0].size == tuple(SIZES).index("small")
    with pytest.raises(ValueError, match="at most 2 large things"):
        placed(parse("three large red stars"), rng)


@pytest.mark.parametrize("size", [16, 32, 48])
def test_load_gives_scenes_and_captions(size):
    data = load("shapes:text", "test", size=size, batch=20, limit=20)
    batch = {k: np.asarray(v) for k, v in next(iter(data)).items()}
    assert batch["image"].shape == (20, size, size, 3) and batch["image"].dtype == np.uint8
    assert batch["mask"].shape == (20, size, size, 1) and batch["attributes"].shape == (20, 4, 3)
    for k in range(20):
        meaning = meaning_of(0, "test", k)
        assert parse(os.fsdecode(batch["caption"][k])) == meaning
        image, mask = scene(0, "test", k).draw(size)
        np.testing.assert_array_equal(batch["image"][k], image)
        np.testing.assert_array_equal(batch["mask"][k], mask)
        assert (batch["attributes"][k, :, 0] >= 0).sum() == len(meaning.items)
        assert SHAPES[batch["label"][k]] == meaning.things[0].shape
        relation = batch["relation"][k]
        assert (None if relation < 0 else RELATIONS[relation]) == meaning.relation


def test_captions_are_the_same_whenever_they_are_asked_for():
    one, two = (find("shapes:text", Request("validation")).captions for _ in range(2))
    assert len(one) == 1000 and one[-1] == two[999] and one[5:7] == [two[5], two[6]]
    assert all(len(several) == 3 for several in one[:50])
    every = find("shapes:text", Request("all")).captions
    assert len(every) == sum(scenes.SPLITS.values()) and every[scenes.SPLITS["train"] + 5] == one[5]
    assert describe("shapes:text", "validation").captions == one[0]


def test_what_scenes_refuse():
    with pytest.raises(ValueError, match="no split 'dev'. Expected one of: train, validation, test, all"):
        load("shapes:text", "dev")
    with pytest.raises(ValueError, match="16 to 128"):
        load("shapes:text", size=8)
    with pytest.raises(ValueError, match="stand still"):
        load("shapes:text", frames=3)
