"""Classes that have names: with the model, its file and its export, wherever a label is asked for."""

import json
import zipfile

import keras
import numpy as np
import pytest

from keras_imgen import load_model, serving
from keras_imgen.commands.answering import generate
from keras_imgen.conditions import Label
from keras_imgen.kinds import described, from_description
from keras_imgen.models import GAN, Diffusion
from keras_imgen.networks import dcgan_discriminator, dcgan_generator, unet

NAMES = ("lily", "Rose", "7")


def test_a_label_is_known_by_number_and_by_name():
    label = Label(3, names=NAMES)
    assert [label.number(one) for one in ("0", " rose ", "Rose", "7", "2")] == [0, 1, 1, 2, 2]
    assert label.parse("rose,0, lily") == [1, 0, 0]
    for given, wanted in (("rose", 1), (["lily", 2], [0, 2]), (np.array([1, 2]), [1, 2]), (1, 1)):
        np.testing.assert_array_equal(label.encode({"label": given})["label"], wanted)
    for wrong in ("oak", "3", "-1", "", "²", "1.0"):
        with pytest.raises(ValueError, match=r"labels in 0\.\.2, or of lily, Rose, 7, got "):
            label.number(wrong)
    with pytest.raises(ValueError, match=r"Expected labels in 0\.\.2, got 'rose'"):
        Label(3).encode({"label": ["rose"]})
    with pytest.raises(ValueError, match="names of 3 classes, got 2"):
        Label(3, names=("a", "b"))


def test_descriptions_keep_names_and_older_ones_have_none():
    named = Label(3, names=NAMES)
    assert from_description(json.loads(json.dumps(described(named)))) == named
    assert from_description({"kind": "label", "num_classes": 3, "key": "label"}) == Label(3)


def drawing(names=NAMES):
    return Diffusion(unet((8, 8, 1), widths=(8,), depth=1, num_classes=3), steps=2, class_names=names)


def test_a_model_keeps_its_names_in_its_file_and_in_its_export(tmp_path):
    model = drawing()
    wanted = model.generate(labels=[1, 0], seed=3)
    np.testing.assert_array_equal(model.generate(labels=["rose", "lily"], seed=3), wanted)
    model.save(str(tmp_path / "m.keras"))
    again = load_model(str(tmp_path / "m.keras"))
    assert again.conditions == (Label(3, names=NAMES),) and again.for_inference().class_names == NAMES
    np.testing.assert_array_equal(again.generate(conditions={"label": ["rose", 0]}, seed=3), wanted)
    generate(str(tmp_path / "m.keras"), str(tmp_path / "out"), 2, ["rose", 0], None, 3, {}, False)
    from PIL import Image

    made = [np.asarray(Image.open(tmp_path / "out" / f"image_000{k}.png")) for k in range(2)]
    np.testing.assert_array_equal(made, wanted[..., 0])
    if keras.backend.backend() == "tensorflow":
        model.export(str(tmp_path / "m"))
        served = serving.load(str(tmp_path / "m"))
        assert served.conditions == (Label(3, names=NAMES),)
        np.testing.assert_array_equal(served.generate(labels=["rose", "lily"], seed=3), wanted)


def test_a_file_of_before_loads(tmp_path):
    """Its config has no such argument."""
    model = drawing(())
    model.save(str(tmp_path / "m.keras"))
    with zipfile.ZipFile(tmp_path / "m.keras") as file:
        parts = {name: file.read(name) for name in file.namelist()}
    config = json.loads(parts["config.json"])
    del config["config"]["class_names"]
    with zipfile.ZipFile(tmp_path / "old.keras", "w") as file:
        for name, data in {**parts, "config.json": json.dumps(config).encode()}.items():
            file.writestr(name, data)
    old = load_model(str(tmp_path / "old.keras"))
    assert old.class_names == () and old.conditions == (Label(3),)
    np.testing.assert_array_equal(old.generate(labels=[1], seed=2), model.generate(labels=[1], seed=2))


def test_other_families_have_them_too():
    generator, discriminator = dcgan_generator((8, 8, 1), 3, 4, 3), dcgan_discriminator((8, 8, 1), 4, 3)
    assert GAN(generator, discriminator, 3, class_names=NAMES).conditions == (Label(3, names=NAMES),)
    with pytest.raises(ValueError, match="names of 3 classes, got 2"):
        drawing(("a", "b"))


def test_openais_prompt_may_be_a_name():
    pytest.importorskip("fastapi")
    from keras_imgen.inference.endpoints import Endpoint, Seeds
    from keras_imgen.server import image_work
    from keras_imgen.server.errors import Invalid

    endpoint = Endpoint((Seeds(),), (Label(3, names=NAMES),))
    assert image_work._told(endpoint, "rose", {}) == {"conditions": {"label": 1}}
    with pytest.raises(Invalid, match="number or name of a label.*0..2, or of lily, Rose, 7, got 'oak'") as error:
        image_work._told(endpoint, "oak", {})
    assert error.value.param == "prompt"
