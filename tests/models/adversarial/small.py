"""A small GAN with all that has a state, the same on every backend: ADA, LeCam, lazy R1, averages, two Adams."""

import keras
import numpy as np

from keras_imgen.models import GAN
from keras_imgen.models.adversarial import R1, AdaptiveAugment, LeCam
from keras_imgen.networks import dcgan_discriminator, dcgan_generator


def images(n=64):
    rng = np.random.default_rng(1)
    return rng.integers(0, 256, (n, 16, 16, 1), "uint8"), rng.integers(0, 3, n).astype("int32")


def gan(optimizer=keras.optimizers.Adam, lr=1e-3, compile_kwargs=None, **kwargs):
    given = {"regularizers": [R1(0.1, every=2), LeCam()], "augment": AdaptiveAugment(images=200, p=0.2), **kwargs}
    model = GAN(
        dcgan_generator((16, 16, 1), 8, width=4, num_classes=3, normalization=None),
        dcgan_discriminator((16, 16, 1), width=4, num_classes=3),
        num_classes=3,
        **given,
    )
    rng = np.random.default_rng(0)
    for network in model.players.values():
        for v in network.trainable_variables:
            v.assign(rng.normal(size=v.shape) / np.sqrt(max(1, np.prod(v.shape[:-1]))))
    for v, average in model._averages:
        average.assign(np.array(v))
    model.compile(
        generator_optimizer=optimizer(lr), discriminator_optimizer=optimizer(2 * lr), **(compile_kwargs or {})
    )
    return model


def state(model):
    return [np.array(v) for v in [*model.variables, *model.optimizer.variables]]
