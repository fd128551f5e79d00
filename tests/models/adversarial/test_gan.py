"""GANs as a whole: over replicas, in half precision, with losses and orders of steps of their own; sampling and serving."""

import json
import os
import subprocess
import sys

import battery
import keras
import numpy as np
import pytest
from battery import compiled, images, state
from keras import ops

from keras_imgen import load_model, serving
from keras_imgen.losses.adversarial import AdversarialLoss
from keras_imgen.models import GAN, WGAN
from keras_imgen.models.adversarial import R1, R2, DiffAugment
from keras_imgen.networks import (
    dcgan_discriminator,
    dcgan_generator,
    mlp_discriminator,
    mlp_generator,
    resnet_gan_discriminator,
    resnet_gan_generator,
)

HERE = os.path.dirname(__file__)
EAGER = {"run_eagerly": keras.backend.backend() == "tensorflow"}


def gan(optimizer=keras.optimizers.Adam, how=EAGER, **kwargs):
    return compiled(battery.gan(**kwargs), optimizer, **how)


def equal(a, b):
    for x, y in zip(a, b, strict=True):
        np.testing.assert_array_equal(x, y)


REPLICAS = """
import sys, json, numpy as np, keras, tensorflow as tf
sys.path[:0] = {here!r}
from battery import images
from test_gan import gan
cpus = tf.config.list_physical_devices("CPU")
tf.config.set_logical_device_configuration(cpus[0], [tf.config.LogicalDeviceConfiguration()] * 2)
strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
with strategy.scope():
    model = gan(keras.optimizers.SGD, {{}})
data = tf.data.Dataset.from_tensor_slices(images(40)).batch(16)  # the last batch has 8, two times 4
history = model.fit(data, epochs=2, verbose=0).history
print(json.dumps({{"history": history, "state": [np.array(v).tolist() for v in model.variables]}}))
"""


@pytest.mark.slow
@pytest.mark.tensorflow
def test_two_replicas_equal_one_device():
    child = [sys.executable, "-c", REPLICAS.format(here=[HERE, os.path.dirname(HERE)])]
    done = subprocess.run(child, check=True, capture_output=True, text=True)
    result = json.loads(done.stdout.strip().splitlines()[-1])
    reference = gan(keras.optimizers.SGD, {})
    history = reference.fit(*images(40), batch_size=16, epochs=2, shuffle=False, verbose=0).history
    assert np.float32(history["augment_p"][-1]) != np.float32(0.2)  # ADA has moved
    # Both players, their averages, ADA's p, the random state.
    for v, there in zip(reference.variables, result["state"], strict=True):
        np.testing.assert_allclose(v, np.array(there), atol=1e-5, err_msg=v.path)
    for name in ("discriminator_loss", "generator_loss", "augment_p"):
        np.testing.assert_allclose(history[name], result["history"][name], rtol=1e-4, err_msg=name)


@keras.saving.register_keras_serializable("keras_imgen_tests")
def softer(real, fake):
    return 0.5 * (ops.mean(ops.softplus(-real)) + ops.mean(ops.softplus(fake)))


@keras.saving.register_keras_serializable("keras_imgen_tests")
def plain(fake, real):
    return -ops.mean(fake)


def test_a_loss_of_ones_own_is_saved(tmp_path):
    model = gan(loss=AdversarialLoss("hinge", softer, plain))  # not ours of that name
    model.save(tmp_path / "m.keras")
    assert load_model(str(tmp_path / "m.keras")).loss_pair == model.loss_pair


def test_half_precision_stays_finite():
    keras.config.set_dtype_policy("mixed_float16")
    try:
        model = GAN(dcgan_generator((8, 8, 1), 8, width=4), dcgan_discriminator((8, 8, 1), width=4))
    finally:
        keras.config.set_dtype_policy("float32")
    model.compile()
    assert all(isinstance(o, keras.optimizers.LossScaleOptimizer) for o in model.optimizer.optimizers)
    history = model.fit(images(160)[0], batch_size=16, epochs=20, verbose=0).history  # 200 steps
    assert np.isfinite(list(history.values())).all()
    assert all(np.isfinite(np.array(v, "float32")).all() for v in model.variables)
    assert int(model.optimizer["generator"].iterations) >= 150  # the rest looked for a scale


@pytest.mark.slow
def test_it_learns_where_the_light_is():
    """Half of the pictures are bright above, half below; the label says which."""
    keras.utils.set_random_seed(0)
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 2, 256).astype("int32")
    x = np.where(np.arange(8)[None, :, None, None] // 4 == labels[:, None, None, None], 220, 30) + np.zeros(
        (1, 1, 8, 1)
    )
    x = np.clip(x + rng.normal(0, 12, x.shape), 0, 255).astype("uint8")
    model = GAN(
        mlp_generator((8, 8, 1), 8, (64,), 2), mlp_discriminator((8, 8, 1), (64,), 2), 2, regularizers=[R1(0.1)]
    )
    adam = lambda: keras.optimizers.Adam(2e-3, beta_1=0.5)  # noqa: E731
    model.compile(generator_optimizer=adam(), discriminator_optimizer=adam())
    model.fit(x, labels, batch_size=64, epochs=60, verbose=0)
    made = model.generate(labels=np.repeat([0, 1], 8)).astype(float)
    above, below = made[:, :4].mean((1, 2, 3)), made[:, 4:].mean((1, 2, 3))
    assert (above - below)[:8].min() > 90 and (below - above)[8:].min() > 90


