"""What a request may take, told in one place: in tensors and in lists, by every protocol."""

import base64
import io
import re

import numpy as np
import pytest
from PIL import Image

from keras_imgen.conditions import Label, Picture, Sequence, Vector
from keras_imgen.inference.endpoints import Endpoint, Pictures, Seeds, Told
from keras_imgen.inference.restorer import Form, TiledEndpoint
from keras_imgen.server.errors import TooLarge
from keras_imgen.server.limits import Limits, check_tensors, checked_arguments
from keras_imgen.serving.signatures import Signature, Tensor
from keras_imgen.text import Text, Tokenizer

LIMITS = Limits(rows=64, pixels=4096)
WORDS = Text(Tokenizer(("[PAD]", "[UNK]", "star"), 8))
TOLD = Endpoint((Seeds(),), (Label(3), Vector(100), Sequence(4), Picture((8, 8, 3)), WORDS))
TILED = TiledEndpoint(inputs=(), form=Form(3, 3))


@pytest.mark.parametrize("given, name", [
    ({"labels": [0] * 65}, "labels"), ({"labels": np.zeros(65, int)}, "labels"), ({"seeds": [0] * 65}, "seeds"),
    ({"n": 65}, "n"), ({"conditions": {"label": [0] * 65}}, "label"), ({"conditions": {"caption": ["star"] * 65}}, "caption"),
    ({"conditions": {"vector": [[0.0] * 100] * 65}}, "vector"), ({"conditions": {"sequence": [[[0.0] * 4] * 3] * 65}}, "sequence"),
    ({"conditions": {"source": np.zeros((65, 8, 8, 3), "uint8")}}, "source"),
])  # fmt: skip
def test_lists_have_as_many_rows_as_tensors_may(given, name):
    with pytest.raises(TooLarge, match=f"at most 64 rows in `{name}`, got 65") as error:
        checked_arguments(given, TOLD, LIMITS)
    assert error.value.status == 413 and error.value.param == name
    few = {k: v[:64] for k, v in given.items() if isinstance(v, list | np.ndarray)}
    checked_arguments(few, TOLD, LIMITS)


@pytest.mark.parametrize("given", [
    {"vector": [0.0] * 100}, {"vector": np.zeros(100)}, {"sequence": [[0.0] * 4] * 100}, {"caption": "star " * 100},
    {"caption_weight": [1.0] * 8}, {"source": np.zeros((64, 64, 3), "uint8")},
])  # fmt: skip
def test_what_all_rows_share_may_be_longer(given):
    assert checked_arguments({"conditions": given}, TOLD, LIMITS)["conditions"] == given


def test_a_picture_of_any_size_is_no_row():
    one, many = np.zeros((65, 60, 3), "uint8"), np.zeros((65, 8, 8, 3), "uint8")
    for images in (one, one[..., 0], [one]):
        checked_arguments({"images": images}, TILED, LIMITS)
    for images in (many, list(many)):
        with pytest.raises(TooLarge, match="at most 64 rows in `images`"):
            checked_arguments({"images": images}, TILED, LIMITS)
    with pytest.raises(TooLarge, match="at most 4096 pixels, got 65 x 65"):
        checked_arguments({"images": [np.zeros((65, 65, 3), "uint16")]}, TILED, LIMITS)
    with pytest.raises(TooLarge, match="at most 16384 pixels together"):
        checked_arguments({"images": np.zeros((5, 64, 64, 3), "uint8")}, TILED, LIMITS)


def test_texts_are_no_books():
    edit = Endpoint((Pictures((8, 8, 3)), Told("captions", "caption")), (WORDS,))
    for given in ({"conditions": {"caption": "a" * 10_001}}, {"captions": ["star", "a" * 10_001], "images": []}):
        with pytest.raises(TooLarge, match="at most 10000 characters in `captions?`"):
            checked_arguments(given, edit if "captions" in given else TOLD, LIMITS)
    signature = Signature("s", {"captions": Tensor("captions", "string", (None,))}, {})
    with pytest.raises(TooLarge, match="at most 10000 characters"):
        check_tensors({"captions": np.array([b"a" * 10_001], object)}, signature, LIMITS)


