"""Gradient penalties on D(x) = x'Ax/2 + b'x, whose gradient is Ax + b; the other terms against their formulas."""

from dataclasses import replace

import keras
import numpy as np
import pytest
from keras import ops

from keras_imgen.models import GAN
from keras_imgen.models.adversarial import DRAGAN, R1, R2, Consistency, GradientPenalty, LeCam
from keras_imgen.models.adversarial.regularizers import DiscriminatorStep
from keras_imgen.networks import mlp_discriminator, mlp_generator
from keras_imgen.training import backend, random

RNG = np.random.default_rng(0)
A = (lambda m: m + m.T)(RNG.normal(size=(12, 12))).astype("float32")
B = RNG.normal(size=12).astype("float32")
REAL, FAKE = (RNG.normal(size=(5, 2, 2, 3)).astype("float32") for _ in range(2))
SLOPE = lambda x: x.reshape(len(x), -1) @ A + B  # noqa: E731


def critic(x, training=False):
    flat = ops.reshape(x, (-1, 12))
    return 0.5 * ops.sum(ops.matmul(flat, A) * flat, -1, keepdims=True) + ops.matmul(flat, B[:, None])


@pytest.fixture(scope="module")
def step():
    model = GAN(mlp_generator((2, 2, 3)), mlp_discriminator((2, 2, 3)))
    keys = random.fold(random.key(np.arange(5, dtype="int32")), 9)
    means = ops.convert_to_tensor(np.array([0.5, -0.25], "float32"))
    real, fake = (ops.convert_to_tensor(v) for v in (REAL, FAKE))
    return DiscriminatorStep(real, fake, critic(real), critic(fake), critic, model.input_gradient, keys, means)


def test_r1_and_r2(step):
    for term, x in ((R1(3.0), REAL), (R2(3.0), FAKE)):
        np.testing.assert_allclose(term(step), 1.5 * (SLOPE(x) ** 2).sum(1).mean(), rtol=1e-5)


def test_gamma_may_be_a_schedule(step):
    falling = R1(keras.optimizers.schedules.PiecewiseConstantDecay([10], [4.0, 1.0]), every=2)
    same = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(falling))
    for iteration, gamma in ((4, 4.0), (20, 1.0)):
        found = [term(replace(step, iteration=ops.convert_to_tensor(iteration))) for term in (falling, same)]
        np.testing.assert_allclose(found, [gamma / 2 * (SLOPE(REAL) ** 2).sum(1).mean()] * 2, rtol=1e-5)


def test_gradient_penalty_and_dragan(step):
    u = np.array(random.uniform(step.keys)).reshape(-1, 1, 1, 1)
    assert ((u > 0) & (u < 1)).all()
    points = u * REAL + (1 - u) * FAKE
    wanted = 10 * ((np.linalg.norm(SLOPE(points), axis=1) - 1) ** 2).mean()
    np.testing.assert_allclose(GradientPenalty()(step), wanted, rtol=1e-5)
    points = REAL + 0.5 * REAL.std() * np.array(random.uniform(step.keys, (2, 2, 3)))
    wanted = 10 * ((np.linalg.norm(SLOPE(points), axis=1) - 1) ** 2).mean()
    np.testing.assert_allclose(DRAGAN()(step), wanted, rtol=1e-4)


def test_lecam_and_consistency(step):
    real, fake = np.array(step.real_logits), np.array(step.fake_logits)
    wanted = 0.1 * ((np.maximum(real + 0.25, 0) ** 2).mean() + (np.maximum(0.5 - fake, 0) ** 2).mean())
    np.testing.assert_allclose(LeCam(0.1)(step), wanted, rtol=1e-5)
    still = DiscriminatorStep(**{**step.__dict__, "real": ops.zeros((5, 2, 2, 3)), "real_logits": ops.zeros((5, 1))})
    assert float(Consistency()(still)) == 0.0  # a flat image moves nowhere
    assert float(Consistency(1.0, 1.0)(step)) > float(Consistency(1.0, 0.0)(step)) > 0


