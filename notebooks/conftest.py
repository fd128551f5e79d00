import os

import pytest

os.environ.setdefault("EPOCHS", "1")  # a test shows that a notebook runs, not that its model is good


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    """Notebooks are run by `pytest -m slow notebooks`."""
    for item in items:
        if item.path.suffix == ".ipynb":
            item.add_marker(pytest.mark.slow)
