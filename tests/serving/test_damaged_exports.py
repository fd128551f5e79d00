"""Exports that are damaged, and places where none can be written: one line that names the path, and no litter."""

import errno
import json
import os
import random
import shutil
import subprocess
import sys

import numpy as np
import pytest

from keras_imgen import models, networks, serving
from keras_imgen.serving.client import DESCRIPTION

pytestmark = pytest.mark.tensorflow


def make():
    players = networks.mlp_generator((8, 8, 1), 64, (64,)), networks.mlp_discriminator((8, 8, 1), (8,))
    return models.GAN(*players)


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    path = tmp_path_factory.mktemp("base") / "m"
    make().export(str(path))
    return path


def refused(path, match=None):
    with pytest.raises(ValueError, match=match) as caught:
        serving.load(str(path))
    assert str(path) in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "name", ["saved_model.pb", "variables/variables.index", "variables/variables.data-00000-of-00001"]
)
def test_every_changed_byte_is_found(name, base, tmp_path):
    whole = (base / name).read_bytes()
    for seed in range(6):
        rng, data = random.Random(seed), bytearray(whole)
        if seed % 3 == 0:
            data = data[: rng.randrange(len(data))]
        else:
            for _ in range(seed):
                data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
        path = tmp_path / str(seed)
        shutil.copytree(base, path)
        (path / name).write_bytes(data)
        refused(path)
    (path / name).unlink()
    refused(path)


def test_what_describes_it_has_to_be_whole(base, tmp_path):
    path = tmp_path / "m"
    shutil.copytree(base, path)
    whole = json.loads((path / DESCRIPTION).read_text())
    for text in ("", "{", "[]", "null", '"x"', "\xff"):
        (path / DESCRIPTION).write_text(text, encoding="latin-1")
        refused(path, "is damaged, or of an unknown version")
    for key in ("name", "image_shape", "num_classes"):
        (path / DESCRIPTION).write_text(json.dumps({k: v for k, v in whole.items() if k != key}))
        refused(path, f"lacks {key}")
    for kind in ("latent", "restoration", "diffusion", "no", None, 3):
        (path / DESCRIPTION).write_text(json.dumps({**whole, "kind": kind}))
        refused(path)
    (path / DESCRIPTION).write_text(json.dumps({k: v for k, v in whole.items() if k != "sha256"}))  # as before 0.1
    np.testing.assert_array_equal(serving.load(str(path)).generate(2), serving.load(str(base)).generate(2))


def test_places_that_take_nothing(tmp_path):
    model, file = make(), tmp_path / "file"
    file.write_text("")
    places = {file / "m": NotADirectoryError, "/proc/m": OSError}
    if os.geteuid():
        (tmp_path / "closed").mkdir(mode=0o500)
        places[tmp_path / "closed" / "m"] = PermissionError
    for path, kind in places.items():
        with pytest.raises(kind) as caught:
            model.export(str(path))
        assert caught.value.filename == str(path) and "\n" not in str(caught.value) and caught.value.errno
    assert sorted(os.listdir(tmp_path)) == sorted(["file"] + ["closed"] * ("closed" in os.listdir(tmp_path)))
    deep = tmp_path / "new" / "folders" / ("m" * 250)
    model.export(str(deep))
    assert serving.load(str(deep)).generate(1).shape == (1, 8, 8, 1)


CHILD = """
import os, resource, sys
sys.path.insert(0, sys.argv[1])
from test_damaged_exports import make
whole, path, *names = sys.argv[2:]
model = make()
model.export(whole)
for name in names:
    limit = os.path.getsize(os.path.join(whole, name)) - 50
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, -1))  # what is larger has no room
    try:
        model.export(path)
    except OSError as error:
        print(error.errno, error.filename)
"""


def test_no_room(tmp_path):
    """Whichever of the files is the one that does not fit."""
    names = (DESCRIPTION, "saved_model.pb", "variables/variables.data-00000-of-00001")
    path = str(tmp_path / "m")
    arguments = [sys.executable, "-c", CHILD, os.path.dirname(__file__), str(tmp_path / "whole"), path, *names]
    done = subprocess.run(arguments, check=True, capture_output=True, text=True)
    assert done.stdout.split() == [str(errno.EFBIG), path] * 3, done.stderr[-2000:]
    assert os.listdir(tmp_path) == ["whole"]
