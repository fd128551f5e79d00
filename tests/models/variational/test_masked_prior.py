"""MaskGIT: what is masked, what the loss counts, how many codes each step keeps, guidance, and pictures that are told."""

import math

import keras
import numpy as np
import pytest
from keras import ops

from keras_imgen import load_model, models, networks
from keras_imgen.text import Text, Tokenizer
from keras_imgen.training import random

SHAPE, PLACES, CODES = (8, 8, 1), 16, 6


def vqvae():
    return models.VQVAE(
        networks.vq_encoder(SHAPE, 4, 8, levels=1), networks.vq_decoder(SHAPE, 4, 8, levels=1), codes=CODES
    )


@pytest.fixture(scope="module")
def model():
    network = networks.masked_transformer((4, 4), CODES, 8, 1, 2, num_classes=2, dropout=0.0)
    found = models.MaskedPrior(vqvae(), network, 2, ema=None)
    rng = np.random.default_rng(0)
    for v in network.trainable_variables:
        v.assign(rng.normal(0, 0.5, v.shape))
    return found


def keys(n, seed=0):
    return random.key(ops.arange(n, dtype="int32") + seed)


def test_a_share_of_the_cosine_is_masked_anywhere(model):
    masked = np.array(model.masked(keys(4000)))
    counts = masked.sum((1, 2))
    shares = np.cos(0.5 * np.pi * (np.arange(10**5) + 0.5) / 10**5)
    assert counts.mean() == pytest.approx(np.ceil(shares * PLACES).mean(), rel=0.02) and counts.min() >= 1
    expected = [np.mean(np.ceil(shares * PLACES) == k) for k in range(PLACES + 1)]
    np.testing.assert_allclose(np.bincount(counts, minlength=PLACES + 1) / 4000, expected, atol=0.03)
    np.testing.assert_allclose(masked.mean(0), counts.mean() / PLACES, atol=0.03)


def test_the_loss_counts_what_is_masked_alone(model, monkeypatch):
    rng = np.random.default_rng(0)
    codes, masked = rng.integers(0, CODES, (3, 4, 4)).astype("int32"), rng.random((3, 4, 4)) < 0.4
    logits = rng.normal(size=(3, 4, 4, CODES)).astype("float32")
    seen = []
    monkeypatch.setattr(model, "_logits", lambda codes, told, training: (seen.append(np.array(codes)), logits)[1])
    loss, logs = model.errors(ops.convert_to_tensor(codes), ops.convert_to_tensor(masked), {}, True)
    chance = np.exp(logits) / np.exp(logits).sum(-1, keepdims=True)
    nats = -np.log(np.take_along_axis(chance, codes[..., None], -1))[..., 0]
    assert float(loss) == pytest.approx(nats[masked].mean(), rel=1e-5)
    assert float(logs["accuracy"]) == pytest.approx((logits.argmax(-1) == codes)[masked].mean(), rel=1e-6)
    np.testing.assert_array_equal(seen[0], np.where(masked, CODES, codes))


@pytest.mark.tensorflow
@pytest.mark.parametrize("steps", [1, 3, 8, 40])
def test_each_step_keeps_as_many_as_the_cosine_says_and_what_is_known_stays(model, monkeypatch, steps):
    seen, logits = [], model._logits

    def watched(codes, told, training):
        seen.append(np.array(codes).reshape(-1, PLACES))
        return logits(codes, told, training)

    monkeypatch.setattr(model, "_logits", watched)
    told = {"label": ops.convert_to_tensor(np.array([0, 1, 2], "int32"))}
    made = np.array(model.sampled(keys(3), told, steps=steps)).reshape(
        -1, PLACES
    )  # loops run in Python outside a graph
    assert ((made >= 0) & (made < CODES)).all()
    assert len(seen) == steps
    for before, after in zip(seen, [*seen[1:], made]):
        known = before < CODES
        np.testing.assert_array_equal(after[known], before[known])
    expected = PLACES
    for i, codes in enumerate(seen):
        assert (codes == CODES).sum(1).tolist() == [expected] * 3
        passed = (i + 1) / steps
        share = math.cos(0.5 * math.pi * passed)
        expected = max(min(math.floor(share * PLACES + 1e-3), expected - 1), 0)


