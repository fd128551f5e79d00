"""TensorFlow Serving's REST API, by its documentation and against the same SavedModel in TensorFlow."""

import base64
import json

import numpy as np
import pytest

pytestmark = pytest.mark.tensorflow
PREDICT = "/v1/models/drawn:predict"


def test_status_and_metadata_are_as_documented(ask, exports):
    status = {"version": "1", "state": "AVAILABLE", "status": {"error_code": "OK", "error_message": ""}}
    for path in ("/v1/models/drawn", "/v1/models/drawn/versions/1"):
        assert ask("GET", path).json() == {"model_version_status": [status]}
    found = ask("GET", "/v1/models/drawn/metadata").json()
    assert found["model_spec"] == {"name": "drawn", "signature_name": "", "version": "1"}
    signature = found["metadata"]["signature_def"]["signature_def"]["serving_default"]
    assert signature["method_name"] == "tensorflow/serving/predict"
    assert signature["inputs"]["seeds"] == {
        "dtype": "DT_INT32",
        "tensor_shape": {"dim": [{"size": "-1", "name": ""}], "unknown_rank": False},
        "name": "serving_default_seeds:0",
    }


def test_metadata_is_read_by_the_stock_protocol_buffers(ask):
    api = pytest.importorskip("tensorflow_serving.apis.get_model_metadata_pb2")
    from google.protobuf.json_format import Parse
    from tensorflow_serving.apis import get_model_status_pb2

    found = ask("GET", "/v1/models/drawn/metadata").json()
    read = Parse(json.dumps(found["metadata"]["signature_def"]), api.SignatureDefMap())
    assert read.signature_def["serving_default"].inputs["labels"].dtype == 3
    status = Parse(ask("GET", "/v1/models/drawn").text, get_model_status_pb2.GetModelStatusResponse())
    assert status.model_version_status[0].version == 1


def test_rows_and_columns_are_tensorflows(ask, direct):
    seeds, labels = [3, 1, 4], [0, 1, 2]
    wanted = direct("drawn", "serving_default", seeds=np.int32(seeds), labels=np.int32(labels))["images"].tolist()
    rows = [{"seeds": s, "labels": k} for s, k in zip(seeds, labels)]
    assert ask("POST", PREDICT, json={"instances": rows}).json() == {"predictions": wanted}
    columns = {"signature_name": "serving_default", "inputs": {"seeds": seeds, "labels": labels}}
    assert ask("POST", "/v1/models/drawn/versions/1:predict", json=columns).json() == {"outputs": wanted}


def test_one_input_needs_no_name(ask, direct):
    images = np.arange(24, dtype="uint8").reshape(2, 4, 3, 1)
    wanted = direct("restored", "restore", images=images)["images"].tolist()
    how = {"signature_name": "restore"}
    path = "/v1/models/restored:predict"
    assert ask("POST", path, json={**how, "instances": images.tolist()}).json() == {"predictions": wanted}
    assert ask("POST", path, json={**how, "inputs": images.tolist()}).json() == {"outputs": wanted}


def test_bytes_are_base64(ask, direct):
    import tensorflow as tf

    file = tf.io.encode_png(np.arange(48, dtype="uint8").reshape(4, 4, 3)).numpy()
    (wanted,) = direct("restored", "restore_bytes", image_bytes=[file])["image_bytes"]
    text = {"b64": base64.b64encode(file).decode()}
    for row in (text, {"image_bytes": text}):
        found = ask("POST", "/v1/models/restored:predict", json={"signature_name": "restore_bytes", "instances": [row]})
        assert base64.b64decode(found.json()["predictions"][0]["b64"]) == wanted


@pytest.mark.parametrize("sigma", ["Infinity", "-Infinity", "NaN"])  # as TensorFlow Serving's documentation spells them
def test_nan_and_infinities_are_numbers(ask, sigma):
    inputs = {"image": [[[[float("nan")]] * 8] * 8], "alpha": [1.0], "sigma": [float(sigma)], "labels": [0]}
    body = json.dumps({"signature_name": "denoise", "inputs": inputs})
    assert f" [{sigma}]" in body and ask("POST", PREDICT, content=body).status_code == 200


