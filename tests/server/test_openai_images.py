"""OpenAI's images API, by its own client."""

import base64
import io
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

openai = pytest.importorskip("openai")
pytest.importorskip("python_multipart")

from keras_imgen import serving  # noqa: E402
from keras_imgen.server.limits import Limits  # noqa: E402
from keras_imgen.server.service import Service  # noqa: E402

pytestmark = [pytest.mark.tensorflow, pytest.mark.filterwarnings("ignore:deprecated:DeprecationWarning")]
MODELS = Path(__file__).parents[2] / "saved_models"
COLOUR = np.random.default_rng(0).integers(0, 256, (20, 30, 3)).astype("uint8")


def client_of(address, key="none"):
    return openai.OpenAI(base_url=f"http://{address}/v1", api_key=key, max_retries=0)


@pytest.fixture(scope="module")
def client(address):
    return client_of(address)


def file_of(array):
    file = io.BytesIO()
    Image.fromarray(array).save(file, "PNG")
    return "picture.png", file.getvalue(), "image/png"


def picture(one):
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(one.b64_json))))


def pictures(found):
    return np.stack([picture(one) for one in found.data])


def test_models_are_listed_beside_tensorflow_servings(client, ask):
    assert [(one.id, one.object) for one in client.models.list()] == [("drawn", "model"), ("restored", "model")]
    assert "model_version_status" in ask("GET", "/v1/models/drawn").json()


def test_new_pictures_are_the_models_own(client, exports, service):
    drawn = serving.load(str(exports / "drawn"))
    how = {"steps": 3, "guidance_scale": 3.0}
    found = client.images.generate(
        prompt="2", n=2, size="8x8", extra_body={"seed": 5, **how}
    )  # the only model that can
    assert (found.size, found.output_format, [one.seed for one in found.data]) == ("8x8", "png", [5, 6])
    wanted = drawn.generate(labels=[2, 2], seed=5, **how)
    np.testing.assert_array_equal(pictures(found), wanted[..., 0])
    np.testing.assert_array_equal(
        pictures(client.images.generate(model="drawn", prompt="2", extra_body={"seed": 6, **how})), wanted[1:, ..., 0]
    )
    assert 'requests_total{model="drawn",status="200"}' in service.metrics.text().decode()


def test_without_a_seed_each_is_another_and_tells_its_own(client):
    first, second = (client.images.generate(model="drawn", prompt="1").data[0] for _ in range(2))
    assert first.seed != second.seed
    again = client.images.generate(model="drawn", prompt="1", extra_body={"seed": first.seed}).data[0]
    assert again.b64_json == first.b64_json


def test_an_edit_is_what_the_model_makes_of_a_picture(client, exports):
    restored = serving.load(str(exports / "restored"))
    found = client.images.edit(
        model="restored", image=file_of(COLOUR), prompt="", size="30x20", response_format="b64_json"
    )
    np.testing.assert_array_equal(pictures(found)[0], restored.restore(COLOUR))
    alone = client.images.edit(image=[file_of(COLOUR)], prompt="", n=2)
    np.testing.assert_array_equal(pictures(alone), np.repeat(pictures(found), 2, 0))


def test_a_stream_tells_how_far_it_is(client, exports):
    how = {"tile": 16, "overlap": 4}
    stream = client.images.edit(
        model="restored", image=file_of(COLOUR.repeat(2, 0)), prompt="", stream=True, partial_images=2, extra_body=how
    )
    *partial, last = stream
    whole = picture(last)
    assert last.type == "image_edit.completed" and last.size == "30x40"
    np.testing.assert_array_equal(whole, serving.load(str(exports / "restored")).restore(COLOUR.repeat(2, 0), **how))
    assert [one.type for one in partial] == ["image_edit.partial_image"] * len(partial) and 1 <= len(partial) <= 2
    for k, one in enumerate(partial):
        part, rows = picture(one), int(one.share * 40)
        assert one.partial_image_index == k and 0 < one.share < 1
        np.testing.assert_array_equal(part[:rows], whole[:rows])
    (made,) = client.images.generate(model="drawn", prompt="1", stream=True, extra_body={"seed": 3})
    again = client.images.generate(model="drawn", prompt="1", extra_body={"seed": 3})
    assert made.type == "image_generation.completed" and made.b64_json == again.data[0].b64_json


