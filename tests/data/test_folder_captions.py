"""Captions of pictures in a folder: every form, and what is said where one is wrong."""

import json
import os

import numpy as np
import pytest
from PIL import Image

from keras_imgen.data import describe, load
from keras_imgen.data.sources import Request, find


def picture(path, shade=0):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("L", (4, 4), shade).save(path)


@pytest.fixture
def folder(tmp_path):
    """0.png, 1.png, 2.png."""
    for k in range(3):
        picture(tmp_path / f"{k}.png", 50 * k)
    return tmp_path


def captions(folder, split="train", text=None):
    """Those that are found; an error where they are refused."""
    found = find(f"folder:{folder}", Request(split, text=text))
    if found.refused:
        raise ValueError(found.refused)
    return found.captions


def jsonl(*rows):
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def named(*texts):
    return [{"file_name": f"{k}.png", "text": text} for k, text in enumerate(texts)]


# === Every form ===


def test_a_text_beside_each(folder):
    for k, text in enumerate(["a cat\na black cat\n", "  a dog  \r\n\r\na brown dog\r\n", "\ufeffça va"]):
        (folder / f"{k}.txt").write_bytes(text.encode())
    assert captions(folder) == [("a cat", "a black cat"), ("a dog", "a brown dog"), ("ça va",)]
    assert not find(f"folder:{folder}", Request("train")).skipped


def test_a_text_in_utf_16_as_windows_writes_it(folder):
    for k in range(3):
        (folder / f"{k}.TXT").write_bytes(f"Nr. {k}\r\n".encode("utf-16"))
    assert captions(folder) == [("Nr. 0",), ("Nr. 1",), ("Nr. 2",)]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("metadata.jsonl", jsonl(*named("a", "b", "c"))),
        ("metadata.jsonl", "\ufeff" + jsonl(*named("a", "b", "c")).replace("\n", "\r\n\r\n")),
        ("metadata.jsonl", jsonl(*({"caption": "abc"[k], "file_name": f"./{k}.png", "id": k} for k in range(3)))),
        ("metadata.jsonl", jsonl(*({"captions": ["abc"[k]], "file_name": f"{k}.png"} for k in (2, 0, 1)))),
        ("metadata.csv", "file_name,text\n0.png,a\n1.png,b\n2.png,c\n"),
        ("metadata.csv", '\ufefffile_name, caption ,id\r\n0.png,a,0\r\n"1.png","b",1\r\n2.png,c,2'),
        ("captions.json", '{"0.png": "a", "1.png": ["b"], "2.png": "c"}'),
    ],
)
def test_a_list_of_all(name, content, folder):
    (folder / name).write_bytes(content.encode())
    assert captions(folder) == [("a",), ("b",), ("c",)]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("metadata.jsonl", jsonl(*named("a", "b", "c"), *named("A, or a", 'a "B"'))),
        ("metadata.jsonl", jsonl(*named(["a", "A, or a"], ["b", 'a "B"'], "c"))),
        ("metadata.csv", 'file_name,text\n0.png,a\n0.png,"A, or a"\n1.png,b\n1.png,"a ""B"""\n2.png,c\n'),
        ("captions.json", json.dumps({"0.png": ["a", "A, or a"], "1.png": ["b", 'a "B"'], "2.png": "c"})),
    ],
)
def test_several_captions(name, content, folder):
    (folder / name).write_text(content)
    assert captions(folder) == [("a", "A, or a"), ("b", 'a "B"'), ("c",)]


def test_sub_folders_are_classes_and_lists_name_files_from_where_they_are(tmp_path):
    for k, name in enumerate(["cat/0.png", "cat/old/1.png", "dog/0.png", "dog/1.png"]):
        picture(tmp_path / name, k)
    (tmp_path / "metadata.jsonl").write_text(jsonl({"file_name": "cat/old/1.png", "text": "an old cat"}))
    (tmp_path / "cat" / "captions.json").write_text('{"0.png": "a cat"}')
    (tmp_path / "dog" / "metadata.csv").write_text("file_name,text\n0.png,a dog\n")
    (tmp_path / "dog" / "1.txt").write_text("another dog")
    found = find(f"folder:{tmp_path}", Request("train"))
    assert found.captions == [("a cat",), ("an old cat",), ("a dog",), ("another dog",)]
    assert found.class_names == ["cat", "dog"] and found.fetch(np.arange(4))["label"].tolist() == [0, 0, 1, 1]
    assert found.fetch(np.array([2]))["image"].ravel()[0] == 2 and not found.skipped


