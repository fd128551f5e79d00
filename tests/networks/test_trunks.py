"""Trunks: no grid in their gradients, softmax that keeps the mean, names that are known."""

import keras
import numpy as np
import pytest
from keras import ops

from keras_imgen import networks
from keras_imgen.networks.trunks import Smooth
from keras_imgen.training import backend


def alternation(averaged):
    """How far the mean gradient of neighbouring rows and columns differs inside a picture, of its size: the energy of a grid."""
    keras.utils.set_random_seed(0)
    trunk = networks.squeezenet11(averaged=averaged)
    kernel = np.abs(np.random.default_rng(0).normal(size=trunk.get_layer("conv1").kernel.shape))
    trunk.get_layer("conv1").kernel.assign(kernel / 100)  # of one sign, so that no place is switched off
    x = ops.convert_to_tensor(np.full((1, 65, 65, 3), 200, "float32"))
    first = keras.Model(trunk.input, trunk.outputs[0])
    slope = backend.value_and_input_gradient(first, lambda x: (ops.sum(first(x)),), x)[1]
    inside = ops.convert_to_numpy(slope)[0, 16:48, 16:48].sum(-1)
    phases = [inside[i::2, j::2].mean() for i in (0, 1) for j in (0, 1)]
    return (max(phases) - min(phases)) / np.mean(phases)


def test_the_gradient_has_no_grid_where_the_trunk_averages():
    assert alternation(averaged=False) > 0.5
    assert alternation(averaged=True) < 0.02


def test_smooth_is_a_softmax_of_mean_one():
    x = np.random.default_rng(0).normal(size=(2, 3, 4, 5)).astype("float32") * 7
    found = ops.convert_to_numpy(Smooth()(x))
    np.testing.assert_allclose(found.mean((1, 2, 3)), 1.0, rtol=1e-5)
    flat = x.reshape(2, -1) / x.reshape(2, -1).std(1, keepdims=True)
    expected = np.exp(flat) / np.exp(flat).sum(1, keepdims=True) * 60
    np.testing.assert_allclose(found.reshape(2, -1), expected, rtol=1e-4)


def test_a_trunk_that_nobody_knows():
    with pytest.raises(ValueError, match="squeezenet, efficientnet-lite0, vgg16, vgg19"):
        networks.style_trunk("resnet50")


def test_weights_that_are_not_here_are_named(monkeypatch):
    monkeypatch.delenv("KERAS_IMGEN_DATA", raising=False)
    with pytest.raises(FileNotFoundError, match="KERAS_IMGEN_DATA"):
        networks.style_trunk("squeezenet")
