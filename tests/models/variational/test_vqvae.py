"""VQ-VAE: the codebook as k-means, the gradient straight through, and priors that see only what lies before."""

import json
import os
import subprocess
import sys

import keras
import numpy as np
import pytest
from battery import images
from keras import layers, ops

from keras_imgen import models, networks

SHAPE = (16, 16, 1)


def identity(codes=4, **kwargs):
    """1x1 'images' of two channels, which are their own vectors."""
    encoder = keras.Sequential([keras.Input((1, 1, 2)), layers.Rescaling(1.0)])
    decoder = keras.Sequential([keras.Input((1, 1, 2)), layers.Rescaling(1.0)])
    return models.VQVAE(encoder, decoder, codes=codes, **kwargs)


def test_codes_are_the_nearest():
    rng = np.random.default_rng(0)
    model = identity(codes=16)
    book, z = rng.normal(size=(16, 2)).astype("float32"), rng.normal(size=(50, 1, 1, 2)).astype("float32")
    model.codebook.assign(book)
    wanted = ((z - book[None, None]) ** 2).sum(-1).argmin(-1)
    np.testing.assert_array_equal(np.array(model.nearest(ops.convert_to_tensor(z))).ravel(), wanted.ravel())


def test_the_codebook_becomes_the_clusters_means():
    centers = np.array([[-0.6, -0.6], [0.6, -0.6], [-0.6, 0.6], [0.6, 0.6]], "float32")
    rng = np.random.default_rng(0)
    which = rng.integers(0, 4, 256)
    x = (centers[which] + rng.normal(0, 0.05, (256, 2))).astype("float32").reshape(-1, 1, 1, 2)
    model = identity(decay=0.8)
    model.codebook.assign(centers + 0.3)  # each in its own cluster's reach: k-means has no other optimum there
    model.code_counts.assign(np.ones(4))
    model.code_sums.assign(centers + 0.3)
    model.compile("adam")
    history = model.fit(x, batch_size=64, epochs=40, verbose=0).history
    place = lambda row: np.round(row, 1).tolist()  # noqa: E731  two of them are as far left as each other
    found = np.array(sorted(np.array(model.codebook), key=place))
    wanted = np.array(sorted((x.reshape(-1, 2)[which == k].mean(0) for k in range(4)), key=place))
    np.testing.assert_allclose(found, wanted, atol=0.03)
    assert history["perplexity"][-1] > 3.8
    share = np.array(model.code_counts) / np.array(model.code_counts).sum()
    drawn = np.array(model.sampled(np.stack([np.arange(4000), np.zeros(4000)], -1).astype("uint32"))).ravel()
    np.testing.assert_allclose(np.bincount(drawn, minlength=4) / 4000, share, atol=0.03)


def test_dead_codes_come_back():
    model = identity(codes=8)
    model.codebook.assign(np.full((8, 2), 100.0) + np.arange(8)[:, None])  # one of them is the nearest to all
    model.code_counts.assign(np.full(8, 0.1))
    x = np.random.default_rng(0).uniform(-1, 1, (64, 1, 1, 2)).astype("float32")
    model.compile("adam")
    model.train_on_batch(x)
    book = np.array(model.codebook)
    distance = np.abs(x.reshape(-1, 1, 2) - book[None]).max(-1).min(0)
    assert (distance < 1e-6).sum() >= 7  # vectors of the batch
    assert model.evaluate(x, verbose=0, return_dict=True)["perplexity"] > 3


def test_codes_in_use_stay_and_none_come_back_unasked():
    x = np.random.default_rng(0).uniform(-1, 1, (64, 1, 1, 2)).astype("float32")
    for revive, dead in ((0.0, 7), (0.5, 0)):
        model = identity(codes=8, revive=revive)
        model.compile("adam")
        model.train_on_batch(x)  # all codes become vectors of the first batch
        book = np.array(model.codebook)
        book[1:] += 100.0
        model.codebook.assign(book)
        model.code_sums.assign(book * np.array(model.code_counts)[:, None])
        for _ in range(100):  # 0.99^100 = 0.37
            model.train_on_batch(x)
        far = (np.array(model.codebook) > 50).all(-1).sum()
        assert far == dead and np.isfinite(np.array(model.codebook)).all()


