"""Diffusion told a picture and a text (InstructPix2Pix), with a guidance scale for each."""

import keras
import numpy as np
import pytest
from keras import ops

from keras_imgen import load_model, models, networks, serving
from keras_imgen.conditions import Picture, rows_of
from keras_imgen.data.image_io import resize, save_image
from keras_imgen.sampling import guidance
from keras_imgen.serving.any_size import filling
from keras_imgen.text import Text, Tokenizer

SHAPE = (8, 8, 1)
TEXT = Text(Tokenizer.of(["make it white", "make it black"]))
RNG = np.random.default_rng(0)
SOURCES = RNG.integers(60, 200, (16, 8, 1, 1), "uint8").repeat(8, 2)
MADE = np.concatenate([np.full((8, 8, 4, 1), 250, "uint8"), np.full((8, 8, 4, 1), 5, "uint8")])
IMAGES = np.concatenate([SOURCES[:, :, :4], MADE], 2)  # the right half as it is told
DATA = {"image": IMAGES, "source": SOURCES, "caption": ["make it white"] * 8 + ["make it black"] * 8}
TOLD = {"source": SOURCES[[0, 9]], "caption": ["make it black", "make it white"]}


def build(**kwargs):
    keras.utils.set_random_seed(0)
    network = networks.unet(SHAPE, (16,), 1, (8,), vector_dim=8, sequence_dim=8, source_channels=1)
    network = networks.TextConditioned(network, networks.text_encoder(TEXT, 8, 1, 2), TEXT)
    model = models.Diffusion(network, steps=3, ema=0.9, **kwargs)
    model.compile(keras.optimizers.Adam(0.01))
    return model


@pytest.fixture(scope="module")
def model():
    """With random weights: at the start the output is zero."""
    found = build()
    rng = np.random.default_rng(1)
    for v in found.network.variables:
        v.assign(rng.normal(size=v.shape) * 0.2)
    for v, average in found._averages:
        average.assign(v)
    return found


@pytest.mark.slow
def test_it_keeps_one_half_and_changes_the_other():
    trained = build(label_dropout=0.3)
    trained.fit(DATA, batch_size=16, epochs=250, verbose=0)
    assert trained.conditions == (Picture(SHAPE, "source"), TEXT)
    found = trained.generate(conditions=TOLD, guidance_scale=2.0).astype(int)
    own, other = (abs(found[:, :, :3] - s[:, :, :3].astype(int)).mean() for s in (TOLD["source"], TOLD["source"][::-1]))
    assert own < 45 and own < 0.7 * other, (own, other)
    halves = found[:, :, 4:].mean((1, 2, 3))
    assert halves[0] < 80 and halves[1] > 170, halves


def test_the_formula():
    both, picture, none = (RNG.normal(size=(2, 3)) for _ in range(3))
    found = ops.convert_to_numpy(guidance.of_picture_and_text(both, picture, none, 7.0, 1.5))
    np.testing.assert_allclose(found, none + 1.5 * (picture - none) + 7.0 * (both - picture), rtol=1e-5)


def test_scales_are_those_of_the_paper(model):
    """One step from pure noise is the denoiser's estimate, so that the estimates of three single calls make up the guided picture."""
    x = RNG.normal(size=(2, *SHAPE)).astype("float32")
    arrays = {"source": TOLD["source"], **TEXT.encode({"caption": TOLD["caption"]})}
    nothing = rows_of(model.conditions, {}, 2)
    told = {"both": arrays, "picture": {**nothing, "source": arrays["source"]}, "none": nothing}

    def estimate(conditions):
        conditions = {k: ops.convert_to_tensor(v) for k, v in conditions.items()}
        return ops.convert_to_numpy(model.denoise(x, 0.6, 0.8, conditions))

    both, picture, none = (estimate(told[k]) for k in ("both", "picture", "none"))
    options = {"guidance_rescale": 0.0, "guidance_interval": np.array([-np.inf, np.inf], "float32")}
    arrays = {k: ops.convert_to_tensor(v) for k, v in arrays.items()}
    for scale, image_scale in ((3.0, 1.5), (3.0, 1.0), (1.0, 2.0), (1.0, 1.0)):
        scales = {
            "guidance_scale": scale * np.ones(2, "float32"),
            "image_guidance_scale": image_scale * np.ones(2, "float32"),
        }
        found = model._guided(x, 0.6, 0.8, arrays, {**options, **scales})
        expected = none + image_scale * (picture - none) + scale * (both - picture)
        np.testing.assert_allclose(ops.convert_to_numpy(found), expected, atol=2e-4)


