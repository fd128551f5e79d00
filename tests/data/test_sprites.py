"""The sprites under KERAS_IMGEN_DATA, and sheets in their form."""

import os

import numpy as np
import pytest
from PIL import Image

from keras_imgen.data import describe, load
from keras_imgen.data.sources import Request, find
from keras_imgen.data.sources.sprites import ACTIONS, ATTRIBUTES, LAYERS, pictures

SPLITS = ("train", "validation", "test")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Sheets whose every cell holds one pixel of each layer: red is the layer, green its sheet, blue the line and the frame."""
    folder = tmp_path_factory.mktemp("sprites")
    for layer, (kind, names) in enumerate(LAYERS.items()):
        (folder / "sheets" / kind).mkdir(parents=True)
        for k in range(len(names)):
            sheet = np.zeros((21, 64, 13, 64, 4), "uint8")
            sheet[:, layer + 1, :, 0, 0], sheet[:, layer + 1, :, 0, 1], sheet[:, layer + 1, :, 0, 3] = (
                40 * layer,
                k,
                255,
            )
            sheet[:, layer + 1, :, 0, 2] = np.arange(21)[:, None] * 12 + np.arange(13)[None] % 12
            sheet[:, 0, :, 0] = (layer, k, 7, 255)  # the highest covers the others
            Image.fromarray(sheet.reshape(1344, 832, 4)).save(folder / "sheets" / kind / f"{k}.png", compress_level=1)
    return str(folder)


def test_parts_are_laid_over_each_other(folder):
    found = find("sprites", Request("test", data_dir=folder, frames=3))
    batch = found.fetch(np.arange(40))
    for row in range(40):
        parts = [batch[kind][row] for kind in LAYERS]
        action = list(ACTIONS.values())[batch["action"][row]]
        line = action.line + batch["direction"][row]
        pixels = batch["image"][row, :, 0].tolist()
        assert pixels[0] == [4, parts[-1], 7] and pixels[6:] == [[255] * 3] * 58
        assert pixels[1:6] == [[40 * n, k, line * 12 + action.best % 12] for n, k in enumerate(parts)]
        frames = [round((action.frames - 1) * share) for share in (0, 0.5, 1)]
        assert batch["clip"][row, :, 1, 0, 2].tolist() == [line * 12 + frame % 12 for frame in frames]
    assert (batch["label"] == batch["action"]).all() and found.class_names == (
        "spellcast",
        "thrust",
        "walk",
        "slash",
        "shoot",
    )
    assert all(batch[name].dtype == np.int32 for name in (*ATTRIBUTES, "label")) and batch["clip"].shape == (
        40,
        3,
        64,
        64,
        3,
    )
    clear = find("sprites", Request("test", (32, 32), 4, data_dir=folder))
    assert clear.fetch(np.arange(2))["image"].shape == (2, 32, 32, 4) and clear.shape == (32, 32, 4)


def test_captions_name_every_attribute(folder):
    found, table, words = find("sprites", Request("validation", data_dir=folder)), pictures("validation"), {}
    for row in range(0, found.count, 7):
        captions, attributes = found.captions[row], table[row]
        assert len({*captions}) == 3 and all(c == " ".join(c.split()) for c in captions)
        for name, (kind, names) in zip(attributes, LAYERS.items()):
            assert all(names[name] in c for c in captions), (kind, captions)
        assert all(list(ACTIONS.values())[attributes[5]].doing in c for c in captions)
        for c in captions:
            words.setdefault(c, tuple(attributes))
            assert words[c] == tuple(attributes)  # no two pictures are told alike
    assert (
        found.captions[:2] == [found.captions[0], found.captions[1]]
        and found.captions[-1] == found.captions[found.count - 1]
    )
    walks = [c for k in range(50) for c in found.captions[k][:1] if c.endswith("walking to the left")]
    assert walks and all(c.startswith("a ") and " with " in c for c in walks)


def test_looks_that_are_tested_are_never_learned_from():
    tables = {split: pictures(split) for split in SPLITS}
    looks = {split: {tuple(look) for look in table[:, :5].tolist()} for split, table in tables.items()}
    assert sum(map(len, looks.values())) == 7 * 7 * 7 * 10 * 3 == len(set.union(*looks.values()))
    assert 0.08 < len(looks["test"]) / 10_290 < 0.12
    for k, names in enumerate(ATTRIBUTES.values()):
        for table in tables.values():
            assert np.unique(table[:, k]).tolist() == [*range(len(names))]  # every value, in every split
    pairs = [len({(look[i], look[j]) for look in looks["train"]}) for i in range(5) for j in range(i)]
    assert pairs == [len(a) * len(b) for i, a in enumerate(LAYERS.values()) for b in list(LAYERS.values())[:i]]
    for table in tables.values():
        undrawn = ((table[:, 1] == 5) | (table[:, 2] == 5)) & np.isin(table[:, 5], (1, 4))
        assert not undrawn.any() and len({*map(tuple, table.tolist())}) == len(table)
        assert len(np.unique(table[:100, 0])) == 7  # in a mixed order
    assert sum(map(len, tables.values())) == len(pictures("all")) == 183_960
    assert (pictures("test") == tables["test"]).all()


def test_what_is_wrong(folder, tmp_path, monkeypatch):
    with pytest.raises(ValueError, match="no split 'dev'. Expected one of: train, validation, test, all"):
        find("sprites", Request("dev", data_dir=folder))
    with pytest.raises(ValueError, match="`frames` as a whole number of at least 1, got 0"):
        find("sprites", Request("train", data_dir=folder, frames=0))
    monkeypatch.setenv("KERAS_IMGEN_DATA", str(tmp_path))
    with pytest.raises(FileNotFoundError, match="sprites_lpc/sheets/body/0.png .*KERAS_IMGEN_DATA"):
        find("sprites", Request("train"))
    for kind, names in LAYERS.items():
        (tmp_path / "sheets" / kind).mkdir(parents=True)
        for k in range(len(names)):
            os.link(f"{folder}/sheets/{kind}/{k}.png", tmp_path / "sheets" / kind / f"{k}.png")
    found = find("sprites", Request("train", data_dir=str(tmp_path)))
    for k in range(7):
        (tmp_path / "sheets" / "body" / f"{k}.png").unlink()
        Image.new("RGBA", (64, 64)).save(tmp_path / "sheets" / "body" / f"{k}.png")
    with pytest.raises(ValueError, match=r"body/\d.png is 64x64, expected 832x1344"):
        found.fetch(np.arange(3))


def test_the_set_itself():
    """Every part shows in every picture of it: without it the picture would be another."""
    try:
        info = describe("sprites", "test")
    except FileNotFoundError as error:
        pytest.skip(str(error))
    assert (
        info.shape == (64, 64, 3)
        and len(info.captions) == 3
        and {*ATTRIBUTES, "image", "label", "caption"} == {*info.keys}
    )
    batch = next(iter(load("sprites", "test", batch=64, frames=4)))
    assert batch["clip"].shape == (64, 4, 64, 64, 3) and np.asarray(batch["image"]).min((1, 2, 3)).max() < 60
    from keras_imgen.data.files import data_file
    from keras_imgen.data.sources.sprites import cells

    for kind, names in LAYERS.items():
        for k in range(len(names)):
            every = cells(data_file("sprites_lpc", "sheets", kind, f"{k}.png"))
            whole = np.array([[np.asarray(cell)[..., 3].any() for cell in line] for line in every])
            for number, action in enumerate(ACTIONS.values()):
                drawn = whole[action.line : action.line + 4]
                is_drawn = (kind, k) not in (("bottomwear", 5), ("topwear", 5)) or number not in (1, 4)
                assert drawn[:, : action.frames].all() == is_drawn and not drawn[:, action.frames :].any()
