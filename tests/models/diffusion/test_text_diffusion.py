"""Diffusion told by texts: from strings in training to strings in a SavedModel."""

import subprocess
import sys

import keras
import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from keras_imgen import load_model, models, networks, serving
from keras_imgen.callbacks import BackupAndRestore
from keras_imgen.cli import app
from keras_imgen.text import Text, Tokenizer

SHAPE = (8, 8, 1)
WORDS = ["a white square", "a black square"]
CAPTIONS = WORDS * 8
PICTURES = np.where(np.arange(16) % 2, 20, 230).astype("uint8")[:, None, None, None] * np.ones(SHAPE, "uint8")
TEXT = Text(Tokenizer.of(CAPTIONS, 5), prompts=tuple(WORDS))
TOLD = {"caption": ["a white square", "black", ""]}


def build(**kwargs):
    keras.utils.set_random_seed(0)
    network = networks.unet(SHAPE, (8,), 1, (8,), vector_dim=8, sequence_dim=8)
    network = networks.TextConditioned(network, networks.text_encoder(TEXT, 8, 1, 2), TEXT)
    model = models.Diffusion(network, steps=3, ema=0.9, **kwargs)
    model.compile(keras.optimizers.Adam(0.01))
    return model


class Loader:
    """Batches that can be gone through again, as a data loader gives them."""

    def __init__(self, batches):
        self.batches = batches

    def __iter__(self):
        return iter(self.batches)

    def __len__(self):
        return len(self.batches)


def state(model):
    return [np.array(v) for v in [*model.variables, *model.optimizer.variables]]


@pytest.fixture(scope="module")
def trained():
    model = build()
    model.fit(PICTURES, np.array(CAPTIONS), batch_size=8, epochs=60, verbose=0)
    return model


def test_it_learns_its_texts(trained):
    found = trained.generate(conditions={"caption": [*WORDS, "white", "BLACK"]}, guidance_scale=2.0)
    bright = found.mean((1, 2, 3))
    assert bright[0] > 180 and bright[2] > 150 and bright[1] < 80 and bright[3] < 110, bright


def test_texts_come_in_every_form(trained):
    """Dicts, (x, y), lists, bytes, tokens, loaders and data sets are the same to the bit."""
    array, text = PICTURES[:8], CAPTIONS[:8]
    forms = [
        {"image": array, "caption": text},
        {"image": array, "caption": np.array([t.encode() for t in text], object)},
        {"image": array, **TEXT.encode({"caption": text})},
        Loader([{"image": array, "caption": np.array(text)}]),
        Loader([(array, np.array(text))]),
    ]
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        forms.append(tf.data.Dataset.from_tensor_slices({"image": array, "caption": text}).batch(8))
        forms.append(tf.data.Dataset.from_tensor_slices((array, text)).batch(8))
    losses = [trained.evaluate(form, verbose=0) for form in forms]
    assert len(set(losses)) == 1, losses
    assert trained.evaluate({"image": array, "caption": text[::-1]}, verbose=0) > losses[0] + 1e-3


def test_guidance_and_negatives(trained):
    plain = trained.generate(conditions=TOLD, guidance_scale=1.0)
    np.testing.assert_array_equal(plain, trained.generate(conditions=TOLD))
    guided = trained.generate(conditions=TOLD, guidance_scale=3.0)
    np.testing.assert_array_equal(
        guided, trained.generate(conditions=TOLD, guidance_scale=3.0, negative={"caption": ""})
    )
    away = trained.generate(conditions=TOLD, guidance_scale=3.0, negative={"caption": "a black square"})
    assert (guided != away).any() and (guided[:2] != plain[:2]).any()
    np.testing.assert_array_equal(guided[2], trained.generate(1, seed=2)[0])  # an empty text is no text
    weighted = trained.generate(conditions={"caption": "a (white:3) square"})
    assert (weighted[0] != plain[0]).any()


@pytest.mark.slow
def test_it_resumes_to_the_bit_with_its_vocabulary(tmp_path):
    data = {"image": PICTURES, "caption": CAPTIONS}
    whole, half = build(), build()
    whole.fit(data, batch_size=8, epochs=2, verbose=0)
    for epochs in (1, 2):
        half = build() if epochs == 2 else half
        backup = BackupAndRestore(str(tmp_path / "backup"), delete_checkpoint=False)
        half.fit(data, batch_size=8, epochs=epochs, verbose=0, callbacks=[backup])
    half.save(tmp_path / "m.keras")
    again = load_model(str(tmp_path / "m.keras"))
    assert again.conditions == (TEXT,)
    for model in (half, again):
        for a, b in zip(state(whole), state(model), strict=True):
            np.testing.assert_array_equal(a, b)
    np.testing.assert_array_equal(whole.generate(conditions=TOLD), again.generate(conditions=TOLD))


