"""Style by optimisation: what it aims at, what it keeps, that it goes on where it stopped. With a small trunk of random weights."""

import keras
import numpy as np
import pytest
from keras.optimizers.schedules import PolynomialDecay

from keras_imgen.data.image_io import scaled
from keras_imgen.editing.style import _halved, stylize
from keras_imgen.losses.style import Content, Gram

RNG = np.random.default_rng(0)


def picture(height, width, waves, seed):
    y, x = np.mgrid[:height, :width]
    rng = np.random.default_rng(seed)
    noise = rng.normal(0, 12, (height, width, 3))
    colours = rng.uniform(60, 200, 3) + 50 * np.sin(waves * (x + 0.5 * y))[..., None]
    return np.clip(colours + noise, 0, 255).astype("uint8")


CONTENT, STYLE, SECOND = picture(48, 61, 0.1, 0), picture(40, 52, 1.3, 1), picture(64, 40, 0.6, 2)


@pytest.fixture(scope="module")
def trunk():
    keras.utils.set_random_seed(0)
    x = image = keras.Input((None, None, 3))
    maps = []
    for width in (8, 12):
        x = keras.layers.Conv2D(width, 3, padding="same", activation="relu")(x)
        maps.append(x)
        x = keras.layers.AveragePooling2D(2)(x)
    return keras.Model(image, maps, name="small")


@pytest.fixture(scope="module")
def how(trunk):
    return {"trunk": trunk, "content_layers": (1,), "steps": 6, "levels": 1}


def losses(values, *names):
    return sum(values[name] for name in names or ("gram", "mean_variance"))


@pytest.mark.parametrize("method", ["lbfgs", "adam"])
def test_it_comes_near_the_style(how, method):
    seen = []
    found = stylize(CONTENT, STYLE, on_step=lambda *step: seen.append(step) and None, method=method, **how)
    assert found.shape == CONTENT.shape and found.dtype == np.uint8
    assert [step for step, *_ in seen] == list(range(1, 7))
    assert losses(seen[-1][2]) < 0.7 * losses(seen[0][2])
    assert set(seen[0][2]) == {"content", "smoothness", "gram", "mean_variance"}
    np.testing.assert_array_equal(seen[-1][1], found)


def test_without_style_the_content_comes_back_exactly(how):
    found = stylize(CONTENT, STYLE, style_weight=0.0, **how)
    np.testing.assert_array_equal(found, CONTENT)
    assert found is not CONTENT


def test_every_term_and_level_in_an_odd_size(how):
    steps, terms = [], ["gram", "mean_variance", "histogram", "sliced_wasserstein"]
    large = np.tile(CONTENT, (3, 2, 1))[:129, :83]
    found = stylize(
        large,
        STYLE,
        on_step=lambda *one: steps.append(one) and None,
        **{**how, "levels": 2, "steps": 1, "terms": terms},
    )
    assert [p.shape for _, p, _ in steps] == [(99, 64, 3), (129, 83, 3)] and found.shape == large.shape
    assert {*terms, "content", "smoothness"} == set(steps[0][2])


@pytest.mark.parametrize("size", [(100, 300), (64, 1000), (120, 160), (33, 40), (512, 384)])
def test_coarse_levels_show_the_whole_picture(size):
    """In its own aspect: what comes back from there is the picture, only softer."""
    y, x = np.mgrid[: size[0], : size[1]]
    picture = np.stack([x * 255 / size[1], y * 255 / size[0], 0 * x + 128], -1).astype("uint8")
    for times in range(4):
        small = _halved(size, times)
        assert abs(small[0] / small[1] - size[0] / size[1]) < 0.03 * size[0] / size[1]
        back = scaled(scaled(picture, small), size)
        assert np.abs(back.astype(int) - picture).mean() < 3


def test_a_single_term_may_stand_alone(how):
    one = {**how, "steps": 1}
    np.testing.assert_array_equal(
        stylize(CONTENT, STYLE, terms="gram", **one), stylize(CONTENT, STYLE, terms=["gram"], **one)
    )


def test_noise_has_a_seed(how):
    first, again, other = (
        stylize(CONTENT, STYLE, start="noise", seed=seed, **{**how, "steps": 1}) for seed in (3, 3, 4)
    )
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()


def test_the_order_of_styles_does_not_matter(how):
    a = stylize(CONTENT, [STYLE, SECOND], weights=[1, 3], **how)
    b = stylize(CONTENT, [SECOND, STYLE], weights=[3, 1], **how)
    assert np.abs(a.astype(int) - b).max() <= 1
    alone = stylize(CONTENT, [STYLE, SECOND], weights=[1, 0], **how)
    assert np.abs(alone.astype(int) - stylize(CONTENT, STYLE, **how)).max() <= 1


def test_masks_say_where(how):
    left = np.zeros(CONTENT.shape[:2], bool)
    left[:, :30] = True
    red, blue = (np.full((40, 40, 3), colour, "uint8") for colour in ((220, 20, 20), (20, 20, 220)))
    more = {**how, "content_weight": 0.0, "smoothness": 0.0, "steps": 20, "terms": ("mean_variance",)}
    found = stylize(CONTENT, [red, blue], masks=[left, ~left], **more).astype(int)
    redder = (found[..., 0] - found[..., 2])[:, :26].mean(), (found[..., 0] - found[..., 2])[:, 34:].mean()
    assert redder[0] > 60 and redder[1] < -60


def test_stopped_and_resumed_is_uninterrupted(how, tmp_path, monkeypatch):
    monkeypatch.setattr("keras_imgen.editing.style.MEMORY", 3)
    whole, state = stylize(CONTENT, STYLE, **how), str(tmp_path / "state.npz")
    stylize(CONTENT, STYLE, state=state, on_step=lambda step, *_: step == 5, **how)  # three steps are kept
    with pytest.raises(ValueError, match="other settings"):
        stylize(CONTENT, SECOND, state=state, **how)
    steps = []
    found = stylize(CONTENT, STYLE, state=state, on_step=lambda step, *_: steps.append(step), **how)
    assert steps == [4, 5, 6]
    np.testing.assert_array_equal(found, whole)
    assert not (tmp_path / "state.npz").exists()


@pytest.mark.parametrize(
    "given, message",
    [
        ({"content": CONTENT[..., :1]}, "`content` as uint8"),
        ({"content": CONTENT[:20]}, "32 pixels"),
        ({"styles": []}, "at least one style"),
        ({"weights": [0.0]}, "above 0"),
        ({"masks": [np.zeros((48, 61))]}, "a pixel inside"),
        ({"masks": [np.ones((4, 4))]}, "of shape"),
        ({"method": "sgd"}, "lbfgs, adam"),
        ({"start": "nothing"}, "content, style, noise"),
        ({"terms": ("texture",)}, "style term"),
        ({"terms": ()}, "one or several"),
        ({"terms": ("gram", "gram")}, "once"),
        ({"terms": (Content(),)}, "content"),
        ({"terms": (Gram(PolynomialDecay(1.0, 10)),)}, "gram"),
        ({"steps": 0}, "steps"),
        ({"style_weight": -1}, "style_weight"),
        ({"state": "here.txt"}, ".npz"),
        ({"trunk": "resnet"}, "squeezenet"),
    ],
)
def test_what_is_refused(how, given, message):
    with pytest.raises(ValueError, match=message):
        stylize(**{"content": CONTENT, "styles": STYLE, **how, **given})
