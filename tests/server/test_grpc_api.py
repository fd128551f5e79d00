"""TensorFlow Serving's gRPC API, by its stock stubs."""

import asyncio
import time

import numpy as np
import pytest

grpc = pytest.importorskip("grpc")
pytest.importorskip("tensorflow_serving")

pytestmark = pytest.mark.tensorflow
IMAGES = np.arange(24, dtype="uint8").reshape(2, 4, 3, 1)


@pytest.fixture(scope="module")
def channel(service, channel_of):
    return channel_of(service)


@pytest.fixture(scope="module")
def stub(channel):
    from tensorflow_serving.apis import prediction_service_pb2_grpc

    return prediction_service_pb2_grpc.PredictionServiceStub(channel)


def asked(model="drawn", signature="", version=None, **tensors):
    import tensorflow as tf
    from tensorflow_serving.apis import predict_pb2

    request = predict_pb2.PredictRequest()
    request.model_spec.name, request.model_spec.signature_name = model, signature
    if version is not None:
        request.model_spec.version.value = version
    for name, value in tensors.items():
        request.inputs[name].CopyFrom(value if hasattr(value, "CopyFrom") else tf.make_tensor_proto(value))
    return request


def error_of(call, *args, **how):
    with pytest.raises(grpc.RpcError) as error:
        call(*args, **how)
    return error.value.code().name, error.value.details()


def test_predict_gives_tensorflows_bytes(stub, direct):
    import tensorflow as tf

    drawn = {"seeds": np.int32([3, 1]), "labels": np.int32([0, 2])}
    file = tf.io.encode_png(np.arange(48, dtype="uint8").reshape(4, 4, 3)).numpy()
    noisy = {"image": np.full((1, 8, 8, 1), 0.25, "float32"), "alpha": np.float32([0.6]), "sigma": np.float32([0.8])}
    for model, signature, tensors in (
        ("drawn", "serving_default", drawn),
        ("drawn", "denoise", {**noisy, "labels": np.int32([1])}),
        ("restored", "restore", {"images": IMAGES}),
        ("restored", "restore_bytes", {"image_bytes": np.array([file], object)}),
    ):
        found = stub.Predict(asked(model, signature, **tensors), timeout=60)
        spec = found.model_spec
        assert (spec.name, spec.version.value, spec.signature_name) == (model, 1, signature)
        wanted = direct(model, signature, **tensors)
        assert set(found.outputs) == set(wanted)
        for name in wanted:
            got = tf.make_ndarray(found.outputs[name])
            assert got.dtype == wanted[name].dtype
            np.testing.assert_array_equal(got, wanted[name])


def test_values_are_in_the_field_of_their_type_and_the_last_stands_for_the_rest(stub, direct):
    import tensorflow as tf

    short = tf.make_tensor_proto(5, tf.int32)
    short.tensor_shape.dim.add(size=3)
    found = stub.Predict(asked(seeds=short, labels=np.int32([0, 1, 2])), timeout=60).outputs["images"]
    wanted = direct("drawn", "serving_default", seeds=np.int32([5, 5, 5]), labels=np.int32([0, 1, 2]))["images"]
    assert list(found.int_val) == wanted.reshape(-1).tolist()


def test_only_outputs_that_are_asked_for_come(stub):
    request = asked("restored", "restore", images=IMAGES)
    request.output_filter.append("images")
    assert set(stub.Predict(request, timeout=60).outputs) == {"images"}
    request.output_filter[:] = ["nothing"]
    code, said = error_of(stub.Predict, request)
    assert code == "INVALID_ARGUMENT" and "expected to be in the set {images}" in said


def test_metadata_and_status(stub, channel):
    from tensorflow_serving.apis import get_model_metadata_pb2, get_model_status_pb2, model_service_pb2_grpc

    request = get_model_metadata_pb2.GetModelMetadataRequest()
    request.model_spec.name = "drawn"
    assert error_of(stub.GetModelMetadata, request)[0] == "INVALID_ARGUMENT"
    request.metadata_field.append("signature_def")
    found = stub.GetModelMetadata(request)
    defs = get_model_metadata_pb2.SignatureDefMap()
    assert found.model_spec.version.value == 1 and found.metadata["signature_def"].Unpack(defs)
    assert defs.signature_def["serving_default"].inputs["labels"].dtype == 3
    assert {"sample", "denoise"} < set(defs.signature_def)

    models = model_service_pb2_grpc.ModelServiceStub(channel)
    request = get_model_status_pb2.GetModelStatusRequest()
    request.model_spec.name = "drawn"
    (one,) = models.GetModelStatus(request).model_version_status
    assert (one.version, one.state, one.status.error_code) == (1, one.AVAILABLE, 0)
    request.model_spec.name = "../drawn"
    assert error_of(models.GetModelStatus, request)[0] == "NOT_FOUND"


