"""Losses of what was moved together: closed forms."""

import numpy as np
import pytest
from keras import ops

from keras_imgen.losses import motion
from keras_imgen.models.restoration import objectives

RNG = np.random.default_rng(0)
IMAGE = RNG.uniform(-1, 1, (2, 32, 48, 3)).astype("float32")


def value(function, *arrays, **how):
    return float(function(*map(ops.convert_to_tensor, arrays), **how))


def test_a_shift_of_brightness_counts_once_in_the_pyramid():
    inner = np.zeros((1, 64, 64, 1), "float32")
    assert value(motion.laplacian, inner, inner) == 0
    assert value(motion.laplacian, IMAGE, IMAGE + 0.1, levels=1) == pytest.approx(0.1, abs=1e-6)
    # Zeros beyond the border bend the levels there, and only there.
    assert value(motion.laplacian, inner, inner + 0.1) == pytest.approx(0.1, abs=0.12)


def test_the_pyramid_is_linear_and_sees_what_is_blurred():
    noise = RNG.normal(size=IMAGE.shape).astype("float32")
    once = value(motion.laplacian, IMAGE, IMAGE + noise)
    assert value(motion.laplacian, IMAGE, IMAGE + 2 * noise) == pytest.approx(2 * once, rel=1e-4)
    assert once > np.abs(noise).mean()  # all of the finest level, and more


def test_census_knows_no_brightness():
    dark = (0.5 * IMAGE).astype("float32")
    assert value(motion.census, dark, dark) == 0
    assert value(motion.census, dark, dark + 0.2) == pytest.approx(0, abs=1e-4)
    assert 0.3 < value(motion.census, dark, dark[:, ::-1]) <= 1
    assert value(motion.census, dark, dark[:, ::-1], radius=2) <= 1


def test_flows_count_where_they_are_known():
    wanted = RNG.normal(size=(2, 6, 8, 4)).astype("float32")
    known = np.ones((2, 6, 8, 1), "float32")
    assert value(motion.end_point_error, wanted, wanted, known) == pytest.approx(0.01**0.4, rel=1e-3)
    off = wanted + np.float32([3, 4, 3, 4])
    assert value(motion.end_point_error, wanted, off, known) == pytest.approx(25.01**0.4, rel=1e-3)
    known[:, :3] = 0
    off[:, 3:] = wanted[:, 3:]
    assert value(motion.end_point_error, wanted, off, known) == pytest.approx(0.01**0.4, rel=1e-3)
    assert value(motion.end_point_error, wanted, off, 0 * known) == 0


@pytest.mark.parametrize("name", ["laplacian", "census"])
def test_they_are_objectives(name):
    assert objectives.get(name).name == name
