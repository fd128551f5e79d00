"""Prompt-to-prompt: what is aligned, who attends as whom, and both ends of the control."""

import numpy as np
import pytest
from keras import ops

from keras_imgen.editing.prompt_to_prompt import alignment, prompt_to_prompt
from keras_imgen.layers import Attention
from keras_imgen.layers.attention import AttentionControl, controlled


def test_alignment_of_a_swapped_and_of_an_added_word():
    aligned, kept = alignment(np.array([5, 6, 7, 0, 0]), np.array([5, 8, 7, 0, 0]))
    np.testing.assert_array_equal(aligned[:3, :3], np.eye(3))  # 8 attends as 6 did
    np.testing.assert_array_equal(kept, [0, 0, 0, 1, 1])
    aligned, kept = alignment(np.array([5, 7, 0, 0]), np.array([5, 9, 7, 0]))
    np.testing.assert_array_equal(aligned, [[1, 0, 0, 0], [0, 0, 1, 0], [0] * 4, [0] * 4])
    np.testing.assert_array_equal(kept, [0, 1, 0, 1])
    aligned, _ = alignment(np.array([4, 5, 6]), np.array([4, 7, 8]))
    np.testing.assert_array_equal(aligned[1:, 1:], np.full((2, 2), 0.5))  # each word of a phrase as all of the other's


def test_the_second_attends_as_the_first_does_and_the_rest_as_it_is():
    rng = np.random.default_rng(0)
    layer = Attention(2, zero=False)
    layer.build((3, 4, 8), (3, 5, 6))
    x, context = (ops.convert_to_tensor(rng.normal(size=s).astype("float32")) for s in ((3, 4, 8), (3, 5, 6)))
    plain = np.array(layer(x, context))
    eye, none, all_ = np.eye(5, dtype="float32")[None], np.zeros((1, 5), "float32"), np.ones(1, "float32")
    with controlled(AttentionControl(eye, none, all_, all_).at(0.0, 1)):
        found = np.array(layer(x, context))
    with controlled(AttentionControl(eye, none, all_ * 0, all_ * 0).at(0.0, 1)):
        late = np.array(layer(x, context))
    np.testing.assert_array_equal(late, plain)
    np.testing.assert_array_equal(found[[0, 2]], plain[[0, 2]])
    both = np.array(
        layer(ops.stack([x[0]]), ops.stack([context[1]]))
    )  # the first's queries cannot give its weights on other keys
    assert np.abs(found[1] - both[0]).max() > 1e-3
    q, k, v = (np.array(f(t)) for f, t in ((layer.query, x[:1]), (layer.key, context[:1]), (layer.value, context[1:2])))
    heads = lambda t: t.reshape(1, -1, 2, 4).transpose(0, 2, 1, 3)  # noqa: E731
    scores = heads(q) @ heads(k).transpose(0, 1, 3, 2) / 2.0
    weights = np.exp(scores) / np.exp(scores).sum(-1, keepdims=True)
    wanted = np.array(layer.out((weights @ heads(v)).transpose(0, 2, 1, 3).reshape(1, 4, 8)))
    np.testing.assert_allclose(found[1:2], wanted, atol=1e-5)


def test_without_control_both_are_what_is_generated(toy):
    texts, how = ("a red star", "two blue circles"), {"steps": 4, "guidance_scale": 2.0}
    made = prompt_to_prompt(toy, *texts, cross=0.0, own=0.0, seed=3, **how)
    for text, images in zip(texts, made):
        plain = toy.generate(conditions={"caption": [text]}, sampler="ddim", seed=3, **how)
        assert np.abs(images.astype(int) - plain).max() <= 1
    kept = prompt_to_prompt(toy, *texts, cross=1.0, own=1.0, seed=3, **how)
    np.testing.assert_array_equal(kept.images, made.images)  # the first does not look at the second
    assert (kept.edited != made.edited).any()
    same = prompt_to_prompt(toy, [texts[0]] * 3, [texts[0]] * 3, **how)
    np.testing.assert_array_equal(same.images, same.edited)


def test_given_pictures(toy, photographs):
    told = "a red star"
    made = prompt_to_prompt(toy, told, told, photographs, steps=3, guidance_scale=1.0)
    np.testing.assert_array_equal(made.images, photographs)
    assert np.abs(made.edited.astype(int) - photographs).max() <= 1
    mask = np.zeros((8, 8), bool)
    mask[:4] = True
    made = prompt_to_prompt(toy, told, "two blue circles", photographs, mask=mask, steps=3, guidance_scale=1.0)
    np.testing.assert_array_equal(made.edited[:, 4:], photographs[:, 4:])
    assert (made.edited[:, :4] != photographs[:, :4]).any()


def test_bad_input(toy, painter, photographs):
    with pytest.raises(ValueError, match="sequence_dim"):
        prompt_to_prompt(painter, "red", "blue")
    with pytest.raises(ValueError, match="`cross`"):
        prompt_to_prompt(toy, "a red star", "a blue star", cross=1.5)
    with pytest.raises(ValueError, match="2|3"):
        prompt_to_prompt(toy, ["a", "a red star"], "a blue star", photographs)
