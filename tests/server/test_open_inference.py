"""The Open Inference Protocol, by Triton's own client and in JSON as KServe documents it."""

import base64
import json

import numpy as np
import pytest

pytestmark = pytest.mark.tensorflow
IMAGES = np.arange(24, dtype="uint8").reshape(2, 4, 3, 1)
DRAWN = {"seeds": np.int32([3, 1]), "labels": np.int32([0, 2])}
INFER = "/v2/models/drawn/infer"


@pytest.fixture(scope="module")
def triton(address):
    http = pytest.importorskip("tritonclient.http")
    with http.InferenceServerClient(address, connection_timeout=60, network_timeout=60) as client:
        yield client


def given(tensors, binary=True):
    from tritonclient.http import InferInput
    from tritonclient.utils import np_to_triton_dtype

    found = []
    for name, array in tensors.items():
        found.append(InferInput(name, list(array.shape), np_to_triton_dtype(array.dtype)))
        found[-1].set_data_from_numpy(array, binary_data=binary)
    return found


@pytest.mark.parametrize("binary", [True, False])
@pytest.mark.parametrize(
    "model, signature, tensors",
    [("drawn", None, DRAWN), ("restored", "restore", {"images": IMAGES})],
)
def test_tritons_client_gets_tensorflows_bytes(triton, direct, model, signature, tensors, binary):
    from tritonclient.http import InferRequestedOutput

    how = {} if signature is None else {"parameters": {"signature_name": signature}}
    outputs = None if binary else [InferRequestedOutput("images", binary_data=False)]
    found = triton.infer(model, given(tensors, binary), "1", outputs, request_id="7", timeout=60_000_000, **how)
    wanted = direct(model, signature or "serving_default", **tensors)["images"]
    assert found.as_numpy("images").dtype == wanted.dtype
    np.testing.assert_array_equal(found.as_numpy("images"), wanted)
    about = found.get_response()
    assert (about["model_name"], about["model_version"], about["id"]) == (model, "1", "7")


def test_bytes_go_both_ways(triton, direct, ask):
    import tensorflow as tf

    files = [tf.io.encode_png(np.full((4, side, 3), side, "uint8")).numpy() for side in (4, 5)]
    wanted = direct("restored", "restore_bytes", image_bytes=files)["image_bytes"]
    how = {"signature_name": "restore_bytes"}
    found = triton.infer("restored", given({"image_bytes": np.array(files, object)}), parameters=how)
    assert found.as_numpy("image_bytes").tolist() == wanted.tolist()
    texts = [base64.b64encode(file).decode() for file in files]
    tensor = {"name": "image_bytes", "shape": [2], "datatype": "BYTES", "data": texts}
    body = {"parameters": how, "inputs": [{**tensor, "parameters": {"content_type": "base64"}}]}
    (output,) = ask("POST", "/v2/models/restored/infer", json=body).json()["outputs"]
    assert output["parameters"] == {"content_type": "base64"} and output["datatype"] == "BYTES"
    assert [base64.b64decode(text) for text in output["data"]] == wanted.tolist()


def test_tritons_client_is_told_what_there_is(triton):
    assert triton.is_server_live() and triton.is_server_ready()
    assert triton.is_model_ready("drawn") and triton.is_model_ready("drawn", "1")
    assert not triton.is_model_ready("nothing") and not triton.is_model_ready("drawn", "2")
    assert triton.get_server_metadata()["extensions"] == ["binary_tensor_data"]
    found = triton.get_model_metadata("drawn")
    assert (found["name"], found["versions"], found["platform"]) == ("drawn", ["1"], "tensorflow_savedmodel")
    assert found["inputs"][0] == {"name": "seeds", "datatype": "INT32", "shape": [-1]}
    assert found["outputs"] == [{"name": "images", "datatype": "UINT8", "shape": [-1, 8, 8, 1]}]
    found = triton.get_model_metadata("restored", query_params={"signature_name": "restore_bytes"})
    assert found["inputs"] == [{"name": "image_bytes", "datatype": "BYTES", "shape": [-1]}]


def test_tritons_client_raises_its_own_exception(triton):
    from tritonclient.utils import InferenceServerException

    for model, tensors, status, said in (
        ("nothing", DRAWN, "404", "Servable not found"),
        ("drawn", {**DRAWN, "x": DRAWN["seeds"]}, "400", "'x' is none of the inputs"),
        ("drawn", {**DRAWN, "seeds": np.float32([1, 2])}, "400", "Expected `datatype` INT32"),
        ("drawn", {**DRAWN, "seeds": np.int32([1])}, "400", "as many rows"),
    ):
        with pytest.raises(InferenceServerException) as error:
            triton.infer(model, given(tensors))
        assert error.value.status() == status and said in error.value.message()


