"""bfloat16 is chosen where the hardware has it."""

import keras
import pytest

from keras_imgen.training import backend, precision


@pytest.mark.parametrize("capability, policy", [(7.5, "float32"), (8.0, "mixed_bfloat16"), (9.0, "mixed_bfloat16")])
def test_a_gpu_decides_on_jax(capability, policy, monkeypatch):
    monkeypatch.setattr(keras.backend, "backend", lambda: "jax")
    monkeypatch.setattr(backend, "accelerator", lambda: ("Card", capability))
    assert precision.fast_policy() == policy
    with precision.fast_precision():
        assert keras.config.dtype_policy().name == policy
    assert keras.config.dtype_policy().name == "float32"
