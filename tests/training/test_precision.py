"""bfloat16 in training and in sampling: what it changes, and what it must not."""

import keras
import numpy as np
import pytest
from sklearn.datasets import load_digits

from keras_imgen.models import Diffusion
from keras_imgen.networks import unet
from keras_imgen.training import backend, precision
from keras_imgen.training.precision import compute_in, fast_precision

X = (load_digits().images[:192, ..., None] * 15).astype("uint8")


def trained(policy, monkeypatch):
    monkeypatch.setattr(precision, "fast_policy", lambda: policy)
    keras.utils.set_random_seed(0)
    with fast_precision():
        network = unet((8, 8, 1), widths=(8,), depth=1, attention=())
    assert keras.config.dtype_policy().name == "float32"
    model = Diffusion(network, seed=1, ema=0.9)
    model.compile(keras.optimizers.Adam(3e-3))
    losses = model.fit(X, batch_size=32, epochs=4, verbose=0).history["loss"]
    return model, losses


@pytest.mark.one_backend
@pytest.mark.slow
def test_training_in_bfloat16_is_that_in_float32_but_for_its_rounding(monkeypatch):
    (half, curve), (_, expected) = (trained(policy, monkeypatch) for policy in ("mixed_bfloat16", "float32"))
    assert {str(layer.compute_dtype) for layer in half.network.layers} >= {"bfloat16", "float32"}  # the last one
    assert {v.dtype for v in half.variables if "float" in v.dtype} == {"float32"}
    np.testing.assert_allclose(curve, expected, rtol=0.03)
    assert curve[-1] < 0.9 * curve[0] and curve != expected


@pytest.mark.slow
def test_samples_in_bfloat16_stay_within_a_gray_level_and_float32_comes_back(monkeypatch):
    model, _ = trained("float32", monkeypatch)
    whole = model.generate(8, seed=3, steps=5)
    half = compute_in(model, "mixed_bfloat16").generate(8, seed=3, steps=5)
    assert model.network.get_layer("conv_out").compute_dtype == "float32"
    assert 0 < np.abs(half.astype(int) - whole).mean() <= 1
    np.testing.assert_array_equal(compute_in(model, "float32").generate(8, seed=3, steps=5), whole)
    with pytest.raises(ValueError, match="'float32' or 'mixed_bfloat16', got 'float16'"):
        compute_in(model, "float16")


@pytest.mark.parametrize(
    "flags, found", [("fma avx512_bf16", "mixed_bfloat16"), ("amx_bf16", "mixed_bfloat16"), ("fma avx2", "float32")]
)
def test_the_policy_is_that_of_the_cpu(flags, found, tmp_path, monkeypatch):
    monkeypatch.setattr(keras.backend, "backend", lambda: "tensorflow")
    (tmp_path / "cpuinfo").write_text(f"model name\t: x\nflags\t\t: {flags}\n")
    real = open
    monkeypatch.setattr(
        "builtins.open", lambda path, *a, **k: real(tmp_path / "cpuinfo" if path == "/proc/cpuinfo" else path, *a, **k)
    )
    assert precision.fast_policy() == found


@pytest.mark.parametrize(
    "card, policy",
    [
        (None, "float32"),
        (("Card", 7.5), "float32"),
        (("Card", 8.0), "mixed_bfloat16"),
        (("Card", 9.0), "mixed_bfloat16"),
    ],
)
def test_a_gpu_decides_on_jax(card, policy, monkeypatch):
    monkeypatch.setattr(keras.backend, "backend", lambda: "jax")
    monkeypatch.setattr(backend, "accelerator", lambda: card)
    assert precision.fast_policy() == policy
    with precision.fast_precision():
        assert keras.config.dtype_policy().name == policy
    assert keras.config.dtype_policy().name == "float32"