def test_json_as_it_is_documented(ask, direct):
    images = [3, 4, 5, 6]
    tensor = {"name": "images", "datatype": "UINT8", "shape": [1, 2, 2, 1]}
    wanted = direct("restored", "restore", images=np.uint8(images).reshape(1, 2, 2, 1))["images"]
    answer = {"name": "images", "datatype": "UINT8", "shape": [1, 2, 2, 1], "data": wanted.reshape(-1).tolist()}
    for data in (images, [[[[3], [4]], [[5], [6]]]]):  # flat or nested
        body = {"id": "a", "parameters": {"signature_name": "restore"}, "inputs": [{**tensor, "data": data}]}
        found = ask("POST", "/v2/models/restored/versions/1/infer", json=body)
        assert found.json() == {"model_name": "restored", "model_version": "1", "id": "a", "outputs": [answer]}


def body_of(**changes):
    seeds = {"name": "seeds", "shape": [1], "datatype": "INT32", "data": [1], **changes}
    labels = {"name": "labels", "shape": [1], "datatype": "INT32", "data": [0]}
    return {"inputs": [{k: v for k, v in seeds.items() if v is not None}, labels]}


@pytest.mark.parametrize(
    "body, said",
    [
        ([], "JSON object"),
        ({}, "seeds: int32"),
        ({"inputs": 5}, "list of objects"),
        ({"inputs": [{"name": 5}]}, "`name` of its own"),
        ({"inputs": [{"name": "seeds"}, {"name": "seeds"}]}, "`name` of its own"),
        (body_of(datatype="INT64"), "Expected `datatype` INT32"),
        (body_of(shape=[-1]), "whole numbers"),
        (body_of(shape=[True]), "whole numbers"),
        (body_of(shape=[1, 1]), "got the shape [1, 1]"),
        (body_of(shape=[2]), "as many `data`"),
        (body_of(data=5), "as many `data`"),
        (body_of(data=[[1, 2]]), "not of expected type"),
        (body_of(data=["1"]), "not of expected type"),
        (body_of(data=[1 << 40]), "range of int32"),
        (body_of(data=None), "either `data`"),
        (body_of(data=None, parameters={"binary_data_size": 4}), "4 bytes behind the JSON, got 0"),
        (body_of(parameters={"shared_memory_region": "x"}), "got 'shared_memory_region'"),
        ({**body_of(), "parameters": {"signature_name": "nothing"}}, "Expected `signature_name` of"),
        ({**body_of(), "parameters": {"signature_name": 5}}, "as str"),
        ({**body_of(), "parameters": []}, "as an object"),
        ({**body_of(), "parameters": {"timeout": -1}}, "as int"),
        ({**body_of(), "outputs": [{"name": "x"}]}, "none of the outputs images"),
        ({**body_of(), "outputs": [{"name": "images", "parameters": {"classification": 1}}]}, "got 'classification'"),
    ],
)
def test_a_wrong_form_is_answered_with_the_right_one(ask, body, said):
    found = ask("POST", INFER, json=body)
    assert found.status_code == 400 and set(found.json()) == {"error"} and said in found.json()["error"]
    _, shown, form = found.json()["error"].partition("A request of the right form: ")
    if shown:
        assert ask("POST", INFER, content=form).status_code == 200


def test_bytes_behind_the_json_are_counted(ask):
    body = body_of(data=None, parameters={"binary_data_size": 4})
    text = json.dumps(body).encode()
    for length, binary, status in (
        (len(text), bytes(4), 200),
        (len(text), bytes(3), 400),
        (len(text), bytes(5), 400),
        (len(text) + 9, bytes(4), 400),
        ("-1", bytes(4), 400),
        ("x", bytes(4), 400),
        ("9" * 40, bytes(4), 400),
    ):
        found = ask("POST", INFER, content=text + binary, headers={"inference-header-content-length": str(length)})
        assert found.status_code == status, (length, binary)
    assert ask("POST", INFER, content=text, headers={"content-encoding": "gzip"}).status_code == 400


def test_a_timeout_is_in_microseconds(ask):
    found = ask("POST", INFER, json={**body_of(), "parameters": {"timeout": 1}})
    assert found.status_code == 504 and "within 1e-06 s" in found.json()["error"]
