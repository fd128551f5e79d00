"""Exports as they were before endpoints described themselves answer as they did."""

import json

import numpy as np
import pytest

from keras_imgen import models, networks, serving
from keras_imgen.serving.client import DESCRIPTION

pytestmark = pytest.mark.tensorflow
SHAPE = (8, 8, 1)
X = np.random.default_rng(0).integers(0, 256, (3, *SHAPE)).astype("uint8")


def older(model, folder, **about):
    """Its export with a description of before."""
    model.export(str(folder))
    path = folder / DESCRIPTION
    now = json.loads(path.read_text())
    kept = {k: now[k] for k in ("name", "model", "image_shape", "num_classes", "sha256")}
    path.write_text(json.dumps({**kept, **about}))
    return serving.load(str(folder))


def test_diffusion(tmp_path):
    import keras

    model = models.Diffusion(
        networks.dit(SHAPE, patch=4, width=8, depth=1, heads=1, num_classes=3), steps=2, guidance_scale=2.0
    )
    table = {"table": model.table().tolist(), "sampler": model.sampler, "steps": 2, "guidance_scale": 2.0}
    served = older(model, tmp_path / "m", **table, schedule=keras.saving.serialize_keras_object(model.schedule))
    how = {"labels": [0, 2], "steps": 3, "sampler": "ddim", "eta": 0.3}
    np.testing.assert_array_equal(served.generate(**how), model.generate(**how))
    assert served.generate(0).shape == (0, *SHAPE)
    served._loaded.signatures = {k: v for k, v in served._loaded.signatures.items() if k != "sample"}  # before that
    np.testing.assert_array_equal(served.generate(**how), model.generate(**how))
    assert served.generate(0).shape == (0, *SHAPE)
    with pytest.raises(ValueError, match="without negative: export it again"):
        served.generate(1, negative={"label": 1})


def test_the_others(tmp_path):
    gan = models.GAN(networks.mlp_generator(SHAPE, 4, (8,)), networks.mlp_discriminator(SHAPE, (8,)))
    served = older(gan, tmp_path / "g", kind="gan")
    np.testing.assert_array_equal(served.generate(2, truncation=0.5), gan.generate(2, truncation=0.5))
    pix = models.Pix2Pix(networks.translation_unet(SHAPE, 1, width=4, depth=2), networks.patchgan(SHAPE, 1, 4, 1))
    served = older(pix, tmp_path / "p", kind="translation", target_shape=SHAPE)
    np.testing.assert_array_equal(served.translate(X, 2), pix.translate(X))
    with pytest.raises(AttributeError, match="its endpoints are translate"):
        served.translate_back(X)
    vae = models.VAE(networks.mlp_encoder(SHAPE, 4, (8,)), networks.mlp_decoder(SHAPE, 2, (8,)))
    served = older(vae, tmp_path / "v", kind="latent", codes=None, codec_classes=None, latent_shape=[2])
    np.testing.assert_array_equal(served.decode(served.encode(X, None, 2)), vae.reconstruct(X))
    np.testing.assert_array_equal(served.generate(2), vae.generate(2))
    form = {"channels": 1, "out": 1, "scale": 2}
    sr = models.SuperResolution(networks.espcn(2, 1), 2)
    served = older(sr, tmp_path / "s", kind="restoration", form=form)
    np.testing.assert_array_equal(served.restore(X), sr.restore(X, consistent=False))
    with pytest.raises(ValueError, match="lacks|'form'"):
        older(sr, tmp_path / "t", kind="restoration")
