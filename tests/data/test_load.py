"""Every source through `load`: contents, order, what is refused."""

import gzip
import io
import json
import os
import subprocess
import sys
import zipfile

import numpy as np
import pytest
from PIL import Image, features

from keras_imgen.data import Augment, describe, load, photos, set_epoch
from keras_imgen.data.sources import Request, find


def rows(data, key="image"):
    return np.concatenate([np.asarray(batch[key]) for batch in data])


@pytest.fixture(autouse=True)
def first_epoch():
    set_epoch(0)
    yield
    set_epoch(0)


def numbered(n=50):
    """Image k is filled with k, so the order can be read off."""
    return {"image": np.arange(n, dtype="uint8")[:, None, None, None] * np.ones((1, 4, 4, 1), "uint8")}


# === Order ===


def test_order_is_a_function_of_seed_and_epoch():
    data = load(numbered(), batch=8, seed=3, drop_remainder=False)
    orders = []
    for epoch in (0, 1, 0):
        set_epoch(epoch)
        orders.append(rows(data)[:, 0, 0, 0].tolist())
    assert orders[0] == orders[2] != orders[1]
    assert sorted(orders[0]) == sorted(orders[1]) == list(range(50))
    set_epoch(1)
    assert rows(load(numbered(), batch=50, seed=3))[:, 0, 0, 0].tolist() == orders[1]  # whatever the batch
    assert rows(load(numbered(), batch=50, seed=4))[:, 0, 0, 0].tolist() != orders[1]


def test_every_place_is_equally_likely():
    """Mean position of each image over many epochs: 24.5 with standard error 14.4/sqrt(200) = 1.02."""
    data, places = load(numbered(), batch=50), np.zeros(50)
    for epoch in range(200):
        set_epoch(epoch)
        places[rows(data)[:, 0, 0, 0]] += np.arange(50)
    assert np.abs(places / 200 - 24.5).max() < 4.5


def test_remainder_limit_and_no_shuffle():
    assert len(load(numbered(), batch=8)) == 6
    assert len(load(numbered(), batch=8, drop_remainder=False)) == 7
    assert rows(load(numbered(), batch=8, shuffle=False, limit=20))[:, 0, 0, 0].tolist() == list(range(16 + 4))
    assert rows(load("digits", "test", batch=100)).shape == (297, 8, 8, 1)


# === Sources ===


def test_digits_are_scikit_learns():
    from sklearn.datasets import load_digits

    images, labels = load_digits(return_X_y=True)
    data = load("digits", "all", batch=500)
    np.testing.assert_array_equal(rows(data)[..., 0].reshape(-1, 64), np.round(images * 255 / 16))
    np.testing.assert_array_equal(rows(data, "label"), labels)
    assert describe("digits").class_names == tuple("0123456789")
    batch = next(iter(load("digits", size=(12, 10), channels=3, batch=4)))
    assert batch["image"].shape == (4, 12, 10, 3) and batch["image"].dtype == "uint8"


def test_shapes_are_what_their_captions_say():
    from keras_imgen.data.sources.shapes import BACKGROUNDS, COLOURS, RELATIONS, SHAPES

    data = load("shapes", "test", size=64, batch=100, limit=100)
    batch = {k: np.asarray(v) for k, v in next(iter(data)).items()}
    seen = set()
    for k in range(100):
        caption, kinds = os.fsdecode(batch["caption"][k]), batch["attributes"][k]
        image, mask = batch["image"][k].astype(int), batch["mask"][k, ..., 0]
        background = caption.rsplit(" on a ", 1)[1].removesuffix(" background")
        np.testing.assert_array_equal(np.median(image[mask == 0], axis=0), BACKGROUNDS[background])
        assert SHAPES[batch["label"][k]] in caption.split(" on a ")[0]
        centres = []
        for i, (shape, colour, _) in enumerate(kinds):
            assert (shape >= 0) == ((mask == i + 1).sum() > 0)
            if shape >= 0:
                assert f"{tuple(COLOURS)[colour]} {SHAPES[shape]}" in caption
                flat = (image[mask == i + 1] == tuple(COLOURS.values())[colour]).all(-1)  # the rest is edge
                assert flat.mean() > 0.2
                centres.append(np.argwhere(mask == i + 1).mean(0))
        if len(centres) == 2:
            relation = RELATIONS[batch["relation"][k]]
            seen.add(relation)
            assert relation in caption
            (y1, x1), (y2, x2) = centres
            holds = {"to the left of": x1 < x2, "to the right of": x1 > x2, "above": y1 < y2, "below": y1 > y2}
            assert holds.get(relation, True), caption
    assert seen == set(RELATIONS)
    again = next(iter(load("shapes", "test", size=64, batch=7)))
    np.testing.assert_array_equal(again["image"], batch["image"][:7])


