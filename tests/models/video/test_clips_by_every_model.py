"""`Diffusion`, `VAE` and `GAN` take clips as they take pictures."""

import keras
import numpy as np
import pytest

from keras_imgen import models, networks
from keras_imgen.callbacks import SampleGrid
from keras_imgen.data.image_io import load_image
from keras_imgen.editing.clips import extended
from keras_imgen.models.adversarial import DiffAugment
from keras_imgen.models.adversarial.augment import alike
from keras_imgen.training import random

SHAPE = (4, 8, 8, 1)
CLIPS = np.random.default_rng(0).integers(0, 256, (6, *SHAPE), "uint8")


def fitted(model):
    model.compile()
    model.fit({"clip": CLIPS}, batch_size=3, verbose=0)
    return model


@pytest.fixture(scope="module")
def diffusion():
    keras.utils.set_random_seed(0)
    return fitted(models.Diffusion(networks.unet(SHAPE, (4,), 1, ()), steps=2))


def test_diffusion_and_its_seeds(diffusion, tmp_path):
    made = diffusion.generate(3, seed=5)
    assert made.shape == (3, *SHAPE) and diffusion.pictures == ("clip",)
    np.testing.assert_array_equal(diffusion.generate(1, seed=7)[0], made[2])
    with pytest.raises(ValueError, match=r"shape \(batch, frames, height, width, channels\)"):
        diffusion.fit({"clip": CLIPS[:, 0]})
    grid = SampleGrid(str(tmp_path), n=4)
    diffusion.fit({"clip": CLIPS}, verbose=0, callbacks=[grid])
    assert {p.name for p in tmp_path.iterdir()} == {"epoch_0001.png", "epoch_0001.gif"}
    height, width = load_image(str(tmp_path / "epoch_0001.png")).shape[:2]
    assert width > 3 * height  # rows of frames


@pytest.mark.slow
def test_a_likelihood_of_clips(diffusion):
    bits = diffusion.log_likelihood(CLIPS[:2], steps=2)
    assert bits.shape == (2,) and np.isfinite(bits).all()


def test_known_frames_are_kept_to_the_bit(diffusion):
    mask = np.array([[0, 1, 1, 0]] * 2)
    made = diffusion.inpaint(CLIPS[:2], mask, seed=3)
    np.testing.assert_array_equal(made[:, [0, 3]], CLIPS[:2, [0, 3]])
    assert (made[:, 1:3] != CLIPS[:2, 1:3]).any()
    whole = np.broadcast_to(mask[:, :, None, None, None], (2, 4, 8, 8, 1))
    np.testing.assert_array_equal(diffusion.inpaint(CLIPS[:2], whole, seed=3), made)
    with pytest.raises(ValueError, match=r"uint8 clips of shape \(N, 4, H, W, 1\)"):
        diffusion.inpaint(CLIPS[:2, :3], mask[:, :3])


def test_long_clips(diffusion):
    long = extended(diffusion, CLIPS[:2], 9, overlap=2, seed=1)
    assert long.shape == (2, 9, *SHAPE[1:])
    np.testing.assert_array_equal(long[:, :4], CLIPS[:2])
    np.testing.assert_array_equal(extended(diffusion, CLIPS[1], 9, overlap=2, seed=2), long[1])  # alone
    np.testing.assert_array_equal(extended(diffusion, CLIPS[:2], 6, overlap=2, seed=1), long[:, :6])
    from_one = extended(diffusion, CLIPS[0, :1], 4)
    np.testing.assert_array_equal(from_one[0], CLIPS[0, 0])
    with pytest.raises(ValueError, match="overlap"):
        extended(diffusion, CLIPS, 9, overlap=4)
    with pytest.raises(ValueError, match="a model of clips"):
        extended(diffusion, CLIPS[:, :, :4], 9)


def test_in_latents_of_frames():
    coders = networks.vq_encoder(SHAPE[1:], 3, 4), networks.vq_decoder(SHAPE[1:], 3, 4)
    codec = models.VQVAE(*coders, codes=8)
    model = models.Diffusion(networks.unet((4, *codec.map_shape), (4,), 1, ()), codec=codec, steps=2)
    assert model.x_shape == (4, 2, 2, 3) and model.image_shape == SHAPE
    model.fit_latents(CLIPS)
    fitted(model)
    assert model.generate(2).shape == (2, *SHAPE)
    made = model.inpaint(CLIPS[:2], [[0, 0, 1, 1]] * 2)
    np.testing.assert_array_equal(made[:, :2], CLIPS[:2, :2])


def test_an_autoencoder_of_clips(tmp_path):
    model = fitted(models.VAE(networks.clip_encoder(SHAPE, 6, 2), networks.clip_decoder(SHAPE, 3, 2)))
    assert model.reconstruct(CLIPS).shape == CLIPS.shape and model.encode(CLIPS).shape == (6, 3)
    ways = np.linspace(model.encode(CLIPS[:1])[0], model.encode(CLIPS[1:2])[0], 5)
    assert model.decode(ways.astype("float32")).shape == (5, *SHAPE)
    model.fit_sampler(CLIPS, "gmm", components=2)
    assert model.generate(2).shape == (2, *SHAPE)
    model.fit({"clip": CLIPS}, verbose=0, callbacks=[SampleGrid(str(tmp_path), images=CLIPS[:2])])
    assert (tmp_path / "epoch_0001.gif").exists()
    with pytest.raises(ValueError, match="decoder of images"):
        models.VAE(networks.clip_encoder(SHAPE, 6, 2), networks.clip_decoder((2, 8, 8, 1), 3, 2))


@pytest.mark.slow
def test_a_gan_of_clips():
    players = networks.mocogan_generator(SHAPE, 3, 2, 2), networks.mocogan_discriminator(SHAPE, 2)
    model = fitted(models.GAN(*players, augment=DiffAugment()))
    assert model.generate(2).shape == (2, *SHAPE)
    assert model.interpolate(1, 2, frames=3).shape == (3, *SHAPE)


def test_all_frames_of_a_clip_are_augmented_alike():
    still = np.repeat(CLIPS[:, :1], 4, 1).astype("float32") / 127.5 - 1
    changed = np.array(alike(DiffAugment(), still, random.key(np.arange(6))))
    np.testing.assert_allclose(changed, np.repeat(changed[:, :1], 4, 1), atol=1e-6)
    assert np.abs(changed - still).max() > 0.1
    pictures = np.array(alike(DiffAugment(), still[:, 0], random.key(np.arange(6))))
    np.testing.assert_allclose(changed[:, 0], pictures, atol=1e-6)
