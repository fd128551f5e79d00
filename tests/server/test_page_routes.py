"""The page's files and headers, the description of all endpoints, and calls with their progress."""

import asyncio
import base64
import io
import json
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from keras_imgen.server import browser
from keras_imgen.server.app import application
from keras_imgen.server.keys import Keys, new_key

pytestmark = pytest.mark.tensorflow
ROOT = Path(__file__).parents[2]


def events(answer):
    assert answer.status_code == 200 and answer.headers["content-type"].startswith("text/event-stream"), answer.text
    return [
        (part[7 : part.index("\n")], json.loads(part[part.index("\ndata: ") + 7 :]))
        for part in answer.text.split("\n\n")[:-1]
    ]


def opened(picture):
    return Image.open(io.BytesIO(base64.b64decode(picture["png"])))


@pytest.fixture
def call(ask):
    return lambda path, /, **given: ask("POST", f"/api/models/{path}", json={"arguments": given})


def test_the_page_comes_with_a_strict_policy(ask):
    page = ask("GET", "/")
    assert page.status_code == 200 and page.headers["content-type"] == "text/html; charset=utf-8"
    policy = dict(part.strip().split(" ", 1) for part in page.headers["content-security-policy"].split(";"))
    assert (
        policy["default-src"] == "'none'"
        and policy["script-src"] == policy["style-src"] == policy["connect-src"] == "'self'"
    )
    assert (
        "unsafe" not in page.headers["content-security-policy"] and page.headers["x-content-type-options"] == "nosniff"
    )
    assert policy["frame-ancestors"] == policy["form-action"] == policy["base-uri"] == "'none'"


def test_nothing_is_inline_or_from_elsewhere():
    for path, one in browser.FILES.items():
        if path.endswith(("html", "js", "css")):
            text = one.read_text()
            assert not re.search(r"https?://|//cdn|@import|innerHTML|eval\(", text), path
    page = browser.FILES["/page/index.html"].read_text()
    assert not re.search(r"<script(?![^>]* src=)|<style|\son\w+=|\sstyle=|javascript:", page)
    for name in re.findall(r'(?:src|href)="(page/[^"]+)"', page):
        assert f"/{name}" in browser.FILES


def test_files_are_those_of_the_page_and_no_others(ask):
    kinds = {path: ask("GET", path).headers["content-type"] for path in browser.FILES}
    assert kinds["/page/app.js"].startswith("text/javascript") and kinds["/page/style.css"].startswith("text/css")
    for path in (
        "/page/../app.py",
        "/page/%2e%2e%2fapp.py",
        "/page/..%2fkeys.py",
        "/page/",
        "/page/none.js",
        "/page//etc/passwd",
    ):
        found = ask("GET", path)
        assert found.status_code == 404 and set(found.json()) == {"error"}


def test_the_page_is_in_the_wheel():
    wheel = pytest.importorskip("hatchling.builders.wheel").WheelBuilder(str(ROOT))
    packed = {one.distribution_path for one in wheel.recurse_included_files()}
    assert {f"keras_imgen/server{path}" for path in browser.FILES} <= packed


def test_only_the_page_may_call(ask):
    path, body = "/api/models/drawn/generate", {"arguments": {}}
    own = {"origin": "http://127.0.0.1:8501", "sec-fetch-site": "same-origin"}
    assert ask("POST", path, json=body, headers=own).status_code == 200
    for headers in ({"sec-fetch-site": "cross-site"}, {"origin": "http://evil.example"}, {"host": "evil.example"}):
        assert ask("POST", path, json=body, headers=headers).status_code == 403
        assert "access-control-allow-origin" not in ask("GET", "/api/models", headers=headers).headers
    assert ask("GET", "/", headers={"host": "evil.example"}).status_code == 403


def test_with_keys_the_page_is_seen_and_nothing_else(service, make_asker, tmp_path):
    key = new_key(str(tmp_path / "keys"), "ada")
    ask = make_asker(application(service, Keys(str(tmp_path / "keys"))))
    assert ask("GET", "/").status_code == 200 and ask("GET", "/page/app.js").status_code == 200
    assert ask("GET", "/page/none.js").status_code == ask("GET", "/api/models").status_code == 401
    assert ask("POST", "/api/models/drawn/generate", json={"arguments": {}}).status_code == 401
    assert ask("GET", "/api/models", headers={"authorization": f"Bearer {key}"}).status_code == 200


def test_the_description_has_every_endpoint(ask):
    found = ask("GET", "/api/models").json()
    drawn, restored = found["models"]
    assert drawn["name"] == "drawn" and drawn["version"] == 1 and drawn["model"] == "Diffusion"
    assert [one["name"] for one in drawn["endpoints"]] == ["generate", "denoise"]
    generate, denoise = drawn["endpoints"]
    assert generate["pictures"] and not denoise["pictures"]
    assert generate["by_hand"] and not denoise["by_hand"]
    fields = {one["name"]: one for one in generate["fields"]}
    assert fields["labels"] == {"name": "labels", "control": "labels", "choices": ["0", "1", "2"]}
    assert fields["steps"]["default"] == 4 and fields["guidance_scale"]["default"] == 1.5
    assert [one["name"] for one in restored["endpoints"][0]["fields"]] == ["images", "strength", "ensemble"]
    strength = restored["endpoints"][0]["fields"][1]
    assert (strength["control"], strength["default"], strength["ends"]) == ("number", 1, [0, 1])
    assert found["limits"] == {"pixels": 4096, "body": 1 << 20, "seconds": 120.0}


