"""One small model of each kind, the same on every backend."""

import keras
import numpy as np

from keras_imgen import models, networks

SHAPE = (16, 16, 1)


def images(n=48):
    rng = np.random.default_rng(1)
    return rng.integers(0, 256, (n, *SHAPE), "uint8"), rng.integers(0, 3, n).astype("int32")


def _encoder(outputs, **kwargs):
    return networks.conv_encoder(SHAPE, outputs, width=4, **kwargs)


def _decoder(**kwargs):
    return networks.conv_decoder(SHAPE, 3, width=4, **kwargs)


def _conditional_vae():
    encoder, decoder = _encoder(6, num_classes=3), _decoder(factor=2, num_classes=3)
    return models.VAE(encoder, decoder, 3, likelihood="discretized_logistic", capacity=3.0, beta=4.0)


def _annealed_vae():
    beta = keras.optimizers.schedules.PolynomialDecay(0.0, 10, 1.0)
    return models.VAE(_encoder(6), _decoder(), beta=beta, free_bits=0.1)


def _vae_gan():
    generator = networks.dcgan_generator(SHAPE, 3, width=4)
    return models.VAEGAN(_encoder(6), generator, networks.dcgan_discriminator(SHAPE, width=4))


KINDS = {
    "denoising": lambda: models.Autoencoder(_encoder(3), _decoder(), noise=0.3),
    "rae_gradient": lambda: models.RAE(_encoder(3), _decoder(), decoder_penalty="gradient"),
    "rae_l2": lambda: models.RAE(_encoder(3), _decoder()),
    "wae": lambda: models.WAE(_encoder(3), _decoder()),
    "annealed_vae": _annealed_vae,
    "conditional_vae": _conditional_vae,
    "iwae": lambda: models.IWAE(_encoder(6), _decoder(), likelihood="bernoulli", samples=4),
    "tcvae": lambda: models.TCVAE(_encoder(6), _decoder(), dataset_size=48),
    "infovae": lambda: models.InfoVAE(_encoder(6), _decoder()),
    "vqvae": lambda: models.VQVAE(networks.vq_encoder(SHAPE, 4, 8), networks.vq_decoder(SHAPE, 4, 8), codes=8),
    "vaegan": _vae_gan,
}


def make(kind, optimizer=keras.optimizers.Adam, rate=1e-3, **compile_kwargs):
    """Compiled, with weights from NumPy, so that every backend starts alike."""
    model = KINDS[kind]()
    rng = np.random.default_rng(0)
    for network in model.players.values():
        for v in network.trainable_variables:
            if len(v.shape) > 1:
                v.assign(rng.normal(size=v.shape) / np.sqrt(np.prod(v.shape[:-1])))
    if kind == "vqvae":
        model.codebook.assign(rng.normal(size=model.codebook.shape))  # Keras draws others on each backend
    for v, average in model._averages:
        average.assign(np.array(v))
    names = list(model.players)
    given = {"optimizer": optimizer(rate)} if len(names) == 1 else {f"{n}_optimizer": optimizer(rate) for n in names}
    model.compile(**given, **compile_kwargs)
    return model


def prior(vqvae, kind="pixelcnn"):
    network = networks.pixelcnn((4, 4), 8, 8, 2, num_classes=3)
    if kind == "transformer":
        network = networks.code_transformer((4, 4), 8, 8, 2, 2, num_classes=3)
    model = models.CodePrior(vqvae, network, 3)
    model.compile(keras.optimizers.Adam(1e-2))
    return model


def state(model):
    return [np.array(v) for v in [*model.variables, *model.optimizer.variables]]
