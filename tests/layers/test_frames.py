"""What folds time away, and what looks along it."""

import keras
import numpy as np
import pytest
from keras import ops

from keras_imgen.layers import EachFrame, Fold, TemporalAttention, TemporalConv, Unfold

F, CLIPS = 5, np.random.default_rng(0).normal(size=(3, 5, 4, 6, 8)).astype("float32")
FRAMES = CLIPS.reshape(15, 4, 6, 8)


def run(layer, x):
    return ops.convert_to_numpy(layer(x))


def test_folding_changes_nothing_for_layers_of_pictures():
    conv = keras.layers.Conv2D(8, 3, padding="same")
    clip = keras.Input(CLIPS.shape[1:])
    network = keras.Model(clip, Unfold(F)(conv(Fold()(clip))))
    assert network.output_shape == (None, *CLIPS.shape[1:])
    alone = np.stack([run(conv, CLIPS[:, k]) for k in range(F)], 1)
    np.testing.assert_allclose(run(network, CLIPS), alone, atol=1e-6)
    np.testing.assert_array_equal(run(EachFrame(F), np.arange(3.0)), np.repeat(np.arange(3.0), F))


@pytest.mark.parametrize("kind", [TemporalConv, TemporalAttention])
def test_they_start_as_the_identity(kind):
    np.testing.assert_array_equal(run(kind(F), FRAMES), FRAMES)
    one = run(kind(1), FRAMES)  # clips of one frame
    np.testing.assert_array_equal(one, FRAMES)


@pytest.mark.parametrize("kind", [TemporalConv, TemporalAttention])
def test_a_place_sees_itself_in_time_alone_and_no_other_clip(kind):
    layer, rng = kind(F), np.random.default_rng(1)
    layer.build(FRAMES.shape)
    for v in layer.weights:
        v.assign(rng.normal(0, 0.3, v.shape))
    before, other = run(layer, FRAMES), CLIPS.copy()
    if kind is TemporalConv:
        other[1, 2, 1, 3] += 1.0
        moved = np.abs(run(layer, other.reshape(FRAMES.shape)) - before).reshape(CLIPS.shape).max(-1) > 1e-5
        seen = np.zeros_like(moved)
        seen[1, 1:4, 1, 3] = True  # a kernel of three frames
    else:  # its norm takes the moments of a frame, so that the change must leave them alone
        other[1, 2, 1, 3], other[1, 2, 2, 4] = CLIPS[1, 2, 2, 4], CLIPS[1, 2, 1, 3]
        moved = np.abs(run(layer, other.reshape(FRAMES.shape)) - before).reshape(CLIPS.shape).max(-1) > 1e-4
        seen = np.zeros_like(moved)
        seen[1, :, 1, 3] = seen[1, :, 2, 4] = True
    np.testing.assert_array_equal(moved, seen)


def test_temporal_convolution_is_the_formula():
    layer, rng = TemporalConv(F), np.random.default_rng(2)
    layer.build(FRAMES.shape)
    layer.conv.kernel.assign(kernel := rng.normal(size=(3, 1, 8, 8)).astype("float32"))
    padded = np.pad(CLIPS, ((0, 0), (1, 1), (0, 0), (0, 0), (0, 0)))
    expected = CLIPS + sum(padded[:, k : k + F] @ kernel[k, 0] for k in range(3))
    np.testing.assert_allclose(run(layer, FRAMES), expected.reshape(FRAMES.shape), atol=1e-5)


def test_attention_knows_the_order_of_frames():
    layer, rng = TemporalAttention(F), np.random.default_rng(3)
    layer.build(FRAMES.shape)
    for v in layer.weights:
        v.assign(rng.normal(0, 0.5, v.shape))
    back = run(layer, np.ascontiguousarray(CLIPS[:, ::-1]).reshape(FRAMES.shape)).reshape(CLIPS.shape)[:, ::-1]
    assert np.abs(back - run(layer, FRAMES).reshape(CLIPS.shape)).max() > 1e-2
