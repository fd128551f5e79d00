"""A model that is slow and a queue that is full: every protocol says so, and when to come again; nothing that was taken is lost."""

import asyncio
import json
import threading
import time
from dataclasses import replace

import numpy as np
import pytest

from keras_imgen.server.app import application
from keras_imgen.server.batching import Batching
from keras_imgen.server.errors import Busy
from keras_imgen.server.keys import Keys, new_key
from keras_imgen.server.service import THREADS, WAITING, Service

pytestmark = [pytest.mark.tensorflow, pytest.mark.filterwarnings("ignore:deprecated:DeprecationWarning")]
ROWS = {"seeds": [7, 8], "labels": [0, 1]}
V2 = [{"name": k, "shape": [2], "datatype": "INT32", "data": v} for k, v in ROWS.items()]
IMAGES = {"model": "drawn", "prompt": "1", "n": 2, "seed": 7}
HTTP = {
    "rest": ("/v1/models/drawn:predict", {"inputs": ROWS}),
    "v2": ("/v2/models/drawn/infer", {"inputs": V2}),
    "openai": ("/v1/images/generations", IMAGES),
    "openai stream": ("/v1/images/generations", {**IMAGES, "stream": True}),
}
PAGE = ("/api/models/drawn/generate", {"arguments": {"n": 2, "labels": [0, 1], "seed": 7}})


class Gate:
    """What a process is asked waits here."""

    def __init__(self, worker):
        self.run, self.open = worker.run, threading.Event()
        self.open.set()
        worker.run = self

    def __call__(self, *given):
        assert self.open.wait(60)
        return self.run(*given)


@pytest.fixture(scope="module")
def small(exports, loop):
    """A service with room for four rows that wait, and its gate."""

    async def made():
        return Service([str(exports / "drawn")], Batching(size=2, wait=0, queue=4))

    service = loop(made())
    loop(service.start())
    yield service, Gate(service.version("drawn").worker)
    loop(service.stop())


@pytest.fixture
def full(small, loop):
    """(a service of which two rows are computed and four wait, what lets them go); then they are answered like any others."""
    service, gate = small
    wanted = loop(service.answer("drawn", tensors={k: np.int32(v) for k, v in ROWS.items()}))["images"]
    gate.open.clear()
    taken = []
    for waiting in (0, 2, 4):
        taken.append(loop.begin(service.answer("drawn", tensors={k: np.int32(v) for k, v in ROWS.items()})))
        while service.version("drawn").batcher.waiting != waiting:
            time.sleep(0.01)
        time.sleep(0.02)  # the first is on its way to the process

    def let_go():
        gate.open.set()
        for one in taken:
            np.testing.assert_array_equal(one.result(60)["images"], wanted)

    yield service, let_go
    let_go()


@pytest.fixture(scope="module")
def ask(small, make_asker):
    return make_asker(application(small[0]))


@pytest.mark.parametrize("protocol", HTTP)
def test_a_full_queue_is_429_with_a_time_to_come_again(full, ask, protocol):
    path, body = HTTP[protocol]
    found = ask("POST", path, json=body)
    assert found.status_code == 429 and int(found.headers["retry-after"]) >= 1, found.text
    error = found.json()["error"]
    said = error["message"] if protocol.startswith("openai") else error
    assert "4 rows wait already, of at most 4: ask again in" in said
    assert not protocol.startswith("openai") or error["code"] == "rate_limit_exceeded"
    full[1]()
    assert ask("POST", path, json=body).status_code == 200


def test_the_page_is_told_too(full, ask):
    path, body = PAGE
    kind, _, data = ask("POST", path, json=body).text.strip().split("\n\n")[-1].partition("\ndata: ")
    said = json.loads(data)
    assert (
        kind == "event: error" and said["status"] == 429 and said["retry_after"] >= 1 and "ask again" in said["error"]
    )