def test_floats_have_as_few_digits_as_tell_them_apart(ask, direct):
    image = np.random.default_rng(0).normal(size=(1, 8, 8, 1)).astype("float32")
    given = {"image": image, "alpha": np.float32([0.6]), "sigma": np.float32([0.8]), "labels": np.int32([0])}
    wanted = direct("drawn", "denoise", **given)["x0"]
    body = {"signature_name": "denoise", "inputs": {k: v.tolist() for k, v in given.items()}}
    found = ask("POST", PREDICT, json=body)
    np.testing.assert_array_equal(np.float32(found.json()["outputs"]), wanted)
    assert found.text == f'{{"outputs":{str(wanted.astype(str).tolist()).replace(" ", "").replace(chr(39), "")}}}'


@pytest.mark.parametrize(
    "body, said",
    [
        ("{", "JSON Parse error"),
        ("[" * 100_000, "JSON Parse error"),
        ("[]", "Expected a JSON object"),
        ("{}", 'either "instances" or "inputs"'),
        ('{"instances": [1], "inputs": [1]}', 'either "instances" or "inputs"'),
        ('{"instances": []}', "at least one row"),
        ('{"instances": [1]}', "seeds, labels by name"),
        ('{"instances": [{"seeds": 1, "labels": 0}, {"seeds": 1}]}', "same names"),
        ('{"inputs": {"seeds": [1.5], "labels": [0]}}', "JSON Value: 1.5 is not of expected type: int32"),
        ('{"inputs": {"seeds": [true], "labels": [0]}}', "not of expected type"),
        ('{"inputs": {"seeds": [4294967296], "labels": [0]}}', "range of int32"),
        ('{"inputs": {"seeds": [1, [2]], "labels": [0]}}', "seeds"),
        ('{"inputs": {"seeds": 1, "labels": [0]}}', "levels of lists"),
        ('{"inputs": {"seeds": {"b64": "AAAA"}, "labels": [0]}}', "levels of lists"),
        ('{"inputs": {"seeds": [1], "labels": [0], "x": [1]}}', "'x' is none of the inputs"),
        ('{"inputs": {"seeds": [1], "labels": [99]}}', "Expected `labels` in 0..3"),
        ('{"signature_name": "none", "inputs": [1]}', 'Serving signature name: "none" not found'),
        ('{"signature_name": 5, "inputs": [1]}', "not found"),
        ('{"signature_name": [5], "inputs": [1]}', "not found"),
    ],
)
def test_a_wrong_form_is_answered_with_the_right_one(ask, body, said):
    found = ask("POST", PREDICT, content=body)
    assert found.status_code == 400 and said in found.json()["error"], found.text
    _, shown, form = found.json()["error"].partition("A request of the right form: ")
    if shown:
        assert ask("POST", PREDICT, content=form).status_code == 200


def test_other_methods_say_what_tensorflow_serving_says(ask):
    for method, kind in (("classify", "classification"), ("regress", "regression")):
        found = ask("POST", f"/v1/models/drawn:{method}", json={"examples": [{}]})
        assert found.status_code == 400 and f"Expected {kind} signature method_name" in found.json()["error"]
    assert ask("POST", "/v1/models/drawn:destroy", json={}).status_code == 400


@pytest.mark.parametrize(
    "path",
    ["none", "drawn/versions/9", "..%2f..%2fetc%2fpasswd", "%2e%2e/drawn", "drawn%00", "/drawn", "drawn/versions/x"],
)
def test_no_name_leads_to_a_file(ask, path):
    for method, end in (("GET", ""), ("GET", "/metadata"), ("POST", ":predict")):
        found = ask(method, f"/v1/models/{path}{end}", **({"json": {"instances": [1]}} if method == "POST" else {}))
        assert found.status_code in (400, 404) and set(found.json()) == {"error"}
