"""Who may ask, from where, how much, and how often."""

import logging

import pytest

from keras_imgen.commands.serving import is_loopback, serve
from keras_imgen.server.app import application
from keras_imgen.server.keys import Keys, new_key

pytestmark = pytest.mark.tensorflow
BODY = {"instances": [{"seeds": 1, "labels": 0}]}
PREDICT = "/v1/models/drawn:predict"


def test_health_figures_and_pages(ask):
    assert ask("GET", "/healthz").json() == {"status": "alive"}
    assert ask("GET", "/readyz").json() == {"status": "ready"}
    assert ask("POST", PREDICT, json=BODY).status_code == 200
    figures = ask("GET", "/metrics").text
    assert 'keras_imgen_requests_total{model="drawn",status="200"}' in figures
    assert 'keras_imgen_batch_rows_count{model="drawn"}' in figures
    assert "/v1/models/{model}:predict" in ask("GET", "/openapi.json").json()["paths"]
    page = ask("GET", "/docs")
    assert "serving_default" in page.text and "http" not in page.text and "<script" not in page.text


def test_every_answer_has_the_headers(ask):
    for found in (
        ask("GET", "/healthz"),
        ask("GET", "/nothing"),
        ask("GET", "/healthz", headers={"host": "evil.example"}),
    ):
        assert found.headers["x-content-type-options"] == "nosniff" and found.headers["x-frame-options"] == "DENY"
        assert "default-src 'none'" in found.headers["content-security-policy"]
        assert "access-control-allow-origin" not in found.headers and "server" not in found.headers


@pytest.mark.parametrize("host, status", [
    ("127.0.0.1:8501", 200), ("localhost:1", 200), ("[::1]:8501", 200), ("10.0.0.3", 200),
    ("evil.example", 403), ("127.0.0.1.evil.example", 403), ("localhost.evil.example:8501", 403), ("", 403), ("[", 403),
])  # fmt: skip
def test_a_name_that_points_here_is_refused(ask, host, status):
    assert ask("GET", "/v1/models/drawn", headers={"host": host}).status_code == status


@pytest.mark.parametrize("headers, status", [
    ({}, 200), ({"origin": "http://127.0.0.1:8501", "sec-fetch-site": "same-origin"}, 200),
    ({"origin": "http://evil.example"}, 403), ({"origin": "null"}, 403), ({"origin": "http://127.0.0.1:9999"}, 403),
    ({"sec-fetch-site": "cross-site"}, 403), ({"sec-fetch-site": "same-site"}, 403),
])  # fmt: skip
def test_another_sites_page_cannot_ask(ask, headers, status):
    assert ask("POST", PREDICT, json=BODY, headers=headers).status_code == status


def test_a_preflight_allows_nothing(ask):
    asked = {"origin": "http://evil.example", "access-control-request-method": "POST"}
    found = ask("OPTIONS", PREDICT, headers=asked)
    assert found.status_code == 403 and not [k for k in found.headers if k.startswith("access-control")]


def test_a_request_may_not_be_larger(ask):
    assert ask("POST", PREDICT, content=b" " * ((1 << 20) + 1)).status_code == 413

    async def parts():
        for _ in range(40):
            yield b" " * (1 << 15)

    found = ask("POST", PREDICT, content=parts())
    assert found.status_code == 413 and "at most 1048576 bytes" in found.json()["error"]


def test_keys_are_asked_for_counted_and_never_written(service, make_asker, tmp_path, caplog):
    path = tmp_path / "keys"
    key, other = new_key(str(path), "ada", 2), new_key(str(path), "bob", 600)
    assert key not in path.read_text() and path.stat().st_mode & 0o077 == 0
    ask = make_asker(application(service, Keys(str(path))))
    with caplog.at_level(logging.DEBUG):
        refused = ask("POST", PREDICT, json=BODY)
        assert refused.status_code == 401 and refused.headers["www-authenticate"] == "Bearer"
        assert ask("POST", PREDICT, json=BODY, headers={"x-api-key": key + "x"}).status_code == 401
        bearer = {"authorization": f"Bearer {key}"}
        assert [ask("POST", PREDICT, json=BODY, headers=bearer).status_code for _ in range(3)] == [200, 200, 429]
        late = ask("POST", PREDICT, json=BODY, headers=bearer)
        assert 1 <= int(late.headers["retry-after"]) <= 30 and key not in late.text
        assert ask("POST", PREDICT, json=BODY, headers={"x-api-key": other}).status_code == 200
    assert ask("GET", "/metrics").status_code == 401 and ask("GET", "/healthz").status_code == 200
    assert key not in caplog.text and other not in caplog.text


def test_a_damaged_file_of_keys_is_refused(tmp_path):
    path = tmp_path / "keys"
    path.write_text("ada plain-text-key 5\n")
    with pytest.raises(ValueError, match="line 1") as error:
        Keys(str(path))
    assert "plain-text-key" not in str(error.value)
    path.write_text("# nobody\n")
    with pytest.raises(ValueError, match="no key"):
        Keys(str(path))


def test_others_are_let_in_by_keys_or_by_saying_so(exports):
    assert [is_loopback(h) for h in ("127.0.0.1", "::1", "localhost", "0.0.0.0", "::", "example.org")] == [True] * 3 + [
        False
    ] * 3
    how = dict(hosts=(), batch_size=1, batch_wait=0, queue=1, memory=None, versions=1, seconds=1, say=print)
    with pytest.raises(ValueError, match="--keys FILE .*--without-keys"):
        serve([str(exports)], "0.0.0.0", 0, None, False, **how)


def test_who_leaves_is_no_longer_waited_for(loop):
    import asyncio

    from fastapi import Request

    from keras_imgen.server.waiting import while_connected

    ended = []

    async def work():
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            ended.append(True)
            raise

    async def receive():
        return {"type": "http.disconnect"}

    with pytest.raises(BaseException) as error:
        loop(while_connected(Request({"type": "http", "headers": []}, receive), work()))
    assert "Cancelled" in type(error.value).__name__ and ended == [True]
