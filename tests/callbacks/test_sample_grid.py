import numpy as np
import pytest

from keras_imgen.callbacks import SampleGrid
from keras_imgen.conditions import in_turn
from keras_imgen.data.image_io import load_image, make_grid, read_metadata


def test_a_grid_per_epoch_is_what_generate_makes(tiny, data, tmp_path):
    model = tiny()
    model.fit(data, epochs=3, verbose=0, callbacks=[SampleGrid(str(tmp_path), n=5, every=2, seed=7, steps=1)])
    assert sorted(p.name for p in tmp_path.iterdir()) == ["epoch_0002.png", "epoch_0003.png"]
    last = str(tmp_path / "epoch_0003.png")
    expected = make_grid(model.generate(5, labels=[0, 1, 2, 0, 1], seed=7, steps=1))
    assert np.array_equal(load_image(last), expected)
    assert {"seed": "7", "epoch": "3"}.items() <= read_metadata(last).items()


def test_labels_cycle(tiny):
    assert in_turn(tiny().conditions, 4, {})["label"].tolist() == [0, 1, 2, 0]
    assert in_turn(tiny().conditions, 3, {"label": [2, 1]})["label"].tolist() == [2, 1, 2]
    assert in_turn(tiny(None).conditions, 3, {}) == {}


def test_bad_arguments():
    with pytest.raises(ValueError, match="every"):
        SampleGrid("x", every=0)
    with pytest.raises(ValueError, match="`n`"):
        SampleGrid("x", n=0)
