import numpy as np
import pytest

from keras_imgen.data.scene_captions import parse
from keras_imgen.data.scenes import placed
from keras_imgen.data.sources import Request, find
from keras_imgen.metrics.caption_accuracy import SKILLS, caption_accuracy

SIZE = 32
ASKED = "a large red star to the left of a small blue circle on a black background"


def drawn(caption):
    return placed(parse(caption), np.random.default_rng(0)).draw(SIZE)[0][None]


def wrong(caption, shown, besides=("whole",)):
    """The skills in which a picture of another caption fails, without those that fail with any."""
    found = caption_accuracy([caption], drawn(shown))
    assert set(found.values()) <= {0.0, 1.0} and found["whole"] == min(found.values())
    return {skill for skill, share in found.items() if not share} - {*besides}


def test_real_scenes_have_every_skill():
    for split in ("train", "test"):
        source = find("shapes:text", Request(split, (SIZE, SIZE)))
        rows = np.arange(100)
        found = caption_accuracy([source.captions[k][k % 3] for k in rows], source.fetch(rows)["image"])
        assert list(found) == ["whole", *SKILLS]
        assert min(found.values()) > 0.97 and found["whole"] > 0.99


@pytest.mark.parametrize(
    "shown, skills",
    [
        ("a small blue circle to the right of a big red star, on a black background", set()),  # in other words
        ("a large blue star to the left of a small red circle on a black background", {"colour"}),
        ("a small red star to the left of a large blue circle on a black background", {"size"}),
        ("a large red star to the right of a small blue circle on a black background", {"position"}),
        ("a large red star above a small blue circle on a black background", {"position"}),
        ("a large red star in front of a small blue circle on a black background", None),
        ("a large red star to the left of a small blue circle on a gray background", {"background"}),
        ("a large red star on a black background", {"object", "two_objects", "colour", "size", "position"}),
        (
            "a large red heart to the left of a small blue circle on a black background",
            {"object", "two_objects", "colour", "size", "position"},
        ),
    ],
)
def test_each_mistake_is_its_own_skill(shown, skills):
    found = wrong(ASKED, shown)
    assert found == skills if skills is not None else found <= {"position"}


def test_one_colour_is_wrong_only_in_colour():
    assert wrong(ASKED, ASKED.replace("blue", "green")) == {"colour"}


def test_front_and_behind():
    near = "a large red square in front of a large blue circle on a white background"
    assert wrong(near, near) == set()
    assert wrong(near, near.replace("in front of", "behind")) == {"position"}
    assert wrong(near, near.replace("in front of", "above")) == {"position"}


def test_counting():
    three = "three small red circles on a black background"
    assert wrong(three, three) == set()
    assert wrong(three, three.replace("three", "four")) == {"count"}
    assert wrong(three, three.replace("three", "two")) == {"count", "object", "colour", "size"}
    assert wrong(three, three.replace("red", "pink")) == {"colour"}


def test_what_is_not_asked_is_not_judged():
    found = caption_accuracy(
        ["a red star", "two blue hearts"], np.concatenate([drawn("a red star"), drawn("a red star")])
    )
    assert set(found) == {"whole", "object", "colour", "count"}
    assert found["whole"] == found["object"] == found["colour"] == 0.5 and found["count"] == 0


def test_an_extra_thing_is_not_wholly_right():
    assert caption_accuracy(["a red star"], drawn("a red star above a blue circle")) == {
        "whole": 0.0,
        "object": 1.0,
        "colour": 1.0,
    }


def test_nothing_drawn_is_nothing_right():
    found = caption_accuracy([ASKED], np.full((1, SIZE, SIZE, 3), 12, "uint8"))
    assert found.pop("background") == 1 and not any(found.values())


@pytest.mark.parametrize("captions, images", [(["a red star"] * 2, 1), ([], 0)])
def test_an_image_for_each_caption(captions, images):
    with pytest.raises(ValueError, match="an image for each caption"):
        caption_accuracy(captions, np.zeros((images, SIZE, SIZE, 3), "uint8"))


def test_captions_must_be_scenes():
    with pytest.raises(ValueError, match="Expected a scene such as"):
        caption_accuracy(["a dog"], np.zeros((1, SIZE, SIZE, 3), "uint8"))
