"""Batches without tf.data: what `load` and `fit` use on JAX. They import neither backend's data sets, so both run this."""

import keras
import numpy as np
import pytest
from keras.src.trainers.data_adapters import get_data_adapter

from keras_imgen.data import Augment, load, set_epoch
from keras_imgen.data.batches import Batches

ROWS = 10


@pytest.fixture(autouse=True)
def first_epoch():
    set_epoch(0)
    yield
    set_epoch(0)


def batches(**how):
    return Batches(lambda rows: {"row": rows}, ROWS, 4, **{"seed": 7, **how})


def rows(data):
    return [batch["row"].tolist() for batch in data]


def orders(data, epochs=3):
    """Of each epoch, as Keras asks for it in `fit`."""
    adapter, found = get_data_adapter(data), []
    for epoch in range(epochs):
        set_epoch(epoch)
        adapter.on_epoch_begin()
        found.append(rows(adapter.get_numpy_iterator()))
        adapter.on_epoch_end()
    return found


def test_an_order_is_a_function_of_seed_and_epoch():
    first, second, third = orders(batches())
    assert all(sorted(sum(order, [])) == [*range(ROWS)] for order in (first, second, third))
    assert first != second != third != first and [len(batch) for batch in first] == [4, 4, 2]
    set_epoch(1)
    assert rows(batches()) == second  # as a resumed run begins
    assert rows(batches(seed=8)) != second
    assert rows(batches(seed=None)) == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]]


def test_batches_built_ahead_are_those_of_their_epoch():
    alone, together = batches(), batches()
    together.workers, together.max_queue_size = 3, 50
    assert orders(together) == orders(alone)


def test_parts_of_an_epoch():
    data = batches(drop_remainder=True)
    assert len(data) == data.num_batches == 2 == len(rows(data))
    assert rows(batches().take(1)) == rows(batches())[:1] and len(batches().take(-1)) == 3 == len(batches().take(9))
    with pytest.raises(IndexError, match="3 batches"):
        batches()[3]
    with pytest.raises(
        AttributeError, match="a word of tf.data, and these batches, which need no TensorFlow, have len"
    ):
        batches().unbatch()


def test_changes_follow_each_other():
    data = batches(seed=None).map(lambda b: b["row"] + 1).changed(lambda b, epoch, i: (b * 10 + epoch, i))
    set_epoch(2)
    assert [(b.tolist(), i) for b, i in data.take(1)] == [([12, 22, 32, 42], 0)]


@pytest.fixture
def no_tensorflow(monkeypatch):
    """As where it is not installed."""
    monkeypatch.setattr("keras_imgen.data.pipeline.has", lambda name: False)


def test_load_gives_what_tf_data_would(no_tensorflow):
    data = load("digits", size=8, batch=64)
    assert isinstance(data, keras.utils.PyDataset) and len(data) == 1500 // 64
    first, again = data[0], load("digits", size=8, batch=64)[0]
    assert first["image"].shape == (64, 8, 8, 1) and first["image"].dtype == np.uint8
    assert first["label"].dtype == np.int32 and all((first[k] == again[k]).all() for k in first)
    test = load("digits", "test", size=8, batch=64, columns=("label",))
    assert [len(batch["label"]) for batch in test] == [64, 64, 64, 64, 41] and {*test[0]} == {"label"}
    with pytest.raises(ValueError, match="no column tint"):
        load("digits", columns=("tint",))
    with pytest.raises(ValueError, match="use a smaller batch"):
        load(first, batch=65)


@pytest.mark.skipif(keras.backend.backend() != "jax", reason="its changes are computed by JAX")
@pytest.mark.parametrize(
    "how",
    [
        {"flip": "horizontal"},
        {"flip": "horizontal", "crop": (6, 6), "shift": 0.2},
        {"rotate": 30, "scale": 0.2, "colour": 0.5, "grayscale": 0.5},
    ],
    ids=lambda how: "-".join(how),
)
def test_augment(how, no_tensorflow):
    images = np.random.default_rng(0).integers(0, 256, (20, 8, 8, 3), "uint8")
    given = {"image": images, "mask": images[..., :1] // 128}
    data = load(given, batch=8, shuffle=False, augment=Augment(**how))
    first = [data[0], data[1]]
    for batch, again in zip(first, data):
        assert batch["image"].dtype == np.uint8 == batch["mask"].dtype and {*np.unique(batch["mask"])} <= {0, 1}
        assert all((batch[k] == again[k]).all() for k in batch)
    set_epoch(1)
    assert (data[0]["image"] != first[0]["image"]).any()
    if [*how] == ["flip"]:
        turned = np.where(
            (first[0]["image"] == images[:8]).all((1, 2, 3), keepdims=True), images[:8], images[:8, :, ::-1]
        )
        np.testing.assert_array_equal(first[0]["image"], turned)
        np.testing.assert_array_equal(first[0]["mask"], turned[..., :1] // 128)
