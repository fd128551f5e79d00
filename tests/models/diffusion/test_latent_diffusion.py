"""Diffusion in a codec's latents: their scale, what is saved and exported, masks to the pixel."""

import subprocess
import sys

import keras
import numpy as np
import pytest
from keras import ops

import keras_imgen
from keras_imgen import models, networks
from keras_imgen.layers.pictures import rescale
from keras_imgen.models.diffusion.latent import Latents


def pictures(n=64, seed=0):
    """Flat ones of two grays, left and right."""
    rng = np.random.default_rng(seed)
    halves = rng.integers(0, 256, (n, 1, 2, 1), "uint8")
    return halves.repeat(8, 1).repeat(4, 2)


@pytest.fixture(scope="module")
def codec():
    keras.utils.set_random_seed(0)
    model = models.VQVAE(networks.vq_encoder((8, 8, 1), 4, 8), networks.vq_decoder((8, 8, 1), 4, 8), codes=16, ema=0.9)
    model.compile(keras.optimizers.Adam(0.003))
    model.fit(pictures(256), epochs=3, batch_size=32, verbose=0)
    return model


def made(codec, **kwargs):
    h, w, d = codec.map_shape
    network = networks.unet((h, w, d), (8,), 1, (), num_classes=2)
    return models.Diffusion(network, steps=2, codec=codec, guidance_scale=1.0, **kwargs)


@pytest.fixture
def measured(codec):
    model = made(codec)
    model.fit_latents(pictures(256))
    return model


def test_latents_are_standardized_and_come_back(codec, measured):
    images = pictures(256)
    maps = np.array(measured.encoded(rescale(ops.convert_to_tensor(images))))
    assert maps.shape == (256, *codec.map_shape)
    np.testing.assert_allclose(maps.mean((0, 1, 2)), 0, atol=1e-4)
    assert maps.std() == pytest.approx(1, rel=1e-3)
    back = np.array(measured.latents.decoded(ops.convert_to_tensor(maps)))
    np.testing.assert_allclose(np.clip(back * 127.5 + 127.5, 0, 255), codec.reconstruct(images), atol=1.0)


def test_the_codec_is_an_averaged_copy_that_does_not_learn(codec, measured):
    assert measured.codec is not codec and measured.codec.ema is None
    before = [np.array(v) for v in measured.latents.variables]
    measured.compile("adam")
    network = [np.array(v) for v in measured.network.trainable_variables]
    measured.fit(pictures(), np.arange(64, dtype="int32") % 2, epochs=1, batch_size=16, verbose=0)
    assert all((np.array(v) == b).all() for v, b in zip(measured.latents.variables, before, strict=True))
    assert any((np.array(v) != b).any() for v, b in zip(measured.network.trainable_variables, network))
    assert not {id(v) for v in measured.latents.variables} & {id(v) for v in measured.trainable_variables}


def test_the_loss_is_that_of_a_model_of_the_latents_themselves(measured):
    images, labels = pictures(16), np.arange(16, dtype="int32") % 2
    maps = np.array(measured.encoded(rescale(ops.convert_to_tensor(images))))
    plain = models.Diffusion(measured.network, steps=2)
    rng = np.random.default_rng(1)
    for v in measured.network.trainable_variables:
        v.assign(rng.normal(0, 0.2, v.shape))
    for model in (measured, plain):
        for v, average in model._averages:
            average.assign(np.array(v))
    keys = measured.score_keys({"image": ops.convert_to_tensor(maps)})
    losses = []
    for model, x in ((measured, images), (plain, maps)):
        batch = {"image": rescale(ops.convert_to_tensor(x)), "label": ops.convert_to_tensor(labels)}
        losses.append(float(model.loss_of(model.noisy(batch, keys, False), False)))
    assert losses[0] == pytest.approx(losses[1], rel=1e-5)


def test_pictures_are_the_decoders_and_those_of_a_saved_model(measured, tmp_path):
    images = measured.generate(labels=[0, 1, 1], seed=3)
    assert images.shape == (3, 8, 8, 1) and images.dtype == np.uint8 and measured.image_shape == (8, 8, 1)
    measured.save(tmp_path / "m.keras")
    loaded = keras_imgen.load_model(tmp_path / "m.keras")
    np.testing.assert_array_equal(loaded.generate(labels=[0, 1, 1], seed=3), images)
    np.testing.assert_array_equal(measured.for_inference().generate(labels=[0, 1, 1], seed=3), images)


