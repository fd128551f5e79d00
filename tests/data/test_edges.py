import numpy as np
import pytest
from skimage.morphology import dilation, erosion

from keras_imgen.data.edges import edges
from keras_imgen.data.unpaired import with_corner

pytestmark = pytest.mark.tensorflow


def test_edges_are_the_morphological_gradient():
    x = np.random.default_rng(0).integers(0, 256, (2, 7, 9, 3), "uint8")
    window = np.ones((2, 2))
    found = edges(x).numpy()
    for i in range(2):
        for c in range(3):
            wide = np.pad(x[i, ..., c], ((0, 1), (0, 1)), "symmetric")
            high, low = dilation(wide, window), erosion(wide, window)
            options = [
                (high - low)[a : a + 7, b : b + 9] for a in (0, 1) for b in (0, 1)
            ]  # whichever corner is the centre
            assert any(np.array_equal(found[i, ..., c], o) for o in options)
    assert not edges(np.full((1, 4, 4, 1), 77, "uint8")).numpy().any()


def test_corner():
    example = {"image": np.full((4, 4, 3), 10, "uint8")}
    assert bool(with_corner(0, 20)(example)) and not bool(with_corner(235, 255)(example))
