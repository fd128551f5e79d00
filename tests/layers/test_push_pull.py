import numpy as np
import pytest

from keras_imgen.layers import PushPull


def fill(x, known, **kwargs):
    return np.asarray(PushPull(**kwargs)([x.astype("float32"), known.astype("float32")]))


def laplace(x, known, sweeps=4000):
    """The solution of Laplace's equation in the holes, by Gauss and Seidel's iterations in two colours."""
    x, red = x.copy(), np.indices(x.shape).sum(0) % 2 == 0
    for k in range(sweeps):
        p = np.pad(x, 1, "edge")
        mean = (p[:-2, 1:-1] + p[2:, 1:-1] + p[1:-1, :-2] + p[1:-1, 2:]) / 4
        x = np.where((known > 0) | (red == k % 2), x, mean)
    return x


@pytest.fixture
def scene():
    """Two waves with a square, a ring and scattered places missing, (1, 64, 64, 2) and (1, 64, 64, 1)."""
    rows, columns = np.indices((64, 64))
    x = np.stack([np.sin(rows / 20 + columns / 30), np.cos(columns / 15)], -1)
    known = np.ones((64, 64))
    known[20:44, 10:34] = 0
    far = np.hypot(rows - 30, columns - 48)
    known[(far > 6) & (far < 12)] = 0
    known[np.random.default_rng(0).uniform(size=(64, 64)) < 0.1] = 0
    return x[None], known[None, ..., None]


@pytest.mark.parametrize("levels", [3, 6])
def test_it_is_near_the_solution_of_laplaces_equation(scene, levels):
    x, known = scene
    found = fill(x * known, known, levels=levels)
    for c in range(2):
        true = laplace((x * known)[0, ..., c], known[0, ..., 0])
        holes = known[0, ..., 0] == 0
        error = np.sqrt(np.mean((found[0, ..., c] - true)[holes] ** 2))
        assert error < 0.15 * np.std(x[..., c])


def test_the_known_stays_and_the_holes_are_not_looked_into(scene):
    x, known = scene
    found = fill(x, known)
    np.testing.assert_array_equal(found[known[..., 0] > 0], x.astype("float32")[known[..., 0] > 0])
    np.testing.assert_allclose(found, fill(np.where(known > 0, x, 0.7), known), atol=1e-6)


@pytest.mark.one_backend
def test_one_colour_fills_everything(scene):
    _, known = scene
    np.testing.assert_allclose(fill(np.full((1, 64, 64, 3), 0.4), known), 0.4, atol=1e-5)
    for size in (70, 128, 300):
        for top in (64, 101):
            known = np.ones((1, 512, 512, 1))
            known[:, top : top + size, 64 : 64 + size] = 0
            np.testing.assert_allclose(fill(np.full((1, 512, 512, 1), 0.4), known), 0.4, atol=1e-5)
    one = np.zeros((1, 128, 128, 1))
    one[0, 50, 9] = 1
    np.testing.assert_allclose(fill(np.full((1, 128, 128, 1), 0.4), one), 0.4, atol=1e-5)
    np.testing.assert_array_equal(fill(np.full((1, 64, 64, 1), 0.4), np.zeros((1, 64, 64, 1))), 0)


def test_sizes_that_cannot_be_halved_are_refused():
    with pytest.raises(ValueError, match=r"multiples of 64, got \(65, 64\): put PadToMultiple\(64\)"):
        fill(np.zeros((1, 65, 64, 3)), np.ones((1, 65, 64, 1)))
