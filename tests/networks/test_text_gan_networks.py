"""Networks of GANs that are told texts: who sees whom, and how much of a source stays."""

import keras
import numpy as np
import pytest
from keras import ops

from keras_imgen import networks
from keras_imgen.networks.text_gan import Blend, JointAttention

RNG = np.random.default_rng(0)


def random_weights(layer, scale=0.3):
    for v in layer.variables:
        v.assign(RNG.normal(size=v.shape) * scale)


def changes(found, other):
    return [np.abs(ops.convert_to_numpy(a) - ops.convert_to_numpy(b)).max() > 1e-4 for a, b in zip(found, other)]


def test_places_and_words_see_each_other():
    x, words = RNG.normal(size=(1, 2, 2, 8)).astype("float32"), RNG.normal(size=(1, 3, 8)).astype("float32")
    keep = np.array([[True, True, False]])
    layer = JointAttention(2)
    first = layer(x, words, keep)
    np.testing.assert_array_equal(first[0], x)  # the identity at the start
    random_weights(layer)
    found = layer(x, words, keep)
    nudged = words.copy()
    nudged[0, 1] += RNG.normal(size=8)
    assert changes(found, layer(x, nudged, keep)) == [True, True]
    moved = layer(x[:, ::-1], words, keep)  # where a place is tells
    assert changes([found[0][:, ::-1], found[1]], moved) == [True, True]
    out = words.copy()
    out[0, 2] = 100.0
    out = layer(x, out, keep)
    np.testing.assert_array_equal(out[0], found[0])
    np.testing.assert_array_equal(out[1][:, :2], found[1][:, :2])


def test_a_blend_keeps_the_source():
    new, source = RNG.uniform(-1, 1, (2, 4, 4, 3)).astype("float32"), RNG.integers(0, 256, (2, 4, 4, 3), "uint8")
    none, all_ = (np.full((2, 4, 4, 1), v, "float32") for v in (0, 1))
    np.testing.assert_allclose(Blend()(new, none, source), source / 127.5 - 1, atol=1e-6)
    np.testing.assert_allclose(Blend()(new, all_, source), new, atol=1e-6)


@pytest.mark.parametrize("source", [None, 3])
def test_every_input_counts(source):
    how = {"vector_dim": 8, "sequence_dim": 8, "source_channels": source}
    generator = networks.text_generator((16, 16, 3), 5, (4, 8), 1, attention=(16,), **how)
    discriminator = networks.text_discriminator((16, 16, 3), (4, 8), **how)
    given = {
        "latent": RNG.normal(size=(2, 5)),
        "image": RNG.uniform(-1, 1, (2, 16, 16, 3)),
        "vector": RNG.normal(size=(2, 8)),
        "sequence": RNG.normal(size=(2, 3, 8)),
    }
    given = {k: v.astype("float32") for k, v in given.items()} | {"sequence_mask": np.ones((2, 3), bool)}
    if source:
        given["source"] = RNG.integers(0, 256, (2, 16, 16, 3), "uint8")
    for network in (generator, discriminator):
        random_weights(network, 0.1)
        own = {k: given[k] for k in network.input}
        found = keras.tree.flatten(network(own))
        for name in set(own) - {"sequence_mask"}:
            other = {**own, name: own[name][::-1]}
            assert any(changes(found, keras.tree.flatten(network(other)))), name
    made = network({k: given[k] for k in network.input})
    assert {k: v.shape for k, v in made.items()} == {"logits": (2, 1), "image_vector": (2, 8), "text_vector": (2, 8)}
    images = ops.convert_to_numpy(generator({k: given[k] for k in generator.input}))
    assert images.shape == (2, 16, 16, 3) and np.abs(images).max() <= 1


def test_sizes_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="divisible by 4"):
        networks.text_generator((18, 18, 3))
    with pytest.raises(ValueError, match="divisible by 8"):
        networks.text_discriminator((20, 20, 3))
    with pytest.raises(ValueError, match="that 4 divides"):
        networks.text_generator((16, 16, 3), widths=(4, 6))
    with pytest.raises(ValueError, match="source of 3 channels"):
        networks.text_generator((16, 16, 3), source_channels=1)
