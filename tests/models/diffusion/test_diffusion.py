"""The whole model: seeds, samplers, edits, likelihood, saving, on the present backend."""

import math
import subprocess
import sys

import keras
import numpy as np
import pytest
from keras import ops

from keras_imgen.models import Diffusion
from keras_imgen.networks import unet
from keras_imgen.sampling import samplers
from keras_imgen.training import backend


@keras.saving.register_keras_serializable("keras_imgen_tests")
class GaussianDenoiser(keras.Model):
    """The exact F of v-prediction for data N(0, s^2), so that every answer of the model is known in closed form."""

    image_shape, num_classes = (4, 4, 1), None

    def __init__(self, s=0.3, **kwargs):
        super().__init__(**kwargs)
        self.s, self.calls = s, 0
        self.weight = self.add_weight(name="weight", shape=(), initializer="ones")
        self.built = True

    def call(self, inputs, training=False):
        snr = ops.exp(inputs["log_snr"])[:, None, None, None]
        alpha, sigma = ops.sqrt(snr / (1 + snr)), ops.sqrt(1 / (1 + snr))
        x = inputs["image"]  # c_in is 1 / sqrt(alpha^2 + sigma^2): x in coordinates with unit norm
        x0 = alpha * self.s**2 * x / ((alpha * self.s) ** 2 + sigma**2)
        return self.weight * (alpha * x - x0) / sigma

    def get_config(self):
        return {"s": self.s}


def trained(epochs):
    keras.utils.set_random_seed(1)  # the same weights to begin with, every time
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 3, 96).astype("int32")
    images = (np.zeros((96, 8, 8, 1)) + np.array([0, 128, 255])[labels][:, None, None, None]).astype("uint8")
    model = Diffusion(unet((8, 8, 1), widths=(8, 16), depth=1, attention=(4,), num_classes=3))
    model.compile(keras.optimizers.Adam(3e-3))
    model.fit({"image": images, "label": labels}, batch_size=32, epochs=epochs, verbose=0)
    return model


@pytest.fixture(scope="module")
def model():
    return trained(4)


@pytest.mark.slow
@pytest.mark.one_backend
def test_it_learns_its_labels():
    images = trained(80).generate(labels=np.repeat([0, 1, 2], 8), guidance_scale=1.5)
    means = images.mean(axis=(1, 2, 3)).reshape(3, 8).mean(1)
    assert means[0] < 90 and 90 < means[1] < 165 and means[2] > 165


@pytest.mark.parametrize("sampler", ["ddim", "ddpm", "dpmpp_2m_sde"])
def test_a_row_depends_on_its_own_seed(model, sampler):
    batch = model.generate(labels=[0, 1, 2, 0, 1], seed=10, sampler=sampler, steps=6)
    alone = model.generate(labels=[2], seed=12, sampler=sampler, steps=6)
    np.testing.assert_array_equal(batch[2], alone[0])
    np.testing.assert_array_equal(
        batch, model.generate(labels=[0, 1, 2, 0, 1], seed=10, sampler=sampler, steps=6, batch_size=2)
    )
    assert (batch[0] != batch[3]).any()


def test_steps_leave_nothing_behind(model):
    first = model.generate(n=2, steps=5)
    model.generate(n=2, steps=9, sampler="heun")
    np.testing.assert_array_equal(first, model.generate(n=2, steps=5))


def test_generating_does_not_touch_training(model):
    before = [np.array(v) for v in model.variables]
    model.generate(n=3, steps=3, sampler="ddpm")
    for v, b in zip(model.variables, before):
        np.testing.assert_array_equal(v, b)


@pytest.mark.one_backend
def test_guidance_of_one_is_the_conditional_model(model):
    plain = model.generate(labels=[0, 1], guidance_scale=1.0)
    outside = model.generate(labels=[0, 1], guidance_scale=7.0, guidance_interval=(1e5, 1e6))
    np.testing.assert_array_equal(plain, outside)
    assert (plain != model.generate(labels=[0, 1], guidance_scale=7.0)).any()
    with_itself = model.generate(labels=[0, 1], guidance_scale=7.0, guide=model)
    np.testing.assert_allclose(plain.astype(int), with_itself.astype(int), atol=1)


