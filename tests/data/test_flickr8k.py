"""The part of Flickr8k under KERAS_IMGEN_DATA, and a small set in its form."""

import io
import json

import numpy as np
import pytest
from PIL import Image

from keras_imgen.data import load
from keras_imgen.data.sources import Request, find

CAPTIONS = [[f"{k}, {n} ." for n in range(5)] for k in range(40)]


def write(folder, captions=CAPTIONS, **more):
    files = []
    for k in range(40):
        out = io.BytesIO()
        Image.new("RGB", (12 + k, 10), (5 * k,) * 3).save(out, "PNG")
        files.append(out.getvalue())
    pack = {"jpeg": np.frombuffer(b"".join(files), "uint8"), "offsets": np.cumsum([0, *map(len, files)])}
    np.savez(folder / "images_short128.npz", **pack, **{"names": [f"{k}.jpg" for k in range(40)], **more})
    (folder / "captions.json").write_text(json.dumps(captions))
    return {"size": (8, 8), "data_dir": str(folder)}


def test_captions_go_with_their_pictures(tmp_path):
    how, seen = write(tmp_path), []
    for split in ("train", "validation", "test"):
        found = find("flickr8k", Request(split, **how))
        shades = found.fetch(np.arange(found.count))["image"][:, 0, 0, 0] // 5
        assert found.captions == [tuple(CAPTIONS[k]) for k in shades] and found.shape == (8, 8, 3)
        seen += shades.tolist()
    assert sorted(seen) == [*range(40)]
    assert find("flickr8k", Request("all", **how)).count == 40


def test_what_does_not_belong_together(tmp_path):
    for captions, more in ((CAPTIONS[:-1], {}), ({"0.jpg": "a"}, {}), (CAPTIONS, {"names": [0]})):
        with pytest.raises(ValueError, match="captions.json: expected a list of the captions of the 40 pictures"):
            find("flickr8k", Request("train", **write(tmp_path, captions, **more)))
    with pytest.raises(ValueError, match="captions.json, picture 0: expected a text or a list"):
        find("flickr8k", Request("all", **write(tmp_path, [3, *CAPTIONS[1:]])))
    with pytest.raises(ValueError, match="pass size="):
        find("flickr8k", Request("train", data_dir=write(tmp_path)["data_dir"]))
    (tmp_path / "images_short128.npz").write_bytes(b"PK")
    with pytest.raises(ValueError, match="images_short128.npz is not a complete"):
        find("flickr8k", Request("train", (8, 8), data_dir=str(tmp_path)))


def test_where_it_is_looked_for(tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_IMGEN_DATA", str(tmp_path))
    with pytest.raises(FileNotFoundError, match="flickr8k_1k/images_short128.npz .*KERAS_IMGEN_DATA"):
        find("flickr8k", Request("train"))
    (tmp_path / "flickr8k_1k").mkdir()
    write(tmp_path / "flickr8k_1k")
    assert find("flickr8k", Request("all", (8, 8))).count == 40


def test_the_set_itself():
    try:
        data = load("flickr8k", "all", size=32, batch=100)
    except FileNotFoundError as error:
        pytest.skip(str(error))
    batch = next(iter(data))
    assert len(data) == 10 and bytes(np.asarray(batch["caption"])[0]) == (
        b"A child in a pink dress is climbing up a set of stairs in an entry way ."
    )