def test_single_shapes_tell_their_factors():
    from keras_imgen.data.sources.shapes import COLOURS

    batch = next(iter(load("shapes:one", "test", size=64, batch=100, shuffle=False, limit=100)))
    images, factors = np.asarray(batch["image"]).astype(int), np.asarray(batch["factors"])
    masks = np.asarray(batch["mask"])[..., 0] == 1
    assert (np.asarray(batch["attributes"])[:, 1] == -1).all() and (
        factors[:, :3] == np.asarray(batch["attributes"])[:, 0]
    ).all()
    places = np.stack([[np.argwhere(m)[:, ::-1].mean(0) / 64] for m in masks])[:, 0]
    assert np.abs(places - factors[:, 3:]).max() < 0.06  # a triangle's middle of mass lies below its centre
    for image, mask, colour in zip(images, masks, factors[:, 1].astype(int)):
        inside = np.median(image[mask], axis=0)
        assert np.abs(inside - tuple(COLOURS.values())[colour]).max() <= 3
    assert (images[~masks].max(-1) < 160).mean() > 0.97  # the rest is black but for the rim


def test_shapes_clips_move_and_stay_inside():
    batch = next(iter(load("shapes", size=32, frames=40, batch=8)))
    clip, image = np.asarray(batch["clip"]), np.asarray(batch["image"])
    np.testing.assert_array_equal(clip[:, 0], image)
    assert all((clip[:, i] != clip[:, i + 1]).any() for i in range(39))
    corner = clip[:, :, 0, 0].astype(int)  # no thing ever covers a corner
    assert (corner == corner[:, :1]).all()


def test_folder(tmp_path):
    rng = np.random.default_rng(0)
    for split in ("train", "test"):
        for name, mode in (("cat", "RGB"), ("dog", "L")):
            (tmp_path / split / name).mkdir(parents=True)
            for k in range(3):
                noise = rng.integers(0, 256, (20, 30, 3), "uint8")
                Image.fromarray(noise).convert(mode).save(tmp_path / split / name / f"{k}.png")
    cats = tmp_path / "train" / "cat"
    (cats / "readme.txt").write_text("no picture")
    (cats / "cut.png").write_bytes((cats / "0.png").read_bytes()[:600])
    (cats / "empty.jpg").write_bytes(b"")
    (tmp_path / "train" / "cat" / ".hidden").write_bytes(b"x")
    with pytest.warns(UserWarning, match="skipped 3 of 9 files") as caught:
        data = load(f"folder:{tmp_path}", size=16, batch=6, shuffle=False)
    said = " ".join(str(w.message) for w in caught)
    assert all(name in said for name in ("readme.txt", "cut.png", "empty.jpg"))
    batch = next(iter(data))
    assert batch["image"].shape == (6, 16, 16, 3) and np.asarray(batch["label"]).tolist() == [0, 0, 0, 1, 1, 1]
    whole = next(iter(load(f"folder:{tmp_path}", "test", batch=6)))
    np.testing.assert_array_equal(whole["image"][0], np.asarray(Image.open(tmp_path / "test" / "cat" / "0.png")))
    info = describe(f"folder:{tmp_path}", "test")
    assert (info.count, info.class_names, info.shape) == (6, ("cat", "dog"), (20, 30, 3))