@pytest.mark.parametrize("conditioning", ["concat", "projection", "auxiliary"])
def test_conditions_are_saved_and_read(conditioning, tmp_path):
    discriminator = dcgan_discriminator((8, 8, 1), 4, 3, conditioning)
    model = GAN(dcgan_generator((8, 8, 1), 8, 4, 3), discriminator, 3, regularizers=())
    model.compile(**EAGER)
    logs = model.fit(*images(32), batch_size=16, verbose=0).history
    assert ("class_loss" in logs) == (conditioning == "auxiliary")
    model.save(tmp_path / "m.keras")
    loaded = load_model(str(tmp_path / "m.keras"))
    equal(state(model), state(loaded))
    np.testing.assert_array_equal(model.generate(5, seed=3), loaded.generate(5, seed=3))
    np.testing.assert_array_equal(model.generate(5, seed=3), model.for_inference().generate(5, seed=3))
    if conditioning == "concat":  # the discriminator looks at the label
        x = np.zeros((2, 8, 8, 1), "float32")
        both = np.array(model.discriminate(x, {"label": np.array([0, 1])})[0])
        assert both[0] != both[1]


def test_a_step_in_other_orders():
    """More critic steps and shared fakes: how often each optimizer moves, and that every critic step sees its own images."""
    x = images(32)[0]
    plain = lambda: (dcgan_generator((8, 8, 1), 8, 4), dcgan_discriminator((8, 8, 1), 4))  # noqa: E731
    wgan = WGAN(*plain(), critic_steps=2)
    wgan.compile(**EAGER)
    logs = wgan.fit(x, batch_size=16, verbose=0).history
    assert (int(wgan.optimizer["generator"].iterations), int(wgan.optimizer["discriminator"].iterations)) == (2, 4)
    assert "gradient_penalty" in logs and wgan.loss_pair.name == "wasserstein"
    shared = GAN(*plain(), loss="relativistic", regularizers=[R1(), R2()], shared_fakes=True, augment=DiffAugment())
    shared.compile(**EAGER)
    assert np.isfinite(list(shared.fit(x, batch_size=16, verbose=0).history.values())).all()
    with pytest.raises(ValueError, match="critic_steps=1"):
        GAN(*plain(), shared_fakes=True, critic_steps=2)


def test_plain_sequential_networks_are_players():
    generator = keras.Sequential([keras.Input((4,)), keras.layers.Dense(16, "tanh"), keras.layers.Reshape((4, 4, 1))])
    discriminator = keras.Sequential([keras.Input((4, 4, 1)), keras.layers.Flatten(), keras.layers.Dense(1)])
    model = GAN(generator, discriminator, loss="least_squares")
    model.compile(generator_optimizer="sgd", discriminator_optimizer="sgd")
    model.fit(np.zeros((8, 4, 4, 1), "uint8"), batch_size=4, verbose=0)
    assert model.generate(2).shape == (2, 4, 4, 1)


def test_a_last_batch_smaller_than_the_critic_steps_is_no_nan():
    model = gan(critic_steps=4)
    x, y = images(10)
    logs = model.fit(x, y, batch_size=8, verbose=0).history
    assert all(np.isfinite(v).all() for v in [*state(model), *logs.values()])


def test_batch_norm_keeps_real_and_fake_apart():
    assert gan().joint and not GAN(mlp_generator((4, 4, 1)), _with_batch_norm()).joint


def _with_batch_norm():
    layers = [keras.layers.Flatten(), keras.layers.Dense(4), keras.layers.BatchNormalization(), keras.layers.Dense(1)]
    return keras.Sequential([keras.Input((4, 4, 1)), *layers])


def test_residual_networks_with_spectral_norm(tmp_path):
    model = GAN(resnet_gan_generator((8, 8, 1), 8, 8, 3), resnet_gan_discriminator((8, 8, 1), 8, 3), 3, "hinge", ())
    model.compile(**EAGER)
    model.fit(*images(32), batch_size=16, verbose=0)
    model.save(tmp_path / "m.keras")
    equal(state(model), state(load_model(str(tmp_path / "m.keras"))))


# === Sampling ===


@pytest.fixture(scope="module")
def model():
    model = gan()
    model.fit(*images(32), batch_size=16, verbose=0)
    return model


