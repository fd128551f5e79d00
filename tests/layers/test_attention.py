"""The way that attention goes on a GPU gives what the other gives."""

import keras
import numpy as np
import pytest
from keras import ops

from keras_imgen.layers import Attention
from keras_imgen.training import backend


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("width", [16, 24])
def test_one_kernel_is_the_same_attention(causal, width, monkeypatch):
    rng, calls, inner = np.random.default_rng(0), [], ops.dot_product_attention
    monkeypatch.setattr(ops, "dot_product_attention", lambda *a, **k: calls.append(1) or inner(*a, **k))
    layer = Attention(2, zero=False, causal=causal, dtype="mixed_bfloat16")
    x = rng.normal(size=(3, 10, width)).astype("float32")
    keep = np.ones((3, 10), bool)
    by_hand = ops.convert_to_numpy(ops.cast(layer(x), "float32"))
    assert not calls
    monkeypatch.setattr(backend, "accelerator", lambda: ("Card", 9.0))
    on_jax = lambda: "jax"  # noqa: E731  the layer asks; what computes stays what it is
    monkeypatch.setattr(keras.backend, "backend", on_jax)
    one = ops.convert_to_numpy(ops.cast(layer(x), "float32"))
    assert len(calls) == 1
    np.testing.assert_allclose(
        one, by_hand, atol=0.05
    )  # roundings to bfloat16 of numbers up to 4; processors differ by 0.03
    layer(x, x, keep)  # a mask that may be false everywhere is not its business
    monkeypatch.setattr(keras.config, "is_flash_attention_enabled", lambda: False)
    layer(x)
    assert len(calls) == 1
