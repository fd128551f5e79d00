"""The benchmark of servers runs, and its last line is one JSON object."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = [pytest.mark.tensorflow, pytest.mark.slow]


def test_servers_side_by_side_and_a_short_soak(tmp_path):
    pytest.importorskip("fastapi"), pytest.importorskip("uvicorn"), pytest.importorskip("prometheus_client")
    from keras_imgen.models import VAE
    from keras_imgen.networks import mlp_decoder, mlp_encoder

    model = str(tmp_path / "small")
    VAE(mlp_encoder((4, 4, 1), 4, (8,)), mlp_decoder((4, 4, 1), 2, (8,))).export(model)

    def run(*words):
        words = [sys.executable, "-m", "benchmarks.serving", model, *words]
        done = subprocess.run(words, capture_output=True, text=True, cwd=Path(__file__).parents[2])
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout.splitlines()[-1])

    found = run("--clients", "2", "--seconds", "0.5", "--rounds", "1")
    assert {row["system"] for row in found["rows"]} == {"keras_imgen", "plain FastAPI", "plain FastAPI, async"}
    assert all(row["per_second"] > 0 and row["p50_ms"] <= row["p99_ms"] for row in found["rows"])
    found = run("--soak", "0.2")
    assert found["answers"]["200"] and found["answers"]["400"] and not found["unexpected"]
