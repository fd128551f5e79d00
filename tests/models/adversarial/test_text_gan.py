"""GANs that are told texts: what counts as fake, what is compared, what padding does, how they edit."""

import battery
import keras
import numpy as np
import pytest
from battery import CAPTIONED, PICTURES, TEXT, compiled
from keras import ops

from keras_imgen import load_model, models, networks
from keras_imgen.commands.editing import edit
from keras_imgen.conditions import Picture
from keras_imgen.data.image_io import load_image, save_image
from keras_imgen.losses.contrastive import info_nce
from keras_imgen.models.adversarial import DiffAugment
from keras_imgen.text import Text, Tokenizer

RNG = np.random.default_rng(0)
REAL, FAKE = RNG.uniform(-1, 1, (2, 4, 8, 8, 1)).astype("float32")
SOURCES = RNG.integers(0, 256, (4, 8, 8, 1), "uint8")
TOLD = TEXT.captions(["number 0", "number 1", "number 1", "2"])  # the third has the text of the row before it


def numpy(tensor):
    return ops.convert_to_numpy(tensor)


@pytest.fixture(scope="module")
def model():
    return compiled(battery.adversarial_texts())


@pytest.fixture(scope="module")
def editor():
    return compiled(battery.adversarial_texts(1))


def hinge(real, fake):
    return np.maximum(1 - real, 0).mean() + np.maximum(1 + fake, 0).mean()


@pytest.mark.parametrize("joint", [True, False])
def test_anothers_text_is_fake(model, joint, monkeypatch):
    """By the discriminator's answers to each pair alone; a row with the text of the one before counts its generated picture instead."""
    monkeypatch.setattr(model, "joint", joint)
    other = {k: v[[3, 0, 1, 2]] for k, v in TOLD.items()}
    said = [numpy(model.discriminate(*pair)[0])[:, 0] for pair in ((REAL, TOLD), (FAKE, TOLD), (REAL, other))]
    real, fake, more = model._judged(REAL, FAKE, TOLD, training=False)
    for found, wanted in zip((real, fake), said):
        np.testing.assert_allclose(numpy(found)[:, 0], wanted, rtol=1e-4, atol=1e-5)
    wrong = np.where([False, False, True, False], said[1], said[2])
    weight, loss = more["mismatch_loss"]
    assert weight == model.matching_weight == 1.0
    np.testing.assert_allclose(float(loss), hinge(said[0], wrong), rtol=1e-4)
    np.testing.assert_allclose(float(more["mismatch_accuracy"][1]), np.mean(wrong < 0))


def test_equal_texts_are_no_wrong_ones(model):
    told = TEXT.captions(["number 0"] * 4)
    real, fake, more = model._judged(REAL, FAKE, told, training=False)
    np.testing.assert_allclose(float(more["mismatch_loss"][1]), hinge(numpy(real), numpy(fake)), rtol=1e-6)
    np.testing.assert_allclose(float(more["contrastive_loss"][1]), 0.0, atol=1e-6)


def test_each_player_compares_its_pictures_with_the_texts(model):
    same = np.eye(4, dtype=bool)
    same[1, 2] = same[2, 1] = True
    losses = []
    for images in (REAL, FAKE):
        vectors = model.discriminate(images, TOLD)[1]
        losses.append(float(info_nce(vectors["image_vector"], vectors["text_vector"], same, model.temperature)))
    found = model._judged(REAL, FAKE, TOLD, training=False)[2]["contrastive_loss"]
    np.testing.assert_allclose(float(found[1]), losses[0], rtol=1e-4)
    total, logs = model._generator_terms(2.0, REAL, FAKE, TOLD, model.discriminate(FAKE, TOLD)[1])
    np.testing.assert_allclose(
        [float(total), float(logs["generated_contrastive_loss"])], [2 + losses[1], losses[1]], rtol=1e-4
    )


def test_an_editor_learns_the_target_too(editor):
    told = {**TOLD, "source": SOURCES}
    more = editor.discriminate(FAKE, told)[1]
    without = float(models.TextGAN._generator_terms(editor, 0.0, REAL, FAKE, told, more)[0])
    total, logs = editor._generator_terms(0.0, REAL, FAKE, told, more)
    np.testing.assert_allclose(float(logs["l1"]), np.abs(FAKE - REAL).mean(), rtol=1e-5)
    np.testing.assert_allclose(float(total), without + 10 * np.abs(FAKE - REAL).mean(), rtol=1e-5)
    assert editor.conditions == (Picture((8, 8, 1), "source"), TEXT)


