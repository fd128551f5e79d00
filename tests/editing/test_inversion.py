"""Inversion: round trips, noise that is known in closed form, and edits from there."""

import numpy as np
import pytest

from keras_imgen.editing.inversion import Inverted, invert, reconstruct, reword
from keras_imgen.models import Diffusion


def off(a, b):
    return np.abs(a.astype(int) - b).max()


SLOW = [pytest.param(*given, marks=pytest.mark.slow) for given in ((10, 1.0), (60, 1.0), (10, 3.0))]


@pytest.mark.parametrize("steps, scale", [(3, 1.0), *SLOW])
def test_an_exact_round_trip(toy, photographs, steps, scale):
    told = {"conditions": ["a red star", "two blue circles", ""], "guidance_scale": scale}
    inverted = invert(toy, photographs, steps=steps, **told)
    assert inverted.noise.shape == (3, 2, 8, 8, 3) and inverted.noise.dtype == np.float32
    assert off(reconstruct(toy, inverted, **told), photographs) <= 1
    if steps == 10:
        other = reconstruct(toy, inverted, "two blue circles", guidance_scale=scale)
        assert off(other[:1], photographs[:1]) > 3 and off(other[1:2], photographs[1:2]) <= 1


def test_an_exact_round_trip_half_the_way(toy, photographs):
    inverted = invert(toy, photographs, "a red star", steps=10, strength=0.5)
    assert inverted.levels[-1] < 2.0
    assert off(reconstruct(toy, inverted, "a red star"), photographs) <= 1


def test_ddim_comes_nearer_with_more_steps(painter):
    images = np.random.default_rng(0).integers(40, 200, (2, 16, 16, 3), "uint8")
    far = [off(reconstruct(painter, invert(painter, images, how="ddim", steps=n)), images) for n in (10, 100, 1000)]
    assert far[0] > far[1] > far[2] and far[2] <= 2


@pytest.mark.parametrize("how, steps, near", [("ddim", 200, 0.05), ("exact", 400, 0.1)])
def test_the_noise_is_that_of_the_flow(painter, how, steps, near):
    """The flow of N(0, v) takes y at the least level to y * sqrt((v + high²) / (v + low²))."""
    images = np.random.default_rng(0).integers(40, 200, (2, 16, 16, 3), "uint8")
    inverted = invert(painter, images, steps=steps, how=how)
    low, high = inverted.levels[[0, -1]]
    y = images / 127.5 - 1.0
    wanted = y * np.sqrt((0.25 + high**2) / (0.25 + low**2)) / high
    assert np.abs(inverted.noise - wanted[:, None]).max() < near


def test_both_states_stay_together(painter):
    images = np.random.default_rng(0).integers(40, 200, (2, 16, 16, 3), "uint8")
    for steps in (10, 50, 200):
        x, y = np.moveaxis(invert(painter, images, steps=steps).noise, 1, 0)
        assert np.abs(x - y).max() < 0.1


def test_a_thing_is_reworded(painter, thing, colours):
    images = np.random.default_rng(0).integers(90, 160, (2, 16, 16, 3), "uint8")
    images[:, thing] = colours["red"]
    edited = reword(painter, images, "red", "blue", steps=20)
    assert off(edited[:, ~thing], images[:, ~thing]) <= 1  # the model is told nothing of it
    assert off(edited[:, thing], colours["blue"]) <= 2
    mask = np.zeros((16, 16), bool)
    mask[:, :6] = True
    some = reword(painter, images, "red", "blue", steps=5, mask=mask)
    np.testing.assert_array_equal(some[:, :, 6:], images[:, :, 6:])
    assert (some[:, :, :6] != images[:, :, :6]).any()


def test_a_text_is_encoded_once(toy, photographs, monkeypatch):
    seen, plain = set(), Diffusion.denoise

    def denoise(self, x, alpha, sigma, conditions=None):
        seen.update(conditions)
        return plain(self, x, alpha, sigma, conditions)

    monkeypatch.setattr(Diffusion, "denoise", denoise)
    toy.forget_functions()
    invert(toy, photographs[:1], "a red star", steps=2, how="ddim", guidance_scale=2.0)
    assert seen == {"sequence", "sequence_mask", "vector"}


@pytest.mark.slow
def test_labels_other_sizes_and_no_pictures(label_painter, toy):
    images = np.full((2, 16, 16, 3), 128, "uint8")
    inverted = invert(label_painter, images, {"label": [0, 1]}, steps=4)
    assert off(reconstruct(label_painter, inverted, {"label": [0, 1]}), images) <= 1
    wide = np.random.default_rng(0).integers(0, 256, (1, 8, 12, 3), "uint8")
    assert off(reconstruct(toy, invert(toy, wide, steps=4)), wide) <= 1
    none = invert(label_painter, images[:0], steps=4)
    assert reconstruct(label_painter, none).shape == (0, 16, 16, 3)


@pytest.mark.parametrize(
    "change, message",
    [
        ({"images": np.zeros((1, 16, 16, 3))}, "uint8"),
        ({"images": np.zeros((1, 16, 16, 1), "uint8")}, "3 channels"),
        ({"how": "edict"}, "ddim, exact.*'edict'"),
        ({"steps": 0}, "steps"),
        ({"strength": 0.0}, "strength"),
        ({"conditions": ["red", "blue"]}, "as many images"),
        ({"conditions": {"label": 1}}, "labels"),
        ({"guidance_scale": np.nan}, "guidance_scale"),
    ],
)
def test_what_is_wrong_is_said_in_a_line(painter, change, message):
    given = {"images": np.zeros((1, 16, 16, 3), "uint8"), **change}
    with pytest.raises(ValueError, match=message) as error:
        invert(painter, **given)
    assert "\n" not in str(error.value)


def test_what_was_not_inverted_is_refused(painter):
    with pytest.raises(ValueError, match="what `invert` returned"):
        reconstruct(painter, Inverted(np.zeros((1, 16, 16, 3), "float32"), np.array([0.002, 80.0]), "ddim"))
