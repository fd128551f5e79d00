"""Damaged `.keras` files: one line that names the file, or the whole model; nothing in between."""

import io
import json
import random
import warnings
import zipfile

import h5py
import keras
import numpy as np
import pytest
from toy import duel, images, state

from keras_imgen import load_model, models, networks
from keras_imgen.models.restoration.objectives import Objective

VALUES = (None, -1, 0, 1.5, "x", [], {}, True, [None], "os.system", {"class_name": "Lambda"}, float("nan"))


@pytest.fixture(scope="module")
def model():
    model = duel()
    model.fit(images(), batch_size=32, epochs=1, verbose=0)
    return model


@pytest.fixture(scope="module")
def base(model, tmp_path_factory):
    path = tmp_path_factory.mktemp("base") / "m.keras"
    model.save(path)
    return path.read_bytes()


def parts_of(data):
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def packed(parts):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in parts.items():
            archive.writestr(name, data)
    return file.getvalue()


# --- ways of damage: (bytes, a random generator) -> bytes ---


def cut(data, rng):
    return data[: rng.randrange(len(data))]


def flip(data, rng):
    data = bytearray(data)
    for _ in range(rng.choice([1, 1, 20])):
        data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
    return bytes(data)


def zero(data, rng):
    at = rng.randrange(len(data))
    return data[:at] + bytes(len(data[at : at + 900])) + data[at + 900 :]


def insert(data, rng):
    at = rng.randrange(len(data))
    return data[:at] + rng.randbytes(rng.randrange(1, 99)) + data[at:]


def without_an_entry(data, rng):
    parts = parts_of(data)
    parts.pop(rng.choice(["config.json", "model.weights.h5"]))
    return packed(parts)


def entry_for_another(data, rng):
    parts = parts_of(data)
    one, other = rng.sample(["config.json", "model.weights.h5", "metadata.json"], 2)
    return packed({**parts, one: parts[other]})


def text_of_the_config(data, rng):
    parts = parts_of(data)
    text = bytearray(parts["config.json"])
    text[rng.randrange(len(text))] = rng.randrange(32, 127)
    return packed({**parts, "config.json": bytes(text)})


def value_of_the_config(data, rng):
    parts = parts_of(data)
    places = []

    def walk(node):
        for key in node if isinstance(node, dict) else range(len(node)) if isinstance(node, list) else ():
            places.append((node, key))
            walk(node[key])

    tree = json.loads(parts["config.json"])
    walk(tree)
    node, key = rng.choice(places)
    if isinstance(node, dict) and rng.random() < 0.3:
        del node[key]
    else:
        node[key] = rng.choice(VALUES)
    return packed({**parts, "config.json": json.dumps(tree).encode()})


def array_of_the_weights(data, rng):
    parts = parts_of(data)
    file = io.BytesIO(parts["model.weights.h5"])
    with h5py.File(file, "r+") as h5:
        arrays = []
        h5.visititems(lambda name, node: arrays.append(name) if isinstance(node, h5py.Dataset) else None)
        name = rng.choice(arrays)
        shape, dtype = h5[name].shape, h5[name].dtype
        del h5[name]
        if rng.random() < 0.5:
            h5[name] = np.zeros(tuple(n + 1 for n in shape) or (2,), dtype)
    return packed({**parts, "model.weights.h5": file.getvalue()})


WAYS = [cut, flip, zero, insert, without_an_entry, entry_for_another]
WAYS += [text_of_the_config, value_of_the_config, array_of_the_weights]


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
def test_damage_is_told_in_one_line(way, model, base, tmp_path):
    """Twelve of each: what is loaded all the same has every weight, unless the config asks for another model."""
    path = tmp_path / "damaged.keras"
    wanted, refused = state(model), 0
    for seed in range(12):
        path.write_bytes(way(base, random.Random(f"{way.__name__} {seed}")))
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                found = load_model(str(path))
        except ValueError as error:
            refused += 1
            assert str(path) in str(error) and "\n" not in str(error) and len(str(error)) < 600 + len(str(path)), seed
        else:
            if "config" not in way.__name__:
                assert all(map(np.array_equal, state(found), wanted)), seed
    assert refused >= (3 if "config" in way.__name__ else 10)


def test_the_file_that_was_not_damaged_is_whole(model, base, tmp_path):
    path = tmp_path / "m.keras"
    path.write_bytes(packed(parts_of(base)))  # compressed
    assert all(map(np.array_equal, state(load_model(str(path))), state(model)))


def test_nothing_there_a_folder_and_other_files(tmp_path):
    with pytest.raises(FileNotFoundError, match="no model file .*nothing.keras"):
        load_model(str(tmp_path / "nothing.keras"))
    with pytest.raises(ValueError, match="is a folder"):
        load_model(str(tmp_path))
    (tmp_path / "saved_model.pb").write_bytes(b"")
    with pytest.raises(ValueError, match="serving.load"):
        load_model(str(tmp_path))
    for text in (b"", b"PK", b"\x89HDF\r\n\x1a\n"):
        (tmp_path / "a.keras").write_bytes(text)
        with pytest.raises(ValueError, match="a.keras is not a complete .keras file"):
            load_model(str(tmp_path / "a.keras"))
    (tmp_path / "b.keras").write_bytes(packed({"readme.txt": b"no"}))
    with pytest.raises(ValueError, match="b.keras is not a .keras file: there is no config.json"):
        load_model(str(tmp_path / "b.keras"))