def test_guidance_leads_logits_away_from_those_without_a_label(model, monkeypatch):
    """In one step every code is drawn from softmax(without + scale (cond - without))."""
    cond, without = np.array([0.3, 0.1, -0.5, 0.0, 0.7, 0.2]), np.array([0.0, 0.5, 0.1, -0.2, 0.3, 0.0])

    def logits(codes, told, training):
        rows = ops.where(ops.equal(told["label"], 2)[:, None], without.astype("float32"), cond.astype("float32"))
        return ops.broadcast_to(rows[:, None, None], (*codes.shape, CODES))

    monkeypatch.setattr(model, "_logits", logits)
    told = {"label": ops.zeros((1000,), "int32")}
    for scale in (1.0, 2.5):
        made = np.array(model.sampled(keys(1000), told, steps=1, guidance_scale=scale))
        wanted = without + scale * (cond - without)
        expected = np.exp(wanted) / np.exp(wanted).sum()
        np.testing.assert_allclose(np.bincount(made.ravel(), minlength=CODES) / made.size, expected, atol=0.012)


def test_pictures_do_not_depend_on_who_is_beside_them_and_survive_saving(model, tmp_path):
    images = model.generate(labels=[0, 1, 1, 0], seed=3, guidance_scale=2.0)
    assert images.shape == (4, *SHAPE)
    np.testing.assert_array_equal(model.generate(labels=[1], seed=5, guidance_scale=2.0)[0], images[2])
    assert model.generate(2).shape == (2, *SHAPE)  # told nothing
    model.save(tmp_path / "m.keras")
    np.testing.assert_array_equal(
        load_model(tmp_path / "m.keras").generate(labels=[0, 1, 1, 0], seed=3, guidance_scale=2.0), images
    )


@pytest.mark.slow
def test_it_paints_what_a_text_says(tmp_path):
    """A white picture and one that is half black, by name, through a Transformer that attends to the words."""
    keras.utils.set_random_seed(0)
    x = np.full((64, *SHAPE), 230, "uint8")
    x[32:, :, 4:] = 20
    texts = np.array(["all white"] * 32 + ["half black"] * 32)
    codec = vqvae()
    codec.compile(keras.optimizers.Adam(1e-2))
    codec.fit(x, batch_size=16, epochs=6, verbose=0)
    text = Text(Tokenizer.of(texts))
    network = networks.masked_transformer((4, 4), CODES, 16, 1, 2, vector_dim=8, sequence_dim=8, dropout=0.0)
    network = networks.TextConditioned(network, networks.text_encoder(text, 8, 1, 2), text)
    model = models.MaskedPrior(codec, network, ema=None, steps=4)
    model.compile(keras.optimizers.Adam(1e-2))
    model.fit({"image": x, "caption": texts}, batch_size=16, epochs=30, verbose=0)
    made = model.generate(conditions={"caption": ["half black", "all white"] * 8}, guidance_scale=2.0)
    wanted = codec.reconstruct(x[[32, 0]])
    assert np.mean([np.abs(made[k].astype(int) - wanted[k % 2]).mean() < 8 for k in range(16)]) > 0.8
    model.save(tmp_path / "m.keras")
    again = load_model(tmp_path / "m.keras").generate(
        conditions={"caption": ["half black", "all white"] * 8}, guidance_scale=2.0
    )
    np.testing.assert_array_equal(again, made)


def test_what_is_refused():
    network = networks.masked_transformer((4, 4), CODES, 8, 1, 2)
    for wrong in ({"steps": 0}, {"choice_temperature": -1.0}, {"temperature": 0.0}, {"label_dropout": 1.0}):
        with pytest.raises(ValueError, match=next(iter(wrong))):
            models.MaskedPrior(vqvae(), network, **wrong)
    with pytest.raises(ValueError, match="logits"):
        models.MaskedPrior(vqvae(), networks.masked_transformer((4, 4), CODES + 1, 8, 1, 2))
    with pytest.raises(ValueError, match="num_classes"):
        models.MaskedPrior(vqvae(), network, 3)