def test_the_penalty_has_the_gradient_of_the_closed_form():
    """One SGD step on R1 alone moves a linear critic's weights w by -lr gamma w."""
    image = keras.Input((2, 2, 1), name="image")
    linear = keras.layers.Dense(1, use_bias=False)(keras.layers.Flatten()(image))
    critic = keras.Model({"image": image}, linear)
    critic.layers[-1].kernel.assign([[1.0], [2.0], [-1.0], [0.5]])
    model = GAN(mlp_generator((2, 2, 1)), critic, loss="wasserstein", regularizers=[R1(0.5)])
    model.generator.layers[-2].kernel.assign(model.generator.layers[-2].kernel * 0)
    model.compile(generator_optimizer=keras.optimizers.SGD(0.0), discriminator_optimizer=keras.optimizers.SGD(0.1))
    model.train_on_batch(np.zeros((4, 2, 2, 1), "float32"))  # real and fake are zero: nothing else has a gradient
    found = np.array(critic.layers[-1].kernel)[:, 0]
    np.testing.assert_allclose(found, np.array([1, 2, -1, 0.5]) * (1 - 0.1 * 0.5), rtol=1e-6)


def test_penalties_have_the_gradient_of_the_closed_form_in_a_quadratic_critic(step):
    """D(x) = a |x|^2 / 2: R1 is gamma/2 a^2 E|x|^2, and the penalty w E(a |x| - 1)^2; both have to be differentiated by a."""
    image = keras.Input((2, 2, 3), name="image")
    half = 0.5 * ops.reshape(ops.sum(ops.square(image), axis=(1, 2, 3)), (-1, 1))
    critic = keras.Model({"image": image}, keras.layers.Dense(1, use_bias=False, name="a")(half))
    a = critic.get_layer("a").kernel
    a.assign([[1.7]])
    model = GAN(mlp_generator((2, 2, 3)), critic)

    def slope(term):
        own = replace(step, critic=lambda x: critic({"image": x}), gradient=model.input_gradient)
        return backend.gradients(model, lambda: (term(own),) * 2, [a])[1][0][0, 0]

    squares = (REAL**2).sum((1, 2, 3))
    np.testing.assert_allclose(slope(R1(3.0)), 3.0 * 1.7 * squares.mean(), rtol=1e-5)
    u = np.array(random.uniform(step.keys)).reshape(-1, 1, 1, 1)
    lengths = np.sqrt(((u * REAL + (1 - u) * FAKE) ** 2).sum((1, 2, 3)))
    np.testing.assert_allclose(slope(GradientPenalty()), 20 * ((1.7 * lengths - 1) * lengths).mean(), rtol=1e-4)


def test_lazy_terms_count_as_often_as_others():
    """With `every` = 3 the term is there in steps 0, 3, ... and three times as large."""
    image = keras.Input((2, 2, 1), name="image")
    critic = keras.Model({"image": image}, keras.layers.Dense(1)(keras.layers.Flatten()(image)))
    model = GAN(mlp_generator((2, 2, 1)), critic, regularizers=[R1(1.0, every=3)])
    frozen = keras.optimizers.SGD(0.0)
    model.compile(generator_optimizer=frozen, discriminator_optimizer=keras.optimizers.SGD(0.0))
    x = np.zeros((4, 2, 2, 1), "float32")
    power = float((np.array(critic.layers[-1].kernel) ** 2).sum())
    seen = []
    for _ in range(4):
        model.reset_metrics()
        seen.append(float(model.train_on_batch(x, return_dict=True)["r1"]))
    np.testing.assert_allclose(seen, [1.5 * power, 0, 0, 1.5 * power], rtol=1e-5)


def test_bad_arguments():
    with pytest.raises(ValueError, match="gamma"):
        R1(-1.0)
    with pytest.raises(ValueError, match="every"):
        R1(every=0)