def test_npz_of_keras_and_of_jpegs(tmp_path):
    images = np.random.default_rng(0).integers(0, 256, (7, 8, 8), "uint8")
    np.savez(tmp_path / "keras.npz", x_train=images, y_train=np.arange(7), x_test=images[:2], y_test=[3, 4])
    np.testing.assert_array_equal(rows(load(f"npz:{tmp_path}/keras.npz", "test", batch=2))[..., 0], images[:2])
    assert describe(f"npz:{tmp_path}/keras.npz").count == 7
    files = []
    for shade in (10, 200):
        Image.new("RGB", (9, 5), (shade, 0, 0)).save(tmp_path / "x.png")
        files.append((tmp_path / "x.png").read_bytes())
    ends = np.cumsum([0] + [len(f) for f in files])
    np.savez(tmp_path / "pack.npz", jpeg=np.frombuffer(b"".join(files), "uint8"), offsets=ends, label=[0, 1])
    batch = next(iter(load(f"npz:{tmp_path}/pack.npz", size=4, batch=2, shuffle=False)))
    assert np.asarray(batch["image"][:, 0, 0, 0]).tolist() == [10, 200]


def npz(path, **arrays):
    np.savez(path, **arrays)
    return f"npz:{path}"


IMAGES = np.random.default_rng(0).integers(0, 256, (4, 6, 5, 3), "uint8")


@pytest.mark.parametrize(
    ("arrays", "words"),
    [
        ({"image": IMAGES, "label": [0, 1]}, "as many rows"),
        ({"image": np.uint8(3)}, "with a row for each image, got .*3"),
        ({"image": IMAGES.astype("uint16") + 256}, r"whole numbers in 0\.\.255, got uint16 in 256"),
        ({"image": np.array(["a", "b"])}, "shape"),
        ({"image": IMAGES, "label": list("abcd")}, "labels as whole numbers"),
        ({"image": IMAGES, "label": [0, 1, 2, 3], "classes": ["a", "b"]}, "2 class names, but labels up to 3"),
        ({"jpeg": IMAGES[0].reshape(-1), "offsets": [0, 9, 5, 20]}, "`offsets` that increase"),
        ({"jpeg": IMAGES[0].reshape(-1), "offsets": [0, 10_000]}, "at most 90"),
        ({"jpeg": IMAGES[0].reshape(-1), "offsets": [-5, 20]}, "`offsets` that increase"),
        ({"jpeg": IMAGES[0].reshape(-1), "offsets": [0.0, 20.0]}, "got float64"),
        ({"jpeg": IMAGES[0].reshape(-1), "offsets": [0]}, "offsets"),
        ({"jpeg": IMAGES[0], "offsets": [0, 5]}, "`jpeg` as uint8 of shape"),
        ({"jpeg": IMAGES[0].reshape(-1), "offsets": [0, 20]}, "image 0: is not an image"),
        ({"pictures": IMAGES}, "image, images or x, got pictures"),
    ],
)
def test_arrays_of_a_file_that_do_not_fit_are_named(arrays, words, tmp_path):
    with pytest.raises(ValueError, match=f"{tmp_path}/a.npz.*{words}"):
        load(npz(tmp_path / "a.npz", **arrays), batch=1)


def test_npz_files_are_looked_at_before_they_are_read(tmp_path):
    """Headers that claim more than there is, objects, and files that would fill the memory many times over."""
    path = tmp_path / "a.npz"
    for header, words in (
        (
            "{'descr': '|u1', 'fortran_order': False, 'shape': (1000000, 1000, 1000, 3), }",
            "3,000,000,000,000 bytes.*has 10",
        ),
        ("{'descr': '|u1', 'fortran_order': False, 'shape': (-10, -1), }", "claims"),
        ("{'descr': '|O', 'fortran_order': False, 'shape': (2,), }", "objects"),
        ("{'descr': '|u1', 'fortran_order': False, 'shape': (10, ", "EOF"),
    ):
        text = header.encode() + b"\n"
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("image.npy", b"\x93NUMPY\1\0" + len(text).to_bytes(2, "little") + text + bytes(10))
        with pytest.raises(ValueError, match=f"a.npz is not a complete .npz file .*{words}"):
            load(f"npz:{path}")
    with zipfile.ZipFile(path, "w") as archive:
        for k in range(2000):
            archive.writestr(f"{k}.npy", b"")
    directory = path.read_bytes()
    size = (2**32 - 2).to_bytes(4, "little")
    at = directory.find(b"PK\1\2")
    while at >= 0:  # what the directory says of each, uncompressed
        directory = directory[: at + 24] + size + directory[at + 28 :]
        at = directory.find(b"PK\1\2", at + 1)
    path.write_bytes(directory)
    with pytest.raises(ValueError, match="a.npz .*its arrays are 8,589,934,588,000 bytes, expected at most"):
        load(f"npz:{path}")
    np.save(tmp_path / "one.npy", IMAGES)
    with pytest.raises(ValueError, match="one.npy is not a complete .npz"):
        load(f"npz:{tmp_path}/one.npy")