def test_dropout_leaves_out_the_text_alone_and_both():
    """A quarter of the rows is told nothing, a quarter the picture alone, at a dropout of a half."""
    model = build(label_dropout=0.5)
    batch = {"image": np.zeros((400, *SHAPE), "float32"), "source": np.full((400, *SHAPE), 9, "uint8")}
    batch |= TEXT.encode({"caption": ["make it white"] * 400})
    rows = model.noisy({k: ops.convert_to_tensor(v) for k, v in batch.items()}, model.next_keys(400), True)
    told = {k: ops.convert_to_numpy(rows[k]).reshape(400, -1).any(1) for k in ("source", "caption", "caption_weight")}
    np.testing.assert_array_equal(told["caption"], told["caption_weight"])
    assert not (told["caption"] & ~told["source"]).any()
    assert abs(told["source"].mean() - 0.75) < 0.1 and abs(told["caption"].mean() - 0.5) < 0.1


@pytest.mark.slow
def test_it_is_saved_and_served(model, tmp_path):
    how = {"conditions": TOLD, "guidance_scale": 3.0, "image_guidance_scale": 1.5, "negative": {"caption": "make it"}}
    found = model.generate(**how)
    model.save(tmp_path / "m.keras")
    np.testing.assert_array_equal(found, load_model(str(tmp_path / "m.keras")).generate(**how))
    assert (found != model.generate(**{**how, "image_guidance_scale": 1.0})).any()
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        model.export(str(tmp_path / "m"))
        np.testing.assert_array_equal(found, serving.load(str(tmp_path / "m")).generate(**how))
        signatures = tf.saved_model.load(str(tmp_path / "m")).signatures
        outputs = {k: v.dtype for one in signatures.values() for k, v in one.structured_outputs.items()}
        assert {k for k, dtype in outputs.items() if dtype == tf.string} == {"image_bytes"}  # as TF Serving knows bytes
        given = {"sources": tf.constant(TOLD["source"]), "captions": tf.constant(TOLD["caption"])}
        alone = signatures["serving_default"](seeds=tf.constant([0, 1]), **given)["images"]
        np.testing.assert_array_equal(alone, model.generate(conditions=TOLD))
        files = []
        for k, image in enumerate(TOLD["source"]):
            save_image(str(tmp_path / f"{k}.png"), image)
            files.append((tmp_path / f"{k}.png").read_bytes())
        wide = np.random.default_rng(2).integers(0, 256, (6, 9, 1), "uint8").repeat(4, 0).repeat(4, 1)
        save_image(str(tmp_path / "wide.png"), wide)
        files[1] = (tmp_path / "wide.png").read_bytes()
        small = filling(tf.constant(wide), 8, 8).numpy()
        off = np.abs(small.astype(int) - resize(wide, (8, 8)))
        assert off[1:-1, 1:-1].max() <= 2 and off.max() <= 12
        given = {"source_bytes": tf.constant(files), "captions": tf.constant(TOLD["caption"])}
        answers = signatures["generate_png"](seeds=tf.constant([0, 1]), **given)["image_bytes"].numpy()
        images = np.stack([tf.io.decode_png(answer).numpy() for answer in answers])
        told = {**TOLD, "source": np.stack([TOLD["source"][0], small])}
        np.testing.assert_array_equal(images, model.generate(conditions=told))


def test_what_is_no_picture_is_said(model):
    for wrong in (SOURCES[:2].astype("float32"), SOURCES[:2, :4], np.zeros((8, 8), "uint8")):
        with pytest.raises(ValueError, match=r"Expected 'source' as uint8 \(8, 8, 1\)"):
            model.generate(conditions={**TOLD, "source": wrong})
    with pytest.raises(ValueError, match="conditional on 'source'"):
        model.fit({k: v for k, v in DATA.items() if k != "source"}, verbose=0)
    for other in (DATA["source"] / 127.5 - 1, DATA["source"] > 99):
        with pytest.raises(ValueError, match="Expected 'source' as uint8"):
            model.fit({**DATA, "source": other}, verbose=0)
    plain = models.Diffusion(networks.unet(SHAPE, (8,), 1, ()), steps=2)
    with pytest.raises(ValueError, match="not told pictures"):
        plain.generate(1, image_guidance_scale=2.0)
