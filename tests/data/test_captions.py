"""Captions through `load`: which of several is drawn, with and without tf.data, from rows and from streams."""

import numpy as np
import pytest

from keras_imgen.data import describe, load, set_epoch
from keras_imgen.data.captions import captions_at, drawn_of, mixed, texts_of
from keras_imgen.data.sources import Source

ROWS = 50
CAPTIONS = [tuple(f"{row}, {k}" for k in range(row % 4)) for row in range(ROWS)]  # none to three


@pytest.fixture(autouse=True)
def first_epoch():
    set_epoch(0)
    yield
    set_epoch(0)


@pytest.fixture(params=[pytest.param(True, marks=pytest.mark.tensorflow), False], ids=["tf.data", "Batches"])
def tensorflow(request, monkeypatch):
    """With TensorFlow, and as where it is not installed."""
    if not request.param:
        monkeypatch.setattr("keras_imgen.data.pipeline.has", lambda name: False)
    return request.param


def source(captions=CAPTIONS, slow=False):
    """Image k is filled with k."""
    images = np.arange(len(captions), dtype="uint8")[:, None, None, None] * np.ones((1, 4, 4, 1), "uint8")
    return Source(len(captions), (4, 4, 1), lambda rows: {"image": images[rows]}, slow=slow, captions=captions)


def by_row(data):
    """The caption of every row that came, and no row twice."""
    batches = [{k: np.asarray(v) for k, v in batch.items()} for batch in data]
    rows = [int(row) for batch in batches for row in batch["image"][:, 0, 0, 0]]
    captions = [caption.decode() for batch in batches for caption in batch["caption"]]
    assert len({*rows}) == len(rows) == len(captions)
    return dict(zip(rows, captions))


def expected(rows, seed, epoch):
    return dict(zip(rows, (c.decode() for c in captions_at(CAPTIONS, np.array(rows), seed, epoch))))


# === The draw ===


def test_a_draw_is_split_mix_of_seed_epoch_and_row():
    def by_hand(*numbers):
        x, mask = 0, 2**64 - 1
        for number in numbers:
            x = (x + number + 0x9E3779B97F4A7C15) & mask
            x = ((x ^ (x >> 30)) * 0xBF58476D1CE4E5B9) & mask
            x = ((x ^ (x >> 27)) * 0x94D049BB133111EB) & mask
            x ^= x >> 31
        return x

    assert mixed(0)[0] == 0xE220A8397B1DCDAF  # SplitMix64's first number of the seed 0 (Vigna's splitmix64.c)
    rows, counts = np.array([0, 7, 123_456]), np.array([5, 3, 0])
    numbers = [by_hand(11, 4, row) % max(1, n) for row, n in zip(rows.tolist(), counts.tolist())]
    assert drawn_of(counts, rows, 11, 4).tolist() == numbers
    assert drawn_of(5, 7, 11, 4)[0] == drawn_of([5], [7], 11, 4)[0] == drawn_of([9, 5], [1, 7], 11, 4)[1]
    assert (drawn_of([1000] * 9, range(9), -1, 0) == drawn_of([1000] * 9, range(9), 2**31 - 1, 0)).all()


def test_every_caption_is_equally_likely_in_every_row_and_epoch():
    """Chi-squared of 5 captions: 4 degrees of freedom, 23.5 at 1 in 10,000."""
    drawn = np.stack([drawn_of([5] * 400, range(400), 0, epoch) for epoch in range(400)])
    surprise = lambda found: ((np.bincount(found.ravel(), minlength=5) - found.size / 5) ** 2).sum() * 5 / found.size  # noqa: E731
    assert surprise(drawn) < 23.5
    assert max(map(surprise, drawn)) < 30 and max(map(surprise, drawn.T)) < 30  # the largest of 400: 27
    pairs = drawn[:-1] * 5 + drawn[1:]  # 24 degrees of freedom, 59 at 1 in 10,000
    assert ((np.bincount(pairs.ravel(), minlength=25) - pairs.size / 25) ** 2).sum() * 25 / pairs.size < 59


@pytest.mark.parametrize(
    ("given", "texts"),
    [
        (" a cat\n", ("a cat",)),
        (b"caf\xc3\xa9", ("café",)),
        (["a", "", "  ", "b"], ("a", "b")),
        (("a", "a"), ("a", "a")),
        (np.array(["a", "b"]), ("a", "b")),
        (None, ()),
        ("", ()),
        ([], ()),
    ],
)
def test_how_captions_are_given(given, texts):
    assert texts_of(given, "here") == texts


@pytest.mark.parametrize("given", [3, ["a", 3], [["a"]], {"a": "b"}, ["a", None], "\ud800", b"\xff"])
def test_what_are_no_captions(given):
    with pytest.raises(ValueError, match="^here: expected a text"):
        texts_of(given, "here")


# === Through `load` ===