def test_what_stands_in_the_padding_changes_no_bit(model):
    tokens, weights = (TOLD[k] for k in ("caption", "caption_weight"))
    other = np.where(weights != 0, tokens, 3)
    assert (other != tokens).any()
    plain = model.generate(conditions={"caption": tokens, "caption_weight": weights}, seed=1)
    np.testing.assert_array_equal(
        model.generate(conditions={"caption": other, "caption_weight": weights}, seed=1), plain
    )
    words = ["number 0", "number 1", "number 1", "2"]
    np.testing.assert_array_equal(model.generate(conditions={"caption": words}, seed=1), plain)
    assert (plain[1] != model.generate(conditions={"caption": "number 2"}, seeds=[2])[0]).any()


def test_a_file_keeps_the_words_and_edits(editor, tmp_path):
    path, picture = str(tmp_path / "m.keras"), str(tmp_path / "a.png")
    editor.save(path)
    loaded = load_model(path)
    assert [player.text for player in loaded.players.values()] == [TEXT, TEXT]
    with pytest.warns(UserWarning, match="'nimber'.*known: number"):
        loaded.generate(conditions={"source": SOURCES, "caption": "nimber 0"})
    save_image(picture, SOURCES[0])
    assert edit(path, {"a.png": picture}, str(tmp_path / "out"), "number 1", None, None, 3, {}) == 1
    wanted = editor.generate(conditions={"source": SOURCES[:1], "caption": "number 1"}, seed=3)[0]
    np.testing.assert_array_equal(load_image(str(tmp_path / "out" / "a.png"), 1), wanted)


def test_a_text_may_be_y(model):
    assert model.as_dict((PICTURES, CAPTIONED["caption"])).keys() == {"image", "caption"}
    with pytest.raises(ValueError, match="conditional on 'caption'"):
        model.generate(2)


def test_what_does_not_fit_is_refused(model, editor):
    g, d = model.generator, model.discriminator
    with pytest.raises(ValueError, match="TextConditioned.*as the generator, got Functional"):
        models.TextGAN(g.network, d)
    text = Text(Tokenizer.of(["another text"]))
    with pytest.raises(ValueError, match="of the same text"):
        models.TextGAN(g, networks.TextConditioned(d.network, networks.text_encoder(text, 8, 1, 2), text))
    plain = keras.Model(d.network.input, d.network.output["logits"])
    plain = networks.TextConditioned(plain, d.encoder, TEXT)
    with pytest.raises(ValueError, match="image_vector and text_vector"):
        models.TextGAN(g, plain)
    assert "contrastive_loss" not in models.TextGAN(g, plain, contrastive_weight=0).logged
    with pytest.raises(ValueError, match="not apply"):
        models.TextGAN(editor.generator, editor.discriminator, augment=DiffAugment())
    for players in ((g, d), (editor.generator, d)):
        with pytest.raises(ValueError, match="that take a picture"):
            models.MultimodalGAN(*players)


@pytest.mark.slow
def test_it_paints_what_it_is_told():
    keras.utils.set_random_seed(0)
    model = battery.adversarial_texts()
    rate = {"beta_1": 0.0, "beta_2": 0.99}
    model.compile(
        generator_optimizer=keras.optimizers.Adam(0.003, **rate),
        discriminator_optimizer=keras.optimizers.Adam(0.003, **rate),
    )
    images = np.repeat([30, 220], 16)[:, None, None, None] * np.ones((8, 8, 1)) + RNG.integers(-20, 21, (32, 1, 1, 1))
    captions = np.repeat(["number 0", "number 1"], 16)
    model.fit({"image": images.astype("uint8"), "caption": captions}, batch_size=32, epochs=200, verbose=0)
    dark, light = model.generate(conditions={"caption": ["number 0", "number 1"]}).mean((1, 2, 3))
    assert dark < 90 and light > 160, (dark, light)


def test_one_encoder_for_both_players_is_refused(model):
    """It would be saved once, and read by none."""
    players = [
        networks.TextConditioned(p.network, model.generator.encoder, TEXT)
        for p in (model.generator, model.discriminator)
    ]
    with pytest.raises(ValueError, match="encoder of its own"):
        models.TextGAN(*players)
