"""StyleGAN2: its layers against plain ones, path lengths in closed form, styles, truncation."""

import keras
import numpy as np
import pytest
from keras import ops

from keras_imgen.layers import EqualizedConv2D, MinibatchStd, ModulatedConv2D
from keras_imgen.layers.stylegan2 import downsample, upsample
from keras_imgen.models import StyleGAN2
from keras_imgen.models.adversarial import AdaptiveAugment
from keras_imgen.networks import stylegan2_discriminator, stylegan2_generator
from keras_imgen.training import backend, random

RNG = np.random.default_rng(0)


def small(**kwargs):
    keras.utils.set_random_seed(0)
    generator = stylegan2_generator((8, 8, 3), 8, width=4, largest=8, depth=2, num_classes=3)
    discriminator = stylegan2_discriminator((8, 8, 3), width=4, largest=8, num_classes=3)
    model = StyleGAN2(generator, discriminator, 3, path_length_every=2, **kwargs)
    model.compile(run_eagerly=keras.backend.backend() == "tensorflow")
    return model


@pytest.fixture(scope="module")
def trained():
    model = small(augment=AdaptiveAugment())
    rng = np.random.default_rng(1)
    x, y = rng.integers(0, 256, (16, 8, 8, 3), "uint8"), rng.integers(0, 3, 16)
    return model, model.fit(x, y, batch_size=8, verbose=0).history


def test_modulation_is_that_of_the_weights():
    """eqs. 1 and 3 of the paper, image by image, in NumPy."""
    layer = ModulatedConv2D(4, 3)
    x, w = RNG.normal(size=(2, 6, 6, 5)).astype("float32"), RNG.normal(size=(2, 7)).astype("float32")
    y = np.array(layer(x, w))
    kernel, style = np.array(layer.kernel) / np.sqrt(45), np.array(layer.style(w))
    for i in range(2):
        weights = kernel * style[i][None, None, :, None]
        weights = weights / np.sqrt((weights**2).sum((0, 1, 2)) + 1e-8)
        plain = np.array(ops.conv(x[i : i + 1], weights.astype("float32"), 1, "same"))[0]
        np.testing.assert_allclose(y[i], np.where(plain > 0, plain, 0.2 * plain) * 2**0.5, atol=1e-5)
    assert (np.array(layer(x, w, random.key(np.arange(2, dtype="int32")))) == y).all()  # its strength starts at zero


def test_filters():
    line = np.arange(6, dtype="float32")
    image = np.tile(line[None, :, None, None], (1, 1, 4, 1))
    up = np.array(upsample(image))[0, :, 0, 0]
    np.testing.assert_allclose(up[1:-1], (np.arange(12) / 2 - 0.25)[1:-1], atol=1e-6)  # a ramp stays one
    x = RNG.normal(size=(1, 8, 8, 1)).astype("float32")
    taps = np.array([1, 3, 3, 1]) / 8
    wanted = sum(taps[i] * taps[j] * x[0, 1 + i : 5 + i : 2, 1 + j : 5 + j : 2, 0] for i in range(4) for j in range(4))
    np.testing.assert_allclose(np.array(downsample(x))[0, 1:3, 1:3, 0], wanted, atol=1e-6)


def test_equalized_layers_keep_the_variance():
    x = RNG.normal(size=(4, 16, 16, 32)).astype("float32")
    y = np.array(EqualizedConv2D(64, 3, activate=False)(x))[:, 1:-1, 1:-1]
    assert abs(y.var() - 1) < 0.1


def test_minibatch_std_sees_a_collapse():
    x = np.repeat(RNG.normal(size=(1, 4, 4, 2)), 5, 0).astype("float32")
    assert np.array(MinibatchStd()(x))[..., 2].max() < 1e-3
    other = RNG.normal(size=(5, 4, 4, 2)).astype("float32")
    np.testing.assert_allclose(MinibatchStd()(other)[0, 0, 0, 2], other.std(0).mean(), rtol=1e-5)


