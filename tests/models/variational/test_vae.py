"""VAEs against what is known in closed form: the linear one, whose optimum is probabilistic PCA."""

import keras
import numpy as np
import pytest
from battery import SHAPE, images
from keras import layers, ops
from scipy import stats

from keras_imgen import models, networks
from keras_imgen.callbacks import PosteriorMonitor
from keras_imgen.models.variational import likelihoods
from keras_imgen.training import random

PIXELS, LATENTS = 8, 2


def linear_data(n=2000):
    rng = np.random.default_rng(0)
    basis = np.linalg.qr(rng.normal(size=(PIXELS, PIXELS)))[0]
    scales = np.array([0.25, 0.15] + [0.05] * (PIXELS - LATENTS))
    x = (rng.normal(size=(n, PIXELS)) * scales) @ basis.T + 0.1
    return np.clip(x, -1, 1).astype("float32").reshape(n, 2, 4, 1)


def linear_vae(cls=models.VAE, **kwargs):
    encoder = keras.Sequential([keras.Input((2, 4, 1)), layers.Flatten(), layers.Dense(2 * LATENTS)])
    decoder = keras.Sequential([keras.Input((LATENTS,)), layers.Dense(PIXELS), layers.Reshape((2, 4, 1))])
    return cls(encoder, decoder, ema=None, **kwargs)


@pytest.fixture(scope="module")
def trained():
    keras.utils.set_random_seed(0)
    x = linear_data()
    model = linear_vae()
    rate = keras.optimizers.schedules.CosineDecay(0.02, 2400)
    model.compile(keras.optimizers.Adam(rate), steps_per_execution=40)
    model.fit(np.tile(x, (600, 1, 1, 1)), batch_size=500, shuffle=False, verbose=0)
    return model, x


def marginal(model):
    """The model's p(x), a Gaussian."""
    weights, bias = (np.array(v, "float64") for v in model.decoder.trainable_variables)
    sigma = np.exp(float(model.likelihood.log_sigma))
    return stats.multivariate_normal(bias, weights.T @ weights + sigma**2 * np.eye(PIXELS))


@pytest.mark.slow
def test_the_linear_vae_is_probabilistic_pca(trained):
    """Tipping & Bishop 1999: the optimum's likelihood and subspace are known from the covariance's eigenvectors."""
    model, x = trained
    rows = x.reshape(-1, PIXELS).astype("float64")
    covariance = np.cov(rows, rowvar=False, bias=True)
    values, vectors = np.linalg.eigh(covariance)
    noise = values[:-LATENTS].mean()
    best = (vectors[:, -LATENTS:] * (values[-LATENTS:] - noise)) @ vectors[:, -LATENTS:].T + noise * np.eye(PIXELS)
    wanted = stats.multivariate_normal(rows.mean(0), best).logpdf(rows).mean()
    found = marginal(model).logpdf(rows).mean()
    assert wanted - 0.01 * abs(wanted) < found <= wanted + 1e-6
    span = np.linalg.qr(np.array(model.decoder.trainable_variables[0], "float64").T)[0]
    cosines = np.linalg.svd(vectors[:, -LATENTS:].T @ span)[1]
    assert cosines.min() > 0.99


@pytest.mark.slow
def test_the_importance_weighted_bound_rises_to_the_evidence(trained):
    model, x = trained
    exact = marginal(model).logpdf(x[:200].reshape(-1, PIXELS).astype("float64"))
    model.encoder.layers[-1].bias.assign_add(
        [0.3, -0.3, 0.5, 0.5]
    )  # a posterior that is off: the bound has far to rise
    bounds = [model.log_likelihood(x[:200], samples=k) for k in (1, 8, 512)]
    model.encoder.layers[-1].bias.assign_add([-0.3, 0.3, -0.5, -0.5])
    assert bounds[0].mean() + 0.1 < bounds[1].mean() < bounds[2].mean()
    np.testing.assert_allclose(bounds[2], exact, atol=0.3)
    assert abs(bounds[2].mean() - exact.mean()) < 0.01
    # IWAE's own loss with one draw is the ELBO of the same draw.
    iwae = linear_vae(models.IWAE, samples=1)
    for mine, its in zip(iwae.players["autoencoder"].variables, model.players["autoencoder"].variables):
        mine.assign(its)
    keys = random.key(np.arange(200, dtype="int32"))
    loss = float(iwae.objective({"image": x[:200]}, keys, False)[0])
    drawn = model.log_weights(x[:200], *model.posterior(x[:200]), None, keys, 1)
    np.testing.assert_allclose(loss, -np.mean(np.array(drawn)), rtol=1e-5)


@pytest.mark.tensorflow
def test_gradients_through_a_draw():
    """E[z^2] = mean^2 + variance: its gradients by reparameterisation are 2 mean and variance (of the log-variance)."""
    import tensorflow as tf

    model, n = linear_vae(), 20_000
    mean, log_variance = tf.Variable([[0.7, -1.0]]), tf.Variable([[0.4, -1.2]])
    keys = random.key(np.arange(n, dtype="int32"))
    with tf.GradientTape() as tape:
        wide = [tf.broadcast_to(v, (n, LATENTS)) for v in (mean, log_variance)]
        loss = tf.reduce_sum(tf.reduce_mean(tf.square(model.reparameterized(*wide, keys)), 0))
    by_mean, by_log_variance = tape.gradient(loss, [mean, log_variance])
    np.testing.assert_allclose(by_mean, 2 * mean, atol=0.05)
    np.testing.assert_allclose(by_log_variance, np.exp(log_variance), atol=0.05)


