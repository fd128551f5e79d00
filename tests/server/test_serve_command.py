"""`keras-imgen serve` as a person starts it."""

import contextlib
import json
import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request

import pytest

pytestmark = pytest.mark.tensorflow
COMMAND = [sys.executable, "-c", "from keras_imgen.cli import main; main()", "serve"]


def test_the_example_that_is_printed_works_and_sigterm_ends_cleanly(exports, tmp_path):
    pytest.importorskip("uvicorn")
    grpc, apis = pytest.importorskip("grpc"), pytest.importorskip("tensorflow_serving.apis.model_service_pb2_grpc")
    from tensorflow_serving.apis.get_model_status_pb2 import GetModelStatusRequest

    how = ["--port", "0", "--grpc-port", "0"]
    versions, log = tmp_path / "drawn", tmp_path / "log"
    versions.mkdir()
    (versions / "1").symlink_to(exports / "drawn")
    shutil.copytree(exports / "restored", versions / "2")
    (versions / "2" / "saved_model.pb").write_bytes(b"no graph")
    with open(log, "w") as errors:
        process = subprocess.Popen([*COMMAND, str(versions), *how], stdout=subprocess.PIPE, stderr=errors, text=True)
    try:
        assert "Loading" in process.stdout.readline()
        (address,) = re.findall(r"gRPC.* at (127\.0\.0\.1:\d+)", process.stdout.readline())
        request = GetModelStatusRequest()
        request.model_spec.name = "drawn"
        found = apis.ModelServiceStub(grpc.insecure_channel(address)).GetModelStatus(request, timeout=30)
        assert [(one.version, one.state) for one in found.model_version_status] == [(2, 50), (1, 30)]  # END, AVAILABLE
        assert re.search(r"Serving drawn at http://127\.0\.0\.1:\d+", process.stdout.readline())
        assert "/docs lists" in process.stdout.readline()
        _, url, _, body = shlex.split(process.stdout.readline())
        with urllib.request.urlopen(urllib.request.Request(url, body.encode()), timeout=60) as found:
            wanted = json.load(found)["outputs"]
            assert len(wanted) == 1 and "Server" not in found.headers
        examples = exports / "drawn" / "assets.extra" / "examples"
        for words in ([sys.executable, str(examples / "serving_default.py")], [str(examples / "serving_default.sh")]):
            if words[0] == sys.executable or shutil.which("curl"):
                done = subprocess.run([*words, url], capture_output=True, text=True, timeout=60)
                assert json.dumps(wanted)[:150].replace(" ", "") in done.stdout.replace(" ", ""), done.stderr
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0
        assert "is damaged" in log.read_text()  # what goes wrong in a server is said
    finally:
        process.kill()


def test_a_folder_without_a_model_is_one_line(tmp_path):
    done = subprocess.run([*COMMAND, str(tmp_path)], capture_output=True, text=True)
    assert (
        done.returncode == 1 and done.stderr.startswith("Error: There is no model in") and done.stderr.count("\n") == 1
    )


def test_a_port_that_is_taken_is_said_before_models_are_loaded(exports):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        done = subprocess.run(
            [*COMMAND, str(exports / "drawn"), "--port", port], capture_output=True, text=True, timeout=120
        )
    assert done.returncode == 1 and f"Port {port} of 127.0.0.1 cannot be had" in done.stderr and "--port" in done.stderr
    assert done.stderr.count("\n") == 1 and "Serving" not in done.stdout


def test_sigterm_while_models_are_loaded_ends_all(tmp_path):
    from keras_imgen import models, networks

    (tmp_path / "served").mkdir()
    for name in "abcd":
        models.Denoiser(networks.dncnn(1, 3, 8), sigma=25.0).save(tmp_path / "served" / f"{name}.keras")
    (left := tmp_path / "left").mkdir()
    how = {"stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL, "text": True, "start_new_session": True}
    process = subprocess.Popen(
        [*COMMAND, str(tmp_path / "served"), "--port", "0"], env={**os.environ, "TMPDIR": str(left)}, **how
    )
    try:
        assert "Loading" in process.stdout.readline()
        end = time.monotonic() + 60
        while not any(left.iterdir()) and time.monotonic() < end:
            time.sleep(0.05)
        process.send_signal(signal.SIGTERM)
        process.wait(30)
        end = time.monotonic() + 10
        while time.monotonic() < end:
            try:
                os.killpg(process.pid, 0)
            except ProcessLookupError:
                break
            time.sleep(0.1)
        else:
            pytest.fail("A process of the server lives on.")
        assert not [one for one in left.iterdir() if one.name.startswith("keras-imgen-")]
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
