"""Every command that writes, into a place that is read-only and onto a disk that is full: one line, and nothing half-written."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest

from keras_imgen.data.image_io import save_image
from keras_imgen.libraries import has
from keras_imgen.models import Pix2Pix
from keras_imgen.networks import patchgan, translation_unet

SAVED = os.path.join(os.path.dirname(__file__), "..", "..", "saved_models")
CHILD = """
import ctypes, json, os, resource, sys
limit, commands = json.loads(sys.argv[1])
libc = ctypes.CDLL(None, use_errno=True)  # root without its capabilities is an owner like others: closed folders are closed
if not os.geteuid() and libc.capset((ctypes.c_uint32 * 2)(0x20080522, 0), (ctypes.c_uint32 * 6)()):
    sys.exit(3)
from typer.testing import CliRunner
from keras_imgen import quiet
from keras_imgen.cli import app
quiet.begin()
import keras
if limit:
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))  # files of more bytes have no room
for command in commands:
    done = CliRunner().invoke(app, command)
    print("ANSWER", json.dumps([done.exit_code, done.stdout, done.stderr, repr(done.exception)]), flush=True)
"""


def answers(commands: list[list[str]], limit: int = 0) -> list[tuple[int, str, str, str]]:
    done = subprocess.run([sys.executable, "-c", CHILD, json.dumps([limit, commands])], capture_output=True, text=True)
    if done.returncode == 3:
        pytest.skip("capabilities cannot be given up here")
    assert done.returncode == 0, done.stderr[-2000:]
    return [json.loads(line[7:]) for line in done.stdout.splitlines() if line.startswith("ANSWER ")]


@pytest.fixture(scope="module")
def commands(tmp_path_factory):
    """{name: the command, but for the place that it is to write to}"""
    pictures, models = tmp_path_factory.mktemp("pictures"), tmp_path_factory.mktemp("models")
    rng = np.random.default_rng(0)
    for k in range(3):
        save_image(str(pictures / f"{k}.png"), rng.integers(0, 256, (40, 40, 3), np.uint8))
    pix2pix = Pix2Pix(translation_unet((16, 16, 1), 3, width=4, depth=2), patchgan((16, 16, 3), 1, 4, 1))
    pix2pix.save(models / "pix2pix.keras")
    model = lambda name: os.path.join(SAVED, name, "model.keras")  # noqa: E731
    return {
        "train": ["train", "digits-classifier", "--epochs", "1", "--steps-per-epoch", "2", "--out"],
        "generate": ["generate", model("digits-vae"), "-n", "2", "--out"],
        "translate": ["translate", str(models / "pix2pix.keras"), str(pictures), "--out"],
        "reconstruct": ["reconstruct", model("digits-vae"), str(pictures), "--label", "1", "--out"],
        "restore": ["restore", model("photos-sr-x2"), str(pictures), "--out"],
        "walk": ["walk", model("fashion-cgan"), "--frames", "2", "--seeds", "1,2"],
        **({"export": ["export", model("digits-vae")]} if has("tensorflow") else {}),
        "export .keras": ["export", model("digits-vae")],
        "evaluate": ["evaluate", str(pictures), "--data", f"folder:{pictures}", "--metrics", "psnr", "--out"],
    }


def place(name: str, folder: str) -> str:
    return os.path.join(folder, name + {"walk": ".gif", "export .keras": ""}.get(name, ""))


def one_line(name: str, answer: tuple[int, str, str, str]) -> None:
    code, said, error, exception = answer
    assert code == 1, (name, answer)
    lines = error.rstrip("\n").split("\n")
    assert "Traceback" not in error and lines[-1], (name, error)
    if name != "restore":  # whose lines are one for each picture
        assert error.startswith("Error: ") and len(lines) == 1, (name, error)


def left(folder: str) -> list[str]:
    """Files below a folder."""
    return sorted(os.path.relpath(os.path.join(p, n), folder) for p, _, names in os.walk(folder) for n in names)


@pytest.mark.slow
def test_read_only(commands, tmp_path):
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o500)
    given = {n: [*c, place(n, str(closed))] for n, c in commands.items()}
    for name, answer in zip(given, answers(list(given.values()))):
        one_line(name, answer)
        assert str(closed) in answer[2] or "closed" in answer[2], (name, answer)
    assert left(str(closed)) == []


@pytest.mark.slow
@pytest.mark.parametrize("limit", [60, 3000, 20_000])
def test_full(commands, limit, tmp_path):
    """Files of more than `limit` bytes have no room: pictures, models, reports."""
    given = {n: [*c, place(n, str(tmp_path))] for n, c in commands.items()}
    for name, answer in zip(given, answers(list(given.values()), limit)):
        fits = limit > 60 and name not in ("train", "export", "export .keras")  # what these write is larger
        if not (fits and answer[0] == 0):
            one_line(name, answer)
    whole = [n for n in left(str(tmp_path)) if os.path.getsize(tmp_path / n) >= limit]
    assert whole == []
    assert not [n for n in left(str(tmp_path)) if ".partial" in n]