GUIDES = """
import keras, numpy as np
from keras_imgen.models import Diffusion
from keras_imgen.networks import unet

def make(seed):
    keras.utils.set_random_seed(seed)
    model = Diffusion(unet((8, 8, 1), widths=(8,), depth=1, attention=()), steps=3)
    rng = np.random.default_rng(seed)
    for v, average in model._averages:  # weights and averages that have nothing to do with each other
        v.assign(rng.normal(0, 0.3, v.shape)), average.assign(rng.normal(0, 0.3, v.shape))
    return model

model, guide = make(0), make(1)
first = model.generate(3, guide=guide, guidance_scale=2.5)
assert (first != model.generate(3)).any()
np.testing.assert_array_equal(first, model.generate(3, guide=guide.for_inference(), guidance_scale=2.5))
raw = model.generate(3, guide=guide, guidance_scale=2.5, ema=False)
assert (first != raw).any()
for _, average in guide._averages:
    average.assign(average * 0.5)
second = model.generate(3, guide=guide, guidance_scale=2.5)
assert (first != second).any()
np.testing.assert_array_equal(second, model.generate(3, guide=guide.for_inference(), guidance_scale=2.5))
"""


@pytest.mark.slow
def test_a_guide_guides_with_its_averaged_weights_of_now():
    exec(GUIDES, {})


@pytest.mark.tensorflow
@pytest.mark.slow
def test_a_guide_guides_on_the_other_backend(other_backend):
    subprocess.run([sys.executable, "-c", GUIDES], check=True, env=other_backend)


@pytest.mark.one_backend
def test_inpainting_keeps_what_is_known(model):
    images = np.random.default_rng(2).integers(0, 256, (2, 8, 8, 1), "uint8")
    keep = np.zeros((2, 8, 8))
    np.testing.assert_array_equal(model.inpaint(images, keep, labels=[0, 1]), images)
    mask = keep.copy()
    mask[:, :4] = 1
    for resample in (1, 3):
        painted = model.inpaint(images, mask, labels=[0, 1], steps=5, resample=resample)
        np.testing.assert_array_equal(painted[:, 4:], images[:, 4:])
        assert (painted[:, :4] != images[:, :4]).any()


@pytest.mark.one_backend
def test_image_to_image_moves_with_strength(model):
    images = model.generate(labels=[1, 1, 1, 1], seed=5)
    change = [
        np.abs(model.image_to_image(images, labels=[1] * 4, strength=s).astype(int) - images).mean()
        for s in (0.05, 0.9)
    ]
    assert change[0] < 10 and change[0] < change[1]


@pytest.mark.one_backend
def test_other_sizes_than_the_trained_one(model):
    images = np.zeros((1, 12, 10, 1), "uint8")
    assert model.image_to_image(images, labels=[0]).shape == images.shape


def test_evaluation_uses_averages_and_repeats(model):
    x, y = np.zeros((20, 8, 8, 1), "uint8"), np.zeros(20, "int32")
    first = model.evaluate(x, y, verbose=0, return_dict=True)
    assert first == model.evaluate(x, y, verbose=0, return_dict=True)
    kept = [np.array(v) for v in model.network.trainable_variables]
    for v in model.network.trainable_variables:
        v.assign(v * 0)
    assert first == model.evaluate(x, y, verbose=0, return_dict=True)
    for v, k in zip(model.network.trainable_variables, kept):
        v.assign(k)


def test_known_gaussian_samples_and_likelihood():
    model = Diffusion(GaussianDenoiser(0.3), sampler="heun", steps=40)
    images = model.generate(256) / 127.5 - 1
    assert abs(images.std() / 0.3 - 1) < 0.03 and abs(images.mean()) < 0.02
    x = (np.random.default_rng(0).normal(size=(8, 4, 4, 1)) * 0.3 * 127.5 + 127.5).clip(0, 255).astype("uint8")
    z = (x + 0.5) / 128 - 1
    nats = -0.5 * (z / 0.3) ** 2 - math.log(0.3) - 0.5 * math.log(2 * math.pi)
    expected = 7 - nats.mean(axis=(1, 2, 3)) / math.log(2)
    exact = model.log_likelihood(x, steps=200, probes=16)
    np.testing.assert_allclose(exact, expected, atol=0.02)
    np.testing.assert_allclose(model.log_likelihood(x, steps=200, probes=1), expected, atol=0.02)


