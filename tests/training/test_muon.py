import subprocess
import sys

import keras
import numpy as np
import pytest

from keras_imgen.models import Denoiser
from keras_imgen.networks import compact_denoiser
from keras_imgen.training import ConvMuon


def conv_model(name="conv"):
    return keras.Sequential([keras.Input((None, None, 5)), keras.layers.Conv2D(7, 3, name=name)])


def step(model, optimizer, gradient):
    before = model.get_weights()
    optimizer.apply([keras.ops.convert_to_tensor(g) for g in gradient], model.trainable_variables)
    return [(b - a) for b, a in zip(before, model.get_weights())]


def test_step_is_the_orthogonal_factor_of_the_flattened_gradient():
    model, rng = conv_model(), np.random.default_rng(0)
    kernel = rng.normal(size=(3, 3, 5, 7)).astype("float32")
    moved, _ = step(model, ConvMuon(0.01), [kernel, np.zeros(7, "float32")])
    u, _, v = np.linalg.svd(kernel.reshape(45, 7), full_matrices=False)
    found = u.T @ moved.reshape(45, 7) @ v.T / (0.01 * 0.2 * np.sqrt(45))  # the identity, if it were exact
    assert np.all((np.diag(found) > 0.6) & (np.diag(found) < 1.3))  # the bounds of five of its iterations
    np.testing.assert_allclose(found, np.diag(np.diag(found)), atol=1e-3)


def test_transposed_kernels_are_matrices_and_other_variables_are_not():
    model = keras.Sequential([keras.Input((4, 4, 5)), keras.layers.Conv2DTranspose(7, 2, 2)])
    gradient = [np.random.default_rng(0).normal(size=w.shape).astype("float32") for w in model.get_weights()]
    moved, bias = step(model, ConvMuon(0.01), gradient)
    sizes = np.linalg.svd(moved.reshape(-1, 5), compute_uv=False) / (0.01 * 0.2 * np.sqrt(28))
    assert np.all((sizes > 0.6) & (sizes < 1.3))
    np.testing.assert_allclose(bias, 0.01 / 3 * np.sign(gradient[1]), rtol=1e-3)
    constant = keras.Variable(np.zeros((1, 4, 4, 8)), name="constant")
    assert ConvMuon()._should_use_adamw(constant)


def test_expressions_have_to_be_a_list():
    with pytest.raises(ValueError, match="list of expressions, got 'head'"):
        ConvMuon(exclude_layers="head")


def test_step_does_not_depend_on_the_gradients_size():
    kernel = np.random.default_rng(0).normal(size=(3, 3, 5, 7)).astype("float32")
    moves = [step(conv_model(), ConvMuon(), [kernel * scale, np.zeros(7, "float32")])[0] for scale in (1e-3, 1e3)]
    np.testing.assert_allclose(*moves, atol=1e-6)


@pytest.mark.parametrize("name", ["conv_in", "conv_out"])
def test_first_and_last_layers_and_biases_are_adams(name):
    model, rng = conv_model(name), np.random.default_rng(0)
    gradient = [rng.normal(size=w.shape).astype("float32") for w in model.get_weights()]
    for moved, g in zip(step(model, ConvMuon(0.03), gradient), gradient):
        np.testing.assert_allclose(moved, 0.01 * np.sign(g), rtol=1e-3)  # Adam's first step


def test_weights_and_momentum_come_back(tmp_path):
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(8, 9, 9, 5)), rng.normal(size=(8, 7, 7, 7))
    model = conv_model()
    model.compile(ConvMuon(keras.optimizers.schedules.CosineDecay(0.01, 10)), "mse")
    model.fit(x, y, verbose=0, shuffle=False)
    model.save(tmp_path / "m.keras")
    again = keras.models.load_model(tmp_path / "m.keras")
    for m in (model, again):
        m.fit(x, y, verbose=0, shuffle=False)
    for a, b in zip(model.get_weights(), again.get_weights()):
        np.testing.assert_array_equal(a, b)


@pytest.mark.slow
@pytest.mark.one_backend
def test_a_fresh_process_reads_the_model(tmp_path):
    model = Denoiser(compact_denoiser(width=4, blocks=(1,)), sigma=25)
    model.compile(ConvMuon())
    model.train_on_batch({"image": np.zeros((2, 8, 8, 1), "uint8")})
    model.save(tmp_path / "m.keras")
    read = "import keras_imgen; print(keras_imgen.load_model('m.keras').optimizer.iterations.numpy())"
    out = subprocess.run([sys.executable, "-c", read], cwd=tmp_path, capture_output=True, text=True)
    assert out.stdout.strip() == "1", out.stderr