def test_what_goes_wrong_later_ends_the_stream_with_an_error(client, service, monkeypatch):
    import asyncio

    from keras_imgen.server.errors import Busy

    async def late(*args, **how):
        await asyncio.sleep(0.4)
        raise Busy("too many", 3)

    monkeypatch.setattr(service, "call", late)
    with pytest.raises(openai.APIError, match="too many") as error:
        list(client.images.generate(model="drawn", prompt="1", stream=True))
    assert error.value.code == "rate_limit_exceeded"
    with pytest.raises(openai.RateLimitError) as error:
        client.images.generate(model="drawn", prompt="1")
    assert error.value.response.headers["retry-after"] == "3"


def test_words_that_are_not_known_are_told(client, service, monkeypatch):
    from keras_imgen.server.service import Progress

    said = "Words that this model has not learned: 'stér\\n' (known: star)."

    async def call(*args, progress, **how):
        progress(Progress("done", 1, 1.0, None, (said,)))
        return np.zeros((1, 8, 8, 1), "uint8")

    monkeypatch.setattr(service, "call", call)
    found = client.images.with_raw_response.generate(model="drawn", prompt="1")
    assert found.headers["x-keras-imgen-warning"] == ascii(said)[1:-1].replace("\\'", "'")
    (event,) = client.images.generate(model="drawn", prompt="1", stream=True)
    assert event.warnings == [said]


IMAGE = file_of(COLOUR)


@pytest.mark.parametrize(
    "way, how, kind, param, said",
    [
        ("generate", {"model": "nothing", "prompt": ""}, "NotFoundError", None, "there is drawn, restored"),
        ("generate", {"model": "restored", "prompt": ""}, "BadRequestError", "model", "its endpoints are restore"),
        ("edit", {"model": "drawn", "prompt": "", "image": IMAGE}, "BadRequestError", "model", "are generate, denoise"),
        ("create_variation", {"model": "drawn", "image": IMAGE}, "BadRequestError", "model", "are generate, denoise"),
        ("create_variation", {"image": IMAGE}, "BadRequestError", "model", "there is drawn, restored"),
        ("generate", {"prompt": "a shoe"}, "BadRequestError", "prompt", "labels in 0..2"),
        ("generate", {"prompt": "3"}, "BadRequestError", "prompt", "labels in 0..2"),
        ("generate", {"prompt": "1", "n": 65}, "BadRequestError", "n", "of 1 to 64"),
        ("generate", {"prompt": "1", "size": "1024x1024"}, "BadRequestError", "size", "of 8x8"),
        ("generate", {"prompt": "1", "size": "large"}, "BadRequestError", "size", "WIDTHxHEIGHT"),
        ("generate", {"prompt": "1", "response_format": "url"}, "BadRequestError", "response_format", "not kept"),
        ("generate", {"prompt": "1", "quality": "high"}, "BadRequestError", "quality", "of auto"),
        ("generate", {"prompt": "1", "extra_body": {"x": 1}}, "BadRequestError", None, "expected arguments of n, labels"),
        ("generate", {"prompt": "1", "extra_body": {"steps": 10**9}}, "APIStatusError", "steps", "at most 1000"),
        ("generate", {"prompt": "1", "stream": True, "extra_body": {"steps": 0}}, "BadRequestError", "steps", "`steps`"),
        ("edit", {"prompt": "a cat", "image": IMAGE}, "BadRequestError", "prompt", "takes no text"),
        ("edit", {"prompt": "", "image": IMAGE, "mask": IMAGE}, "BadRequestError", "mask", "whole picture"),
        ("edit", {"prompt": "", "image": ("x.png", b"GIF89a")}, "BadRequestError", "image", "PNG or JPEG"),
        ("edit", {"prompt": "", "image": IMAGE, "size": "8x8"}, "BadRequestError", "size", "of 30x20"),
        ("edit", {"prompt": "", "image": file_of(COLOUR.repeat(9, 0))}, "APIStatusError", "image", "4096 pixels"),
    ],
)  # fmt: skip
def test_errors_are_the_clients_own(client, way, how, kind, param, said):
    with pytest.raises(openai.APIStatusError) as error:
        getattr(client.images, way)(**how)
    found = error.value
    assert type(found).__name__ == kind and found.param == param and said in found.body["message"], found
    assert found.type == "invalid_request_error" and set(found.body) == {"message", "type", "param", "code"}


def test_the_key_is_the_clients_api_key(service, live, tmp_path):
    from keras_imgen.server.app import application
    from keras_imgen.server.keys import Keys, new_key

    key = new_key(str(tmp_path / "keys"), "ada", 2)
    where = live(application(service, Keys(str(tmp_path / "keys"))))
    with pytest.raises(openai.AuthenticationError) as error:
        client_of(where, "wrong").models.list()
    assert error.value.code == "invalid_api_key"
    known = client_of(where, key)
    assert known.images.generate(model="drawn", prompt="1").data and list(known.models.list())
    with pytest.raises(openai.RateLimitError):
        known.models.list()