def test_exact_number_of_network_calls():
    for name in samplers.SAMPLERS:
        calls = []

        def denoise(x, alpha, sigma, calls=calls):
            calls.append(1)
            return 0.5 * x

        rows = samplers.table(name, "cosine", 7)
        assert len(rows) == (13 if name == "heun" else 7)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"sampler": "dpm"}, "ddim"),
        ({"steps": 0}, "at least 1"),
        ({"labels": [3]}, "0..2"),
        ({"labels": [0.5]}, "integer"),
        ({"n": 2, "labels": [0]}, "as many"),
        ({"grid": "even"}, "karras"),
        ({"guidance_interval": (2, 1)}, "guidance_interval"),
    ],
)
def test_bad_requests(model, arguments, words):
    with pytest.raises(ValueError, match=words):
        model.generate(**arguments)


def test_bad_constructions():
    network = GaussianDenoiser()
    with pytest.raises(ValueError, match="cosine"):
        Diffusion(network, schedule="cosin")
    with pytest.raises(ValueError, match="label_dropout"):
        Diffusion(network, label_dropout=1.0)
    with pytest.raises(ValueError, match="ema"):
        Diffusion(network, ema=2.0)


def test_labels_out_of_range_are_refused(model):
    with pytest.raises(ValueError, match="0..2"):
        model.fit(np.zeros((4, 8, 8, 1), "uint8"), np.array([0, 1, 2, 3]), verbose=0)


def test_streams_make_the_same_images(model):
    """Under XLA two batches are made at a time."""
    fast = Diffusion.from_config(model.get_config())
    fast.set_weights(model.get_weights())
    fast.compile(jit_compile=True)
    labels, how = [0, 1, 2, 0], {"steps": 3, "batch_size": 2}
    made = fast.generate(labels=labels, seed=4, **how)
    alone = [fast.generate(labels=[y], seed=4 + k, **how)[0] for k, y in enumerate(labels)]
    assert np.abs(made.astype(int) - np.stack(alone)).max() <= 1


@pytest.mark.parametrize("norm", (False, True))
def test_a_step_in_halves_is_the_step_on_the_whole_batch(norm, monkeypatch):
    """On TensorFlow a batch is cut; what batch norm would change is left whole."""
    layers = keras.layers
    image, log_snr = keras.Input((4, 4, 1), name="image"), keras.Input((), name="log_snr")
    start = keras.initializers.RandomNormal(seed=1)
    h = layers.Conv2D(3, 3, padding="same", activation="tanh", kernel_initializer=start)(image)
    h = layers.BatchNormalization()(h) if norm else h
    h = layers.Conv2D(1, 3, padding="same", kernel_initializer=start)(h)
    inputs = {"image": image, "log_snr": log_snr}
    network = keras.Model(inputs, h)
    sizes = []
    if keras.backend.backend() == "tensorflow":
        monkeypatch.setattr(backend, "_cores", lambda: 2)

    class Counted(keras.Model):
        image_shape = (4, 4, 1)

        def __init__(self):
            super().__init__()
            self.inner, self.built = network, True

        def call(self, inputs, training=False):
            sizes.append(inputs["image"].shape[0])
            return self.inner(inputs, training=training)

    x = np.random.default_rng(0).uniform(-1, 1, (6, 4, 4, 1)).astype("float32")
    first, after = network.get_weights(), {}
    for eager in (False, True):  # eager steps are never cut
        network.set_weights(first)
        model = Diffusion(Counted(), ema=None)
        model.compile(keras.optimizers.SGD(1.0), run_eagerly=eager, jit_compile=False)
        sizes.clear()
        after[eager] = [model.train_on_batch({"image": x}), *network.get_weights()]
        cut = keras.backend.backend() == "tensorflow" and not eager and not norm
        assert set(sizes) == ({3} if cut else {6})
    for a, b in zip(after[False], after[True]):
        np.testing.assert_allclose(a, b, atol=1e-6)


def test_conditions_of_another_length_are_refused(model):
    told = Diffusion(unet((8, 8, 1), widths=(8,), depth=1, attention=(), num_classes=3, vector_dim=4))
    with pytest.raises(ValueError, match="as many images everywhere, got labels: 3, vector: 1"):
        told.generate(labels=[0, 1, 2], conditions={"vector": np.zeros((1, 4), "float32")})
    with pytest.raises(ValueError, match="Expected conditions of label, got 'vector'"):
        model.generate(labels=[0, 1, 2], conditions={"vector": np.zeros((3, 4), "float32")})
