"""Segmenting, painting and the whole pipeline, on a model that knows one thing and its colour."""

import numpy as np
import pytest

from keras_imgen.editing.fuse import grown
from keras_imgen.editing.segmentation import difference, segment
from keras_imgen.editing.text import edit, edit_by_text


@pytest.fixture
def images(thing, colours):
    """Two pictures with a red thing on a noisy ground."""
    found = np.random.default_rng(0).integers(90, 160, (2, 16, 16, 3), "uint8")
    found[:, thing] = colours["red"]
    return found


def test_the_difference_is_that_of_the_colours(painter, images, thing, colours):
    found = difference(painter, images, "red", "blue")
    assert found.shape == (2, 16, 16) and found.dtype == np.float32
    wanted = np.abs(colours["red"].astype(float) - colours["blue"]).mean() / 127.5
    np.testing.assert_allclose(found, np.broadcast_to(wanted * thing, found.shape), atol=1e-4)


@pytest.mark.parametrize(
    "find, make", [("red", "blue"), ("red", ""), (["red", "green"], "blue"), ({"caption": "red"}, None)]
)
def test_a_thing_is_found(painter, images, thing, find, make):
    np.testing.assert_array_equal(segment(painter, images, find, make, grow=0), [thing, thing])
    np.testing.assert_array_equal(segment(painter, images, find, make), grown(np.stack([thing, thing]), 1))


def test_a_thing_is_found_by_its_label(label_painter, images, thing):
    found = segment(label_painter, images, {"label": 0}, {"label": [1, 2]}, grow=0)
    np.testing.assert_array_equal(found, [thing, thing])


def test_no_difference_is_no_mask(painter, images):
    assert not segment(painter, images, "red", "red").any()
    assert not segment(painter, images, "").any()
    assert segment(painter, images[:0], "red").shape == (0, 16, 16)


def test_pictures_are_segmented_alone_as_in_a_batch(toy, photographs):
    both = difference(toy, photographs, "a red star", "two blue circles", noises=3, seed=5)
    alone = difference(toy, photographs[1:2], "a red star", "two blue circles", noises=3, seed=6)
    np.testing.assert_allclose(both[1], alone[0], atol=1e-5)
    batches = difference(toy, photographs, "a red star", "two blue circles", noises=3, seed=5, batch_size=2)
    np.testing.assert_allclose(both, batches, atol=1e-5)
    assert (both > 0).all()


@pytest.mark.parametrize("strength, resample", [(1.0, 1), (1.0, 2), (0.4, 1), (0.4, 2)])
def test_the_mask_is_honoured_to_the_pixel(painter, images, thing, colours, strength, resample):
    rng = np.random.default_rng(1)
    for mask in (rng.random((2, 16, 16)) < 0.3, thing, np.ones((16, 16)), rng.random((2, 16, 16, 1)) < 0.9):
        edited = edit(painter, images, mask, "blue", strength=strength, resample=resample, seed=3)
        inside = np.broadcast_to(np.reshape(mask, (-1, 16, 16)) != 0, (2, 16, 16))
        np.testing.assert_array_equal(edited[~inside], images[~inside])
        painted = inside & thing
        np.testing.assert_array_equal(edited[painted], np.broadcast_to(colours["blue"], (painted.sum(), 3)))


def test_a_low_strength_keeps_what_is_there(painter, images, thing):
    ground = ~thing
    far = [
        np.abs(edit(painter, images, ground, "blue", strength=s).astype(int) - images)[:, ground].mean()
        for s in (0.05, 0.3, 1.0)
    ]
    assert far[0] < 12 and far[0] < far[1] < far[2]


def test_nothing_to_paint(painter, images):
    edited = edit(painter, images, np.zeros((2, 16, 16)), "blue")
    np.testing.assert_array_equal(edited, images)
    assert edited is not images
    assert edit(painter, images[:0], np.zeros((0, 16, 16)), "blue").shape == (0, 16, 16, 3)


def test_away_from_a_negative(painter, images, thing):
    """Two from green: the colour in the estimate is blue + (blue - green)."""
    how = {"guidance_scale": 2.0, "strength": 0.5}
    edited = edit(painter, images, thing, "blue", negative="green", **how)
    wanted = np.clip(2 * np.array((20, 60, 230)) - (30, 200, 90), 0, 255)
    assert np.abs(edited[:, thing].astype(int) - wanted).max() <= 1


