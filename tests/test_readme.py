"""The README's Python works when pasted; here with one epoch."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.tensorflow
def test_readme_session(tmp_path):
    text = (Path(__file__).parent.parent / "README.md").read_text()
    code = "\n".join(re.findall(r"```python\n(.*?)```", text, re.S))
    assert "epochs=20" in code and "epochs=100" in code
    code = (
        re.sub(r"epochs=\d+", "epochs=1", code)
        + "\nassert images.shape == (10, 16, 16, 1) and images.dtype == 'uint8'\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    assert sorted(os.listdir(tmp_path)) == ["digits.keras", "digits_saved_model", "walk.gif"]