def test_what_inflates_is_refused_by_its_size(base, tmp_path):
    with zipfile.ZipFile(tmp_path / "bomb.keras", "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in parts_of(base).items():
            if name != "model.weights.h5":
                archive.writestr(name, data)
        with archive.open("model.weights.h5", "w", force_zip64=True) as entry:
            for _ in range(300):
                entry.write(bytes(1 << 20))
    with pytest.raises(
        ValueError, match="bomb.keras is not a .keras file: 'model.weights.h5' in it would inflate to 314572800"
    ):
        load_model(str(tmp_path / "bomb.keras"))


def test_code_is_not_run_and_unknown_classes_are_named(base, tmp_path):
    network = keras.Sequential([keras.Input((2,)), keras.layers.Lambda(lambda x: 1 / 0)])
    path = str(tmp_path / "lambda.keras")
    network.save(path)
    with pytest.raises(ValueError, match="lambda.keras cannot be loaded as a model: .*Lambda.*disallowed by default"):
        load_model(path)
    parts = parts_of(base)
    parts["config.json"] = parts["config.json"].replace(b"Duel", b"Dwel")
    (tmp_path / "unknown.keras").write_bytes(packed(parts))
    with pytest.raises(ValueError, match="unknown.keras cannot be loaded as a model: .*Dwel"):
        load_model(str(tmp_path / "unknown.keras"))
    config = {"module": "keras.layers", "class_name": "Dense", "config": {"units": 3}, "registered_name": None}
    (tmp_path / "layer.keras").write_bytes(packed({**parts, "config.json": json.dumps(config).encode()}))
    with pytest.raises(ValueError, match="layer.keras cannot be loaded"):
        load_model(str(tmp_path / "layer.keras"))


def test_an_optimizer_that_is_not_whole_can_be_left_out(model, base, tmp_path):
    parts = parts_of(base)
    file = io.BytesIO(parts["model.weights.h5"])
    with h5py.File(file, "r+") as h5:
        arrays = []
        h5.visititems(lambda name, node: arrays.append(name) if isinstance(node, h5py.Dataset) else None)
        del h5[max(name for name in arrays if name.startswith("optimizer"))]
    path = tmp_path / "m.keras"
    path.write_bytes(packed({**parts, "model.weights.h5": file.getvalue()}))
    with pytest.raises(ValueError, match="m.keras cannot be loaded as a model: .*critic.*compile=False"):
        load_model(str(path))
    found = load_model(str(path), compile=False)
    assert all(map(np.array_equal, map(np.array, found.variables), map(np.array, model.variables)))


def test_weights_that_are_not_numbers_are_told(tmp_path):
    model = duel()
    path = str(tmp_path / "nan.keras")
    kernel = model.critic.trainable_variables[0]
    value = np.array(kernel)
    value[0, :3], value[1, 1] = np.nan, np.inf
    kernel.assign(value)
    model.save(path)
    with pytest.warns(UserWarning, match=r"nan.keras: 4 numbers of its weights .* first in '.+/kernel'") as told:
        load_model(path)
    assert [w.filename for w in told if w.category is UserWarning] == [__file__]
    kernel.assign(np.zeros_like(value))
    model.save(path)
    with warnings.catch_warnings():
        warnings.filterwarnings("error", "nan.keras")
        load_model(path)


@keras.saving.register_keras_serializable("keras_imgen_tests")
class Headed(models.Autoencoder):
    """As users write them: it loads a part of itself before its base does."""

    def __init__(self, *args, head=None, **kwargs):
        super().__init__(*args, **kwargs)
        self.head = head

    def get_config(self):
        return {**super().get_config(), "head": keras.saving.serialize_keras_object(self.head)}

    @classmethod
    def from_config(cls, config):
        return super().from_config({**config, "head": keras.saving.deserialize_keras_object(config["head"])})


@keras.saving.register_keras_serializable("keras_imgen_tests")
class Powered(Objective):
    """A term that takes no `every`, and sets its weight itself."""

    def __init__(self, weight=1.0, power=3):
        self.weight, self.power = weight, power

    def __call__(self, target, image):
        return keras.ops.mean(keras.ops.abs(target - image) ** self.power)

    def get_config(self):
        return {"weight": self.weight, "power": self.power}


def test_classes_of_users_come_back(tmp_path):
    shape = (4, 4, 1)
    parts = networks.mlp_encoder(shape, 2, (4,)), networks.mlp_decoder(shape, 2, (4,))
    Headed(*parts, head=keras.layers.Dense(3)).save(tmp_path / "h.keras")
    assert load_model(str(tmp_path / "h.keras")).head.units == 3
    model = models.Denoiser(networks.ffdnet(1, 4, 2), objectives=[Powered(2.0, 4), "l1"])
    model.save(tmp_path / "o.keras")
    assert [o.name for o in load_model(str(tmp_path / "o.keras")).objectives] == ["powered", "l1"]
    again = type(model).from_config({**model.get_config(), "objectives": [Powered(3.0)]})
    assert again.objectives[0].weight == 3.0
    model.compile()
    x = np.zeros((2, 8, 8, 1), "uint8")
    assert np.isfinite(model.fit(x, verbose=0).history["powered"]).all()
