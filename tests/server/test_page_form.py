"""What a person fills in: made of what an endpoint declares, and read back as its arguments."""

import base64
import io

import numpy as np
import pytest
from PIL import Image

from keras_imgen.conditions import Label, Picture, Vector
from keras_imgen.data.image_io import apng, as_strips
from keras_imgen.inference.clips import ClipEndpoint, ClipForm
from keras_imgen.inference.continued import Ahead
from keras_imgen.inference.endpoints import Endpoint, Input, Latents, Number, Pictures, Rows, Seeds
from keras_imgen.inference.restorer import Form, TiledEndpoint
from keras_imgen.sampling import options, samplers
from keras_imgen.server import fields, filled
from keras_imgen.server.errors import Invalid, TooLarge
from keras_imgen.server.limits import Limits
from keras_imgen.text import Text, Tokenizer

LIMITS = Limits(rows=64, pixels=4096)
WORDS = Text(Tokenizer(("[PAD]", "[UNK]", "a", "red", "star"), 8), prompts=("a red star",))


def asked_by(*inputs, conditions=(), **how):
    return fields.fields_of(Endpoint(inputs, conditions, **how), LIMITS)


def arguments(found, **given):
    return filled.arguments_of(found, given, LIMITS)


def file(array, kind="PNG"):
    buffer = io.BytesIO()
    Image.fromarray(array).save(buffer, kind)
    return base64.b64encode(buffer.getvalue()).decode()


def test_fields_in_closed_form():
    found = asked_by(
        Seeds(), Number("temperature", 1.0, 0.0, above=True), Number("steps", 8, 1.0), conditions=(Label(3), WORDS)
    )
    help_ = "In words; (words:1.5) weigh more."
    assert [field.about() for field in found] == [
        {"name": "conditions.caption", "control": "text", "help": help_, "required": True, "choices": ["a red star"]},
        {"name": "labels", "control": "labels", "choices": ["0", "1", "2"]},
        {"name": "n", "control": "count", "default": 1, "low": 1, "high": 64, "ends": [1, 16], "whole": True},
        {"name": "seed", "control": "seed", "help": "The same seed gives the same picture.", "default": 0, "whole": True},
        {"name": "temperature", "control": "number", "default": 1.0, "low": 0.0, "ends": [0.0, 4.0]},
        {"name": "steps", "control": "number", "default": 8, "low": 1.0, "ends": [1.0, 32], "whole": True},
    ]  # fmt: skip


def test_the_page_has_what_it_has_fields_for():
    pytest.importorskip("fastapi")
    from keras_imgen.server.browser import _can_be_asked

    film = ClipEndpoint(inputs=(), form=ClipForm(channels=3, radius=2), output="clips", signature="windows")
    restorer = TiledEndpoint(inputs=(), form=Form(channels=3, out=3))
    told = Endpoint((Seeds(),), (Label(3), WORDS))
    for endpoint in (film, restorer, told):
        assert _can_be_asked(endpoint, fields.fields_of(endpoint, LIMITS))
    assert not _can_be_asked(film, []) and not _can_be_asked(restorer, [])


def test_what_a_restorer_takes_is_asked_for():
    how = {"inputs": (), "form": Form(channels=3, out=3, mask=True, sigma=True, latent=4)}
    found = fields.fields_of(TiledEndpoint(**how), LIMITS)
    assert [(f.name, f.control, f.required) for f in found] == [
        ("images", "picture", True), ("masks", "mask", True), ("sigma", "number", False), ("seed", "seed", False),
        ("strength", "number", False), ("ensemble", "flag", False),
    ]  # fmt: skip


def test_every_kind_of_input_has_its_fields_and_an_unknown_one_json():
    kinds = {kind for kind in Input.__subclasses__() if kind.__module__.startswith("keras_imgen.")}
    default = fields._of_input.dispatch(object)
    assert not [kind.__name__ for kind in kinds if fields._of_input.dispatch(kind) is default]

    class Odd(Input):
        def arguments(self):
            return {"weights": fields.REQUIRED, "mode": None}

    found = asked_by(Odd())
    assert [(f.name, f.control, f.required) for f in found] == [("weights", "json", True), ("mode", "json", False)]
    assert arguments(found, weights={"a": [1]}) == {"weights": {"a": [1]}}


def test_choices_are_the_samplers_own():
    assert options.SAMPLERS == tuple(samplers.SAMPLERS)
    for grid in options.GRIDS:
        samplers.levels("cosine", 4, grid)


def test_what_is_filled_in_becomes_arguments():
    found = asked_by(Seeds(), conditions=(Label(3), WORDS, Vector(2)), null=True)
    given = {"n": 5, "seed": 7, "labels": [2, 0], "conditions.caption": "a star", "conditions.vector": [0.5, 1]}
    read = filled.arguments_of(found, given, LIMITS)
    assert read["n"] == 5 and read["seed"] == 7 and read["labels"].tolist() == [2, 0, 2, 0, 2]
    assert read["conditions"]["caption"] == "a star" and read["conditions"]["vector"].tolist() == [0.5, 1.0]
    own = filled.of_row(found, given, 3)
    assert own == {**given, "n": 1, "seed": 10, "labels": 0}


def test_labels_that_have_names_are_chosen_by_them():
    (found,) = asked_by(Seeds(), conditions=(Label(3, names=("lily", "rose", "fern")),), null=True)[:1]
    assert found.about() == {
        "name": "labels",
        "control": "labels",
        "choices": list("012"),
        "names": ["lily", "rose", "fern"],
    }
    given = {"labels": ["rose", 2], "n": 3}
    assert filled.arguments_of([found], {"labels": ["rose", 2]}, LIMITS)["labels"].tolist() == [1]
    assert filled._read_labels(found, given["labels"], given, LIMITS).tolist() == [1, 2, 1]
    assert filled.of_row([found], given, 0)["labels"] == "rose"
    with pytest.raises(Invalid, match="or their names"):
        filled.arguments_of([found], {"labels": "oak"}, LIMITS)


