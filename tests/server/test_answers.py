"""Answers as bytes: the same numbers in every protocol, and large ones do not hold up the others."""

import asyncio
import json
import threading

import numpy as np
import pytest

from keras_imgen.server.waiting import LARGE, apart
from keras_imgen.serving import json_tensors
from keras_imgen.serving.json_tensors import listed, written

SHAPES = [(), (0,), (3,), (50,), (0, 4), (4, 0), (30, 1), (3, 40), (2, 3, 5), (7, 7, 7), (1, 100, 1), (100, 2, 1)]


@pytest.mark.parametrize("dtype", ["uint8", "int64", "float16", "float32", "float64", "bool", "object"])
@pytest.mark.parametrize("shape", SHAPES)
def test_parts_are_the_whole(monkeypatch, shape, dtype):
    array = np.random.default_rng(0).normal(size=shape) * 50
    array = (
        np.array(array).astype("int8").astype("S").astype(object)
        if dtype == "object"
        else np.array(array).astype(dtype)
    )
    for part in (1, 4, 16, 1 << 14):
        monkeypatch.setattr(json_tensors, "PART", part)
        assert written("x", array) == json.dumps(listed("x", array), separators=(",", ":"))


def test_infinities_and_files():
    assert written("x", np.float32([np.nan, np.inf, 0.1])) == "[NaN,Infinity,0.1]"
    assert written("image_bytes", np.array([b"\x89"], object)) == '[{"b64":"iQ=="}]'


def test_large_ones_are_written_in_a_thread():
    write = lambda tensors: threading.current_thread()  # noqa: E731

    async def ask(**tensors):
        return await apart(write, tensors) is threading.current_thread()

    files = np.array([b"x" * LARGE], object)
    assert asyncio.run(ask(x=np.zeros(9))) and not asyncio.run(ask(x=files)) and not asyncio.run(ask(x=np.zeros(LARGE)))


@pytest.fixture
def large(service, loop, monkeypatch):
    """The service answers a picture of two million numbers; how often others have had their turn while it was written."""
    turns = []

    async def answer(*given):
        async def tick():
            while True:
                turns.append(1)
                await asyncio.sleep(0.002)

        turns.append(asyncio.ensure_future(tick()))
        return {"images": np.full((2, 1000, 1000, 1), 200, "uint8")}

    monkeypatch.setattr(service, "answer", answer)
    yield turns
    loop.loop.call_soon_threadsafe(turns[0].cancel)


REST = {"instances": [{"seeds": 1, "labels": 0}]}
V2 = {"inputs": [{"name": k, "shape": [1], "datatype": "INT32", "data": [1]} for k in ("seeds", "labels")]}


@pytest.mark.tensorflow
@pytest.mark.parametrize("path, body", [("/v1/models/drawn:predict", REST), ("/v2/models/drawn/infer", V2)])
def test_others_are_answered_while_a_large_answer_is_written(ask, large, path, body):
    found = ask("POST", path, json=body)
    count = len(large)
    values = found.json()["outputs"][0]["data"] if "v2" in path else np.ravel(found.json()["predictions"])
    assert found.status_code == 200 and len(values) == 2_000_000 and values[-1] == 200
    assert count > 8


@pytest.mark.tensorflow
def test_by_grpc_too(channel_of, service, large):
    predict = pytest.importorskip("tensorflow_serving.apis.predict_pb2")
    request = predict.PredictRequest()
    request.model_spec.name = "drawn"
    call = channel_of(service).unary_unary("/tensorflow.serving.PredictionService/Predict")
    found = call(request.SerializeToString(), timeout=60)
    assert len(predict.PredictResponse.FromString(found).outputs["images"].int_val) == 2_000_000 and len(large) > 8


@pytest.mark.tensorflow
def test_both_kinds_of_json_have_the_same_digits(ask):
    image = np.random.default_rng(0).normal(size=(1, 8, 8, 1)).astype("float32")
    given = {"image": image, "alpha": np.float32([0.6]), "sigma": np.float32([0.8])}
    inputs = [{"name": k, "shape": v.shape, "datatype": "FP32", "data": v.ravel().tolist()} for k, v in given.items()]
    inputs.append({"name": "labels", "shape": [1], "datatype": "INT32", "data": [0]})
    body = {"parameters": {"signature_name": "denoise"}, "inputs": inputs}
    second = ask("POST", "/v2/models/drawn/infer", json=body).text
    body = {"signature_name": "denoise", "inputs": {**{k: v.tolist() for k, v in given.items()}, "labels": [0]}}
    first = ask("POST", "/v1/models/drawn:predict", json=body).text
    digits = first.partition(":")[2].replace("[", "").replace("]", "").rstrip("}")
    assert f'"data":[{digits}]' in second and len(digits) < 64 * 14