def test_errors_have_tensorflow_servings_codes(stub):
    import tensorflow as tf
    from tensorflow_serving.apis import classification_pb2, predict_pb2, regression_pb2

    one = {"seeds": np.int32([1]), "labels": np.int32([0])}
    huge = tf.make_tensor_proto(1, tf.int32)
    for side in (1 << 20, 1 << 20):
        huge.tensor_shape.dim.add(size=side)
    for request, code, said in (
        (predict_pb2.PredictRequest(), "INVALID_ARGUMENT", "Missing ModelSpec"),
        (asked("nothing", **one), "NOT_FOUND", "Servable not found for request: Latest(nothing)"),
        (asked(version=9, **one), "NOT_FOUND", "Specific(drawn, 9)"),
        (asked("drawn", "nothing", **one), "FAILED_PRECONDITION", 'Serving signature key "nothing" not found'),
        (asked(**one, x=1.0), "INVALID_ARGUMENT", "input tensor alias not found in signature: x"),
        (asked(seeds=np.int32([1])), "INVALID_ARGUMENT", "labels missing"),
        (asked(**{**one, "seeds": np.float32([1])}), "INVALID_ARGUMENT", "got float32 (1,)"),
        (asked(**{**one, "seeds": np.complex64([1])}), "INVALID_ARGUMENT", "got DT_COMPLEX64"),
        (asked(**{**one, "seeds": huge}), "INVALID_ARGUMENT", "bytes"),
    ):
        found = error_of(stub.Predict, request)
        assert found[0] == code and said in found[1], found
    for call, kind, word in (
        (stub.Classify, classification_pb2.ClassificationRequest, "classification"),
        (stub.Regress, regression_pb2.RegressionRequest, "regression"),
    ):
        request = kind()
        request.model_spec.name = "drawn"
        code, said = error_of(call, request)
        assert code == "INVALID_ARGUMENT" and f"Expected {word} signature method_name to be" in said
        assert "Was: tensorflow/serving/predict" in said


def test_what_is_not_served_is_not_there_and_nonsense_is_refused(channel):
    """A configuration, which holds paths, cannot be sent."""
    call = lambda name: channel.unary_unary(f"/tensorflow.serving.{name}")  # noqa: E731
    assert error_of(call("ModelService/HandleReloadConfigRequest"), b"")[0] == "UNIMPLEMENTED"
    assert error_of(call("PredictionService/Predict"), b"\xff\xff\xff")[0] == "INVALID_ARGUMENT"
    assert error_of(call("PredictionService/Predict"), bytes(2 << 20))[0] == "RESOURCE_EXHAUSTED"


def test_a_key_is_asked_for(channel_of, service, tmp_path):
    from tensorflow_serving.apis import prediction_service_pb2_grpc

    from keras_imgen.server.keys import Keys, new_key

    path = str(tmp_path / "keys")
    key = new_key(path, "ada", 2)
    keyed = prediction_service_pb2_grpc.PredictionServiceStub(channel_of(service, Keys(path)))
    request = asked(seeds=np.int32([1]), labels=np.int32([0]))
    assert error_of(keyed.Predict, request)[0] == "UNAUTHENTICATED"
    wrong = (("authorization", "Bearer nothing"),)
    assert error_of(keyed.Predict, request, metadata=wrong)[0] == "UNAUTHENTICATED"
    for name, value in (("authorization", f"Bearer {key}"), ("x-api-key", key)):
        assert keyed.Predict(request, metadata=((name, value),)).outputs
    with pytest.raises(grpc.RpcError) as error:
        keyed.Predict(request, metadata=(("x-api-key", key),))
    assert error.value.code().name == "RESOURCE_EXHAUSTED"
    assert int(dict(error.value.trailing_metadata())["retry-after"]) >= 1
    assert 'requests_total{model="drawn",status="OK"}' in service.metrics.text().decode()


def test_deadlines_and_clients_that_leave_end_the_work(stub, service, monkeypatch):
    ended, given = [], []

    async def forever(*args):
        given.append(args[-1])
        try:
            await asyncio.sleep(60)
        finally:
            ended.append(True)

    monkeypatch.setattr(service, "answer", forever)
    request = asked(seeds=np.int32([1]), labels=np.int32([0]))
    assert error_of(stub.Predict, request, timeout=0.3)[0] == "DEADLINE_EXCEEDED"
    call = stub.Predict.future(request)
    while len(given) < 2:
        time.sleep(0.01)
    call.cancel()
    end = time.monotonic() + 5
    while len(ended) < 2 and time.monotonic() < end:
        time.sleep(0.01)
    assert len(ended) == 2 and 0 < given[0] < 0.4 and given[1] is None