def test_class_names_of_npz_files(tmp_path):
    assert describe(
        npz(tmp_path / "a.npz", image=IMAGES, label=[0, 2, 1, 0], classes=[b"a", b"b", b"c"])
    ).class_names == (*"abc",)


def idx(array):
    return gzip.compress(bytes([0, 0, 8, array.ndim]) + np.array(array.shape, ">i4").tobytes() + array.tobytes())


def test_fashion_mnist_from_idx_files(tmp_path, monkeypatch):
    folder = tmp_path / "fashion-mnist"
    folder.mkdir()
    images = np.random.default_rng(0).integers(0, 256, (5, 28, 28), "uint8")
    for part in ("train", "t10k"):
        (folder / f"{part}-images-idx3-ubyte.gz").write_bytes(idx(images))
        (folder / f"{part}-labels-idx1-ubyte.gz").write_bytes(idx(np.arange(5, dtype="uint8")))
    monkeypatch.setenv("KERAS_IMGEN_DATA", str(tmp_path))
    np.testing.assert_array_equal(rows(load("fashion_mnist", "test", batch=5))[..., 0], images)
    (folder / "t10k-images-idx3-ubyte.gz").write_bytes(idx(images)[:-40])
    with pytest.raises(ValueError, match="damaged"):
        load("fashion_mnist", "test")
    whole = idx(images)
    (folder / "t10k-images-idx3-ubyte.gz").write_bytes(whole[:20] + bytes([255] * 9) + whole[29:])
    with pytest.raises(ValueError, match="t10k-images-idx3-ubyte.gz is damaged"):
        load("fashion_mnist", "test")
    (folder / "t10k-images-idx3-ubyte.gz").write_bytes(gzip.compress(b"\0\0\x08\x03\0\0"))
    with pytest.raises(ValueError, match="not a complete idx file"):
        load("fashion_mnist", "test")