def test_what_is_no_text_is_said():
    model = build()
    with pytest.raises(ValueError, match="Expected a text"):
        model.generate(conditions={"caption": [3]})
    with pytest.raises(ValueError, match="conditional on 'caption'"):
        model.fit({"image": PICTURES}, verbose=0)
    with pytest.raises(ValueError, match="Expected as many rows"):
        model.fit(PICTURES, np.array(CAPTIONS[:3]), verbose=0)
    with pytest.warns(UserWarning, match="'purple'"):
        model.generate(conditions={"caption": "purple"})


ALONE = """
import sys
import numpy as np, tensorflow as tf
model = tf.saved_model.load(sys.argv[1])
given = {"captions": tf.constant(["a white square", "black", ""]), "seeds": tf.constant([0, 1, 2])}
images = model.signatures["serving_default"](**given)["images"].numpy()
files = model.signatures["generate_png"](**given)["image_bytes"]
assert all((tf.io.decode_png(f).numpy() == image).all() for f, image in zip(files, images))
given |= {"negative_captions": tf.constant(["a black square"] * 3), "guidance_scale": tf.constant([3.0] * 3)}
away = model.signatures["generate"](table=tf.constant(np.load(sys.argv[2])), **given)["images"].numpy()
np.savez(sys.argv[3], images=images, away=away)
assert "keras_imgen" not in sys.modules
"""


@pytest.mark.tensorflow
@pytest.mark.slow
def test_a_saved_model_takes_strings(trained, tmp_path):
    """Where keras_imgen is not imported, and by the client: the pictures of the model in memory, to the bit."""
    trained.export(str(tmp_path / "m"))
    np.save(tmp_path / "table.npy", trained.table().astype("float32"))
    arguments = [str(tmp_path / name) for name in ("m", "table.npy", "out.npz")]
    subprocess.run([sys.executable, "-c", ALONE, *arguments], check=True)
    found = np.load(tmp_path / "out.npz")
    away = {"guidance_scale": 3.0, "negative": {"caption": "a black square"}}
    client = serving.load(str(tmp_path / "m"))
    for model in (trained, client):
        np.testing.assert_array_equal(found["images"], model.generate(conditions=TOLD))
        np.testing.assert_array_equal(found["away"], model.generate(conditions=TOLD, **away))


@pytest.mark.slow
def test_prompts_of_the_command(trained, tmp_path):
    path, lines = str(tmp_path / "m.keras"), tmp_path / "prompts.txt"
    trained.save(path)

    def run(name, *words):
        found = CliRunner().invoke(app, ["generate", path, "--out", str(tmp_path / name), *words])
        return found, sorted((tmp_path / name).glob("image_*.png"))

    lines.write_text("\ufeffa white square\n\n black \r\n", encoding="utf-8")
    found, files = run("file", "--prompts", str(lines), "--negative", "a black square", "--guidance-scale", "2")
    assert found.exit_code == 0 and len(files) == 2, found.output
    texts = [Image.open(f).text for f in files]
    assert [t["caption"] for t in texts] == ["a white square", "black"] and texts[0]["negative"] == "a black square"
    expected = trained.generate(
        conditions={"caption": ["a white square", "black"]}, guidance_scale=2.0, negative={"caption": "a black square"}
    )
    np.testing.assert_array_equal(np.asarray(Image.open(files[1])), expected[1, ..., 0])
    found, files = run("one", "--prompt", "white", "-n", "3")
    assert len(files) == 3 and Image.open(files[2]).text["caption"] == "white"
    found, files = run("own")
    assert len(files) == 16 and Image.open(files[1]).text["caption"] == WORDS[1]
    lines.write_text(" \n")
    for words, said in (
        (["--prompts", str(lines)], "has no prompts"),
        (["--prompts", str(tmp_path / "none.txt")], "No such file"),
        (["--prompt", "a", "--condition", "caption=b"], "got both"),
    ):
        found, _ = run("bad", *words)
        assert found.exit_code == 1 and said in found.output, found.output
    assert not (tmp_path / "bad").exists()
