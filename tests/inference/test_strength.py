"""How much of an answer is taken."""

import numpy as np
import pytest

from keras_imgen.data.imresize import imresize
from keras_imgen.inference.restorer import Form, restore
from keras_imgen.inference.strength import blended

RNG = np.random.default_rng(0)
COLOUR = RNG.integers(0, 256, (19, 31, 3)).astype("uint8")
PICTURES = [
    *(COLOUR, COLOUR[..., 0], COLOUR[..., :1], np.dstack([COLOUR, COLOUR[::-1, :, 0]])),
    *(RNG.integers(0, 65536, (19, 31, n)).astype("uint16") for n in (1, 3, 4)),
    RNG.uniform(-1.5, 1.5, (19, 31, 3)).astype("float32"),
]


def negative(arrays):
    return -arrays["image"]


def never(arrays):
    raise AssertionError("the network was asked")


@pytest.mark.parametrize("blend", ["levels", "stops"])
@pytest.mark.parametrize("picture", PICTURES, ids=lambda x: f"{x.dtype} {x.shape}")
def test_nothing_of_the_answer_is_the_picture_to_the_bit(picture, blend):
    for form in (Form(1, 1, blend=blend), Form(3, 3, blend=blend)):
        np.testing.assert_array_equal(restore(never, form, picture, strength=0), picture)
        nowhere = np.zeros((19, 31))
        nowhere[:, 20:] = 1
        found = restore(negative, form, picture, strength=nowhere)
        np.testing.assert_array_equal(found[:, :20], picture[:, :20])
        np.testing.assert_array_equal(found[:, 20:], restore(negative, form, picture)[:, 20:])


def test_of_what_enlarges_it_is_the_bicubic_enlargement():
    for form in (Form(3, 3, scale=2), Form(1, 1, scale=2, colour="luma")):
        found = restore(never, form, COLOUR, strength=0)
        expected = imresize(COLOUR, scale=2)
        np.testing.assert_allclose(found[8:-8, 8:-8].astype(int), expected[8:-8, 8:-8], atol=1)


def test_between_it_is_between():
    """Levels by default; of light half of a brightening is half as many stops."""
    picture = np.full((4, 4, 3), 100, "uint8")
    white = lambda arrays: np.ones_like(arrays["image"])  # noqa: E731
    np.testing.assert_array_equal(restore(white, Form(3, 3), picture, strength=0.2), 131)
    light = lambda v: np.where(v <= 0.04045, v / 12.92, ((v + 0.055) / 1.055) ** 2.4)  # noqa: E731
    found = light(restore(white, Form(3, 3, blend="stops"), picture, strength=0.5)[0, 0, 0] / 255)
    assert found == pytest.approx(np.sqrt((light(100 / 255) + 1 / 255) * (1 + 1 / 255)) - 1 / 255, rel=0.01)
    ends = np.float32([-1.0, 0.3]), np.float32([1.0, -0.9])
    for blend in ("levels", "stops"):
        every = [blended(*ends, np.float32(share), blend) for share in np.linspace(0, 1, 11)]
        assert (np.diff([v[0] for v in every]) > 0).all() and (np.diff([v[1] for v in every]) < 0).all()
        np.testing.assert_allclose(every[0], ends[0], atol=1e-6)
        np.testing.assert_array_equal(every[-1], ends[1])


def test_each_picture_has_its_own():
    pictures, every = [COLOUR, COLOUR[:5]], [0.25, np.full((5, 31), 0.5)]
    found = restore(negative, Form(3, 3), pictures, strength=every)
    for picture, strength, answer in zip(pictures, every, found):
        np.testing.assert_array_equal(answer, restore(negative, Form(3, 3), picture, strength=strength))
    stack = np.stack([COLOUR] * 3)
    found = restore(negative, Form(3, 3), stack, strength=[0, 0.5, 1], tile=16, overlap=4)
    np.testing.assert_array_equal(found[0], COLOUR)
    np.testing.assert_array_equal(found[2], 255 - COLOUR)
    maps = np.stack([np.full((19, 31), v) for v in (0, 0.5, 1)])
    np.testing.assert_array_equal(restore(negative, Form(3, 3), stack, strength=maps), found)


@pytest.mark.parametrize("wrong", [-0.1, 1.1, np.nan, True, "much", np.zeros((3, 3)), np.full((19, 31), 2.0), [0.5]])
def test_what_is_wrong_is_said(wrong):
    with pytest.raises(ValueError, match="`strength`"):
        restore(negative, Form(3, 3), COLOUR, strength=wrong)