def test_numbers_are_a_row():
    found = asked_by(Latents((2, 2), codes=5), Rows("alpha"))
    read = arguments(found, alpha=0.5)
    assert read["latents"].shape == (1, 2, 2) and read["latents"].dtype == np.int64 and read["alpha"] == [0.5]
    with pytest.raises(Invalid, match="`latents` as 2 x 2 whole numbers"):
        arguments(found, latents=[[0.5, 1], [2, 3]], alpha=1)
    with pytest.raises(Invalid, match="Expected `alpha`"):
        arguments(found)


def test_a_clip_is_a_film_or_a_picture_of_its_frames():
    clip = np.random.default_rng(0).integers(0, 256, (3, 4, 4, 3)).astype("uint8")
    found = asked_by(Pictures(clip.shape, "clip", "clip"), Ahead())
    assert [(f.name, f.control) for f in found] == [("clip", "film"), ("frames", "number")]
    read = arguments(found, clip=file(as_strips(clip[None])[0]), frames=7)
    np.testing.assert_array_equal(read["clip"][0], clip)
    assert read["frames"] == 7
    pytest.importorskip("av")
    longer = np.concatenate([clip[::-1], clip])
    read = arguments(found, clip=base64.b64encode(apng(longer)).decode())
    np.testing.assert_array_equal(read["clip"][0], clip)
    with pytest.raises(Invalid, match="`clip` of 3 frames or more, got 2"):
        arguments(found, clip=base64.b64encode(apng(clip[:2])).decode())


def test_films_of_any_size_are_taken_whole():
    pytest.importorskip("av")
    found = fields.fields_of(ClipEndpoint(inputs=(), form=ClipForm(channels=1, radius=2, sigma=True)), LIMITS)
    assert [(f.name, f.control, f.required) for f in found] == [("clips", "film", True), ("sigma", "number", True)]
    clip = np.random.default_rng(0).integers(0, 256, (5, 6, 7, 1)).astype("uint8")
    read = arguments(found, clips=base64.b64encode(apng(clip)).decode())
    np.testing.assert_array_equal(read["clips"], clip)
    assert read["sigma"] == 20
    with pytest.raises(Invalid, match="`clips`: choose a film"):
        arguments(found)
    with pytest.raises(Invalid, match="`clips` as a film, MP4"):
        arguments(found, clips=file(clip[0, ..., 0]))


def test_a_picture_of_any_kind_becomes_the_models_size():
    colours = np.random.default_rng(0).integers(0, 255, (6, 9, 4)).astype("uint8")
    read = arguments(asked_by(Pictures((4, 4, 1))), images=file(colours))["images"]
    assert read.shape == (1, 4, 4, 1) and read.dtype == np.uint8
    source = asked_by(Seeds(), conditions=(Picture((4, 4, 3)),))
    assert arguments(source, **{"conditions.source": file(colours[..., :3], "JPEG")})["conditions"]["source"].shape == (
        4,
        4,
        3,
    )
    whole = fields.fields_of(TiledEndpoint(inputs=(), form=Form(3, 3)), LIMITS)
    np.testing.assert_array_equal(arguments(whole, images=file(colours))["images"], colours)
    deep = (np.arange(20, dtype="uint16") * 3000).reshape(4, 5)
    np.testing.assert_array_equal(arguments(whole, images=file(deep))["images"][..., 0], deep)


@pytest.mark.parametrize("images, error, said", [
    (5, Invalid, "base64"), ("%%%", Invalid, "base64"), ("AAAA", Invalid, "PNG or JPEG"), (None, Invalid, "choose a picture"),
    (file(np.zeros((70, 70), "uint8")), TooLarge, "at most 4096 pixels"),
    (file(np.zeros((9, 9), "uint8"))[:-40], Invalid, "`images`"), (file(np.zeros((9, 9), "uint8"), "GIF"), Invalid, "PNG or JPEG"),
])  # fmt: skip
def test_what_is_no_picture_is_refused(images, error, said):
    with pytest.raises(error, match=said):
        arguments(asked_by(Pictures((4, 4, 1))), images=images)


def test_an_empty_mask_is_refused():
    found = fields.fields_of(TiledEndpoint(inputs=(), form=Form(3, 3, mask=True)), LIMITS)
    image, mask = np.zeros((3, 4), "uint8"), np.zeros((3, 4), "uint8")
    with pytest.raises(Invalid, match="`masks`: paint"):
        arguments(found, images=file(image), masks=file(mask))
    with pytest.raises(Invalid, match="`masks` over a part"):
        arguments(found, images=file(image), masks=file(mask + 255))
    with pytest.raises(Invalid, match="`strength` as a number below"):
        arguments(found, images=file(image), masks=file(mask), strength=10**400)
    mask[1, 2] = 255
    np.testing.assert_array_equal(arguments(found, images=file(image), masks=file(mask))["masks"], mask > 0)


def test_an_error_names_its_field():
    found = asked_by(
        Seeds(), options.SamplerInput("ddim", 4, 1.5, "{}", ((0.0,) * 10,)), conditions=(Label(3), WORDS), null=True
    )
    for said, name in {
        "Expected `steps` as a whole number": "steps",
        "Expected labels in 0..2, got 3..3.": "labels",
        "Expected 'caption' as text, or as tokens": "conditions.caption",
        "negative caption is too long": "negative.caption",
        "Expected as many images everywhere": None,
        "4 steps from t=1 on the grid 'karras' coincide": "steps",
    }.items():
        assert filled.named_in(said, found) == name, said