def test_grpc_says_resource_exhausted(full, channel_of):
    grpc = pytest.importorskip("grpc")
    predict = pytest.importorskip("tensorflow_serving.apis.predict_pb2")
    from tensorflow_serving.apis.prediction_service_pb2_grpc import PredictionServiceStub

    request = predict.PredictRequest()
    request.model_spec.name = "drawn"
    for name, values in ROWS.items():
        request.inputs[name].dtype = 3
        request.inputs[name].tensor_shape.dim.add(size=2)
        request.inputs[name].int_val.extend(values)
    stub = PredictionServiceStub(channel_of(full[0]))
    with pytest.raises(grpc.RpcError) as error:
        stub.Predict(request, timeout=60)
    assert error.value.code() == grpc.StatusCode.RESOURCE_EXHAUSTED and "ask again" in error.value.details()
    assert int(dict(error.value.trailing_metadata())["retry-after"]) >= 1
    full[1]()
    assert stub.Predict(request, timeout=60).outputs


def test_openais_client_comes_again_by_itself(full, live):
    openai = pytest.importorskip("openai")
    address = live(application(full[0]))
    client = openai.OpenAI(base_url=f"http://{address}/v1", api_key="none", max_retries=0)
    with pytest.raises(openai.RateLimitError) as error:
        client.images.generate(model="drawn", prompt="1", n=2)
    assert int(error.value.response.headers["retry-after"]) >= 1
    threading.Timer(0.3, full[1]).start()
    begun = time.monotonic()
    assert len(client.with_options(max_retries=3).images.generate(model="drawn", prompt="1", n=2).data) == 2
    assert time.monotonic() - begun >= 0.9  # the second that it was told to wait


def test_what_has_begun_goes_on(full, loop):
    """Of a call of several batches the first may be refused, the others not: what is computed is not thrown away."""
    service, let_go = full
    version = service.version("drawn")
    tensors = {k: np.int32(v) for k, v in ROWS.items()}
    with pytest.raises(Busy):
        loop(version.answer("serving_default", tensors))
    later = loop.begin(version.answer("serving_default", tensors, begun=True))
    let_go()
    assert later.result(60)["images"].shape == (2, 8, 8, 1)


def test_calls_are_no_way_around_the_queue(small, loop):
    """Those that wait for a thread are counted."""
    service, gate = small
    gate.open.clear()

    async def ask():
        every = [asyncio.ensure_future(service.call("drawn", "generate", {"seed": k})) for k in range(100)]
        while sum(one.done() for one in every) < 100 - THREADS - WAITING:
            await asyncio.sleep(0.01)
        gate.open.set()
        return await asyncio.gather(*every, return_exceptions=True)

    try:
        found = loop(ask())
    finally:
        gate.open.set()
    refused = [one for one in found if isinstance(one, Exception)]
    assert all(isinstance(one, Busy) and one.retry_after >= 1 for one in refused)
    assert any("calls are on their way" in str(one) for one in refused)
    made = [one for one in found if isinstance(one, np.ndarray)]
    assert made and loop(service.call("drawn", "generate", {})).shape == (1, 8, 8, 1)


def test_a_call_that_is_left_leaves_the_queue(full, loop):
    service, _ = full
    batcher = service.version("drawn").batcher

    async def leave():
        task = asyncio.ensure_future(service.call("drawn", "generate", {}))  # refused: the queue is full
        with pytest.raises(Busy):
            await task
        batcher._how = replace(batcher._how, queue=64)
        try:
            task = asyncio.ensure_future(service.call("drawn", "generate", {"n": 2}))
            while batcher.waiting != 6:
                await asyncio.sleep(0.01)
            task.cancel()
            while batcher.waiting != 4:
                await asyncio.sleep(0.01)
        finally:
            batcher._how = replace(batcher._how, queue=4)

    loop(leave())


@pytest.mark.parametrize("protocol", ["rest", "v2", "openai", "page"])
def test_a_key_that_is_used_up_is_429_in_every_protocol(small, make_asker, tmp_path, protocol):
    path = str(tmp_path / "keys")
    key, other = new_key(path, "ada", 1), new_key(path, "bob", 1)
    ask = make_asker(application(small[0], Keys(path)))
    where, body = {**HTTP, "page": PAGE}[protocol]
    said = [ask("POST", where, json=body, headers={"authorization": f"Bearer {one}"}) for one in (key, key, other)]
    assert [one.status_code for one in said] == [200, 429, 200]
    assert 1 <= int(said[1].headers["retry-after"]) <= 60 and "in a minute" in said[1].text
