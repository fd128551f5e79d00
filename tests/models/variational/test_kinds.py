"""What every kind of autoencoder has to do: train alike on both backends, go on to the bit, encode, decode, generate, export."""

import os
import subprocess
import sys

import keras
import numpy as np
import pytest
from kinds import KINDS, images, make, prior, state

from keras_imgen import load_model, serving

HERE = os.path.dirname(__file__)
TENSORFLOW = pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="SavedModels are TensorFlow's")


def equal(a, b):
    for x, y in zip(a, b, strict=True):
        np.testing.assert_array_equal(x, y)


def labels_for(model, y):
    return y if model.num_classes else None


OTHER = """
import sys, numpy as np, keras
sys.path.insert(0, {here!r})
from kinds import KINDS, images, make, state
x, y = images(16)
found = {{}}
for kind in KINDS:
    model = make(kind, keras.optimizers.SGD, 1e-4)
    for _ in range(2): model.train_on_batch(x, y)
    found.update({{f"{{kind}}/{{i}}": v for i, v in enumerate(state(model))}})
np.savez(sys.argv[1], **found)
"""


@pytest.mark.slow
def test_the_other_backend_learns_the_same(tmp_path, other_backend):
    child = subprocess.Popen(
        [sys.executable, "-c", OTHER.format(here=HERE), str(tmp_path / "o.npz")],
        env=other_backend,
    )
    x, y = images(16)
    here = {}
    for kind in KINDS:
        model = make(kind, keras.optimizers.SGD, 1e-4)
        for _ in range(2):
            model.train_on_batch(x, y)
        here[kind] = state(model)
    assert child.wait() == 0
    there = np.load(tmp_path / "o.npz")
    for kind, values in here.items():
        for i, v in enumerate(values):
            v, w = v.astype("float64"), there[f"{kind}/{i}"].astype("float64")
            np.testing.assert_allclose(v, w, atol=1e-5 * max(1.0, np.abs(v).max()), err_msg=f"{kind} {i}")


RARE = ("denoising", "rae_l2", "annealed_vae", "infovae")  # near another one


@pytest.mark.parametrize("kind", [pytest.param(k, marks=pytest.mark.slow if k in RARE else ()) for k in KINDS])
def test_saved_goes_on_to_the_bit_and_does_its_work(kind, tmp_path):
    x, y = images()
    model = make(kind)
    model.fit(x, y, batch_size=16, epochs=1, verbose=0)
    model.save(tmp_path / "m.keras")
    loaded = load_model(str(tmp_path / "m.keras"))
    for each in (model, loaded):
        each.fit(x, y, batch_size=16, epochs=1, verbose=0)
    equal(state(model), state(loaded))
    scores = model.evaluate(x, y, verbose=0, return_dict=True)
    assert scores == model.evaluate(x, y, verbose=0, return_dict=True) and np.isfinite(list(scores.values())).all()
    labels = labels_for(model, y)
    z, again, new = model.encode(x, labels), model.reconstruct(x, labels), model.generate(5, seed=3)
    assert z.shape == (48, *model.latent_shape) and z.dtype == model.latent_dtype
    assert again.shape == x.shape and again.dtype == new.dtype == np.uint8 and new.shape == (5, *x.shape[1:])
    np.testing.assert_array_equal(model.decode(z, labels), again)
    np.testing.assert_array_equal(model.encode(x[:1], None if labels is None else labels[:1]), z[:1])
    if not model.num_classes:
        np.testing.assert_array_equal(model.generate(seeds=[4]), new[1:2])
    assert model.generate(0).shape == (0, *x.shape[1:])
    if kind in ("conditional_vae", "vqvae", "vaegan"):
        np.testing.assert_array_equal(model.for_inference().generate(5, seed=3), new)


@pytest.mark.parametrize("kind", ["wae", "infovae", "tcvae", "vqvae"])
def test_a_last_batch_of_one_image_is_no_nan(kind):
    model = make(kind)
    losses = model.fit(images(17)[0], batch_size=16, epochs=1, verbose=0).history["loss"]
    assert np.isfinite(losses).all() and all(np.isfinite(v).all() for v in state(model))


CHILD = """
import sys, os, keras, numpy as np
sys.path.insert(0, {here!r})
from kinds import images, make, state
from keras_imgen.callbacks import BackupAndRestore
die, folder, out = int(sys.argv[1]), sys.argv[2], sys.argv[3]
class Die(keras.callbacks.Callback):
    def on_epoch_begin(self, epoch, logs=None):
        if epoch == die: os._exit(9)
model = make("vqvae")
model.fit(images()[0], batch_size=16, epochs=3, verbose=0, callbacks=[BackupAndRestore(folder, delete_checkpoint=False), Die()])
np.savez(out, *state(model), codebook=np.array(model.codebook))
"""


@pytest.mark.slow
def test_killed_and_resumed_equals_uninterrupted(tmp_path):
    def run(die, out):
        arguments = [str(die), str(tmp_path / "backup"), str(tmp_path / out)]
        return subprocess.run([sys.executable, "-c", CHILD.format(here=HERE), *arguments]).returncode

    assert run(1, "none.npz") == 9
    assert run(99, "resumed.npz") == 0
    model, resumed = make("vqvae"), np.load(tmp_path / "resumed.npz")
    model.fit(images()[0], batch_size=16, epochs=3, verbose=0)
    equal(state(model), [resumed[k] for k in resumed if k != "codebook"])
    np.testing.assert_array_equal(resumed["codebook"], model.codebook)


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
@TENSORFLOW
def test_saved_models_in_a_fresh_tensorflow_process(tmp_path):
    x, y = images()
    vae, vqvae = make("conditional_vae"), make("vqvae")
    vae.fit(x, y, batch_size=16, verbose=0)
    vae.fit_sampler({"image": x, "label": y}, "gmm", components=3)
    vqvae.fit(x, batch_size=16, verbose=0)
    second = prior(vqvae, "transformer")
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
    with pytest.raises(FileExistsError):
        vae.export(str(tmp_path / "vae"))


def test_codes_and_prior_survive_saving(tmp_path):
    x, y = images()
    vqvae = make("vqvae")
    vqvae.fit(x, batch_size=16, verbose=0)
    model = prior(vqvae)
    model.fit(x, y, batch_size=16, verbose=0)
    model.save(tmp_path / "p.keras")
    loaded = load_model(str(tmp_path / "p.keras"))
    np.testing.assert_array_equal(loaded.generate(labels=[0, 1, 2]), model.generate(labels=[0, 1, 2]))
    np.testing.assert_array_equal(model.for_inference().generate(labels=[2]), model.generate(labels=[2]))
    for each in (model, loaded):
        each.fit(x, y, batch_size=16, verbose=0)
    equal(state(model), state(loaded))
