"""Descriptors of style against NumPy, and what terms make of them."""

import keras
import numpy as np
import pytest
from keras import ops
from scipy.stats import wasserstein_distance

from keras_imgen.losses import style
from keras_imgen.training import backend

RNG = np.random.default_rng(0)
MAPS = RNG.normal(size=(2, 5, 7, 3)).astype("float32")
OTHER = RNG.normal(0.5, 2.0, size=(2, 5, 7, 3)).astype("float32")


def numpy(x):
    return ops.convert_to_numpy(x)


def test_gram_and_moments():
    flat = MAPS.reshape(2, 35, 3).astype("float64")
    np.testing.assert_allclose(
        numpy(style.gram(style.places_of(MAPS))), np.einsum("npi,npj->nij", flat, flat) / 35, rtol=1e-5, atol=1e-6
    )
    found = numpy(style.moments(style.places_of(MAPS)))
    np.testing.assert_allclose(found[:, 0], flat.mean(1), atol=1e-6)
    np.testing.assert_allclose(found[:, 1], flat.std(1), rtol=1e-5)


def test_quantiles_are_numpys_and_give_the_wasserstein_distance():
    flat = style.places_of(MAPS)
    expected = np.quantile(MAPS.reshape(2, 35, 3), (np.arange(64) + 0.5) / 64, axis=1)
    np.testing.assert_allclose(numpy(style.quantiles(flat, 64)), expected.transpose(1, 0, 2), atol=1e-5)
    many = [RNG.normal(k, 1 + k, size=(1, 60, 60, 1)).astype("float32") for k in (0, 1)]
    a, b = (numpy(style.quantiles(style.places_of(x), 3600)).ravel() for x in many)
    assert np.abs(a - b).mean() == pytest.approx(wasserstein_distance(*[x.ravel() for x in many]), rel=0.01)


def test_sliced_wasserstein_against_numpy():
    term = style.SlicedWasserstein(seed=4, count=32)
    directions = np.random.default_rng([4, 3]).normal(size=(3, 3))
    directions /= np.linalg.norm(directions, axis=0)
    at = (np.arange(32) + 0.5) / 32
    a, b = (np.quantile(x.reshape(2, 35, 3) @ directions, at, axis=1) for x in (MAPS.astype("float64"), OTHER))
    expected = np.mean(((a - b) ** 2).sum((0, 2)) / (a**2).sum((0, 2)))
    np.testing.assert_allclose(float(term(term.describe([MAPS]), term.describe([OTHER]))), expected, rtol=1e-4)


def test_the_gradient_of_gram_is_its_closed_form():
    """Of |G - T|^2 / |T|^2 with G = F'F / P it is 4 F (G - T) / (P |T|^2)."""
    term, model = style.Gram(), keras.Sequential([keras.Input((5, 7, 3)), keras.layers.Identity()])
    target = term.describe([OTHER[:1]])
    loss = lambda x: (term(target, term.describe([x])),)  # noqa: E731
    found = numpy(backend.value_and_input_gradient(model, loss, ops.convert_to_tensor(MAPS[:1]))[1])
    flat = MAPS[0].reshape(35, 3).astype("float64")
    t = numpy(target[0])[0].astype("float64")
    expected = 4 * flat @ (flat.T @ flat / 35 - t) / 35 / (t**2).sum()
    np.testing.assert_allclose(found.reshape(35, 3), expected, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("name", style.STYLES)
def test_terms(name):
    term = style.get(name)
    same, other = (term.describe([x, x[:, ::2]]) for x in (MAPS, OTHER))
    assert float(term(same, same)) == 0.0 < float(term(same, other))
    turned = term.describe([MAPS[:, ::-1], MAPS[:, ::2][:, :, ::-1]])  # where things are does not matter
    assert float(term(same, turned)) < 1e-6
    assert float(style.get("gram")(*[style.get("gram").describe([x]) for x in (MAPS, 3 * MAPS)])) == pytest.approx(64.0)
    first = style.mixed([same, other], [1, 3])
    for a, b in zip(first, style.mixed([other, same], [3, 1])):
        np.testing.assert_allclose(numpy(a), numpy(b), rtol=1e-6)
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(style.get(name)))
    assert again.get_config() == term.get_config()


def test_places_choose():
    places = np.array([0, 8, 34], "int32")
    found = numpy(style.Gram().describe([MAPS], [places])[0])
    flat = MAPS.reshape(2, 35, 3)[:, places]
    np.testing.assert_allclose(found, np.einsum("npi,npj->nij", flat, flat) / 3, rtol=1e-5)


def test_total_variation():
    ramp = np.tile(np.arange(6, dtype="float32"), (1, 4, 1))[..., None]
    assert float(style.total_variation(ramp)) == 1.0
    assert float(style.total_variation(np.ones((1, 4, 4, 3)))) == 0.0


def test_an_unknown_term():
    with pytest.raises(ValueError, match="gram, mean_variance"):
        style.get("texture")
