"""nbmake runs the notebooks (see pyproject.toml); here: they are what their sources say, and keep their pictures."""

from pathlib import Path

import jupytext
import pytest

NOTEBOOKS = sorted((Path(__file__).parent.parent / "notebooks").glob("[0-9]*.ipynb"))


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.stem)
def test_notebook_is_its_source_run(path):
    notebook, source = jupytext.read(path), jupytext.read(path.with_suffix(".py"))
    assert [(c.cell_type, c.source) for c in notebook.cells] == [(c.cell_type, c.source) for c in source.cells]
    outputs = [o for c in notebook.cells if c.cell_type == "code" for o in c.outputs]
    assert any("image/png" in o.get("data", {}) for o in outputs), "keep the pictures: jupytext --execute"
    assert not [o for o in outputs if o.output_type == "error" or o.get("name") == "stderr"]
    assert "/home/" not in path.read_text() and "/root/" not in path.read_text()


def test_there_are_notebooks():
    assert NOTEBOOKS