@pytest.mark.parametrize("how", ["cut", "feather", "poisson"])
def test_a_thing_is_replaced(painter, images, thing, colours, how):
    edited, masks = edit_by_text(painter, images, "red", "blue", how=how, with_masks=True)
    np.testing.assert_array_equal(masks, grown(np.stack([thing, thing]), 1))
    np.testing.assert_array_equal(edited[~masks], images[~masks])
    assert edited.dtype == np.uint8 and (edited[masks] != images[masks]).any()
    if how == "cut":
        np.testing.assert_array_equal(edited[:, thing], np.broadcast_to(colours["blue"], (2, thing.sum(), 3)))


def test_a_mask_or_what_makes_one_is_taken_in_place_of_segmenting(painter, images, thing):
    seen = []

    def segmenter(images, find):
        seen.append(find)
        return np.stack([thing, ~thing])

    edited, masks = edit_by_text(painter, images, "red", "blue", mask=segmenter, with_masks=True)
    np.testing.assert_array_equal(masks, [thing, ~thing])
    np.testing.assert_array_equal(edited[~masks], images[~masks])
    assert seen == ["red"]
    np.testing.assert_array_equal(edit_by_text(painter, images, None, "blue", mask=[thing, ~thing]), edited)


def test_ten_edits_in_a_row_change_nothing_beside_their_masks(painter, images):
    rng = np.random.default_rng(2)
    now, union = images, np.zeros((2, 16, 16), bool)
    for k, how in enumerate(["poisson", "feather", "cut", "poisson", "poisson"] * 2):
        y, x = np.mgrid[:16, :16]
        row, column, radius = rng.uniform(2, 9), rng.uniform(2, 9), rng.uniform(1, 4)
        mask = None if k == 4 else (y - row) ** 2 + (x - column) ** 2 < radius**2
        options = {"seed": k, "steps": 2, "strength": (1.0, 0.5)[k % 2]}
        now, masks = edit_by_text(painter, now, "red", "green", mask=mask, how=how, with_masks=True, **options)
        union |= masks
    assert not union.all()
    np.testing.assert_array_equal(now[~union], images[~union])
    assert (now[union] != images[union]).mean() > 0.5


def test_a_network_with_a_text_encoder(toy, photographs):
    edited, masks = edit_by_text(toy, photographs, "a red star", "two blue circles", with_masks=True)
    assert masks.any() and not masks.all()
    np.testing.assert_array_equal(edited[~masks], photographs[~masks])


@pytest.mark.parametrize(
    "function, change, message",
    [
        (segment, {"images": np.zeros((1, 16, 16, 3))}, "uint8"),
        (segment, {"images": np.zeros((1, 16, 16, 4), "uint8")}, "3 channels"),
        (segment, {"threshold": 2}, "threshold"),
        (segment, {"time": 0}, "time"),
        (segment, {"noises": 0}, "noises"),
        (segment, {"grow": -1}, "grow"),
        (segment, {"find": {"label": 1}}, "labels"),
        (segment, {"find": ["red"] * 3}, "as many images"),
        (edit, {"mask": np.zeros((4, 4)), "make": "red"}, "mask of shape"),
        (edit, {"mask": np.ones((16, 16)), "make": "red", "strength": 0}, "strength"),
        (edit, {"mask": np.ones((16, 16)), "make": "red", "strength": 0.5, "resample": 0}, "resample"),
        (edit_by_text, {"make": "blue", "how": "blend"}, "poisson, feather, cut"),
    ],
)
def test_what_is_wrong_is_said_in_a_line(painter, function, change, message):
    given = {"images": np.zeros((1, 16, 16, 3), "uint8"), **({} if function is edit else {"find": "red"}), **change}
    with pytest.raises(ValueError, match=message) as error:
        function(painter, **given)
    assert "\n" not in str(error.value)


def test_models_that_cannot(painter, label_painter, images):
    with pytest.raises(ValueError, match="dict of conditions, of a model told label, got 'red'"):
        segment(label_painter, images, "red")
    with pytest.raises(ValueError, match="Expected a Diffusion, got object"):
        segment(object(), images, "red")
    with pytest.raises(TypeError, match="other"):
        edit(painter, images, np.ones((16, 16)), "red", other=1)