def test_a_collapse_is_seen_against_real_images():
    """Real and generated images have a statistic each: logits are those of passes of their own."""
    model = small()
    real = ops.convert_to_tensor(RNG.uniform(-1, 1, (4, 8, 8, 3)).astype("float32"))
    fake, labels = ops.zeros((4, 8, 8, 3)), ops.convert_to_tensor(np.array([0, 1, 2, 0], "int32"))
    found = model._both(real, fake, {"label": labels})
    for (logits, _), images in zip(found, (real, fake)):
        np.testing.assert_allclose(logits, model.discriminate(images, {"label": labels}, True)[0], rtol=1e-5, atol=1e-6)
    mixed, _ = model.discriminate(ops.concatenate([real, fake]), {"label": ops.concatenate([labels, labels])}, True)
    assert np.abs(np.array(mixed)[4:] - np.array(found[1][0])).max() > 1e-4


def test_path_length_of_a_linear_generator():
    """Where images are A w, J^T y is A^T y."""
    model = small()
    shape, layers = (8, 8, 3), model.generator.layer_count
    a, scale = RNG.normal(size=(layers, 8, 192)).astype("float32"), model.generator.trainable_variables[0]
    scale.assign(np.ones(scale.shape))

    def linear(w, keys=None):
        return ops.mean(scale) * ops.reshape(ops.einsum("nld,ldp->np", w, a), (-1, *shape))

    model.generator.synthesize = linear
    keys = random.key(np.arange(5, dtype="int32"))
    model.mean_path.assign(3.0)
    penalty, mean = model.generator_term(keys, {"label": ops.zeros((5,), "int32")})
    y = np.array(random.normal(random.fold(keys, 7), shape)).reshape(5, -1) / 8
    lengths = np.sqrt(((np.einsum("ldp,np->nld", a, y)) ** 2).sum(-1).mean(-1))
    wanted = 3.0 + 0.01 * (lengths.mean() - 3.0)
    np.testing.assert_allclose(mean, wanted, rtol=1e-5)
    np.testing.assert_allclose(penalty, 2.0 * ((lengths - wanted) ** 2).mean(), rtol=1e-4)
    term = lambda: (model.generator_term(keys, {"label": ops.zeros((5,), "int32")})[0],) * 2  # noqa: E731
    _, (slope,) = backend.gradients(model, term, [scale])  # lengths are proportional to the scale; their mean is held
    np.testing.assert_allclose(ops.sum(slope), 4.0 * ((lengths - wanted) * lengths).mean(), rtol=1e-4)


def test_styles_are_mixed_at_a_layer():
    model = small()
    keys, labels = random.key(np.arange(200, dtype="int32")), ops.zeros((200,), "int32")
    w, mixed = (np.array(v) for v in model.styles(keys, {"label": labels}, True))
    own = (mixed == w[:, None]).all(-1)
    assert own[:, 0].all() and (np.diff(own.astype(int), axis=1) <= 0).all()  # its own first, then the other's
    assert 0.83 < (~own[:, -1]).mean() < 0.97  # nine in ten


def test_training_moves_all_its_state(trained):
    model, history = trained
    assert {"r1", "path_length", "augment_p"} <= set(history)
    assert np.isfinite(list(history.values())).all() and history["path_length"][-1] > 0
    assert np.abs(np.array(model.mean_style)).max() > 0


def test_truncation_and_styles(trained):
    model = trained[0]
    images, labels = model.generate(labels=[0, 1, 2], seed=4), [0, 1, 2]
    styles = model.map(labels=labels, seed=4)
    np.testing.assert_array_equal(model.synthesize(styles, seeds=[4, 5, 6]), images)
    np.testing.assert_array_equal(model.generate(labels=labels, seed=4, truncation=1.0), images)
    half = model.map(labels=labels, seed=4, truncation=0.5)
    np.testing.assert_allclose(half, (styles + np.array(model.mean_style)) / 2, atol=1e-6)
    np.testing.assert_array_equal(
        model.generate(labels=labels, seed=4, truncation=0.5), model.synthesize(half, seeds=[4, 5, 6])
    )
    with pytest.raises(ValueError, match="styles"):
        model.synthesize(np.zeros((2, 5)))


def test_sizes():
    with pytest.raises(ValueError, match="8, 16, 32"):
        stylegan2_generator((28, 28, 1))
