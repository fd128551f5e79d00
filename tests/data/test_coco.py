"""Pictures and captions listed in the form of COCO."""

import json

import numpy as np
import pytest
from PIL import Image

from keras_imgen.data import load
from keras_imgen.data.sources import NoSplit, Request, find


def write(path, images, notes, place=""):
    """A list with pictures beside it, each of the shade of its id; images are (id, file_name)."""
    (path / place).mkdir(exist_ok=True)
    for shade, name in images:
        Image.new("L", (4, 4), shade).save(path / place / name)
    listed = {
        "info": {},
        "images": [{"id": k, "file_name": name, "width": 4} for k, name in images],
        "annotations": [{"id": n, "image_id": k, "caption": text} for n, (k, text) in enumerate(notes)],
    }
    (path / "train.json").write_text(json.dumps(listed))
    return f"coco:{path}/train.json"


IMAGES, NOTES = [(7, "b.png"), (3, "a.png")], [(3, "a dog"), (7, "a cat"), (3, "a brown dog\n")]


@pytest.mark.parametrize("place", ["", "images", "elsewhere"])
def test_pictures_are_in_the_order_of_the_list(place, tmp_path):
    source, where = write(tmp_path, IMAGES, NOTES, place), str(tmp_path / place) if place == "elsewhere" else None
    found = find(source, Request("train", data_dir=where))
    assert found.captions == [("a cat",), ("a dog", "a brown dog")] and found.shape == (4, 4, 1) and not found.skipped
    batch = next(iter(load(source, batch=2, shuffle=False, data_dir=where)))
    assert np.asarray(batch["image"])[:, 0, 0, 0].tolist() == [7, 3]
    assert np.asarray(batch["caption"]).tolist() == [b"a cat", b"a dog"]


def test_what_is_missing_is_named(tmp_path):
    source = write(tmp_path, [*IMAGES, (9, "c.png"), (8, "d.png")], [*NOTES, (1000, "nothing"), (8, "gone")])
    (tmp_path / "d.png").unlink()
    with pytest.warns(UserWarning) as caught:
        found = find(source, Request("all"))
    said = " ".join(str(w.message) for w in caught)
    assert "1 captions of images that it does not list are left out" in said
    assert "skipped 1 of 4 files. d.png is not there." in said
    assert "1 of 3 pictures have no caption, and get an empty one: c.png." in said
    assert found.captions == [("a cat",), ("a dog", "a brown dog"), ()] and found.skipped == ["d.png is not there."]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda listed: listed.pop("annotations"), "in the form of COCO"),
        (lambda listed: listed.update(images=[]), "in the form of COCO"),
        (lambda listed: listed["images"][0].pop("file_name"), "images with id and file_name"),
        (lambda listed: listed["images"][0].update(id=3), "two images of the id 3"),
        (lambda listed: listed["images"][0].update(file_name="../b.png"), "names '../b.png'"),
        (lambda listed: listed["annotations"][1].update(caption=5), "annotation 1: expected a text"),
        (lambda listed: listed["annotations"][1].update(image_id=[]), "annotations with image_id and caption"),
        (lambda listed: [note.pop("caption") for note in listed["annotations"]], "has no captions"),
    ],
)
def test_lists_that_are_other(change, words, tmp_path):
    source = write(tmp_path, IMAGES, NOTES)
    listed = json.loads((tmp_path / "train.json").read_text())
    change(listed)
    (tmp_path / "train.json").write_text(json.dumps(listed))
    with pytest.raises(ValueError, match=f"train.json.*{words}"):
        find(source, Request("train"))


def test_what_cannot_be_found(tmp_path):
    with pytest.raises(FileNotFoundError, match="no file .*train.json"):
        find(f"coco:{tmp_path}/train.json", Request("train"))
    with pytest.raises(ValueError, match="coco:PATH"):
        find("coco:", Request("train"))
    source = write(tmp_path, IMAGES, NOTES)
    with pytest.raises(NoSplit, match="name the list of that split"):
        find(source, Request("test"))
    for name in ("a.png", "b.png"):
        (tmp_path / name).unlink()
    with pytest.raises(
        FileNotFoundError,
        match=f"None of the 2 pictures .* is in {tmp_path} or {tmp_path}/images, as b.png: pass data_dir",
    ):
        find(source, Request("train"))
    (tmp_path / "train.json").write_text("{")
    with pytest.raises(ValueError, match="train.json is not whole JSON"):
        find(source, Request("train"))