def test_tensors_of_any_number_of_sides_have_rows_and_shared_ones_have_none():
    tensors = {
        "latents": Tensor("latents", "int32", (None, 4, 4)),
        "table": Tensor("table", "float32", (None, 10), False),
    }
    signature = Signature("s", tensors, {})
    with pytest.raises(TooLarge, match="64 rows in `latents`"):
        check_tensors({"latents": np.zeros((65, 4, 4), "int32")}, signature, LIMITS)
    check_tensors({"table": np.zeros((1000, 10), "float32")}, signature, LIMITS)
    with pytest.raises(TooLarge, match="sides of at most 4096"):
        check_tensors({"table": np.zeros((4097, 10), "float32")}, signature, LIMITS)


# === By every protocol ===

SEEDS, LABELS = list(range(65)), [0] * 65
V2 = [{"name": k, "shape": [65], "datatype": "INT32", "data": v} for k, v in (("seeds", SEEDS), ("labels", LABELS))]
IMAGES = {"model": "drawn", "prompt": ""}
served = pytest.mark.tensorflow


@served
@pytest.mark.parametrize("path, body, name", [
    ("/v1/models/drawn:predict", {"inputs": {"seeds": SEEDS, "labels": LABELS}}, "seeds"),
    ("/v1/models/drawn:predict", {"instances": [{"seeds": 0, "labels": 0}] * 65}, "seeds"),
    ("/v2/models/drawn/infer", {"inputs": V2}, "seeds"),
    ("/v1/images/generations", {**IMAGES, "labels": LABELS}, "labels"),
    ("/v1/images/generations", {**IMAGES, "seeds": SEEDS}, "seeds"),
    ("/v1/images/generations", {**IMAGES, "conditions": {"label": LABELS}}, "label"),
    ("/v1/images/generations", {**IMAGES, "negative": {"label": LABELS}, "stream": True}, "label"),
    ("/api/models/drawn/generate", {"arguments": {"n": 4, "labels": LABELS}}, "labels"),
])  # fmt: skip
def test_more_rows_are_413_in_words(ask, path, body, name):
    found = ask("POST", path, json=body)
    assert found.status_code == 413 and f"at most 64 rows in `{name}`, got 65" in found.text, found.text
    if path.startswith("/v1/images"):
        assert found.json()["error"]["param"] == name


@served
def test_more_rows_are_an_invalid_argument_by_grpc(service, channel_of):
    grpc = pytest.importorskip("grpc")
    predict = pytest.importorskip("tensorflow_serving.apis.predict_pb2")
    from tensorflow_serving.apis.prediction_service_pb2_grpc import PredictionServiceStub

    request = predict.PredictRequest()
    request.model_spec.name = "drawn"
    for name in ("seeds", "labels"):
        request.inputs[name].dtype = 3
        request.inputs[name].tensor_shape.dim.add(size=65)  # the last value stands for the rest
    with pytest.raises(grpc.RpcError) as error:
        PredictionServiceStub(channel_of(service)).Predict(request, timeout=60)
    assert error.value.code().name == "INVALID_ARGUMENT" and "at most 64 rows" in error.value.details()


def png(array):
    file = io.BytesIO()
    Image.fromarray(array).save(file, "PNG")
    return file.getvalue()


@served
@pytest.mark.parametrize("file, status, said", [
    (b"", 400, "`image(s)?` as PNG or JPEG files"), (b"GIF89a", 400, "`image(s)?` as PNG or JPEG files"),
    (png(np.zeros((20, 20), "uint8"))[:-30], 400, "`image(s)?` as a whole PNG or JPEG file"),
    (png(np.zeros((65, 64), "uint8")), 413, "`image(s)?` of at most 4096 pixels, got 64 x 65"),
])  # fmt: skip
def test_a_picture_is_refused_alike_by_page_and_openai(ask, file, status, said):
    pytest.importorskip("python_multipart")
    by_page = {"arguments": {"images": base64.b64encode(file).decode()}}
    for found in (
        ask("POST", "/api/models/restored/restore", json=by_page),
        ask("POST", "/v1/images/edits", data={"prompt": ""}, files={"image": ("x.png", file)}),
    ):
        assert found.status_code == status and re.search(said, found.text), found.text