@pytest.mark.tensorflow
def test_tfds_reads_a_prepared_data_set(tmp_path):
    import tensorflow as tf
    import tensorflow_datasets as tfds

    class TinyPictures(tfds.core.GeneratorBasedBuilder):
        VERSION = tfds.core.Version("1.0.0")

        def _info(self):
            features = {"image": tfds.features.Image(shape=(None, None, 3)), "caption": tfds.features.Text()}
            features["label"] = tfds.features.ClassLabel(names=["a", "b"])
            return tfds.core.DatasetInfo(builder=self, features=tfds.features.FeaturesDict(features))

        def _split_generators(self, manager):
            return {"train": self._generate_examples()}

        def _generate_examples(self):
            for k in range(20):
                yield k, {"image": np.full((8, 9 + k, 3), 10 * k, "uint8"), "caption": f"no {k}", "label": k % 2}

    TinyPictures(data_dir=str(tmp_path)).download_and_prepare()
    name, where = "tfds:tiny_pictures", {"data_dir": str(tmp_path)}
    tf.random.set_seed(0)
    data = load(name, size=6, batch=10, **where)
    orders = []
    for epoch in (0, 1, 0):
        set_epoch(epoch)
        orders.append((rows(data)[:, 0, 0, 0] // 10).tolist())
    assert orders[0] == orders[2] != orders[1] and sorted(orders[1]) == list(range(20))
    batch = next(iter(load(name, size=6, batch=20, shuffle=False, **where)))
    for image, caption, label in zip(*(np.asarray(batch[k]) for k in ("image", "caption", "label"))):
        k = int(image[0, 0, 0]) // 10
        assert (image == 10 * k).all() and caption == f"no {k}".encode() and label == k % 2
    assert describe(name, size=6, **where).class_names == ("a", "b")
    assert next(iter(load(name, size=6, columns=("label",), batch=4, **where))).keys() == {"label"}
    with pytest.raises(ValueError, match="train"):
        load(name, "nonsense", size=6, **where)
    with pytest.raises(ValueError, match="size="):
        load(name, **where)


@pytest.mark.tensorflow
def test_tfds_without_a_network_says_so_soon(tmp_path):
    with pytest.raises((FileNotFoundError, ValueError), match="tfds|tensorflow-datasets"):
        load("tfds:no_such_data_set")
    code = (
        "import sys, requests\n"
        "def refuse(*a, **k): raise requests.ConnectionError('no network')\n"
        "requests.head = refuse\n"
        "from keras_imgen.data import load\n"
        "try: load('tfds:mnist', data_dir=sys.argv[1])\n"
        "except FileNotFoundError as e: print(e)\n"
    )
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, timeout=100)
    assert "could not be downloaded" in done.stdout and "data_dir" in done.stdout, done.stderr[-500:]


@pytest.mark.skipif("KERAS_IMGEN_DATA" not in os.environ, reason="KERAS_IMGEN_DATA is not set")
def test_jpeg_packs_of_real_pictures():
    path = os.path.join(os.environ["KERAS_IMGEN_DATA"], "flowers", "flowers128.npz")
    if not os.path.isfile(path):
        pytest.skip(f"{path} is not there")
    info = describe(f"npz:{path}", size=32)
    assert info.count == 4064 and "rose" in info.class_names


# === What is refused ===


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"source": "digit"}, "fashion_mnist"),
        ({"source": "tfds:"}, "tfds:NAME"),
        ({"source": "digits", "split": "dev"}, "train, test"),
        ({"source": "digits", "batch": 0}, "batch"),
        ({"source": "digits", "batch": 5000}, "smaller batch"),
        ({"source": "digits", "channels": 2}, "1, 3 or 4"),
        ({"source": "digits", "resize": "stretch"}, "crop, pad"),
        ({"source": "digits", "size": (0, 4)}, "size"),
        ({"source": "digits", "columns": ("image", "caption")}, "caption"),
        ({"source": "shapes", "size": 8}, "16 to 128"),
        ({"source": {"label": np.zeros(3)}}, "'image'"),
        ({"source": (np.zeros((4, 2, 2, 1), "uint8"), np.zeros(3))}, "as many rows"),
        ({"source": np.zeros((0, 2, 2, 1), "uint8")}, "empty"),
    ],
)
def test_bad_requests(arguments, words):
    with pytest.raises(ValueError, match=words):
        load(**arguments)


@pytest.mark.parametrize(
    ("labels", "words"),
    [
        ([0, 2**40, 1, 0], r"0\.\.2147483647, got int64 in 0\.\.1099511627776"),
        ([0, 2**31, 1, 0], r"in 0\.\.2147483648"),
        (np.array([0, 2**64 - 1, 1, 0], "uint64"), r"got uint64 in 0\.\.18446744073709551615"),
        ([0, -1, 1, 0], r"in -1\.\.1"),
        ([0.0, 0.5, 1.0, 0.0], r"got float64 in 0\.0\.\.1\.0"),
        ([0.0, float("nan"), 1.0, 0.0], "nan"),
        ([0.0, float("inf"), 1.0, 0.0], "inf"),
        (["cat", "dog", "cat", "dog"], "got <U3"),
        (np.eye(4, dtype="int64") * 2**33, "8589934592"),
    ],
)
def test_labels_that_are_no_classes_are_refused(labels, words):
    with pytest.raises(ValueError, match=f"Expected labels as whole numbers.*{words}"):
        load((IMAGES, np.asarray(labels)), batch=4)


@pytest.mark.parametrize("dtype", ["int8", "uint8", "int64", "uint64", "float32", "float64", "bool"])
@pytest.mark.parametrize("shape", [(4,), (4, 1)])
def test_labels_of_every_type_are_their_numbers(dtype, shape):
    labels = np.array([0, 1, 1, 0]).reshape(shape).astype(dtype)
    batch = next(iter(load((IMAGES, labels), batch=4, shuffle=False)))
    assert batch["label"].dtype == "int32" and np.asarray(batch["label"]).tolist() == [0, 1, 1, 0]
    assert describe((IMAGES, labels)).class_names == ("0", "1")
    one_hot = np.eye(2)[[0, 1, 1, 0]].astype(dtype)
    found = np.asarray(next(iter(load((IMAGES, one_hot), batch=4, shuffle=False)))["label"])
    np.testing.assert_array_equal(found, one_hot)