def test_pictures_are_the_models_and_say_how_to_make_them_again(call, exports):
    from keras_imgen.serving import load

    wanted = load(str(exports / "drawn")).generate(n=3, seed=5, labels=[2, 1, 2], guidance_scale=2.0)
    told = events(call("drawn/generate", n=3, seed=5, labels=[2, 1], guidance_scale=2.0))
    assert [kind for kind, _ in told[:-1]] == ["progress"] * (len(told) - 1)
    assert told[0][1] == {"state": "queued", "parts": 0, "share": 0} and told[-2][1] == {
        "state": "done",
        "parts": 1,
        "share": 1,
    }
    kind, result = told[-1]
    assert kind == "result" and (result["model"], result["version"], result["notes"]) == ("drawn", 1, [])
    for row, picture in enumerate(result["pictures"]):
        image = opened(picture)
        np.testing.assert_array_equal(np.asarray(image), wanted[row, ..., 0])
        assert (image.text["model"], image.text["version"], image.text["endpoint"]) == ("drawn", "1", "generate")
        assert image.text["seed"] == str(5 + row)
        own = json.loads(image.text["arguments"])
        assert own == {"n": 1, "seed": 5 + row, "labels": [2, 1, 2][row], "guidance_scale": 2.0} == picture["arguments"]
        again = events(call("drawn/generate", **own))[-1][1]["pictures"][0]
        assert again["png"] == picture["png"]


def test_a_picture_comes_back_in_its_size_and_kind(call, direct):
    given = np.random.default_rng(0).integers(0, 255, (7, 5, 4)).astype("uint8")
    buffer = io.BytesIO()
    Image.fromarray(given).save(buffer, "PNG")
    sent = base64.b64encode(buffer.getvalue()).decode()
    (picture,) = events(call("restored/restore", images=sent))[-1][1]["pictures"]
    found = np.asarray(opened(picture))
    assert found.shape == given.shape and (picture["height"], picture["width"]) == (7, 5)
    np.testing.assert_array_equal(found[..., 3], given[..., 3])
    assert json.loads(opened(picture).text["arguments"])["images"].startswith("sha256:")
    (untouched,) = events(call("restored/restore", images=sent, strength=0))[-1][1]["pictures"]
    np.testing.assert_array_equal(np.asarray(opened(untouched)), given)


def test_numbers_are_numbers(call):
    given = {"image": np.zeros((8, 8, 1)).tolist(), "alpha": 0.6, "sigma": 0.8, "conditions.label": 1}
    result = events(call("drawn/denoise", **given))[-1][1]
    assert np.shape(result["numbers"]) == tuple(result["shape"]) == (1, 8, 8, 1)


@pytest.mark.parametrize("path, given, status, field", [
    ("drawn/generate", {"n": 65}, 400, "n"), ("drawn/generate", {"n": 1.5}, 400, "n"), ("drawn/generate", {"steps": 0}, 400, "steps"),
    ("drawn/generate", {"guidance_scale": "x"}, 400, "guidance_scale"), ("drawn/generate", {"sampler": "none"}, 400, "sampler"),
    ("drawn/generate", {"labels": ["a"]}, 400, "labels"), ("drawn/generate", {"path": "/etc/passwd"}, 400, None),
    ("drawn/generate", {"batch_size": 1}, 400, None), ("restored/restore", {}, 400, "images"),
    ("restored/restore", {"images": "/etc/passwd"}, 400, "images"), ("restored/restore", {"images": ["a.png"]}, 400, "images"),
    ("drawn/denoise", {"image": [1], "alpha": 1, "sigma": 1}, 400, "image"),
])  # fmt: skip
def test_what_is_wrong_is_said_with_its_field(call, path, given, status, field):
    found = call(path, **given)
    assert found.status_code == status and found.json()["field"] == field and found.json()["error"]


def test_what_the_model_refuses_comes_in_its_words(call):
    kind, said = events(call("drawn/generate", labels=3))[-1]
    assert kind == "error" and said == {"error": "Expected labels in 0..2, got 3..3.", "status": 400, "field": "labels"}


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{}", b'{"arguments": []}', b'{"arguments": {}, "version": 2}', b"[" * 100_000]
)
def test_another_form_is_refused(ask, body):
    found = ask("POST", "/api/models/drawn/generate", content=body)
    assert found.status_code == 400 and "arguments" in found.json()["error"]


def test_no_such_model_or_endpoint(ask):
    for path in ("none/generate", "drawn/none", "drawn/__init__", "..%2fdrawn/generate"):
        assert ask("POST", f"/api/models/{path}", json={"arguments": {}}).status_code == 404


def test_who_leaves_ends_the_call(service, loop, monkeypatch):
    ended = []

    async def call(*args, progress, **how):
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            ended.append(True)
            raise

    async def leave():
        stream = browser._events(service, "drawn", "generate", 1, [], {}, {})
        reader = asyncio.ensure_future(anext(stream))
        await asyncio.sleep(0.05)
        reader.cancel()
        await asyncio.gather(reader, return_exceptions=True)
        await asyncio.sleep(0.05)

    monkeypatch.setattr(service, "call", call)
    loop(leave())
    assert ended == [True]


def test_an_error_of_the_server_says_nothing_of_its_inside(call, service, monkeypatch):
    async def call_(*args, **how):
        raise RuntimeError("a secret path")

    monkeypatch.setattr(service, "call", call_)
    kind, said = events(call("drawn/generate"))[-1]
    assert kind == "error" and said["status"] == 500 and "secret" not in said["error"]