def test_one_is_drawn_for_each_epoch(tensorflow):
    data, found = load(source(), batch=8, seed=3, drop_remainder=False), []
    for epoch in (0, 1, 2, 1):
        set_epoch(epoch)
        found.append(by_row(data))
        assert found[-1] == expected([*found[-1]], 3, epoch) and len(found[-1]) == ROWS
        assert all(caption in (CAPTIONS[row] or ("",)) for row, caption in found[-1].items())
    assert found[1] == found[3] and [*found[1]] == [*found[3]] and found[0] != found[1] != found[2]


def test_both_ways_draw_alike_whatever_the_batch_and_the_limit(monkeypatch):
    set_epoch(5)
    how = {"seed": 9, "shuffle": True, "drop_remainder": False}
    of_tensorflow = by_row(load(source(), batch=50, **how)), by_row(load(source(), batch=7, limit=20, **how))
    monkeypatch.setattr("keras_imgen.data.pipeline.has", lambda name: False)
    of_batches = by_row(load(source(), batch=50, **how)), by_row(load(source(), batch=7, limit=20, **how))
    assert of_tensorflow == of_batches and {*of_tensorflow[1].items()} < {*of_tensorflow[0].items()}


def test_resuming_draws_what_the_run_would_have(tensorflow):
    def run(epochs):
        data, found = load(source(), batch=8, seed=1), []
        for epoch in epochs:
            set_epoch(epoch)
            found.append([*by_row(data).items()])
        return found

    assert run(range(4))[2:] == run([2, 3])


def test_the_epoch_is_that_of_the_order(tensorflow):
    """An iterator that outlives its epoch goes on as it began."""
    whole = [*by_row(load(source(), batch=5, seed=1)).items()]
    iterator = iter(load(source(), batch=5, seed=1))
    first = next(iterator)
    set_epoch(1)
    assert [*by_row([first, *iterator]).items()] == whole


def test_without_an_order_the_first_is_taken(tensorflow):
    for epoch in (0, 3):
        set_epoch(epoch)
        found = by_row(load(source(), batch=8, shuffle=False))
        assert found == {row: (captions or ("",))[0] for row, captions in enumerate(CAPTIONS)}
    assert by_row(load(source(), "test", batch=50)) == found


def test_columns_batches_and_remainders(tensorflow):
    data = load(source(), batch=8, columns=("caption",))
    batch = next(iter(data))
    assert {*batch} == {"caption"} and len(data) == 6 and batch["caption"].shape == (8,)
    assert [len(b["caption"]) for b in load(source(), batch=8, shuffle=False)] == [8] * 6 + [2]
    assert {*next(iter(load(source(), batch=8, columns=("image",))))} == {"image"}
    if tensorflow:
        assert data.element_spec["caption"].dtype == "string" and data.element_spec["caption"].shape == (8,)
    with pytest.raises(ValueError, match="no column text: the source has image, caption"):
        load(source(), batch=8, columns=("text",))


def test_captions_alone_decode_no_picture_and_a_cache_keeps_no_draw(tensorflow):
    asked, plain = [], source(slow=True)
    fetch = plain.fetch
    plain.fetch = lambda rows: asked.extend(rows) or fetch(rows)
    words = load(plain, batch=ROWS, columns=("caption",))
    del asked[:]  # one row is looked at
    assert len([*words]) == 1 and not asked
    data = load(plain, batch=10)
    del asked[:]
    for epoch in (0, 1):
        set_epoch(epoch)
        found = by_row(data)
        assert found == expected([*found], 0, epoch) and sorted(asked) == [*range(ROWS)]


def test_describing(tensorflow):
    info = describe(source(CAPTIONS[3:]))
    assert info.keys == ("image", "caption") and info.captions == ("3, 0", "3, 1", "3, 2")
    assert describe(source()).captions == () == describe("digits").captions and describe(source()).keys[-1] == "caption"
    assert len(describe("shapes").captions) == 1 and "background" in describe("shapes").captions[0]


# === Arrays ===


def arrays(**more):
    return {"image": np.arange(3, dtype="uint8")[:, None, None] * np.ones((1, 4, 4), "uint8"), **more}


@pytest.mark.parametrize(
    ("captions", "text", "firsts"),
    [
        ({"caption": ["a", "b", "c"]}, None, ["a", "b", "c"]),
        ({"caption": np.array(["a", "é", "c"])}, None, ["a", "é", "c"]),
        ({"captions": [["a", "b"], [], "c"]}, None, ["a", "", "c"]),
        ({"captions": np.array([["a", "b"], ["c", "d"], ["e", ""]])}, None, ["a", "c", "e"]),
        ({"title": ["a", "b", None]}, "title", ["a", "b", ""]),
    ],
)
def test_captions_in_arrays(captions, text, firsts, tensorflow):
    found = by_row(load(arrays(**captions), batch=3, shuffle=False, text=text))
    assert [*found.values()] == firsts
    assert describe(arrays(**captions), text=text).keys == ("image", "caption")


