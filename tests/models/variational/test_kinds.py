"""What every kind of autoencoder has to do: encode, decode, generate, alone and from a SavedModel."""

import subprocess
import sys

import numpy as np
import pytest
from battery import CASES, compiled, images, make, prior

from keras_imgen import models, networks, serving

KINDS = [
    name
    for name, case in CASES.items()
    if issubclass(getattr(models, name.split("-")[0]), models.Autoencoder) and "image" in case.data
]  # clips: tests/models/video


@pytest.mark.parametrize("kind", KINDS)
def test_it_does_its_work(kind):
    x, y = images()
    model = make(kind)
    labels = y if model.num_classes else None
    z, again, new = model.encode(x, labels), model.reconstruct(x, labels), model.generate(5, seed=3)
    assert z.shape == (48, *model.latent_shape) and z.dtype == model.latent_dtype
    assert again.shape == x.shape and again.dtype == new.dtype == np.uint8 and new.shape == (5, *x.shape[1:])
    np.testing.assert_array_equal(model.decode(z, labels), again)
    np.testing.assert_array_equal(model.encode(x[:1], None if labels is None else labels[:1]), z[:1])
    if not model.num_classes:
        np.testing.assert_array_equal(model.generate(seeds=[4]), new[1:2])
    assert model.generate(0).shape == (0, *x.shape[1:])


SERVED = """
import sys, numpy as np, tensorflow as tf
folder, out = sys.argv[1:]
x, y = (np.load(f"{folder}/{name}.npy") for name in "xy")
found = {}
for name in ("vae", "prior"):
    served = tf.saved_model.load(f"{folder}/{name}").signatures
    def call(endpoint, **inputs): return served[endpoint](**{k: tf.constant(v) for k, v in inputs.items()})
    seeds, own = np.arange(48, dtype="int32"), {"labels": y} if name == "vae" else {}
    found[f"{name}/generate"] = call("serving_default", seeds=seeds, labels=y)["images"]
    found[f"{name}/again"] = call("generate", seeds=seeds, labels=y)["images"]
    found[f"{name}/encode"] = z = call("encode", images=x, **own)["latents"]
    found[f"{name}/decode"] = call("decode", latents=z, **own)["images"]
    found[f"{name}/reconstruct"] = call("reconstruct", images=x, **own)["images"]
assert not any(name.split(".")[0] == "keras_imgen" for name in sys.modules), "only TensorFlow is needed"
np.savez(out, **{k: v.numpy() for k, v in found.items()})
"""


@pytest.mark.slow
@pytest.mark.tensorflow
def test_saved_models_in_a_fresh_tensorflow_process(tmp_path):
    x, y = images()
    vae, vqvae = make("VAE"), make("VQVAE")
    vae.fit(x, y, batch_size=16, verbose=0)
    vae.fit_sampler({"image": x, "label": y}, "gmm", components=3)
    vqvae.fit(x, batch_size=16, verbose=0)
    second = compiled(prior(networks.code_transformer, vqvae, depth=1, heads=2), rate=1e-2)
    second.fit(x, y, batch_size=16, verbose=0)
    np.save(tmp_path / "x.npy", x)
    np.save(tmp_path / "y.npy", y)
    vae.export(str(tmp_path / "vae"))
    second.export(str(tmp_path / "prior"))
    done = [sys.executable, "-c", SERVED, str(tmp_path), str(tmp_path / "out.npz")]
    subprocess.run(done, check=True, cwd=tmp_path)
    out = np.load(tmp_path / "out.npz")
    for name, model, own in (("vae", vae, y), ("prior", second, None)):
        np.testing.assert_array_equal(out[f"{name}/generate"], model.generate(labels=y, batch_size=48))
        np.testing.assert_array_equal(out[f"{name}/again"], out[f"{name}/generate"])
        np.testing.assert_array_equal(out[f"{name}/encode"], model.encode(x, own, batch_size=48))
        np.testing.assert_array_equal(out[f"{name}/reconstruct"], model.reconstruct(x, own, batch_size=48))
        np.testing.assert_array_equal(out[f"{name}/decode"], out[f"{name}/reconstruct"])
        served = serving.load(str(tmp_path / name))
        np.testing.assert_array_equal(served.generate(labels=y[:7], seed=2), model.generate(labels=y[:7], seed=2))
        np.testing.assert_array_equal(served.reconstruct(x, own), model.reconstruct(x, own))
        np.testing.assert_array_equal(served.decode(served.encode(x, own), own), served.reconstruct(x, own))
    with pytest.raises(ValueError, match="conditional on labels"):
        serving.load(str(tmp_path / "vae")).encode(x)