def test_splits_have_lists_of_their_own_or_one_above(tmp_path):
    for part in ("train", "test"):
        for k in range(2):
            picture(tmp_path / part / f"{k}.png")
    (tmp_path / "train" / "metadata.jsonl").write_text(jsonl(*named("a", "b")))
    (tmp_path / "metadata.csv").write_text("file_name,text\ntest/0.png,c\ntest/1.png,d\n")
    assert captions(tmp_path) == [("a",), ("b",)] and captions(tmp_path, "test") == [("c",), ("d",)]
    assert captions(tmp_path, "all") == [("c",), ("d",), ("a",), ("b",)]


def test_kinds_that_agree(folder):
    (folder / "captions.json").write_text('{"0.png": ["a", "A"], "1.png": "b"}')
    (folder / "0.txt").write_text("A\na\n")
    (folder / "2.txt").write_text("c")
    assert captions(folder) == [("a", "A"), ("b",), ("c",)]


def test_a_column_is_chosen(folder):
    (folder / "metadata.jsonl").write_text(
        jsonl(*({"file_name": f"{k}.png", "text": "t", "title": "xyz"[k]} for k in range(3)))
    )
    (folder / "0.txt").write_text("of no account")
    assert captions(folder, text="title") == [("x",), ("y",), ("z",)]
    with pytest.raises(
        ValueError, match=r"metadata\.jsonl has no column 'name': expected one of file_name, text, title"
    ):
        captions(folder, text="name")
    (folder / "metadata.jsonl").unlink()
    with pytest.raises(ValueError, match=r"has no metadata\.jsonl or metadata\.csv with a column 'title'"):
        captions(folder, text="title")


def test_names_are_the_same_however_their_accents_are_written(tmp_path):
    picture(tmp_path / "cafe\u0301.png")
    (tmp_path / "captions.json").write_text(json.dumps({"caf\u00e9.png": "a"}))
    assert captions(tmp_path) == [("a",)]


@pytest.mark.skipif(os.sep != "/", reason="there it is the separator")
def test_paths_of_windows(tmp_path):
    picture(tmp_path / "a" / "0.png")
    (tmp_path / "metadata.csv").write_text("file_name,text\na\\0.png,b\n")
    assert captions(tmp_path) == [("b",)]


def test_pictures_without_captions_are_as_ever(folder):
    (folder / "readme.txt").write_text("no picture of this name")
    with pytest.warns(UserWarning, match=r"skipped 1 of 4 files. readme.txt is not an image"):
        assert captions(folder) is None


# === What is said ===


def test_who_wants_no_captions_is_not_stopped_by_damaged_ones(folder):
    (folder / "metadata.csv").write_text("SourceFile,FileName\n./0.png,0.png\n")  # as other tools write it
    source = f"folder:{folder}"
    assert len(next(iter(load(source, batch=2, columns=("image",), shuffle=False)))["image"]) == 2
    with pytest.raises(ValueError, match=r"line 2: expected file_name.* pass columns=\('image',\)"):
        load(source, batch=2)
    assert describe(source).captions == ()


def test_a_picture_without_a_caption(folder):
    (folder / "0.txt").write_text("a")
    (folder / "1.txt").write_text(" \n")
    with pytest.warns(UserWarning, match="2 of 3 pictures have no caption, and get an empty one: 1.png, 2.png"):
        assert captions(folder) == [("a",), (), ()]


def test_a_row_without_a_picture(folder):
    (folder / "metadata.jsonl").write_text(jsonl(*named("a", "b", "c", "d", "e")))
    with pytest.warns(
        UserWarning, match=r"2 captions are left out. .*line 4 names 3.png, which is not there. .*line 5"
    ):
        found = find(f"folder:{folder}", Request("train"))
    assert found.captions == [("a",), ("b",), ("c",)] and len(found.skipped) == 2 and "3.png" in found.skipped[0]


def test_a_picture_that_cannot_be_read_is_named_once(folder):
    (folder / "1.png").write_bytes(b"no")
    (folder / "1.txt").write_text("b")
    (folder / "captions.json").write_text('{"0.png": "a", "1.png": "b", "2.png": "c"}')
    with pytest.warns(UserWarning) as caught:
        assert captions(folder) == [("a",), ("c",)]
    assert [str(w.message).count("1.png") for w in caught] == [1]


def test_metadata_of_something_else(folder):
    (folder / "metadata.jsonl").write_text(jsonl(*({"file_name": f"{k}.png", "year": k} for k in range(3))))
    with pytest.warns(
        UserWarning, match=r"metadata.jsonl has no column of captions: expected caption, captions, text, or"
    ):
        assert captions(folder) is None