def test_a_row_depends_on_its_own_seed(model):
    batch = model.generate(labels=[0, 1, 2, 0, 1], seed=10)
    np.testing.assert_array_equal(batch[2], model.generate(labels=[2], seed=12)[0])
    np.testing.assert_array_equal(batch[[4, 0]], model.generate(labels=[1, 0], seeds=[14, 10]))
    assert (batch[0] != batch[3]).any()
    drawn = model.generate(3, seed=10)  # labels are drawn from the seed too
    np.testing.assert_array_equal(drawn[1], model.generate(1, seed=11)[0])
    assert model.generate(0).shape == (0, 8, 8, 1)


def test_truncation_draws_latents_in(model):
    keys = np.stack([np.arange(500, dtype="uint32"), np.zeros(500, "uint32")], 1)
    free, bound = np.array(model.latents(keys)), np.array(model.latents(keys, 0.7))
    assert np.abs(bound).max() <= 0.7 and (np.sign(free) == np.sign(bound)).all()
    from scipy.stats import kstest, truncnorm

    assert kstest(bound.ravel(), truncnorm(-0.7, 0.7).cdf).pvalue > 1e-3
    assert (model.generate(2, truncation=0.5) != model.generate(2)).any()
    with pytest.raises(ValueError, match="truncation"):
        model.generate(1, truncation=0.0)


def test_walks(model):
    walk = model.walk([3, 5, 9], frames=4, label=1)
    assert walk.shape == (8, 8, 8, 1)
    ends = model.generate(labels=[1, 1, 1], seeds=[3, 5, 9])
    np.testing.assert_array_equal(walk[[0, 4, 7]], ends)
    loop = model.walk([3, 5], frames=4, label=1, loop=True)
    assert len(loop) == 8
    np.testing.assert_array_equal(loop[[0, 4]], ends[:2])


def test_slerp_has_the_length_and_the_angle():
    from keras_imgen.models.adversarial.latent import slerp

    a, b = np.array([[2.0, 0.0], [1.0, 0.0]], "float32"), np.array([[0.0, 4.0], [3.0, 0.0]], "float32")
    middle = np.array(slerp(a, b, np.array([0.5, 0.5], "float32")))
    np.testing.assert_allclose(middle, [[3 / 2**0.5, 3 / 2**0.5], [2.0, 0.0]], atol=1e-5)


# === Serving ===

CLIENT = """
import sys, numpy as np, tensorflow as tf
path, out = sys.argv[1:]
served = tf.saved_model.load(path)
s, y = tf.range(64), tf.constant(np.resize([0, 1, 2], 64), "int32")
default = served.signatures["serving_default"](seeds=s, labels=y)["images"].numpy()
bound = served.signatures["generate"](seeds=s, labels=y, truncation=tf.constant(0.5))["images"].numpy()
few = served.signatures["serving_default"](seeds=s[:3], labels=y[:3])["images"].numpy()
assert few.shape == (3, 8, 8, 1) and not any(n.split(".")[0] == "keras_imgen" for n in sys.modules)
np.savez(out, default=default, bound=bound)
"""


@pytest.mark.slow
@pytest.mark.tensorflow
def test_saved_model_in_a_fresh_process(model, tmp_path):
    path = str(tmp_path / "saved")
    model.export(path)
    subprocess.run([sys.executable, "-c", CLIENT, path, str(tmp_path / "o.npz")], check=True, cwd=tmp_path)
    out, labels = np.load(tmp_path / "o.npz"), np.resize([0, 1, 2], 64)
    np.testing.assert_array_equal(out["default"], model.generate(labels=labels))
    np.testing.assert_array_equal(out["bound"], model.generate(labels=labels, truncation=0.5))
    served = serving.load(path)
    for given in ({"n": 3}, {"labels": [2, 0], "seed": 5, "truncation": 0.8}):
        np.testing.assert_array_equal(served.generate(**given), model.generate(**given))


# === What is wrong is said ===


def test_bad_arguments():
    generator, discriminator = mlp_generator((4, 4, 1), num_classes=3), mlp_discriminator((4, 4, 1), num_classes=3)
    with pytest.raises(ValueError, match="num_classes"):
        GAN(generator, discriminator)
    with pytest.raises(ValueError, match="critic_steps"):
        GAN(generator, discriminator, 3, critic_steps=0)
    with pytest.raises(ValueError, match="hinge"):
        GAN(generator, discriminator, 3, loss="nonsense")
    model = GAN(generator, discriminator, 3)
    with pytest.raises(ValueError, match="not compiled"):
        model.fit(np.zeros((4, 4, 4, 1), "uint8"))
    model.compile()
    with pytest.raises(ValueError, match="label"):
        model.fit(np.zeros((4, 4, 4, 1), "uint8"))
    with pytest.raises(ValueError, match="halved"):
        dcgan_generator((34, 34, 1))
    with pytest.raises(ValueError, match="conditioning"):
        dcgan_discriminator((8, 8, 1), num_classes=3, conditioning="nonsense")
