import json
import os
import zipfile

import numpy as np
import pytest
from PIL import Image

from keras_imgen.data import patches, photos, set_epoch
from keras_imgen.data.photos import SETS

DATA = os.environ.get("KERAS_IMGEN_DATA", "")


@pytest.fixture(autouse=True)
def first_epoch():
    set_epoch(0)
    yield
    set_epoch(0)


def place_coded(k, height, width):
    """A picture whose pixels say where they are: (k, row, column)."""
    rows, columns = np.mgrid[:height, :width]
    return np.stack([np.full_like(rows, k), rows, columns], -1).astype("uint8")


@pytest.fixture
def folder(tmp_path):
    path = tmp_path / "pictures"
    (path / "train").mkdir(parents=True)
    for k, name in enumerate(("b.png", "a.png", "train/c.png", "train/d.png")):
        Image.fromarray(place_coded(k, 5 + k, 9)).save(path / name)
    Image.fromarray(np.full((4, 4), 70, "uint8")).save(path / "z.png")
    (path / ".hidden").write_text("not looked at")
    return path


def zipped(folder, path):
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w") as archive:
        for file in sorted(folder.rglob("*"), reverse=True):
            archive.write(file, file.relative_to(folder))
    return path


# === Whole pictures ===


def test_a_folder_and_its_zip_file_have_the_same_pictures_in_the_order_of_names(folder, tmp_path):
    archive = zipped(folder, tmp_path / "p.zip")
    for source in (folder, f"folder:{folder}", archive, str(archive)):
        found = photos(source)
        for image, (k, height) in zip(found, ((1, 6), (0, 5), (2, 7), (3, 8))):
            np.testing.assert_array_equal(image, place_coded(k, height, 9))
        assert len(found) == 5 and (found[4] == 70).all() and found[4].shape == (4, 4, 3)
    np.testing.assert_array_equal(photos(f"{archive}:train")[1], place_coded(3, 8, 9))
    assert len(photos(f"{archive}:train")) == 2
    assert [p.shape for p in photos([f"{archive}:train", folder], channels=1, limit=4)] == [
        (7, 9, 1),
        (8, 9, 1),
        (6, 9, 1),
        (5, 9, 1),
    ]


def test_what_cannot_be_read_is_named_and_the_limit_counts_pictures(folder, tmp_path):
    (folder / "aa.png").write_bytes((folder / "a.png").read_bytes()[:60])
    (folder / "notes.txt").write_text("hello")
    for source in (folder, zipped(folder, tmp_path / "p.zip")):
        with pytest.warns(UserWarning, match=r"skipped 2 of 7 files.*aa\.png.*notes\.txt"):
            assert len(photos(source)) == 5
        with pytest.warns(UserWarning, match="skipped 1 of 7"):
            found = photos(source, limit=2)
        assert [int(p[0, 0, 0]) for p in found] == [1, 0]


def test_a_file_that_would_inflate_beyond_any_picture_is_not_read(folder, tmp_path):
    """A zip file whose directory claims four GiB for a small picture: it is skipped before it is inflated."""
    archive = zipped(folder, tmp_path / "p.zip")
    data = bytearray(archive.read_bytes())
    at = data.find(b"PK\1\2")
    data[at + 24 : at + 28] = (2**32 - 2).to_bytes(4, "little")
    archive.write_bytes(data)
    with pytest.warns(UserWarning, match=r"skipped 1 of 5 files.*4,294,967,294 bytes, expected at most 1,024,000,000"):
        assert len(photos(archive)) == 4


def test_known_names_lie_under_the_data_folder(folder, tmp_path, monkeypatch):
    zipped(folder, tmp_path / "data/sr_test/set5.zip")
    archive = tmp_path / "data/bsds500/bsds500_train200_val100.zip"
    zipped(folder, archive)
    with zipfile.ZipFile(archive, "a") as f:
        for k, name in enumerate(("101", "102", "103")):
            Image.fromarray(place_coded(k + 10, 6, 6)).save(folder / "one.png")
            f.write(folder / "one.png", f"val/{name}.png")
    (archive.parent / "subsets.json").write_text(json.dumps({"note": "", "cbsd68": ["103", "101"]}))
    monkeypatch.setenv("KERAS_IMGEN_DATA", str(tmp_path / "data"))
    assert len(photos("set5")) == 5 and len(photos("bsds500:train")) == 2 and len(photos("bsd100")) == 3
    assert [int(p[0, 0, 0]) for p in photos("cbsd68")] == [10, 12]
    gray = np.asarray(Image.fromarray(place_coded(12, 6, 6)).convert("L"))
    np.testing.assert_array_equal(photos("bsd68", channels=1)[1][..., 0], gray)
    with pytest.raises(FileNotFoundError, match=r"t91/t91\.zip"):
        photos("t91")
    monkeypatch.delenv("KERAS_IMGEN_DATA")
    with pytest.raises(FileNotFoundError, match=r"\$KERAS_IMGEN_DATA/t91/t91\.zip.*is not set"):
        photos("t91")