def test_images_of_other_types_are_taken_where_they_are_plain():
    for dtype in ("int16", "int64", "uint16", "uint64"):
        batch = next(iter(load(IMAGES.astype(dtype), batch=4, shuffle=False)))
        assert batch["image"].dtype == "uint8"
        np.testing.assert_array_equal(batch["image"], IMAGES)
    masks = IMAGES > 100
    np.testing.assert_array_equal(next(iter(load(masks, batch=4, shuffle=False)))["image"], masks * 255)
    floats = (IMAGES / 255).astype("float32")
    np.testing.assert_array_equal(next(iter(load(floats, batch=4, shuffle=False)))["image"], floats)
    for wrong, words in (
        (IMAGES.astype("int64") - 1, r"0\.\.255, got int64 in -1\.\.25"),
        (IMAGES.astype("int64") + 200, r"got int64 in 200\.\.455"),
        (IMAGES.astype("complex64"), "complex64"),
        ({"image": [np.zeros((4, 4, 3)), np.zeros((5, 4, 3))]}, "'image' as one array, got rows of different shapes"),
        ({"image": IMAGES, "label": 3}, "'label' as an array with a row for each image, got 3"),
    ):
        with pytest.raises(ValueError, match=words):
            load(wrong, batch=2)


def picture_folder(path, n=4):
    path.mkdir()
    for k in range(n):
        Image.fromarray(np.full((8, 9, 3), 20 * k, "uint8")).save(path / f"{k}.png")
    return path


@pytest.mark.parametrize("damage", ["gone", "cut"])
def test_a_picture_that_is_gone_or_damaged_later_is_named(damage, tmp_path):
    """By the source itself; TensorFlow wraps it in a page of its own words."""
    folder = picture_folder(tmp_path / "pictures")
    found = find(f"folder:{folder}", Request("train", size=(8, 8)))
    lost = folder / "2.png"
    lost.unlink() if damage == "gone" else lost.write_bytes(lost.read_bytes()[:45])
    assert found.fetch(np.array([1, 3]))["image"][:, 0, 0, 0].tolist() == [20, 60]
    with pytest.raises((FileNotFoundError, ValueError), match=f"{lost}") as error:
        found.fetch(np.arange(4))
    assert "\n" not in str(error.value)


def test_what_decoders_raise_and_other_frames_are_said_once(tmp_path):
    folder = picture_folder(tmp_path / "pictures")
    if features.check("avif"):
        Image.open(folder / "3.png").save(folder / "odd.avif")
        data = (folder / "odd.avif").read_bytes().replace(b"iloc", b"free")
        with pytest.raises(RuntimeError):  # which load_image makes its own
            Image.open(io.BytesIO(data))
        (folder / "odd.avif").write_bytes(data)
    (folder / "odd.ppm").write_bytes(b"P6 9 9 70000 ")  # a ValueError of Pillow's own
    frames = [Image.new("RGB", (9, 8), (k * 60, 0, 0)) for k in range(3)]
    for name in ("a.gif", "b.tif"):
        frames[0].save(folder / name, save_all=True, append_images=frames[1:])
    for source in (lambda: load(f"folder:{folder}", batch=2), lambda: photos(folder)):
        with pytest.warns(UserWarning) as caught:
            source()
        skipped, first = [str(w.message) for w in caught]
        assert all(name in skipped for name in os.listdir(folder) if name.startswith("odd"))
        assert first == (
            f"{folder}: of 2 animations and files of several pages the first frame is taken: a.gif (3), b.tif (3)."
        )
    pack = [(folder / name).read_bytes() for name in ("0.png", "a.gif")]
    source = npz(
        tmp_path / "pack.npz",
        jpeg=np.frombuffer(b"".join(pack), "uint8"),
        offsets=np.cumsum([0, *map(len, pack)]),
    )
    with pytest.warns(UserWarning, match=r"pack.npz: of 1 animations .*: image 1 \(3\)\."):
        load(source, batch=2)


