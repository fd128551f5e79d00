"""What a model of every class has to do: train on odd batches, go on to the bit, be copied, exported and trained in half precision."""

import os
import subprocess
import sys
from types import SimpleNamespace

import keras
import numpy as np
import pytest
from battery import CASES, make, state

from keras_imgen import load_model, models, serving
from keras_imgen.callbacks import BackupAndRestore
from keras_imgen.serving.carried import requests_of

ON_TENSORFLOW = keras.backend.backend() == "tensorflow"
RARE = (
    "RAE-l2",
    "WAE",
    "VAE-annealed",
    "IWAE",
    "TCVAE",
    "InfoVAE",
    "CodePrior-transformer",
    "WGAN",
    "Denoiser-mixed",
    "Enhancer",
    "Enhancer-lowlight",
    "Diffusion-text",
    "FramePredictor-convlstm",
    "VAE-clip",
    "GAN-vgan",
    "GAN-mocogan",
)  # near another one
LARGE = (
    "GAN",
    "StyleGAN2",
    "TextGAN",
    "MultimodalGAN",
    "CycleGAN",
    "CUT",
    "SinGAN",
    "VAEGAN",
    "MUNIT",
    "StyleVAE",
    "SinDDM",
    "FastStyle",
    "CodePrior",
    "Deblurrer",
    "MaskedPrior",
    "RAE",
    "Diffusion-clip",
    "ArbitraryStyle",
    "Segmenter",
)  # to compile, or to learn, or much like another
every_model = [pytest.param(name, marks=[pytest.mark.slow] * (name in RARE + LARGE)) for name in CASES]


def fit(model, name, epochs, initial_epoch=0, callbacks=()):
    given = {"batch_size": 4, "epochs": epochs, "initial_epoch": initial_epoch, "callbacks": list(callbacks)}
    return model.fit(CASES[name].data, verbose=0, **given)


def equal(a, b):
    for x, y in zip(a, b, strict=True):
        np.testing.assert_array_equal(x, y)


def finite(logs):
    return np.isfinite(np.array(list(logs.values()), "float64")).all()


@pytest.fixture(scope="module", params=every_model)
def trained(request, tmp_path_factory):
    """A model after two epochs, the second of them again by what was saved after the first; one compilation for all that is asked."""
    name, path = request.param, str(tmp_path_factory.mktemp("battery") / "m.keras")
    model = make(name)
    fit(model, name, 1)
    model.save(path)
    loaded = load_model(path)
    logs = [fit(each, name, 2, 1).history for each in (model, loaded)]
    return SimpleNamespace(name=name, model=model, loaded=loaded, logs=logs, answer=CASES[name].answer)


def test_every_class_is_here():
    assert {name.split("-")[0] for name in CASES} == set(models.__all__) - {"ImageModel"}


def test_it_goes_on_to_the_bit(trained):
    """Weights, averages, optimizers, random state. The last of the batches had one image."""
    assert type(trained.model).__name__ == type(trained.loaded).__name__ == trained.name.split("-")[0]
    equal(state(trained.model), state(trained.loaded))
    for known in ("image_shape", "num_classes"):
        assert getattr(trained.loaded, known) == getattr(trained.model, known)
    assert trained.logs[0] == trained.logs[1] and finite(trained.logs[0])
    assert all(np.isfinite(v).all() for v in state(trained.model))


def test_scores_repeat(trained):
    first, second = (
        trained.model.evaluate(CASES[trained.name].data, batch_size=4, verbose=0, return_dict=True) for _ in range(2)
    )
    assert first == second and finite(first)


def test_its_settings_make_it_again(trained):
    again = type(trained.model).from_config(trained.model.get_config())
    written = [keras.saving.serialize_keras_object(m.get_config()) for m in (trained.model, again)]
    assert written[0] == written[1]


def test_copies_answer_the_same(trained):
    answer = trained.answer(trained.model)
    assert answer.dtype == np.uint8 and len(np.unique(answer)) > 1
    np.testing.assert_array_equal(trained.answer(trained.loaded), answer)
    np.testing.assert_array_equal(trained.answer(trained.model.for_inference()), answer)


@pytest.mark.tensorflow
def test_the_served_one_answers_the_same(trained, tmp_path):
    path = str(tmp_path / "m")
    trained.model.export(path)
    served = serving.load(path)
    np.testing.assert_array_equal(trained.answer(served), trained.answer(trained.model))
    for signature, tensors in requests_of(path)[1].items():  # the examples that it carries
        for array in served.run(signature, tensors).values():
            assert len(array) == 1 and (array.dtype.kind not in "f" or np.isfinite(array).all()), signature
    with pytest.raises(FileExistsError, match="exists already"):
        trained.model.export(path)


@pytest.mark.one_backend
@pytest.mark.parametrize("name", every_model)
def test_half_precision_stays_finite(name):
    """By `train_on_batch`."""
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        model = make(name, run_eagerly=ON_TENSORFLOW)
    finally:
        keras.config.set_dtype_policy("float32")
    before = state(model)
    for count in (4, 3):
        logs = model.train_on_batch({k: v[:count] for k, v in CASES[name].data.items()}, return_dict=True)
    assert finite(logs) and set(logs) <= set(model.logged)
    assert all(np.isfinite(v.astype("float32")).all() for v in state(model))
    assert any((a != b).any() for a, b in zip(before, state(model)))


class Killed(BaseException):
    """Stands for the death of the process."""


class KillAt(keras.callbacks.Callback):
    def __init__(self, epoch):
        super().__init__()
        self.epoch = epoch

    def on_epoch_begin(self, epoch, logs=None):
        if epoch == self.epoch:
            raise Killed


@pytest.mark.slow
def test_killed_and_resumed_is_uninterrupted(trained, tmp_path):
    backup = lambda: BackupAndRestore(str(tmp_path / "backup"), delete_checkpoint=False)  # noqa: E731
    with pytest.raises(Killed):
        fit(make(trained.name), trained.name, 2, callbacks=[backup(), KillAt(1)])
    resumed = make(trained.name)
    assert fit(resumed, trained.name, 2, callbacks=[backup()]).epoch == [1]
    equal(state(resumed), state(trained.model))


OTHER = """
import sys, numpy as np, keras
sys.path.insert(0, {here!r})
from battery import CASES, make, state
def trained(name):
    model = make(name, keras.optimizers.SGD, 1e-4)
    for _ in range(2): model.train_on_batch(CASES[name].data)
    return state(model)
np.savez(sys.argv[1], **{{f"{{name}}/{{i}}": v for name in CASES for i, v in enumerate(trained(name))}})
"""


@pytest.mark.slow
@pytest.mark.tensorflow
def test_the_other_backend_learns_the_same(tmp_path, other_backend):
    child = OTHER.format(here=os.path.dirname(__file__))
    subprocess.run([sys.executable, "-c", child, str(tmp_path / "o.npz")], check=True, env=other_backend)
    there = np.load(tmp_path / "o.npz")
    for name, case in CASES.items():
        model = make(name, keras.optimizers.SGD, 1e-4, run_eagerly=True)
        for _ in range(2):
            model.train_on_batch(case.data)
        for i, v in enumerate(state(model)):
            v, w = v.astype("float64"), there[f"{name}/{i}"].astype("float64")
            np.testing.assert_allclose(v, w, atol=1e-5 * max(1.0, np.abs(v).max()), err_msg=f"{name} {i}")
