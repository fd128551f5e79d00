import numpy as np
import pytest

from keras_imgen.data import load, set_epoch, zipped

pytestmark = pytest.mark.tensorflow


def source(start, count, size=8, batch=4, **kwargs):
    """Pictures whose number is told by their level."""
    images = np.arange(start, start + count, dtype="uint8")[:, None, None, None].repeat(size, 1).repeat(size, 2)
    return load({"image": images, "label": np.arange(count)}, "train", batch=batch, **kwargs)


def levels(batch, key):
    return batch[key][:, 0, 0, 0].numpy().tolist()


def test_pairs_are_a_function_of_the_seeds_and_the_epoch():
    def pairs(seed, epoch):
        set_epoch(epoch)
        data = zipped(image=source(0, 12), style=source(100, 12, seed=seed))
        return [p for b in data for p in zip(levels(b, "image"), levels(b, "style"))]

    first = pairs(1, 0)
    assert pairs(1, 0) == first and pairs(2, 0) != first and pairs(1, 1) != first
    assert sorted(a for a, _ in first) == list(range(12)) and sorted(b for _, b in first) == list(range(100, 112))
    set_epoch(0)


def test_an_epoch_is_the_first_one_s_and_others_begin_again():
    data = zipped(image=source(0, 10, shuffle=False), style=source(100, 4, 16, 3, shuffle=False))
    assert int(data.cardinality()) == 3
    found = list(data)
    assert [levels(b, "image") for b in found] == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]]
    assert [levels(b, "style") for b in found] == [[100, 101, 102, 103]] * 2 + [[100, 101]]
    assert [b["label"].numpy().tolist() for b in found] == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]]
    assert data.element_spec["style"].shape[1:] == (16, 16, 1)


def test_a_column_of_its_own_name_is_taken():
    images = np.zeros((4, 8, 8, 1), "uint8")
    targets = load({"image": images, "target": images + 9}, batch=4)
    (batch,) = zipped(image=source(0, 4), target=targets)
    assert sorted(batch) == ["image", "label", "target"] and levels(batch, "target") == [9] * 4


def test_refusals():
    with pytest.raises(ValueError, match="at least two data sets, got 1"):
        zipped(image=source(0, 4))
    with pytest.raises(ValueError, match="Expected `style` as a data set of batches with the key 'style' or 'image'"):
        zipped(image=source(0, 4), style=np.zeros((4, 8, 8, 1)))
    with pytest.raises(ValueError, match="Expected `image` with a known number of batches"):
        zipped(image=source(0, 4).repeat(), style=source(0, 4))