@pytest.mark.tensorflow
def test_gradients_go_straight_through():
    import tensorflow as tf

    rng = np.random.default_rng(0)
    slope, model = np.array([[2.0, -1.0], [0.5, 3.0]], "float32"), identity()
    model.decoder = keras.Sequential([keras.Input((1, 1, 2)), layers.Dense(2, use_bias=False)])
    model.decoder.layers[0].kernel.assign(slope)
    book = rng.normal(size=(4, 2)).astype("float32")
    model.codebook.assign(book)
    z = tf.Variable(rng.normal(size=(3, 1, 1, 2)).astype("float32"))
    target = rng.normal(size=(3, 1, 1, 2)).astype("float32")
    model.encoder = lambda x, training: z
    with tf.GradientTape() as tape:
        loss = model.objective(ops.convert_to_tensor(target), True)[0]
    e = book[np.array(model.nearest(z))].reshape(3, 2)
    # d/dz of |slope e - target|^2 / 2 at the code, not at z, and the commitment's 2 beta (z - e); both means over 3 images.
    wanted = ((e @ slope - target.reshape(3, 2)) @ slope.T + 2 * 0.25 * (z.numpy().reshape(3, 2) - e)) / 3
    np.testing.assert_allclose(tape.gradient(loss, z).numpy().reshape(3, 2), wanted, rtol=1e-4)


@pytest.mark.parametrize("kind", ["pixelcnn", "transformer"])
def test_priors_see_all_before_and_nothing_else(kind):
    make = {"pixelcnn": networks.pixelcnn, "transformer": networks.code_transformer}[kind]
    network = make((4, 5), 6, 16, 8)
    for v in network.trainable_variables:  # zero-started projections would hide what is seen
        v.assign(np.random.default_rng(1).normal(0, 0.4, v.shape))
    codes = np.random.default_rng(0).integers(0, 6, (1, 4, 5)).astype("int32")
    before = np.array(network(codes, training=False)).reshape(20, 6)
    for place in range(20):
        changed = codes.reshape(-1).copy()
        changed[place] = (changed[place] + 1) % 6
        after = np.array(network(changed.reshape(1, 4, 5), training=False)).reshape(20, 6)
        moved = np.abs(after - before).max(-1)
        assert (moved[: place + 1] == 0).all(), f"place {place} is seen too early"
        assert (moved[place + 1 :] > 0).all(), f"place {place} is in a blind spot"


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["pixelcnn", "transformer"])
def test_a_prior_learns_its_codes(kind):
    """Two pictures, one for each label: samples are those pictures, label for label."""
    x = np.repeat(images(2, 16)[0], 32, 0)
    y = np.repeat(np.array([0, 1], "int32"), 32)
    vqvae = models.VQVAE(networks.vq_encoder(SHAPE, 4, 8), networks.vq_decoder(SHAPE, 4, 8), codes=8)
    vqvae.compile(keras.optimizers.Adam(1e-2))
    vqvae.fit(x, batch_size=16, epochs=3, verbose=0)
    if kind == "pixelcnn":
        network = networks.pixelcnn((4, 4), 8, 16, 2, num_classes=2)
    else:
        network = networks.code_transformer((4, 4), 8, 16, 1, 2, num_classes=2, dropout=0.0)
    model = models.CodePrior(vqvae, network, 2, ema=None)
    model.compile(keras.optimizers.Adam(1e-2))
    before = [np.array(v) for v in model.vqvae.variables]
    history = model.fit(x, y, batch_size=16, epochs=25, verbose=0).history
    assert history["loss"][-1] < 0.5 and history["accuracy"][-1] > 0.98
    for v, value in zip(model.vqvae.variables, before, strict=True):
        np.testing.assert_array_equal(v, value)  # the first stage stays as it is
    made, wanted = model.generate(labels=[0, 1] * 8), model.reconstruct(x[[0, 32]])
    assert np.mean([(made[k] == wanted[k % 2]).all() for k in range(16)]) > 0.8
    np.testing.assert_array_equal(model.encode(x[:3]), model.vqvae.encode(x[:3]))
    assert vqvae.trainable_variables and model.vqvae is not vqvae  # the user's own is left alone
    cold, warm = (model.generate(labels=[0] * 8, temperature=t) for t in (0.01, 20.0))
    assert (cold == cold[:1]).all() and len(np.unique(warm.reshape(8, -1), axis=0)) > 4


