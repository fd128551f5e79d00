"""CLIP: its loss by hand, what counts as a negative, the temperature's bound, what it finds, what is refused."""

import keras
import numpy as np
import pytest
from scipy.special import log_softmax

from keras_imgen import models, networks
from keras_imgen.models.contrastive import SHARPEST
from keras_imgen.text import Text, Tokenizer

WORDS = ["red", "green", "blue", "dark"]
TEXT = Text(Tokenizer.of(["a red one", "a green one", "a blue one", "a dark one"]))


def made(**how):
    texts = networks.TextConditioned(networks.projection(8, 4), networks.text_encoder(TEXT, 8, 1, 2), TEXT)
    return models.CLIP(networks.resnet((8, 8, 3), 4, (8,)), texts, **how)


def pictures(n=64, seed=0):
    """Flat ones of a colour, with some noise."""
    rng = np.random.default_rng(seed)
    which = rng.integers(0, 4, n)
    colours = np.array([(200, 0, 0), (0, 200, 0), (0, 0, 200), (0, 0, 0)])[which]
    images = colours[:, None, None] + rng.integers(0, 56, (n, 8, 8, 3))
    return {"image": images.astype("uint8"), "caption": np.array([f"a {WORDS[k]} one" for k in which]), "which": which}


@pytest.fixture(scope="module")
def trained():
    keras.utils.set_random_seed(0)
    model = made(ema=0.9, name="finder")
    model.compile(keras.optimizers.Adam(0.01))
    rows = pictures(256)
    model.fit(rows["image"], rows["caption"], batch_size=32, epochs=10, verbose=0)
    return model


def by_hand(model, rows, same):
    """The loss and the accuracy of one batch."""
    images, texts = model.embed_images(rows["image"]), model.embed_texts(rows["caption"])
    logits = images @ texts.T * np.exp(np.array(model.scale.logarithm))
    logits = np.where(same & ~np.eye(len(same), dtype=bool), -np.inf, logits)
    both = [log_softmax(v, axis=1) for v in (logits, logits.T)]
    right = [v.argmax(1) == np.arange(len(v)) for v in both]
    return -np.mean([np.diagonal(v).mean() for v in both]), np.mean(right)


def test_the_loss_is_the_cross_entropy_of_both_directions_without_what_says_the_same():
    keras.utils.set_random_seed(1)
    model = made(ema=None)
    model.compile("adam")
    rows = pictures(12)
    caption = {k: rows[k] for k in ("image", "caption")}
    score = lambda **more: model.evaluate({**caption, **more}, batch_size=12, verbose=0, return_dict=True)  # noqa: E731
    same = rows["which"][:, None] == rows["which"]
    assert same.sum() > 12
    loss, accuracy = by_hand(model, caption, same)
    assert score() == pytest.approx({"loss": loss, "accuracy": accuracy}, rel=1e-4)
    pairs = np.arange(12) // 2  # of different captions, some of them
    loss, accuracy = by_hand(model, caption, same | (pairs[:, None] == pairs))
    assert score(identity=pairs) == pytest.approx({"loss": loss, "accuracy": accuracy}, rel=1e-4)
    alone = score(identity=np.zeros(12, int))  # nothing is compared with anything
    assert alone == pytest.approx({"loss": 0.0, "accuracy": 1.0}, abs=1e-6)


def test_it_finds_what_the_text_says(trained):
    rows = pictures(64, 1)
    images, texts = trained.embed_images(rows["image"]), trained.embed_texts([f"a {word} one" for word in WORDS])
    assert images.shape == (64, 4) and texts.shape == (4, 4) and images.dtype == texts.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(np.concatenate([images, texts]), axis=1), 1, rtol=1e-5)
    assert ((images @ texts.T).argmax(1) == rows["which"]).mean() > 0.9
    np.testing.assert_array_equal(trained.embed_texts("a red one"), texts[:1])
    np.testing.assert_allclose(trained.embed_images(rows["image"], batch_size=7), images, atol=1e-5)
    assert trained.embed_texts([]).shape == (0, 4)
    shown = trained.show(rows)
    assert [*shown] == ["image", "found"]
    assert (shown["found"].mean((1, 2)).argmax(1) == shown["image"].mean((1, 2)).argmax(1)).mean() > 0.7


def test_the_factor_of_the_cosines_stays_below_its_bound():
    model = made(temperature=0.0101, ema=None)
    model.compile(keras.optimizers.SGD(100.0))
    rows = pictures(16)
    model.train_on_batch({"image": rows["image"], "caption": rows["caption"]})
    assert np.exp(np.array(model.scale.logarithm)) <= SHARPEST * (1 + 1e-6)


@pytest.mark.tensorflow
def test_the_saved_model_takes_plain_strings(trained, tmp_path):
    import tensorflow as tf

    path = str(tmp_path / "exported")
    trained.export(path)
    images, texts = pictures(5)["image"], ["a red one", "one", ""]
    plain = tf.saved_model.load(path).signatures
    np.testing.assert_allclose(
        plain["embed_texts"](captions=tf.constant(texts))["embeddings"], trained.embed_texts(texts), atol=1e-6
    )
    np.testing.assert_allclose(
        plain["serving_default"](images=tf.constant(images))["embeddings"], trained.embed_images(images), atol=1e-6
    )


def test_what_is_refused(trained):
    images = pictures(4)["image"]
    with pytest.raises(ValueError, match="networks.TextConditioned"):
        models.CLIP(networks.resnet((8, 8, 3), 4, (8,)), networks.projection(8, 4))
    texts = networks.TextConditioned(networks.projection(8, 5), networks.text_encoder(TEXT, 8, 1, 2), TEXT)
    with pytest.raises(ValueError, match=r"of one length, got \(None, 4\) and \(None, 5\)"):
        models.CLIP(networks.resnet((8, 8, 3), 4, (8,)), texts)
    with pytest.raises(ValueError, match="temperature"):
        made(temperature=0.001)
    with pytest.raises(ValueError, match="'caption'"):
        trained.train_on_batch({"image": images})
    with pytest.raises(ValueError, match=r"`identity` as whole numbers \(N,\)"):
        trained.train_on_batch({"image": images, "caption": np.array(["a"] * 4), "identity": np.zeros((4, 2))})
    with pytest.raises(ValueError, match=r"Expected uint8 images \(N, 8, 8, 3\)"):
        trained.embed_images(images / 255.0)
    with pytest.raises(ValueError, match="`texts`"):
        trained.embed_texts(7)
    with pytest.raises(TypeError, match="use embed_images"):
        trained.generate(1)


def test_padding_of_bare_tokens_counts_nothing(trained):
    given = trained.conditions[0].captions(["red", "blue"])
    images = np.zeros((2, *trained.image_shape), "float32")
    bare = {"image": images, "caption": given["caption"]}
    np.testing.assert_array_equal(trained({"image": images, **given}), trained(bare))
