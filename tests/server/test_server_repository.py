"""Which folders and files are models, and by which names."""

import pytest

from keras_imgen.server.repository import scan


def saved_model(path):
    path.mkdir(parents=True)
    (path / "saved_model.pb").write_bytes(b"graph")
    return path


def test_every_layout_is_found(tmp_path):
    saved_model(tmp_path / "all" / "plain")
    for k in (1, 2, 10):
        saved_model(tmp_path / "all" / "numbered" / str(k))
    (tmp_path / "all" / "numbered" / "notes").mkdir()
    (tmp_path / "all" / "in_folder").mkdir()
    (tmp_path / "all" / "in_folder" / "model.keras").touch()
    (tmp_path / "all" / "file.keras").touch()
    (tmp_path / "all" / "README.md").touch()
    found = scan([str(tmp_path / "all")])
    assert {name: list(versions) for name, versions in found.items()} == {
        "file": [1],
        "in_folder": [1],
        "numbered": [1, 2, 10],
        "plain": [1],
    }
    assert found["in_folder"][1].path == str(tmp_path / "all" / "in_folder" / "model.keras")
    assert list(scan([str(tmp_path / "all" / "numbered" / "2")])["numbered"]) == [2]
    assert list(scan([str(tmp_path / "all" / "in_folder" / "model.keras")])) == ["in_folder"]


def test_what_is_no_model_and_what_is_two_is_refused(tmp_path):
    for a in ("a", "b"):
        saved_model(tmp_path / a / "same")
    with pytest.raises(ValueError, match="two models 'same'.*rename one"):
        scan([str(tmp_path / "a"), str(tmp_path / "b")])
    with pytest.raises(FileNotFoundError, match="expected a SavedModel folder"):
        scan([str(tmp_path / "c")])
    (tmp_path / "empty").mkdir()
    with pytest.raises(ValueError, match="no model in .*expected a SavedModel folder"):
        scan([str(tmp_path / "empty")])
    with pytest.raises(ValueError, match="rename it"):
        scan([str(saved_model(tmp_path / "two words"))])


def test_a_copy_that_grows_has_another_state(tmp_path):
    path = saved_model(tmp_path / "model")
    before = scan([str(path)])["model"][1].state
    assert scan([str(path)])["model"][1].state == before
    (path / "variables").mkdir()
    (path / "variables" / "variables.index").write_bytes(b"1")
    assert scan([str(path)])["model"][1].state != before