@pytest.mark.slow
@pytest.mark.tensorflow
def test_the_export_decodes(measured, tmp_path):
    images = measured.generate(labels=[0, 1], seed=5)
    measured.export(str(tmp_path / "served"))
    code = """
import sys, numpy as np, tensorflow as tf
served = tf.saved_model.load(sys.argv[1]).signatures["serving_default"]
np.save(sys.argv[2], served(seeds=tf.constant([5, 6]), labels=tf.constant([0, 1]))["images"].numpy())
assert not any("keras_imgen" in name for name in sys.modules)
"""
    subprocess.run([sys.executable, "-c", code, str(tmp_path / "served"), str(tmp_path / "x.npy")], check=True)
    np.testing.assert_array_equal(np.load(tmp_path / "x.npy"), images)


def test_a_mask_is_honoured_to_the_pixel(measured):
    images, mask = pictures(3), np.zeros((3, 8, 8), "uint8")
    mask[0, 3:5, 1] = mask[1, 7, 7] = 1  # parts of places; the third stays as it is
    cells = np.array(measured.latents.cells(ops.convert_to_tensor(mask[..., None].astype("float32"))))[..., 0]
    size = 8 // cells.shape[1]
    expected = mask.reshape(3, 8 // size, size, 8 // size, size).max((2, 4))
    np.testing.assert_array_equal(cells, expected)
    painted = measured.inpaint(images, mask, labels=1, seed=2)
    assert (painted[mask == 0] == images[mask == 0]).all()
    other = measured.image_to_image(images, labels=1, strength=0.5, seed=2)
    assert other.shape == images.shape


def test_a_vae_is_a_codec_too():
    encoder, decoder = networks.mlp_encoder((8, 8, 1), 6, (8,)), networks.mlp_decoder((8, 8, 1), 3, (8,))
    vae = models.VAE(encoder, decoder)
    model = models.Diffusion(networks.unet((1, 1, 3), (8,), 1, ()), steps=1, codec=vae)
    model.fit_latents([{"image": pictures(32)}, {"image": pictures(32, 1)}])
    assert model.generate(2).shape == (2, 8, 8, 1)
    maps = np.array(model.encoded(rescale(ops.convert_to_tensor(pictures(64)))))
    assert maps.shape == (64, 1, 1, 3) and np.isfinite(maps).all()
    with pytest.raises(ValueError, match="all alike"):
        model.fit_latents(np.zeros((4, 8, 8, 1), "uint8"))


def test_what_is_refused(codec, measured):
    fresh = made(codec)
    fresh.compile("adam")
    for run in (lambda: fresh.generate(1), lambda: fresh.fit(pictures(4), np.zeros(4, "int32"), verbose=0)):
        with pytest.raises(ValueError, match=r"call fit_latents\(images\) first"):
            run()
    with pytest.raises(ValueError, match=r"a network of the codec's maps .* got one of \(8, 8, 1\)"):
        models.Diffusion(networks.unet((8, 8, 1), (8,), 1, ()), codec=codec)
    with pytest.raises(ValueError, match="a VAE, a VQVAE or a model like them, got GAN"):
        Latents(models.GAN(networks.mlp_generator((8, 8, 1), 4, (8,)), networks.mlp_discriminator((8, 8, 1), (8,))))
    with pytest.raises(ValueError, match="told label"):
        how = {"num_classes": 3}
        encoder, decoder = (
            networks.mlp_encoder((8, 8, 1), 6, (8,), **how),
            networks.mlp_decoder((8, 8, 1), 3, (8,), **how),
        )
        Latents(models.VAE(encoder, decoder, **how))
    with pytest.raises(ValueError, match="told no pictures"):
        h, w, d = codec.map_shape
        models.Diffusion(networks.unet((h, w, d), (8,), 1, (), source_channels=1), codec=codec)
    with pytest.raises(ValueError, match="none of images"):
        measured.log_likelihood(pictures(1))
    with pytest.raises(ValueError, match="works in pixels"):
        models.Diffusion(networks.unet((8, 8, 1), (8,), 1, ())).fit_latents(pictures(2))
    with pytest.raises(ValueError, match=r"Expected images \(8, 8, 1\)"):
        measured.image_to_image(np.zeros((1, 16, 16, 1), "uint8"))