def test_what_is_refused(folder, tmp_path):
    archive = zipped(folder, tmp_path / "p.zip")
    with pytest.raises(FileNotFoundError, match="no folder 'val': it has train"):
        photos(f"{archive}:val")
    for missing in (tmp_path / "nowhere", tmp_path / "nowhere.zip", f"{tmp_path}/nowhere.zip:train", tmp_path / "p"):
        with pytest.raises(FileNotFoundError, match="no folder or zip file.*t91"):
            photos(missing)
    (tmp_path / "half.zip").write_bytes(archive.read_bytes()[:200])
    with pytest.raises(ValueError, match="not a complete zip file"):
        photos(tmp_path / "half.zip")
    (tmp_path / "empty").mkdir()
    with pytest.raises(ValueError, match="no pictures"):
        photos(tmp_path / "empty")
    with pytest.raises(ValueError, match="channels"):
        photos(folder, channels=2)
    with pytest.raises(ValueError, match="limit"):
        photos(folder, limit=0)
    with pytest.raises(ValueError, match="empty list"):
        photos([])


@pytest.mark.skipif(not os.path.isdir(os.path.join(DATA, "bsds500")), reason="KERAS_IMGEN_DATA is not there")
def test_the_real_sets():
    counts = {"t91": 91, "set5": 5, "set14": 14, "set12": 12, "cbsd68": 68}
    for name, count in counts.items():
        found = photos(name, channels=1 if name == "set12" else 3)
        assert len(found) == count, name
    assert {p.shape for p in found} == {(321, 481, 3), (481, 321, 3)}
    assert all(photos(name, limit=1) for name in SETS)


# === Patches ===


def symmetries(square):
    """The eight of the dihedral group, from transposition and mirrors alone."""
    out = []
    for flipped in (square, square.transpose(1, 0, 2)):
        out += [flipped[::a, ::b] for a in (1, -1) for b in (1, -1)]
    return out


@pytest.mark.tensorflow
def test_patches_are_crops_in_each_of_eight_ways_evenly():
    """192 cells of 100 draws each: chi-square has mean 191 and deviation sqrt(2 · 191) = 19.5."""
    pictures = [place_coded(0, 6, 7), place_coded(1, 5, 9), place_coded(2, 3, 9)]
    with pytest.warns(UserWarning, match="Left out 1 of 3"):
        data = patches(pictures, 4, batch=96, steps=200)
    known = {
        s.tobytes(): 0
        for p in pictures[:2]
        for i in range(p.shape[0] - 3)
        for j in range(p.shape[1] - 3)
        for s in symmetries(p[i : i + 4, j : j + 4])
    }
    assert len(known) == (3 * 4 + 2 * 6) * 8
    for batch in data:
        for patch in batch["image"].numpy():
            known[patch.tobytes()] += 1  # a KeyError is a patch that is no crop
    assert ((np.array(list(known.values())) - 100.0) ** 2 / 100).sum() < 191 + 5 * 19.5


@pytest.mark.tensorflow
def test_without_flips_patches_stand_as_they_were():
    for batch in patches([place_coded(0, 9, 8)], 5, batch=8, steps=4, flips=False):
        steps = np.diff(batch["image"].numpy().astype(int), axis=1)
        assert (steps == [0, 1, 0]).all()


@pytest.mark.tensorflow
def test_patches_are_a_function_of_seed_epoch_and_step():
    def run(data):
        return np.stack([b["image"].numpy() for b in data])

    pictures = [np.random.default_rng(0).integers(0, 256, (40, 50), "uint8")]
    data = patches(pictures, 8, batch=4, steps=6, channels=1, seed=5)
    assert len(data) == 6
    assert data.element_spec["image"].shape == (4, 8, 8, 1) and data.element_spec["image"].dtype == "uint8"
    first, again = run(data), run(data)
    np.testing.assert_array_equal(first, again)
    assert len({step.tobytes() for step in first}) == 6
    set_epoch(1)
    second = run(data)
    assert not (first == second).all((1, 2, 3, 4)).any()
    np.testing.assert_array_equal(second, run(patches(pictures, 8, batch=4, steps=6, channels=1, seed=5)))
    assert (run(patches(pictures, 8, batch=4, steps=6, channels=1, seed=6)) != second).any()


@pytest.mark.tensorflow
def test_patches_from_files_and_what_is_refused(folder):
    assert next(iter(patches(str(folder / "train"), 7, batch=2)))["image"].shape == (2, 7, 7, 3)
    with pytest.raises(ValueError, match="as large as a patch of 9: expected `size` of at most 8"):
        patches(folder, 9)
    with pytest.raises(ValueError, match="`batch`"):
        patches(folder, 4, batch=0)
    with pytest.raises(ValueError, match="uint8 .* got float32"):
        patches([np.zeros((9, 9, 3), "float32")], 4)
