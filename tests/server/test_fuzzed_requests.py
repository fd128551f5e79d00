"""Thousands of malformed requests to each protocol: each is answered with an error of the client's or a right result, and nothing dies."""

import base64
import copy
import json
import random

import numpy as np
import pytest

pytestmark = pytest.mark.tensorflow
COUNTS = [150, pytest.param(2000, marks=pytest.mark.slow)]
BLACK = base64.b64decode(  # a PNG file of 8 x 8 gray pixels
    b"iVBORw0KGgoAAAANSUhEUgAAAAgAAAAICAAAAADhZOFXAAAACklEQVR4nGNgGBgAAACIAAHrtWoUAAAAAElFTkSuQmCC"
)
JUNK = [
    None, True, False, 0, 1, -1, 3, 1.5, -0.0, 1e308, 1 << 31, 1 << 63, -(1 << 70), 10**400, float("nan"), float("inf"), float("-inf"),
    "", "x", "../../etc/passwd", "http://127.0.0.1/", "\x00", "\ud800", "ä" * 3000, "serving_default", "images",
    [], {}, [[]], [None], [{}], [1, 2, 3], [[1], [1, 2]], ["x"], {"b64": "!"}, {"b64": "AAAA"}, {"b64": 5}, {"": 0},
    json.loads("[" * 60 + "]" * 60), list(range(300)),
]  # fmt: skip


def junk(rng):
    return copy.deepcopy(rng.choice(JUNK))


def places(value, path=()):
    """Paths of all that JSON holds."""
    yield path
    children = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, child in children:
        yield from places(child, (*path, key))


def changed(rng, value):
    """JSON with up to three places replaced, removed, added or doubled."""
    value = copy.deepcopy(value)
    for _ in range(rng.choice([0, 1, 1, 1, 2, 3])):
        path = rng.choice(list(places(value)))
        if not path:
            if rng.random() < 0.1:
                return junk(rng)
            continue
        parent = value
        for key in path[:-1]:
            parent = parent[key]
        way = rng.randrange(4)
        if way == 0:
            del parent[path[-1]]
        elif way == 1 and isinstance(parent, dict):
            parent[rng.choice(["x", "", "inputs", "instances", "signature_name", "parameters", "n"])] = junk(rng)
        elif way == 2 and isinstance(parent, list):
            parent.append(copy.deepcopy(parent[path[-1]]))
        else:
            parent[path[-1]] = junk(rng)
    return value


def torn(rng, data):
    """Bytes cut, doubled or with some of them changed; most often as they are."""
    way = rng.randrange(12)
    if way == 0:
        return data[: rng.randrange(len(data) + 1)]
    if way == 1:
        return data + rng.randbytes(rng.randrange(40))
    if way == 2:
        found = bytearray(data)
        for _ in range(min(len(found), rng.randint(1, 8))):
            found[rng.randrange(len(found))] = rng.randrange(256)
        return bytes(found)
    return data


def elsewhere(rng, path):
    """A path with a part of it replaced; most often as it is."""
    if rng.random() < 0.9:
        return path
    parts = path.split("/")
    parts[rng.randrange(1, len(parts))] = rng.choice(
        ["", "..", "%2e%2e", "x", "9", "-1", "%00", "%ff", "a" * 300, "v1"]
    )
    return "/".join(parts)


def request_of(rng, path, body, headers=()):
    method = rng.choice(["POST"] * 17 + ["GET", "PUT", "DELETE"])
    return method, elsewhere(rng, path), {"content": torn(rng, body), "headers": dict(headers)}


REST = [
    ("drawn", {"instances": [{"seeds": 1, "labels": 0}, {"seeds": 2, "labels": 1}]}),
    ("drawn", {"signature_name": "sample", "inputs": {"seeds": [1], "labels": [2], "guidance_scale": [1.0]}}),
    ("restored", {"signature_name": "restore", "instances": [[[[1], [2]], [[3], [4]]]]}),
    ("restored", {"signature_name": "restore_bytes", "inputs": [{"b64": base64.b64encode(BLACK).decode()}]}),
]


