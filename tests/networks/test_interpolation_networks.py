"""The network between two pictures: any size, the same backwards, still where nothing moves, each pair by itself."""

import numpy as np
import pytest
from keras import ops

from keras_imgen import networks
from keras_imgen.networks.interpolation import correlation

RNG = np.random.default_rng(0)


@pytest.fixture(scope="module")
def network():
    found = networks.flow_interpolator(3, width=8)
    for v in found.trainable_variables:
        v.assign(ops.convert_to_numpy(v) + RNG.normal(0, 0.05, v.shape))  # those that begin with zeros, too
    return found


def run(network, first, second, time, **how):
    given = {"first": first, "second": second, "time": np.asarray(time, "float32")}
    found = network({k: ops.convert_to_tensor(v) for k, v in given.items()}, training=False, **how)
    return {k: ops.convert_to_numpy(found[k]) for k in ("image", "flow", "weight")}


def pair(height=33, width=50, rows=2):
    return RNG.uniform(-1, 1, (2, rows, height, width, 3)).astype("float32")


def test_it_compares_every_place_with_those_around_it():
    own, other = RNG.normal(size=(2, 2, 5, 70, 4)).astype("float32")
    found = ops.convert_to_numpy(correlation(ops.convert_to_tensor(own), ops.convert_to_tensor(other), 2))
    padded = np.pad(other, ((0, 0), (2, 2), (2, 2), (0, 0)))
    wanted = [(own * padded[:, v : v + 5, u : u + 70]).mean(-1) for v in range(5) for u in range(5)]
    np.testing.assert_allclose(found, np.stack(wanted, -1), atol=1e-5)


@pytest.mark.parametrize("size", [(1, 1), (3, 40), (16, 16), (33, 50)])
@pytest.mark.parametrize("scale", [1, 2])
def test_any_size(network, size, scale):
    found = run(network, *pair(*size), [0.3, 0.5], scale=scale)
    assert found["image"].shape == (2, *size, 3) and found["flow"].shape == (2, *size, 4)
    assert all(np.isfinite(v).all() for v in found.values())


def test_played_backwards_the_answer_is_the_same(network):
    first, second = pair()
    there, back = run(network, first, second, [0.3, 0.5]), run(network, second, first, [0.7, 0.5])
    np.testing.assert_allclose(there["image"], back["image"], atol=1e-5)
    np.testing.assert_allclose(there["flow"], back["flow"][..., [2, 3, 0, 1]], atol=1e-4)
    np.testing.assert_allclose(there["weight"], 1 - back["weight"], atol=1e-5)
    assert np.abs(there["flow"]).mean() > 0.1 and there["weight"].std() > 0.01


def test_what_is_still_stays_still_to_the_bit(network):
    first, second = pair()
    second[0] = first[0]
    found = run(network, first, second, [0.3, 0.5])["image"]
    np.testing.assert_array_equal(found[0], first[0])
    assert (found[1] != first[1]).any()


def test_at_the_ends_are_the_pictures_themselves(network):
    first, second = pair()
    found = run(network, first, second, [0.0, 1.0])["image"]
    np.testing.assert_allclose(found, [first[0], second[1]], atol=1e-5)


def test_a_pair_does_not_depend_on_the_others(network):
    first, second = pair(rows=3)
    together = run(network, first, second, [0.5, 0.5, 0.2])["image"]
    alone = run(network, first[2:], second[2:], [0.2])["image"]
    np.testing.assert_allclose(together[2:], alone, atol=1e-5)


def test_it_begins_as_the_mean():
    first, second = pair()
    found = run(networks.flow_interpolator(width=8), first, second, [0.5, 0.25])
    wanted = [(first[0] + second[0]) / 2, 0.75 * first[1] + 0.25 * second[1]]
    np.testing.assert_allclose(found["image"], wanted, atol=1e-5)
    assert not found["flow"].any()


def test_it_is_small():
    network = networks.flow_interpolator()
    assert network.count_params() <= 1_200_000
