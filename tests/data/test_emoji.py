"""The emoji under KERAS_IMGEN_DATA, and a small set in their form."""

import io
import json
import zipfile

import numpy as np
import pytest
from PIL import Image

from keras_imgen.data import describe, load
from keras_imgen.data.sources import NoSplit, Request, find
from keras_imgen.data.sources.splits import split_of

TONES = {"": None, "-1f3fb": "light", "-1f3ff": "dark"}


@pytest.fixture
def folder(tmp_path):
    """60 hands in three tones, and 40 fish, half transparent."""
    listed, where = [], tmp_path / "images.zip"
    with zipfile.ZipFile(where, "w") as archive:
        for k in range(100):
            for code, tone in TONES.items() if k < 60 else [("", None)]:
                name = f"{'hand' if k < 60 else 'fish'} {k}"
                image = np.zeros((64, 64, 4), "uint8")
                image[:, :32] = (k, 0, 0, 255)
                out = io.BytesIO()
                Image.fromarray(image).save(out, "PNG")
                archive.writestr(f"{k}{code}.png", out.getvalue())
                listed.append(
                    {
                        "file": f"{k}{code}.png",
                        "name": f"{name}, {tone} skin tone" if tone else name,
                        "short_names": [f"{name.replace(' ', '_')}_up", f"flag-{k}"],
                        "category": "People & Body" if k < 60 else "Animals & Nature",
                        "subcategory": "some",
                        "base": not tone,
                    }
                )
    (tmp_path / "captions.json").write_text(json.dumps(listed))
    return tmp_path


def test_pictures_are_on_white_and_captions_are_their_names(folder):
    found = find("emoji", Request("all", data_dir=str(folder)))
    assert found.count == 100 and found.shape == (64, 64, 3)
    assert found.captions[3] == ("hand 3", "hand 3 up", "people and body: hand 3")
    batch = found.fetch(np.array([3, 99]))
    assert (batch["image"][:, :, 40] == 255).all() and batch["image"][:, 0, 0].tolist() == [[3, 0, 0], [99, 0, 0]]
    assert found.class_names == ["animals and nature", "people and body"] and batch["label"].tolist() == [1, 0]
    every = find("emoji:all", Request("all", data_dir=str(folder)))
    dark = [c for c in every.captions if "dark" in c[0]]
    assert every.count == 220 and len(dark) == 60
    assert dark[3] == tuple(f"{c}, dark skin tone" for c in found.captions[3])
    clear = find("emoji", Request("all", (32, 32), 4, data_dir=str(folder))).fetch(np.array([3]))["image"]
    assert clear.shape == (1, 32, 32, 4) and (clear[0, :, 0, 3] == 255).all() and (clear[0, :, 31, 3] == 0).all()


def test_skin_tones_stay_with_their_hand(folder):
    """And a hand stays in its split when others are left out."""
    splits = {}
    for name in ("emoji", "emoji:all"):
        for split in ("train", "validation", "test"):
            captions = find(name, Request(split, data_dir=str(folder))).captions
            for hand in {c[0].split(",")[0] for c in captions}:
                assert splits.setdefault(hand, split) == split
    counts = [list(splits.values()).count(split) for split in ("train", "validation", "test")]
    assert sum(counts) == 100 and counts[0] > 60 and min(counts) > 3
    assert splits["hand 3"] == split_of("hand_3_up")


def test_splits_are_for_ever():
    """Another hash would mix what was learned from with what is tested."""
    assert [split_of(name) for name in ("grinning", "wave", "star")] == ["train", "test", "validation"]


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("captions.json", b"[]", "captions.json: expected a list of emoji with file, name, short_names"),
        ("captions.json", b'[{"file": "0.png"}]', "captions.json: expected a list of emoji with"),
        ("captions.json", b'{"a": "b"}', "captions.json: expected a list of emoji with"),
        ("captions.json", b"[", "captions.json is not whole JSON"),
        ("images.zip", b"PK", "images.zip is damaged: .*Fetch it again"),
    ],
)
def test_damaged_files_are_named(name, content, words, folder):
    (folder / name).write_bytes(content)
    with pytest.raises(ValueError, match=words):
        find("emoji", Request("train", data_dir=str(folder)))


def test_what_is_not_there(folder, tmp_path, monkeypatch):
    with pytest.raises(NoSplit, match="emoji has no split 'dev'. Expected one of: train, validation, test, all"):
        find("emoji", Request("dev", data_dir=str(folder)))
    with pytest.raises(
        ValueError, match="no source 'emoji:some'. Expected .*sprites, emoji, emoji:all, flickr8k, .*coco:PATH"
    ):
        find("emoji:some", Request("train"))
    (folder / "images.zip").unlink()
    with pytest.raises(FileNotFoundError, match="images.zip: expected the files of emoji_noto64 in data_dir"):
        find("emoji", Request("train", data_dir=str(folder)))
    monkeypatch.setenv("KERAS_IMGEN_DATA", str(tmp_path / "nowhere"))
    with pytest.raises(FileNotFoundError, match="emoji_noto64/captions.json .*KERAS_IMGEN_DATA"):
        find("emoji", Request("train"))
    monkeypatch.delenv("KERAS_IMGEN_DATA")
    with pytest.raises(FileNotFoundError, match=r"KERAS_IMGEN_DATA names \(not set\)"):
        find("emoji", Request("train"))


def test_the_set_itself():
    try:
        info = describe("emoji:all", "all")
    except FileNotFoundError as error:
        pytest.skip(str(error))
    assert info.count == 3786 and info.shape == (64, 64, 3) and len(info.class_names) == 10
    assert {"image", "label", "caption"} == {*info.keys} and describe("emoji", "all").count == 1911
    batch = next(iter(load("emoji", "test", size=32, batch=16)))
    assert batch["image"].shape == (16, 32, 32, 3)
    captions = find("emoji:all", Request("all")).captions
    assert all(2 <= len(c) <= 5 for c in captions) and ("thumbs up sign, dark skin tone" in {c[0] for c in captions})
