"""Window attention against attention over all places in float64, with what is in another window or around the border struck out."""

import numpy as np
import pytest

from keras_imgen.layers import WindowAttention


def dense(layer, x):
    """Every pair of places is looked at; who sees whom and from how far is said in the picture's own coordinates."""
    n, height, width, channels = x.shape
    w, shift, heads = layer.window, layer.shift, layer.heads
    row, column = (v.reshape(-1) for v in np.mgrid[:height, :width])
    window = (row - shift) // w * 1000 + (
        column - shift
    ) // w  # floor: the strips before the first window are their own
    sees = window[:, None] == window[None]
    place_row, place_column = (row - shift) % w, (column - shift) % w
    down, right = (v[:, None] - v[None] for v in (place_row, place_column))
    bias = np.float64(layer.offset_bias)[(down + w - 1) * (2 * w - 1) + right + w - 1]
    tokens = np.float64(x).reshape(n, -1, channels)
    qkv = tokens @ np.float64(layer.qkv.kernel) + np.float64(layer.qkv.bias)
    q, k, v = (t.reshape(n, -1, heads, channels // heads).transpose(0, 2, 1, 3) for t in np.split(qkv, 3, -1))
    scores = q @ k.transpose(0, 1, 3, 2) / np.sqrt(channels // heads) + bias.transpose(2, 0, 1)
    scores = np.where(sees, scores, -np.inf)
    p = np.exp(scores - scores.max(-1, keepdims=True))
    mixed = (p / p.sum(-1, keepdims=True) @ v).transpose(0, 2, 1, 3).reshape(n, -1, channels)
    out = mixed @ np.float64(layer.out.kernel) + np.float64(layer.out.bias)
    return out.reshape(x.shape)


@pytest.mark.parametrize("shift", [0, 2])
@pytest.mark.parametrize("size", [(4, 4), (8, 12)])
def test_equals_dense_attention(shift, size):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(2, *size, 6)).astype("float32")
    layer = WindowAttention(2, window=4, shift=shift)
    layer.build(x.shape)
    for v in layer.trainable_variables:
        v.assign(rng.normal(0, 0.7, v.shape))
    np.testing.assert_allclose(layer(x), dense(layer, x), atol=2e-5)


def test_bad_arguments_are_refused():
    with pytest.raises(ValueError, match="shift of 0..3"):
        WindowAttention(2, window=4, shift=4)
    with pytest.raises(ValueError, match="heads=4"):
        WindowAttention(4).build((None, 8, 8, 6))