@pytest.mark.parametrize(
    "body", [b"", b"[]", b'{"prompt": 5}', b'{"prompt": "1", "model": [1]}', b'{"prompt": "\\ud800"}']
)
def test_nonsense_is_an_error_in_its_form(ask, body):
    found = ask("POST", "/v1/images/generations", content=body)
    assert found.status_code == 400 and json.loads(found.text)["error"]["type"] == "invalid_request_error"


# === Models of all kinds ===


@pytest.fixture(scope="module")
def trained(loop, live):
    """(a client of trained models, the models)."""
    from keras_imgen import load_model
    from keras_imgen.server.app import application

    names = ("shapes-text", "shapes-edit", "photos-inpaint", "photos-sr-x2", "digits-vae")
    files = {name: str(MODELS / name / "model.keras") for name in names}

    async def made():
        return Service(list(files.values()), limits=Limits(seconds=600))

    service = loop(made())
    loop.begin(service.start()).result(900)
    yield client_of(live(application(service))), lambda name: load_model(files[name], compile=False)
    loop(service.stop())


@pytest.mark.slow
def test_a_text_becomes_pictures(trained):
    client, model = trained
    how = {"steps": 8, "guidance_scale": 3.0}
    found = client.images.generate(model="shapes-text", prompt="a red star", n=2, extra_body={"seed": 3, **how})
    wanted = model("shapes-text").generate(2, conditions={"caption": "a red star"}, seed=3, **how)
    np.testing.assert_array_equal(pictures(found), wanted)


@pytest.mark.slow
def test_an_instruction_changes_a_picture(trained):
    client, model = trained
    source = pictures(client.images.generate(model="shapes-text", prompt="a red star"))[0]
    how = {"steps": 8}
    found = client.images.edit(
        model="shapes-edit", image=file_of(source), prompt="make it blue", extra_body={"seed": 1, **how}
    )
    told = {"source": source, "caption": "make it blue"}
    np.testing.assert_array_equal(pictures(found), model("shapes-edit").generate(1, conditions=told, seed=1, **how))
    with pytest.raises(openai.BadRequestError, match="32x32 pixels, got 30x20"):
        client.images.edit(model="shapes-edit", image=file_of(COLOUR), prompt="make it blue")


@pytest.mark.slow
def test_what_is_transparent_is_painted(trained):
    client, model = trained
    mask = np.full((20, 30, 4), 255, "uint8")
    mask[5:12, 8:20, 3] = 0
    found = pictures(client.images.edit(model="photos-inpaint", image=file_of(COLOUR), mask=file_of(mask), prompt=""))[
        0
    ]
    painted = mask[..., 3] == 0
    np.testing.assert_array_equal(found, model("photos-inpaint").restore(COLOUR, masks=painted))
    assert (found[~painted] == COLOUR[~painted]).all() and (found[painted] != COLOUR[painted]).any()
    own = np.dstack([COLOUR, mask[..., 3]])
    np.testing.assert_array_equal(
        pictures(client.images.edit(model="photos-inpaint", image=file_of(own), prompt=""))[0], found
    )
    with pytest.raises(openai.BadRequestError, match="transparent"):
        client.images.edit(model="photos-inpaint", image=file_of(COLOUR), prompt="")
    larger = client.images.edit(model="photos-sr-x2", image=file_of(COLOUR), prompt="", size="60x40")
    np.testing.assert_array_equal(pictures(larger)[0], model("photos-sr-x2").restore(COLOUR))


@pytest.mark.slow
def test_variations_are_between_a_picture_and_chance(trained):
    client, model = trained
    vae, how = model("digits-vae"), {"labels": 7, "seed": 2}
    digit = vae.generate(labels=[7], seed=0)
    ask = lambda n, strength: pictures(  # noqa: E731
        client.images.create_variation(
            model="digits-vae", image=file_of(digit[0, ..., 0]), n=n, extra_body={**how, "strength": strength}
        )
    )
    near, far = ask(4, 0.2), ask(4, 1.0)
    np.testing.assert_array_equal(ask(1, 0)[0], vae.reconstruct(digit, labels=[7])[0, ..., 0])
    away = lambda found: np.abs(found.astype(float) - digit[..., 0]).mean()  # noqa: E731
    assert away(near) < away(far) and len(np.unique(near, axis=0)) == 4
    np.testing.assert_array_equal(ask(2, 0.2), near[:2])
    with pytest.raises(openai.BadRequestError, match="strength"):
        ask(1, 2)