def rest(rng):
    model, body = rng.choice(REST)
    method = rng.choice(["predict"] * 8 + ["classify", "x"])
    version = rng.choice(["", "", "/versions/1", "/versions/0"])
    return request_of(rng, f"/v1/models/{model}{version}:{method}", json.dumps(changed(rng, body)).encode())


def tensor(name, shape, datatype, data, **parameters):
    return {"name": name, "shape": shape, "datatype": datatype, "data": data, "parameters": parameters}


SEEDS, LABELS = tensor("seeds", [2], "INT32", [1, 2]), tensor("labels", [2], "INT32", [0, 1])
FILE = tensor("image_bytes", [1], "BYTES", [base64.b64encode(BLACK).decode()], content_type="base64")
V2 = [
    ("drawn", {"id": "1", "parameters": {"timeout": 60_000_000}, "inputs": [SEEDS, LABELS]}, b""),
    ("restored", {"parameters": {"signature_name": "restore_bytes"}, "inputs": [FILE], "outputs": [{"name": "image_bytes"}]}, b""),
    (
        "restored",
        {
            "parameters": {"signature_name": "restore", "binary_data_output": True},
            "inputs": [{**{k: v for k, v in tensor("images", [1, 2, 3, 1], "UINT8", 0).items() if k != "data"},
                        "parameters": {"binary_data_size": 6}}],
        },
        bytes(6),
    ),
]  # fmt: skip


def open_inference(rng):
    model, body, binary = rng.choice(V2)
    text = json.dumps(changed(rng, body)).encode()
    length = rng.choice([len(text)] * 6 + [0, -1, len(text) + 1, 1 << 40, "x"])
    headers = {"inference-header-content-length": str(length)} if binary or rng.random() < 0.1 else {}
    return request_of(rng, f"/v2/models/{model}/infer", text + torn(rng, binary), headers)


IMAGES = {"model": "drawn", "prompt": "2", "n": 1, "size": "8x8", "seed": 3, "steps": 2, "guidance_scale": 1.5}
IMAGES |= {"conditions": {}, "negative": {"label": 1}, "response_format": "b64_json"}


def openai_images(rng):
    where = rng.choice(["generations", "edits", "variations"])
    if where == "generations":
        body = changed(rng, {**IMAGES, "stream": rng.random() < 0.1})
        return request_of(rng, "/v1/images/generations", json.dumps(body).encode())
    fields = {"model": "restored", "prompt": "", "n": "1", "size": "8x8", "tile": "64", "image": BLACK}
    fields = {k: v for k, v in fields.items() if rng.random() < 0.9}
    for name in rng.sample([*fields, "mask", "stream", "sigma", "conditions", "image[]"], rng.randint(0, 2)):
        fields[name] = rng.choice([BLACK, torn(rng, BLACK), json.dumps(junk(rng)), "x", "true"])
    parts = []
    for name, value in fields.items():
        file = isinstance(value, bytes) and rng.random() < 0.95
        head = f'--b\r\nContent-Disposition: form-data; name="{name}"{"; filename=x" * file}\r\n\r\n'.encode()
        parts.append(head + (value if isinstance(value, bytes) else value.encode(errors="replace")) + b"\r\n")
    kind = rng.choice(["multipart/form-data; boundary=b"] * 12 + ["multipart/form-data", "application/json", ""])
    return request_of(rng, f"/v1/images/{where}", b"".join([*parts, b"--b--\r\n"]), {"content-type": kind})


@pytest.fixture
def alive(service, ask):
    """The processes of the models are the same after the test, and answer."""
    before = [service.version(name).worker.process_id for name in ("drawn", "restored")]
    yield
    assert [service.version(name).worker.process_id for name in ("drawn", "restored")] == before
    found = ask("POST", "/v1/models/drawn:predict", json=REST[0][1])
    assert found.status_code == 200 and len(found.json()["predictions"]) == 2