@pytest.mark.parametrize(
    "name", ["../0.png", "/etc/passwd", "a/../../0.png", "..\\0.png", "C:\\0.png", "\\\\host\\0.png", " "]
)
@pytest.mark.parametrize("kind", ["metadata.jsonl", "captions.json"])
def test_nothing_outside_is_read(name, kind, folder):
    rows = {"metadata.jsonl": jsonl({"file_name": name, "text": "a"}), "captions.json": json.dumps({name: "a"})}
    (folder / kind).write_text(rows[kind])
    with pytest.raises(
        ValueError, match=f"{kind}.* names .*: expected the path of a file below the folder of the list"
    ):
        captions(folder)


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("0.txt", "café".encode("latin-1"), r"0\.txt is not in UTF-8 .*0xe9 in position 3.*: save it as UTF-8"),
        ("0.txt", b"a\0b", r"0\.txt is no text"),
        ("metadata.jsonl", b"", "metadata.jsonl is empty: expected rows with file_name and caption"),
        ("metadata.jsonl", b"\n\n", "metadata.jsonl is empty"),
        ("metadata.jsonl", b'{"file_name": "0.png", "text": "a"}\n{"file_name": "1.p', "line 2 is not whole JSON: Unterminated"),
        ("metadata.jsonl", b'["0.png", "a"]', r"line 1: expected \{file_name: \.\.\., caption: \.\.\.\}, got \['0"),
        ("metadata.jsonl", b'{"name": "0.png", "text": "a"}', "line 1: expected file_name, the path of a picture, got name, text"),
        ("metadata.jsonl", b'{"file_name": 0, "text": "a"}', "line 1: expected file_name"),
        ("metadata.jsonl", b'{"file_name": "0.png", "text": 3}', "line 1: expected a text or a list of texts, got 3"),
        ("metadata.jsonl", b'{"file_name": "0.png", "text": "\\ud800"}', "line 1: expected a text in UTF-8"),
        ("metadata.jsonl", b'{"file_name": "0.png", "text": "a", "text": "b"}', "line 1 is not whole JSON: 'text' is there twice"),
        ("metadata.jsonl", b'{"file_name": "0.png", "text": "caf\xe9"}', "metadata.jsonl is not in UTF-8"),
        ("metadata.jsonl", b'{"file_name": "0.png", "text": "a", "caption": "b"}', "columns caption and text: pass one of them .*text="),
        ("metadata.csv", b"", "metadata.csv is empty"),
        ("metadata.csv", b"file_name,text\n", "metadata.csv is empty"),
        ("metadata.csv", b"file_name,text\n0.png,a cat, asleep\n", "line 2 has 3 fields, and the first line 2: .* in quotes"),
        ("metadata.csv", b"file_name,text\n0.png\n", "line 2 has 1 fields"),
        ("metadata.csv", b'file_name,text\n0.png,"a\n', "line 2: unexpected end"),
        ("metadata.csv", b"file_name;text\n0.png;a\n", "line 2: expected file_name, the path of a picture, got file_name;text"),
        ("captions.json", b"", "captions.json is empty"),
        ("captions.json", b"{}", "captions.json: expected {file name: caption"),
        ("captions.json", b'["a", "b", "c"]', r"captions.json: expected \{file name: caption, or \[captions\]\}, got \['a'"),
        ("captions.json", b'{"0.png": {"en": "a"}}', r"captions.json, 0\.png: expected a text or a list"),
        ("captions.json", b'{"0.png": "a", "0.png": "b"}', "'0.png' is there twice"),
        ("captions.json", b'{"0.png": "a"', "captions.json is not whole JSON"),
        ("captions.json", b"[" * 100_000, "captions.json is not whole JSON"),
        ("captions.json", b'{"images": [], "annotations": []}', "is a list in the form of COCO: write 'coco:.*captions.json'"),
    ],
)  # fmt: skip
def test_what_is_damaged(name, content, words, folder):
    (folder / name).write_bytes(content)
    with pytest.raises(ValueError, match=words) as error:
        captions(folder)
    assert name in str(error.value) and "\n" not in str(error.value)


def test_kinds_that_disagree(folder):
    (folder / "0.txt").write_text("a")
    (folder / "metadata.csv").write_text("file_name,text\n0.png,b\n")
    with pytest.raises(ValueError, match=r"the captions of 0.png in metadata.csv and 0.txt differ: keep those of one"):
        captions(folder)
