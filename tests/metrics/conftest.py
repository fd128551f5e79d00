import os

import pytest


@pytest.fixture
def real_data():
    """The folder of real data that KERAS_IMGEN_DATA names."""
    folder = os.environ.get("KERAS_IMGEN_DATA")
    if not folder or not os.path.isdir(folder):
        pytest.skip("KERAS_IMGEN_DATA does not name a folder")
    return folder
