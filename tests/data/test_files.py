"""Names: of what is being written, of what is skipped."""

import os

import pytest
from PIL import Image

from keras_imgen.commands.pictures import by_name
from keras_imgen.data.files import below, shortened, shown, whole, write_text


@pytest.mark.parametrize("stem", ["a", "model", "x" * 240, "x" * 251, "ü" * 125 + "y", "深" * 83 + "zz"])
def test_a_name_of_any_legal_length_is_written(stem, tmp_path):
    path = tmp_path / f"{stem}.png"
    with whole(path) as beside, whole(path) as other:
        name = os.path.basename(beside)
        assert len(os.fsencode(name)) <= 255 and name.endswith(".png") and ".partial" in name and beside != other
        for each in (beside, other):
            with open(each, "w") as f:
                f.write("all of it")
    assert os.listdir(tmp_path) == [f"{stem}.png"] and path.read_text() == "all of it"


def test_what_fails_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "page.html"
    write_text(str(path), "before")
    with pytest.raises(RuntimeError), whole(path) as beside:
        with open(beside, "w") as f:
            f.write("half")
        raise RuntimeError
    assert os.listdir(tmp_path) == ["page.html"] and path.read_text() == "before"


def test_an_error_names_the_file_that_was_asked_for(tmp_path):
    with pytest.raises(OSError, match="No space left on device: .*page.html'"), whole(tmp_path / "page.html"):
        with open("/dev/full", "w") as f:
            f.write("x")
    with pytest.raises(OSError, match="^its own words$"), whole(tmp_path / "page.html"):
        raise OSError("its own words")
    with pytest.raises(FileNotFoundError, match="/none/page.html'"):
        write_text(str(tmp_path / "none" / "page.html"), "")


def test_hidden_files_and_folders_are_left_out(tmp_path):
    for name in ("b.png", "a/c.png", ".hidden.png", ".thumbnails/b.png", "out/b.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("")
    assert below(str(tmp_path)) == ["a/c.png", "b.png", "out/b.png"]
    assert below(str(tmp_path), str(tmp_path / "a" / ".." / "out")) == ["a/c.png", "b.png"]


def test_paths_are_shown_in_one_line():
    assert shown("Bäume und 木.png") == "Bäume und 木.png"
    assert shown(os.fsdecode(b"a\xff\n\x1b.png")) == r"a\udcff\n\x1b.png"


def test_pictures_by_name_say_what_is_skipped_and_what_has_frames(tmp_path):
    frames = [Image.new("RGB", (4, 5), (k, 0, 0)) for k in range(3)]
    frames[0].save(tmp_path / "a.png")
    frames[0].save(tmp_path / "b.gif", save_all=True, append_images=frames[1:])
    (tmp_path / "c.png").write_bytes(b"no picture")
    (tmp_path / "d.png").symlink_to(tmp_path / "none.png")
    (tmp_path / "folder").mkdir()
    with pytest.warns(UserWarning) as caught:
        assert by_name(str(tmp_path)) == {"a": str(tmp_path / "a.png"), "b": str(tmp_path / "b.gif")}
    skipped, several = [str(w.message) for w in caught]
    assert "skipped 2 of 4 files" in skipped and f"{tmp_path}/c.png is not an image" in skipped
    assert f"{tmp_path}/d.png: No such file" in skipped and several.endswith("b.gif (3).")


def test_names_are_cut_only_where_they_are_too_long():
    latin = os.fsdecode(b"M\xe4rz")
    assert shortened(latin, 5) == latin and shortened("M\u00e4rz", 2) == "M"