def test_folders_and_files_with_names_that_are_not_utf8(tmp_path):
    folder = picture_folder(tmp_path / "cat\udce9")
    (folder / "bad\udcff.png").write_bytes(b"no")
    with pytest.warns(UserWarning, match=r"bad\\udcff\.png is not an image"):
        info = describe(f"folder:{tmp_path}")
    assert info.class_names == ("cat\\udce9",) and info.count == 4
    assert np.asarray(next(iter(load(f"folder:{tmp_path}", batch=4)))["label"]).tolist() == [0] * 4


def test_bad_paths(tmp_path):
    with pytest.raises(FileNotFoundError, match="nowhere"):
        load("folder:nowhere")
    with pytest.raises(FileNotFoundError, match="nowhere"):
        load("npz:nowhere.npz")
    with pytest.raises(ValueError, match="no pictures"):
        load(f"folder:{tmp_path}", size=8)
    (tmp_path / "bad.npz").write_bytes(b"PK\x03\x04 half")
    with pytest.raises(ValueError, match="not a complete"):
        load(f"npz:{tmp_path}/bad.npz")
    with pytest.raises(ValueError, match=f"folder:{tmp_path}"):
        load(str(tmp_path))


# === Augmentation ===


def test_augmentation_is_repeatable_and_moves_masks_along():
    change = Augment(flip="horizontal_and_vertical", rotate=20, scale=0.2, shift=0.1)
    images = np.zeros((32, 16, 16, 3), "uint8")
    images[:, 3:9, 5:14] = 200
    batch = {"image": images, "mask": (images[..., :1] > 0).astype("uint8")}
    data = load(batch, batch=32, augment=change, shuffle=False)
    first, again = next(iter(data)), next(iter(data))
    np.testing.assert_array_equal(first["image"], again["image"])
    set_epoch(1)
    assert (np.asarray(first["image"]) != np.asarray(next(iter(data))["image"])).any()
    moved, mask = np.asarray(first["image"])[..., 0] > 100, np.asarray(first["mask"])[..., 0] > 0
    assert (moved == mask).mean() > 0.95 and (moved == (images[..., 0] > 0)).mean() < 0.9
    assert len({image.tobytes() for image in np.asarray(first["image"])}) > 25


def test_colour_crop_and_grayscale():
    images = np.random.default_rng(0).integers(0, 256, (16, 12, 12, 3), "uint8")
    batch = next(iter(load(images, batch=16, shuffle=False, augment=Augment(crop=(8, 10), grayscale=1.0))))
    out = np.asarray(batch["image"])
    assert out.shape == (16, 8, 10, 3) and out.dtype == np.uint8
    assert np.abs(out.astype(int) - out[..., :1]).max() <= 1
    coloured = np.asarray(next(iter(load(images, batch=16, shuffle=False, augment=Augment(colour=0.8))))["image"])
    assert (coloured != images).mean() > 0.5
    gray = next(iter(load(images[..., :1], batch=16, augment=Augment(flip="horizontal", colour=0.5, grayscale=0.5))))
    assert gray["image"].shape == (16, 12, 12, 1)


@pytest.mark.parametrize("arguments", [{"rotate": 200}, {"flip": "sideways"}, {"colour": -0.1}, {"crop": (20, 4)}])
def test_bad_augmentation(arguments):
    with pytest.raises(ValueError, match=next(iter(arguments))):
        load("digits", augment=Augment(**arguments))


@pytest.mark.slow
@pytest.mark.tensorflow
def test_the_same_batches_under_the_other_backend(other_backend):
    code = (
        "import json, numpy as np; from keras_imgen.data import *\n"
        "aug = Augment(flip='horizontal', rotate=10, colour=0.4)\n"
        "b = next(iter(load('shapes', size=16, batch=8, columns=('image',), augment=aug, seed=5)))\n"
        "print(json.dumps(np.asarray(b['image']).astype(int).sum(axis=(1, 2, 3)).tolist()))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=other_backend)
    assert done.returncode == 0, done.stderr[-800:]
    augment = Augment(flip="horizontal", rotate=10, colour=0.4)
    batch = next(iter(load("shapes", size=16, batch=8, columns=("image",), augment=augment, seed=5)))
    here = np.asarray(batch["image"]).astype(int).sum(axis=(1, 2, 3))
    np.testing.assert_allclose(json.loads(done.stdout.splitlines()[-1]), here, rtol=1e-3)
