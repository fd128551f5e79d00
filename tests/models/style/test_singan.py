import keras
import numpy as np
import pytest

from keras_imgen import networks
from keras_imgen.callbacks import Growth
from keras_imgen.data.imresize import imresize
from keras_imgen.models import SinGAN

SHAPE = (14, 20, 3)
PICTURE = np.random.default_rng(0).integers(0, 256, SHAPE, "uint8")


def make(levels=3, **how):
    generators = [networks.singan_generator(3, 4, 2) for _ in range(levels)]
    model = SinGAN(generators, networks.singan_discriminator(3, 4, 2), SHAPE, ema=None, **how)
    rates = {"generator_optimizer": keras.optimizers.SGD(1e-2), "discriminator_optimizer": keras.optimizers.SGD(1e-3)}
    model.compile(**rates)
    return model


def weights(model):
    return [[np.array(v) for v in one.variables] for one in model.generators]


def changed(a, b):
    return [any((v != w).any() for v, w in zip(x, y, strict=True)) for x, y in zip(a, b, strict=True)]


@pytest.mark.slow
def test_levels_learn_one_after_the_other():
    model, seen = make(together=1), []

    class Watch(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            seen.append((self.model.level, weights(self.model)))

    model.fit(np.repeat(PICTURE[None], 2, 0), batch_size=2, epochs=4, verbose=0, callbacks=[Growth(1), Watch()])
    assert [level for level, _ in seen] == [0, 1, 2, 2]
    every = [w for _, w in seen] + [weights(model)]
    assert [changed(a, b) for a, b in zip(every, every[1:])] == [
        [True, False, False],
        [False, True, False],
        [False, False, True],
        [False, False, True],
    ]


def test_a_level_that_has_not_learned_enlarges():
    model = make(noise=0.0)
    rng = np.random.default_rng(0)
    for v in model.generators[0].variables:
        v.assign(rng.normal(size=v.shape) * 0.05)
    small = model.generate(1, seed=4, size=SHAPE[:2])
    coarse = np.asarray(model.generators[0](np.asarray(model._noise(_key(4), 0, (7, 10, 3)))))[0].astype("float64")
    for size in ((10, 14), SHAPE[:2]):
        coarse = imresize(coarse, size)
    expected = np.round(np.clip(coarse, -1, 1) * 127.5 + 127.5)
    assert np.abs(small[0] - expected).max() <= 1 and small.std() > 1


def _key(seed):
    from keras_imgen.training import random

    return random.key(np.array([seed], "int32"))


def test_growth_needs_levels():
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    with pytest.raises(ValueError, match="no levels"):
        model.fit(np.zeros((2, 2)), np.zeros((2, 1)), verbose=0, callbacks=[Growth(1)])
    with pytest.raises(ValueError, match="`noise`"):
        make(noise=(0.1,))
