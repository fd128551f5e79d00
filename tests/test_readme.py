"""README and docs are true: their Python works when pasted, here with one epoch, links lead somewhere, commands are there."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import typer

from keras_imgen import models
from keras_imgen.cli import app
from keras_imgen.recipes import RECIPES

ROOT = Path(__file__).parent.parent
README = ROOT / "README.md"
PAGES = [README, ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").glob("*.md"))]
PAGES += [ROOT / "benchmarks" / "README.md", *sorted((ROOT / "saved_models").glob("*/README.md"))]


def run(pages, folder):
    """What the Python of the pages, pasted one after the other, leaves in a folder."""
    code = "\n".join(re.findall(r"```python\n(.*?)```", "\n".join(page.read_text() for page in pages), re.S))
    assert "epochs=20" in code
    code = re.sub(r"epochs=\d+", "epochs=1", code)
    code += "\nassert images.shape == (10, 16, 16, 1) and images.dtype == 'uint8'\n"
    done = subprocess.run([sys.executable, "-c", code], cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    return sorted(os.listdir(folder))


@pytest.mark.long
@pytest.mark.tensorflow
def test_readme_session(tmp_path):
    run([README], tmp_path)


@pytest.mark.slow
@pytest.mark.tensorflow
def test_docs_session(tmp_path):
    pages = [README, *sorted((ROOT / "docs").glob("*.md"))]
    assert any("epochs=100" in page.read_text() for page in pages)
    left = run(pages, tmp_path)
    assert left == ["digits.keras", "digits_saved_model", "walk.gif"]


def test_readme_is_short():
    assert len(README.read_text().splitlines()) <= 80


def test_test_command_is_that_of_ci():
    assert (ROOT / ".ci" / "run").read_text().splitlines()[-1] in [
        line.strip() for line in README.read_text().splitlines()
    ]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page):
    links = re.findall(r"\]\(([^)\s]+)\)", page.read_text())
    places = [link.partition("#")[0] for link in links if "://" not in link]
    assert not [place for place in places if place and not (page.parent / place).exists()]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_commands_are_there(page):
    commands = typer.main.get_command(app).commands
    for name, rest in re.findall(r"keras-imgen ([a-z][\w-]*)([^`\n|&]*)", page.read_text()):
        command = commands[name]
        if hasattr(command, "commands"):  # a group
            inner, _, rest = rest.strip().partition(" ")
            command = command.commands[inner]
        known = {option for parameter in command.params for option in parameter.opts}
        assert set(re.findall(r"(?<!\S)--?[a-z][a-z-]*", rest)) <= known, f"{name}{rest}"


def test_table_of_tasks_is_whole():
    """Every model class, recipe, tutorial and saved model stands in it."""
    table = re.search(r"## Tasks\n(.*?)\n## ", README.read_text(), re.S)[1]
    assert all(re.search(rf"`{name}`", table) for name in models.__all__ if name != "ImageModel")
    named = re.sub(r"(photos-sr)-x2, -x3, -x4", r"\1-x2, \1-x3, \1-x4", table)
    assert all(re.search(rf"(?<![\w/-]){re.escape(name)}(?![\w-])", named) for name in RECIPES)
    for place in (*(ROOT / "notebooks").glob("*.ipynb"), *(ROOT / "saved_models").glob("*/")):
        assert f"]({place.relative_to(ROOT)})" in table


def test_docs_list_their_pages():
    listed = (ROOT / "docs" / "README.md").read_text()
    assert all(f"]({page.name})" in listed for page in (ROOT / "docs").glob("*.md") if page.name != "README.md")
