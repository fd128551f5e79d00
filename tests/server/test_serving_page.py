"""What docs/serving.md shows of clients works when pasted."""

import re
import shlex
import subprocess
from pathlib import Path

import pytest

pytestmark = pytest.mark.tensorflow
PAGE = (Path(__file__).parents[2] / "docs" / "serving.md").read_text()
PYTHON = re.findall(r"```py\n(.*?)```", PAGE, re.S)
CURL = re.findall(r"^curl (?:[^\n']|'[^']*')*$", PAGE, re.M)


@pytest.mark.parametrize("code", PYTHON, ids=lambda code: re.search(r"from (\w+)", code)[1])
def test_python(code, service, loop, address):
    for name in re.findall(r"^(?:from|import) (\w+)", code, re.M):
        pytest.importorskip(name)
    if "grpc" in code:
        from keras_imgen.server.grpc_api import server

        async def begin():
            made, port = server(service, None, "127.0.0.1:0")
            await made.start()
            return made, port

        made, port = loop(begin())
        code = code.replace("127.0.0.1:8500", f"127.0.0.1:{port}")
    left = {}
    exec(code.replace("127.0.0.1:8501", address).replace('"digits"', '"drawn"'), left)
    assert len(left["files"]) == 3 if "files" in left else left["images"].shape == (2, 8, 8, 1)
    if "grpc" in code:
        loop(made.stop(0))


@pytest.mark.parametrize("line", CURL, ids=lambda line: line.split()[1])
def test_curl(line, address):
    """With the labels that the model here has."""
    line = line.replace("127.0.0.1:8501", address).replace("/digits", "/drawn").replace('"labels": 3', '"labels": 2')
    done = subprocess.run([*shlex.split(line), "--silent", "--fail"], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0 and re.search(r'"(predictions|outputs|pictures)":', done.stdout), done


def test_there_is_something_to_paste():
    assert len(PYTHON) == 3 and len(CURL) == 3
