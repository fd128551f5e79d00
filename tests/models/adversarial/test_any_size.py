"""Translators that take pictures of any size: the whole picture's norms, no border, the size that came, and files."""

import io

import keras
import numpy as np
import pytest
from PIL import Image

from keras_imgen import load_model
from keras_imgen.commands.answering import answer
from keras_imgen.models import CUT, CycleGAN, batches
from keras_imgen.networks import patchgan, translation_resnet

RNG = np.random.default_rng(0)
ANY = (None, None, 3)


def pictures(*sizes):
    return [RNG.integers(0, 256, (*size, 3), "uint8") for size in sizes]


@pytest.fixture(scope="module")
def cut():
    keras.utils.set_random_seed(0)
    model = CUT(translation_resnet(ANY, width=4, blocks=1), patchgan(ANY, None, 4, 1), patches=20, ema=None)
    model.compile()
    squares = np.stack(pictures(*[(16, 16)] * 4))
    history = model.fit(squares, 255 - squares, batch_size=2, epochs=1, verbose=0).history
    assert np.isfinite(list(history.values())).all()
    return model


def test_the_answer_has_the_size_that_came(cut):
    for picture in pictures((1, 1), (49, 49), (21, 150), (7, 200)):
        assert cut.translate(picture[None]).shape == (1, *picture.shape)


def test_it_is_what_the_network_says_of_the_picture_in_its_mirror(cut):
    """Of one whose sides it takes as they are: NumPy's mirror, and nothing of it in the answer."""
    (picture,) = pictures((32, 48))
    mirror = np.pad(picture, ((32, 32), (32, 32), (0, 0)), "symmetric")[None].astype("float32") / 127.5 - 1
    made = keras.ops.convert_to_numpy(cut.generator(mirror))[0, 32:-32, 32:-32]
    found = cut.translate(picture[None])[0]
    assert np.abs(found - ((made + 1) * 127.5)).max() <= 1


def test_batches_are_pictures_alone(cut):
    both = np.stack(pictures((20, 30), (20, 30)))
    np.testing.assert_array_equal(cut.translate(both), np.concatenate([cut.translate(both[k : k + 1]) for k in (0, 1)]))


def test_both_ways():
    keras.utils.set_random_seed(0)
    networks = [translation_resnet(ANY, width=4, blocks=1) for _ in range(2)]
    fixed = [translation_resnet((16, 16, 3), width=4, blocks=1) for _ in range(2)]  # either knows the size
    assert CycleGAN(*fixed, *(patchgan(ANY, None, 4, 1) for _ in range(2))).kept["images"].shape == (50, 16, 16, 3)
    judges = [[patchgan(shape, None, 4, 1) for _ in range(2)] for shape in (ANY, (16, 16, 3))]
    with pytest.raises(ValueError, match="discriminators of one size"):
        CycleGAN(*networks, *judges[0])
    model = CycleGAN(*networks, *judges[1])
    (picture,) = pictures((19, 27))
    assert model.translate(picture[None]).shape == model.translate_back(picture[None]).shape == (1, 19, 27, 3)


def test_what_does_not_fit_in_memory_is_refused(cut, monkeypatch):
    monkeypatch.setattr(batches, "LARGEST", 100)
    with pytest.raises(ValueError, match="at most 100 pixels, got 12x10"):
        cut.translate(pictures((10, 12))[0][None])
    with pytest.raises(ValueError, match="divisible by 4 for downs=2, got Nonex30"):
        translation_resnet((None, 30, 3))


@pytest.mark.tensorflow
def test_files_keep_their_sizes(cut, tmp_path):
    """Through the command and through a SavedModel, which takes bytes: as in memory."""
    import tensorflow as tf

    (tmp_path / "in").mkdir()
    every = pictures((49, 49), (30, 20))
    for k, picture in enumerate(every):
        Image.fromarray(picture).save(tmp_path / "in" / f"{k}.png")
    cut.save(tmp_path / "m.keras")
    assert answer(str(tmp_path / "m.keras"), str(tmp_path / "in"), str(tmp_path / "out"), False, "translate", "") == 2
    cut.export(str(tmp_path / "saved"))
    signatures = tf.saved_model.load(str(tmp_path / "saved")).signatures
    again = load_model(str(tmp_path / "m.keras"))
    for k, picture in enumerate(every):
        wanted = cut.translate(picture[None])[0]
        np.testing.assert_array_equal(again.translate(picture[None])[0], wanted)
        np.testing.assert_array_equal(np.asarray(Image.open(tmp_path / "out" / f"{k}.png")), wanted)
        text = (tmp_path / "in" / f"{k}.png").read_bytes()
        made = signatures["translate_bytes"](image_bytes=tf.constant([text]))["image_bytes"].numpy()[0]
        np.testing.assert_array_equal(np.asarray(Image.open(io.BytesIO(made))), wanted)