def test_misfits_are_refused():
    vqvae = models.VQVAE(networks.vq_encoder(SHAPE, 4, 8), networks.vq_decoder(SHAPE, 4, 8), codes=8)
    with pytest.raises(ValueError, match="logits"):
        models.CodePrior(vqvae, networks.pixelcnn((4, 4), 9, 8, 2))
    with pytest.raises(ValueError, match="num_classes"):
        models.CodePrior(vqvae, networks.pixelcnn((4, 4), 8, 8, 2), 3)
    with pytest.raises(ValueError, match="0..7, got 0..8"):
        vqvae.decode(np.arange(16).reshape(1, 4, 4) // 2 + (np.arange(16) == 15).reshape(1, 4, 4))
    with pytest.raises(ValueError, match="integer codes"):
        vqvae.decode(np.zeros((1, 4, 4)))
    with pytest.raises(ValueError, match="temperature"):
        models.CodePrior(vqvae, networks.pixelcnn((4, 4), 8, 8, 2)).generate(1, temperature=0.0)
    with pytest.raises(ValueError, match="multiples of 8"):
        networks.vq_encoder((28, 28, 1), levels=3)
    with pytest.raises(ValueError, match="maps of vectors"):
        models.VQVAE(networks.vq_encoder(SHAPE, 4, 8), networks.vq_decoder(SHAPE, 5, 8))


REPLICAS = """
import sys, json, numpy as np, keras, tensorflow as tf
sys.path[:0] = {here!r}
from test_vqvae import identity
cpus = tf.config.list_physical_devices("CPU")
tf.config.set_logical_device_configuration(cpus[0], [tf.config.LogicalDeviceConfiguration()] * 2)
x = np.random.default_rng(0).uniform(-1, 1, (64, 1, 1, 2)).astype("float32")
def train(model):
    model.compile(keras.optimizers.SGD(0.0))
    book = np.array([[-.5, -.5], [.5, -.5], [-.5, .5], [.5, .5]], "float32")
    model.codebook.assign(book)
    model.code_counts.assign(np.ones(4))
    model.code_sums.assign(book)
    model.fit(tf.data.Dataset.from_tensor_slices(x).batch(32), epochs=3, verbose=0)
    return [np.array(v).tolist() for v in (model.codebook, model.code_counts)]
with tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"]).scope():
    two = identity(decay=0.8)
    found = train(two)
    fresh = identity(codes=6)
    fresh.compile(keras.optimizers.SGD(0.0))
    fresh.fit(tf.data.Dataset.from_tensor_slices(x).batch(64), epochs=1, verbose=0)
result = {{"two": found, "one": train(identity(decay=0.8)), "fresh": np.array(fresh.codebook).tolist()}}
print(json.dumps({{**result, "x": x.reshape(-1, 2).tolist()}}))
"""


@pytest.mark.slow
@pytest.mark.tensorflow
def test_replicas_share_one_codebook():
    here = os.path.dirname(__file__)
    child = [sys.executable, "-c", REPLICAS.format(here=[here, os.path.dirname(here)])]
    done = subprocess.run(child, check=True, capture_output=True, text=True)
    found = json.loads(done.stdout.strip().splitlines()[-1])
    for two, one in zip(found["two"], found["one"]):
        np.testing.assert_allclose(two, one, atol=1e-5)
    distance = np.abs(np.array(found["x"])[:, None] - np.array(found["fresh"])[None]).max(-1).min(0)
    assert distance.max() < 1e-6  # vectors of the batch, no means of them