def test_what_the_kl_costs():
    kl = ops.convert_to_tensor([0.05, 0.5])
    rest = (None, None, None, None)
    ramp = keras.optimizers.schedules.PolynomialDecay(0.0, 10, 1.0)
    for kwargs, wanted in (
        ({"beta": 4.0}, 4 * 0.55),
        ({"free_bits": 0.1}, 0.6),
        ({"beta": 3.0, "capacity": 2.0}, 3 * 1.45),
        ({"beta": ramp}, 0.0),
    ):
        model = linear_vae(**kwargs)
        model.compile("adam")
        np.testing.assert_allclose(float(model.regularizer(kl, *rest)[0]), wanted, rtol=1e-5)
    model._step.assign(5.0)
    np.testing.assert_allclose(float(model.regularizer(kl, *rest)[0]), 0.5 * 0.55, rtol=1e-5)


def test_a_vaegans_encoder_weighs_the_kl_as_a_vaes():
    encoder, decoder = networks.mlp_encoder(SHAPE, 6, (8,)), networks.dcgan_generator(SHAPE, 3, width=4)
    falling = keras.optimizers.schedules.PolynomialDecay(4.0, 2, 0.0)
    how = {"beta": falling, "capacity": 1.0, "noise": 0.1}
    model = models.VAEGAN(encoder, decoder, networks.dcgan_discriminator(SHAPE, width=4), **how)
    model.compile()
    for beta in (4.0, 2.0, 0.0):
        model.reset_metrics()
        logs = model.train_on_batch(images(8)[0], return_dict=True)
        wanted = beta * abs(float(logs["kl"]) - 1.0) + float(logs["feature_error"])
        np.testing.assert_allclose(logs["encoder_loss"], wanted, rtol=1e-5)


def test_schedules_go_on_in_evaluation():
    ramp = keras.optimizers.schedules.PolynomialDecay(0.0, 8, 1.0)
    model, x = linear_vae(beta=ramp), linear_data(64)
    model.compile(keras.optimizers.SGD(0.0))
    found = []
    for _ in range(2):
        model.fit(x, batch_size=16, epochs=1, verbose=0)
        scores = model.evaluate(x, verbose=0, return_dict=True)
        found.append((scores["loss"] - scores["reconstruction"]) / scores["kl"])
    np.testing.assert_allclose(found, [3 / 8, 7 / 8], rtol=1e-3)  # of the last step that was taken


def test_a_collapsed_posterior_is_said(tmp_path):
    x, _ = images()
    model = models.VAE(networks.mlp_encoder(SHAPE, 8, (8,)), networks.mlp_decoder(SHAPE, 4, (8,)), beta=1e4)
    model.compile(keras.optimizers.Adam(0.01))
    log = str(tmp_path / "kl.jsonl")
    with pytest.warns(UserWarning, match="collapsed"):
        model.fit(x, batch_size=16, epochs=30, verbose=0, callbacks=[PosteriorMonitor(log)])
    lines = open(log).read().splitlines()
    assert len(lines) == 30 and '"epoch": 30' in lines[-1]
    assert model.kl_per_dimension.shape == (4,)


def test_networks_that_do_not_fit_are_refused():
    encoder, decoder = networks.mlp_encoder(SHAPE, 8, (8,)), networks.mlp_decoder(SHAPE, 4, (8,))
    with pytest.raises(ValueError, match="Expected an encoder of 4 numbers"):
        models.Autoencoder(encoder, decoder)
    with pytest.raises(ValueError, match="2 channels for one"):
        models.VAE(encoder, decoder, likelihood="discretized_logistic")
    with pytest.raises(ValueError, match="num_classes"):
        models.VAE(encoder, decoder, 3)
    with pytest.raises(ValueError, match="likelihood"):
        models.VAE(encoder, decoder, likelihood="student")
    model = models.VAE(encoder, decoder, likelihood=likelihoods.Gaussian(0.5))
    with pytest.raises(ValueError, match="latents of shape"):
        model.decode(np.zeros((2, 5)))
    with pytest.raises(ValueError, match="take no labels"):
        model.encode(images()[0], labels=[1] * 48)
    with pytest.raises(ValueError, match="do not apply"):
        models.TCVAE(encoder, decoder, dataset_size=10, free_bits=0.1)
    with pytest.raises(ValueError, match="at least 1 image"):
        models.TCVAE(encoder, decoder, dataset_size=0)
    plain = models.Autoencoder(networks.mlp_encoder(SHAPE, 4, (8,)), networks.mlp_decoder(SHAPE, 4, (8,)))
    plain.compile("adam")
    with pytest.raises(ValueError, match="has none"):
        plain.fit(images()[0], verbose=0, callbacks=[PosteriorMonitor()])
    with pytest.raises(ValueError, match="latent sampler"):
        model.fit_sampler(images()[0], "magic")
    with pytest.raises(ValueError, match="at least 100 images"):
        model.fit_sampler(images()[0], "gmm", components=100)
