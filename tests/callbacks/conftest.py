import keras
import numpy as np
import pytest

from keras_imgen.models import Diffusion
from keras_imgen.networks import unet


@pytest.fixture
def tiny():
    """Makes the same small compiled model every time."""

    def make(num_classes=3):
        keras.utils.set_random_seed(0)
        network = unet((8, 8, 1), widths=(8,), depth=1, attention=(), num_classes=num_classes)
        model = Diffusion(network, steps=2, ema=0.9, seed=0, name="tiny")
        model.compile(keras.optimizers.Adam(1e-2), run_eagerly=keras.backend.backend() == "tensorflow")
        return model

    return make


@pytest.fixture
def data():
    rng = np.random.default_rng(0)
    return {
        "image": rng.integers(0, 256, (16, 8, 8, 1), dtype="uint8"),
        "label": rng.integers(0, 3, 16).astype("int32"),
    }