def test_numbers_by_the_name_of_captions_stay_what_they_are(tensorflow):
    batch = next(iter(load(arrays(caption=np.arange(12).reshape(3, 4)), batch=3, shuffle=False)))
    assert np.asarray(batch["caption"]).tolist() == np.arange(12).reshape(3, 4).tolist()


@pytest.mark.parametrize(
    ("given", "text", "words"),
    [
        (arrays(caption=["a", "b"]), None, "as many rows in every array, got .*'caption': 2"),
        (arrays(caption="a"), None, "as many rows in every array, got .*'caption': 1"),
        (arrays(label=[0, 1, 2]), "label", "'label' as a text, or a list of texts"),
        (arrays(), "title", "no text 'title': the arrays are image"),
        ("digits", "title", "Of digits there is no text to choose"),
        ("shapes", "caption", "Of shapes there is no text to choose"),
    ],
)
def test_texts_that_are_not_there(given, text, words):
    with pytest.raises(ValueError, match=words):
        load(given, batch=3, text=text)


def test_captions_in_npz_files(tmp_path):
    np.savez(tmp_path / "a.npz", **arrays(caption=["a", "b", "c"], title=["x", "y", "z"]))
    assert [*by_row(load(f"npz:{tmp_path}/a.npz", batch=3, shuffle=False)).values()] == ["a", "b", "c"]
    assert [*by_row(load(f"npz:{tmp_path}/a.npz", batch=3, shuffle=False, text="title")).values()] == ["x", "y", "z"]
    with pytest.raises(ValueError, match=f"{tmp_path}/a.npz: .*no text 'name'"):
        load(f"npz:{tmp_path}/a.npz", text="name")


# === Streams ===


@pytest.mark.tensorflow
def test_streams_draw_as_rows_do():
    import tensorflow as tf

    def examples():
        for row, captions in enumerate(CAPTIONS):
            yield {"image": np.full((4, 4, 1), row, "uint8"), "captions": np.array(captions, object)}

    spec = {"image": tf.TensorSpec((4, 4, 1), "uint8"), "captions": tf.TensorSpec((None,), "string")}
    stream = Source(ROWS, (4, 4, 1), stream=tf.data.Dataset.from_generator(examples, output_signature=spec))
    data, orders = load(stream, batch=8, seed=2, drop_remainder=False), []
    assert data.element_spec["caption"].dtype == "string" and {*data.element_spec} == {"image", "caption"}
    for epoch in (0, 1, 0):
        set_epoch(epoch)
        found = by_row(data)
        orders.append([*found.items()])
        assert found == expected([*found], 2, epoch) and len(found) == ROWS
    assert orders[0] == orders[2] != orders[1]
    first = by_row(load(stream, batch=8, shuffle=False, cache=False))
    assert first == {row: (captions or ("",))[0] for row, captions in enumerate(CAPTIONS)}
    assert {*next(iter(load(stream, batch=8, columns=("caption",))))} == {"caption"}
    assert describe(stream).keys == ("image", "caption") and describe(stream).captions == ()
    with pytest.raises(ValueError, match="no column captions: the source has image, caption"):
        load(stream, batch=8, columns=("captions",))


@pytest.mark.tensorflow
def test_texts_of_tfds(tmp_path):
    import tensorflow_datasets as tfds

    class SeveralTexts(tfds.core.GeneratorBasedBuilder):
        VERSION = tfds.core.Version("1.0.0")

        def _info(self):
            text = tfds.features.Text()
            several = tfds.features.Sequence({"text": text, "id": np.int64})  # as coco_captions has them
            features = {"image": tfds.features.Image(shape=(4, 4, 1)), "captions": several, "title": text}
            return tfds.core.DatasetInfo(builder=self, features=tfds.features.FeaturesDict(features))

        def _split_generators(self, manager):
            return {"train": self._generate_examples()}

        def _generate_examples(self):
            for row, captions in enumerate(CAPTIONS):
                several = [{"text": caption, "id": k} for k, caption in enumerate(captions)]
                yield row, {"image": np.full((4, 4, 1), row, "uint8"), "captions": several, "title": f"no {row}"}

    SeveralTexts(data_dir=str(tmp_path)).download_and_prepare()
    name, where = "tfds:several_texts", {"data_dir": str(tmp_path)}
    found = by_row(load(name, batch=10, **where))
    assert all(caption in (CAPTIONS[row] or ("",)) for row, caption in found.items()) and len({*found.values()}) > 30
    set_epoch(1)
    assert found != by_row(load(name, batch=10, **where))
    titles = by_row(load(name, batch=10, text="title", **where))
    assert titles == {row: f"no {row}" for row in titles}
    assert by_row(load(name, batch=10, text="captions/text", **where)).keys() == found.keys()
    assert len(describe(name, **where).captions) < 4 and describe(name, text="title", **where).captions[0][:3] == "no "
    with pytest.raises(ValueError, match="no text 'name': it has .*title"):
        load(name, text="name", **where)
