"""What an export carries, against the export itself, the server and the stock protocol buffers."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest

from keras_imgen.serving.carried import carry, place_of, requests_of

pytestmark = pytest.mark.tensorflow
MODELS = "drawn", "restored"


def extra(exports, model, *names):
    return exports.joinpath(model, "assets.extra", *names)


def records(exports, model):
    """What TensorFlow Serving would read of the warm-up: tensors by the names of signatures, by its own protocol buffers."""
    logs = pytest.importorskip("tensorflow_serving.apis.prediction_log_pb2")
    import tensorflow as tf

    found = {}
    for record in tf.data.TFRecordDataset(str(extra(exports, model, "tf_serving_warmup_requests"))):
        log = logs.PredictionLog.FromString(record.numpy())
        assert log.WhichOneof("log_type") == "predict_log"
        request = log.predict_log.request
        assert request.model_spec.name == model
        found[request.model_spec.signature_name] = {k: tf.make_ndarray(v) for k, v in request.inputs.items()}
    return found


@pytest.mark.parametrize("model", MODELS)
def test_each_example_is_answered_as_tensorflow_answers_it(exports, ask, direct, model):
    asked = records(exports, model)
    assert set(asked) == {path.stem for path in extra(exports, model, "examples").glob("*.json")} >= {"serving_default"}
    for signature, tensors in asked.items():
        body = extra(exports, model, "examples", f"{signature}.json").read_text()
        assert json.loads(body)["signature_name"] == signature
        found = ask("POST", f"/v1/models/{model}:predict", content=body)
        wanted = direct(model, signature, **tensors)
        (name,) = wanted
        if name.endswith("_bytes"):
            import base64

            assert base64.b64decode(found.json()["outputs"][0]["b64"]) == wanted[name][0]
        else:
            np.testing.assert_array_equal(np.array(found.json()["outputs"], wanted[name].dtype), wanted[name])


def test_pictures_in_examples_are_pictures(exports):
    _, given = requests_of(str(exports / "restored"))
    assert (
        len(np.unique(given["restore"]["images"])) == 32 and given["restore_bytes"]["image_bytes"][0][:4] == b"\x89PNG"
    )


def batching_parameters():
    """The message of TensorFlow Serving's session_bundle_config.proto, which tensorflow-serving-api lacks."""
    from google.protobuf import descriptor_pb2, descriptor_pool, message_factory, wrappers_pb2

    names = ["max_batch_size", "batch_timeout_micros", "max_enqueued_batches", "num_batch_threads"]
    file = descriptor_pb2.FileDescriptorProto(name="batching.proto", syntax="proto3")
    file.dependency.append(wrappers_pb2.DESCRIPTOR.name)
    message = file.message_type.add(name="BatchingParameters")
    for number, name in enumerate(names, 1):
        message.field.add(name=name, number=number, type=11, label=1, type_name=".google.protobuf.Int64Value")
    pool = descriptor_pool.DescriptorPool()
    pool.AddSerializedFile(wrappers_pb2.DESCRIPTOR.serialized_pb)
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("BatchingParameters"))


def test_batching_is_in_the_text_form_of_its_protocol_buffer(exports):
    from google.protobuf import text_format

    text = extra(exports, "drawn", "batching_parameters.txt").read_text()
    found = text_format.Parse(text, batching_parameters()())
    assert (found.max_batch_size.value, found.batch_timeout_micros.value, found.max_enqueued_batches.value) == (
        32,
        5000,
        16,
    )
    assert "together in: serving_default, denoise." in text and "at once: generate, sample." in text


@pytest.mark.parametrize(
    "path, name, version",
    [
        ("a/digits", "digits", 1),
        ("digits/7", "digits", 7),
        ("my digits/02", "my-digits", 2),
        ("..x/3", "x", 3),
        ("é", "model", 1),
    ],
)
def test_name_and_version_are_those_of_the_folder(path, name, version):
    assert place_of(path) == (name, version)


def test_nothing_half_written_is_left(tmp_path, monkeypatch):
    from keras_imgen.models import Denoiser
    from keras_imgen.networks import dncnn
    from keras_imgen.serving import export

    def full(folder, path):
        carry(folder, path)
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(export, "carry", full)
    with pytest.raises(OSError, match="No space left on device: .*m'"):
        Denoiser(dncnn(channels=1, width=4, depth=2), sigma=25.0).export(str(tmp_path / "m"))
    assert not os.listdir(tmp_path)


def test_the_command_writes_versions(tmp_path):
    from typer.testing import CliRunner

    from keras_imgen.cli import app
    from keras_imgen.models import Denoiser
    from keras_imgen.networks import dncnn

    Denoiser(dncnn(channels=1, width=4, depth=2), sigma=25.0).save(str(tmp_path / "m.keras"))
    run = lambda *words: CliRunner().invoke(app, ["export", str(tmp_path / "m.keras"), *words])  # noqa: E731
    assert run(str(tmp_path / "clean"), "--version", "3").exit_code == 0
    lines = (tmp_path / "clean" / "3" / "assets.extra" / "Dockerfile").read_text().splitlines()
    assert lines[-1] == "COPY . /models/clean/3"
    again = run(str(tmp_path / "clean"), "--version", "3")
    assert again.exit_code == 1 and "exists already" in again.output
    assert "folder for --version" in run(str(tmp_path / "x.keras"), "--version", "3").output


COMMAND = [sys.executable, "-c", "from keras_imgen.cli import main; main()"]


def test_the_command_shows_examples_of_older_exports_too(exports, tmp_path):
    import shutil

    shutil.copytree(exports / "drawn", tmp_path / "drawn", ignore=shutil.ignore_patterns("examples", "*.txt", "*.yaml"))
    done = subprocess.run([*COMMAND, "serve", str(tmp_path), "--examples"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    shown = [line.split(" -d ")[1].strip("'") for line in done.stdout.splitlines() if line.startswith("curl ")]
    kept = {
        json.loads(path.read_text())["signature_name"]: path.read_text().strip()
        for path in extra(exports, "drawn", "examples").glob("*.json")
    }
    assert shown[0] == kept["serving_default"] and set(shown) == set(kept.values())
    assert "curl http://127.0.0.1:8501/v1/models/drawn:predict" in done.stdout