@pytest.mark.parametrize("count", COUNTS)
@pytest.mark.parametrize("protocol, answers", [
    (rest, {"predictions", "outputs", "model_version_status", "model_spec"}),
    (open_inference, {"outputs", "inputs", "ready", "extensions"}),
    (openai_images, {"data"}),
])  # fmt: skip
def test_http(ask, alive, protocol, answers, count):
    rng, seen = random.Random(0), {}
    for k in range(count):
        method, path, how = protocol(rng)
        found = ask(method, path, **how)
        told = f"{k}: {method} {path} {how} -> {found.status_code} {found.text[:300]}"
        assert 200 <= found.status_code < 500, told
        seen[found.status_code] = seen.get(found.status_code, 0) + 1
        if found.status_code >= 400:
            assert 0 < len(str(found.json()["error"])) < 2200, told
        elif found.headers["content-type"].startswith("application/json"):
            assert answers & set(found.json()), told
    assert seen.get(200, 0) >= count / 75 and seen.get(400, 0) > count / 4, seen


@pytest.mark.parametrize("count", COUNTS)
def test_grpc(service, loop, alive, count):
    grpc = pytest.importorskip("grpc")
    predict = pytest.importorskip("tensorflow_serving.apis.predict_pb2")
    import tensorflow as tf

    from keras_imgen.server.grpc_api import server

    def message(rng):
        request = predict.PredictRequest()
        request.model_spec.name = rng.choice(["drawn"] * 20 + ["restored", "", "../x"])
        request.model_spec.signature_name = rng.choice([""] * 6 + ["sample", "denoise", "restore", "x"])
        if rng.random() < 0.1:
            request.model_spec.version.value = rng.choice([1, 0, -1, 1 << 62])
        for name, value in (("seeds", [1, 2]), ("labels", [0, 1])):
            if rng.random() < 0.9:
                own = request.inputs[name]
                own.CopyFrom(tf.make_tensor_proto(value, tf.int32))
                way = rng.randrange(16)
                if way == 0:
                    own.dtype = rng.randrange(0, 130)
                elif way == 1:
                    own.tensor_shape.dim[0].size = rng.choice([-1, 0, 1, 5, 1 << 40, 1 << 62])
                elif way == 2:
                    for _ in range(rng.choice([1, 40])):
                        own.tensor_shape.dim.add(size=rng.choice([1, 2, 1 << 20]))
                elif way == 3:
                    own.tensor_content = rng.randbytes(rng.randrange(20))
                elif way == 4:
                    own.ClearField("tensor_content")
                    own.int_val.extend([rng.choice([0, 1, -(1 << 31), (1 << 31) - 1])] * rng.randrange(4))
                elif way == 5:
                    own.tensor_shape.unknown_rank = True
        if rng.random() < 0.1:
            request.inputs[rng.choice(["x", "images", ""])].CopyFrom(
                tf.make_tensor_proto(rng.choice([1.0, "x", [[1]]]))
            )
        if rng.random() < 0.1:
            request.output_filter.append(rng.choice(["images", "x", ""]))
        return torn(rng, request.SerializeToString())

    async def begin():
        made, port = server(service, None, "127.0.0.1:0")
        await made.start()
        return made, port

    made, port = loop(begin())
    known = {"OK", "INVALID_ARGUMENT", "NOT_FOUND", "FAILED_PRECONDITION", "UNIMPLEMENTED", "RESOURCE_EXHAUSTED"}
    rng, seen = random.Random(0), {}
    try:
        with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
            for k in range(count):
                name = rng.choice(["Predict"] * 12 + ["GetModelMetadata", "Classify", "Regress", "MultiInference", "x"])
                asked, code = message(rng), "OK"
                try:
                    found = channel.unary_unary(f"/tensorflow.serving.PredictionService/{name}")(asked, timeout=60)
                    answered = predict.PredictResponse.FromString(found) if name == "Predict" else None
                    assert answered is None or np.prod(tf.make_ndarray(answered.outputs["images"]).shape) >= 0
                except grpc.RpcError as error:
                    code = error.code().name
                    assert code in known, f"{k}: {name} {asked!r} -> {code} {error.details()}"
                seen[code] = seen.get(code, 0) + 1
    finally:
        loop(made.stop(0))
    assert seen["OK"] > count / 50 and seen["INVALID_ARGUMENT"] > count / 4, seen
