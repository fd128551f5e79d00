"""An editor that begins with a text-to-image model is that model, until it learns to look at the picture."""

import numpy as np
import pytest

from keras_imgen.networks import TextConditioned, text_encoder, unet
from keras_imgen.recipes.shapes_text import begin_with
from keras_imgen.text import Text, Tokenizer


def network(words, **told):
    text = Text(Tokenizer.of(words, 6))
    painter = unet((8, 8, 3), (8, 8), 1, (4,), vector_dim=8, sequence_dim=8, **told)
    made = TextConditioned(painter, text_encoder(text, 8, 1, 2), text)
    rng = np.random.default_rng(len(words))
    for v in made.weights:
        v.assign(rng.normal(0, 0.2, v.shape))
    return made


def test_it_begins_as_the_other():
    before = network(["a red star", "a blue circle"])
    after = network(["make the star blue", "remove a red circle", "now"], source_channels=3)
    begin_with(before, after)
    rng = np.random.default_rng(0)
    seen = {"image": rng.normal(size=(2, 8, 8, 3)).astype("float32"), "log_snr": np.zeros(2, "float32")}
    source, said = rng.integers(0, 256, (2, 8, 8, 3), "uint8"), {"caption": ["a red star", "a blue circle"]}
    wanted = before({**seen, **before.text.encode(said)})
    found = after({**seen, "source": source, **after.text.encode(said)})
    np.testing.assert_allclose(found, wanted, atol=1e-6)


def test_it_goes_on_with_another_of_its_kind():
    before, after = (
        network(words, source_channels=3) for words in (["make the star red"], ["the star", "red", "make"])
    )
    begin_with(before, after)
    for one, other in zip(before.network.weights, after.network.weights, strict=True):
        np.testing.assert_array_equal(one, other)
    with pytest.raises(ValueError, match="that shapes-text made"):  # which sees no picture
        begin_with(before, network(["make the star red"]))


def test_another_kind_of_model_is_refused():
    after = network(["make the star blue"], source_channels=3)
    other = network(["a red star"])
    other.network = unet((8, 8, 3), (8, 8, 8), 1, (4,), vector_dim=8, sequence_dim=8)
    for before in (other, other.network):
        with pytest.raises(ValueError, match="that shapes-text made"):
            begin_with(before, after)
