"""Films edited: times that add up, what is made steady, masks that follow, things that are removed: beside what is known to be true."""

from fractions import Fraction

import cv2
import numpy as np
import pytest

from keras_imgen.data.film_frame import Frame
from keras_imgen.editing.film import at_speed, cut, faded, joined
from keras_imgen.editing.film_masks import removed, telea, tracked
from keras_imgen.editing.film_steady import deflickered, stabilised
from keras_imgen.editing.framewise import framewise
from keras_imgen.metrics.flicker import flicker

pytestmark = pytest.mark.one_backend
RATE = Fraction(24000, 1001)
RNG = np.random.default_rng(0)


def ground(height, width, seed=0):
    """A texture with something to follow everywhere."""
    rng, found = np.random.default_rng(seed), 0
    for cells, share in ((8, 0.5), (24, 0.3), (60, 0.2)):
        small = rng.integers(0, 256, (cells, cells * width // height, 3)).astype("float32")
        found = found + share * cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC)
    return np.clip(found, 0, 255).astype("uint8")


LARGE = ground(160, 240)


def film(count, rate=RATE, level=0):
    return [Frame(np.full((4, 6, 3), level + k, "uint8"), k / rate, 1 / rate) for k in range(count)]


def length(frames):
    return frames[-1].time + frames[-1].duration


# === Times ===


def test_parts():
    part = list(cut(film(48), 1 / RATE, Fraction(41, 2) / RATE))
    assert [f.image[0, 0, 0] for f in part] == list(range(1, 21)) and part[0].time == 0
    assert length(part) == Fraction(39, 2) / RATE  # to the end that was asked for
    assert [f.time * RATE for f in cut(film(3), Fraction(1, 2) / RATE)] == [0, Fraction(1, 2), Fraction(3, 2)]
    with pytest.raises(ValueError, match="an end after 2 s, got 1 s"):
        list(cut(film(3), 2, 1))


def test_films_joined_are_as_long_as_all_together():
    varying = [Frame(f.image, f.time * 3, f.duration * (3 if k < 2 else 7)) for k, f in enumerate(film(3, level=90))]
    together = list(joined(film(10), varying, film(5, Fraction(25), 200)))
    assert len(together) == 18 and length(together) == 10 / RATE + length(varying) + Fraction(5, 25)
    for one, after in zip(together, together[1:]):
        assert one.time + one.duration == after.time
    with pytest.raises(ValueError, match="films of one size"):
        list(joined(film(2), [Frame(np.zeros((5, 5, 3), "uint8"), Fraction(0), Fraction(1))]))
    late = [f._replace(time=f.time + 2) for f in film(4)]  # a film that begins at 2 s leaves no hole
    assert [f.time for f in joined(film(4), late, [], late)] == [k / RATE for k in range(12)]
    assert [f.time for f in joined(late, film(1))] == [2 + k / RATE for k in range(5)]


def test_speed_and_fades():
    fast = list(at_speed(film(10), Fraction(5, 2)))
    assert length(fast) == Fraction(2, 5) * length(film(10)) and fast[3].time == Fraction(2, 5) * 3 / RATE
    white = [f._replace(image=np.full((2, 2, 3), 200, "uint8")) for f in film(50, Fraction(25))]
    read = [0]

    def counted():
        for f in white:
            read[0] += 1
            yield f

    shown, ahead = [], 0
    for frame in faded(counted(), begin=0.4, finish=0.4):
        shown.append(int(frame.image[0, 0, 0]))
        ahead = max(ahead, read[0] - len(shown))
    assert shown[:10] == [20 * k for k in range(10)] and shown[-10:] == [20 * k for k in range(9, -1, -1)]
    assert set(shown[10:-10]) == {200} and ahead <= 12
    assert [f.image[0, 0].tolist() for f in faded(white[:1], begin=1, colour=(9, 8, 7))] == [[9, 8, 7]]
    np.testing.assert_array_equal([f.image for f in faded(white)], [f.image for f in white])
    for wrong in (0, -1):
        with pytest.raises(ValueError, match="a speed above 0"):
            list(at_speed(film(1), wrong))


# === Steady ===


def shaken(walk, large=LARGE):
    clip = []
    for x, y, angle in walk:
        matrix = cv2.getRotationMatrix2D((120, 80), angle, 1.0)
        matrix[:, 2] += x - 30, y - 20
        clip.append(cv2.warpAffine(large, matrix, (180, 120), flags=cv2.INTER_CUBIC))
    return np.stack(clip)


def test_a_shaking_camera_is_led_smoothly():
    steps = np.arange(30)
    led = np.stack([-0.8 * steps, 5 * np.sin(steps / 10), 0 * steps], 1)
    shake = RNG.normal(size=(30, 3)) * (2, 2, 0.5)
    wild, wanted = shaken(led + shake), shaken(led)
    found = np.stack(list(stabilised(wild, 8)))
    jump = [np.mean([np.abs(np.diff(c.astype(float), 2, 0))[:, 20:-20, 20:-20].mean()]) for c in (wild, found, wanted)]
    assert jump[1] < jump[2] + 0.35 * (jump[0] - jump[2])
    still = np.repeat(LARGE[None], 5, 0)
    np.testing.assert_array_equal(list(stabilised(still)), still)
    assert len(list(stabilised(iter(wild[:1])))) == 1 and list(stabilised([])) == []


def test_a_way_does_not_go_over_a_cut():
    shots = [shaken(np.zeros((6, 3)), large) for large in (LARGE, ground(160, 240, 5))]
    found = np.stack(list(stabilised(np.concatenate(shots), 8)))
    np.testing.assert_array_equal(found, np.concatenate(shots))
    dark = np.concatenate([shots[0], (shots[1] * 0.4).astype("uint8")])
    np.testing.assert_array_equal(list(deflickered(dark)), dark)


def test_flicker_goes_and_slow_light_stays():
    steps = np.arange(40)
    evening = 1 - 0.3 * steps / 40
    wild = evening * (1 + RNG.normal(0, 0.08, 40)), RNG.normal(0, 4, 40)
    clean = np.stack([np.clip(LARGE * e, 0, 255) for e in evening])
    clip = np.stack([np.clip(LARGE * 0.8 * a + 15 + b, 0, 255).astype("uint8") for a, b in zip(*wild)])
    found = np.stack(list(deflickered(clip, 7)))
    jumps = [np.abs(np.diff(c.astype(float).mean((1, 2, 3)))).mean() for c in (clip, found)]
    assert jumps[1] < 0.25 * jumps[0]
    fall = found[:8].mean() - found[-8:].mean()
    assert fall == pytest.approx(0.8 * (clean[:8].mean() - clean[-8:].mean()), rel=0.3)
    with pytest.raises(ValueError, match="`radius` as a whole number of at least 1"):
        list(deflickered(clip, 0))


def test_a_model_of_pictures_does_not_flicker_and_may_enlarge():
    clip = np.stack([LARGE[10 : 100 + 10, 2 * k : 120 + 2 * k] for k in range(5)])
    noisy = lambda frame: np.clip(frame + RNG.normal(0, 12, frame.shape), 0, 255).astype("uint8")  # noqa: E731
    large = lambda frame: noisy(frame).repeat(2, 0).repeat(2, 1)  # noqa: E731
    for change, truth in ((noisy, clip), (large, clip.repeat(2, 1).repeat(2, 2))):
        alone, together = (np.stack(list(framewise(iter(clip), change, s))) for s in (0, 0.8))
        assert together.shape == truth.shape and flicker(together, truth) < 0.6 * flicker(alone, truth)
        assert (
            np.abs(together[-1] - truth[-1].astype(float)).mean() < np.abs(alone[-1] - truth[-1].astype(float)).mean()
        )
    with pytest.raises(ValueError, match="a multiple of it"):
        list(framewise(clip, lambda frame: frame[:-1]))


# === Things ===


def scene(count=16):
    """A camera that goes to the right over a ground, a thing that goes to the left: clip, the ground alone, masks."""
    thing = ground(30, 30, 9) // 2 + np.array([120, 0, 0], "uint8")
    clip, alone, masks = [], [], []
    for k in range(count):
        frame = LARGE[20:120, 2 * k : 2 * k + 150]
        with_thing, mask = frame.copy(), np.zeros((100, 150), "uint8")
        left = 110 - 7 * k
        with_thing[35:65, left : left + 30], mask[35:65, left : left + 30] = thing, 255
        clip.append(with_thing), alone.append(frame), masks.append(mask)
    return np.stack(clip), np.stack(alone), np.stack(masks)


def test_a_mask_follows_its_thing():
    clip, _, masks = scene()
    found = np.stack(list(tracked(clip, masks[0])))
    overlap = [(a & b > 0).sum() / (a | b > 0).sum() for a, b in zip(found, masks)]
    assert overlap[0] == 1 and min(overlap) > 0.8, overlap
    with pytest.raises(ValueError, match="a mask of the frames' size"):
        list(tracked(clip, masks[0][:-1]))


def test_what_is_hidden_comes_from_other_frames():
    clip, alone, masks = scene()
    wide = np.stack([cv2.dilate(m, np.ones((5, 5), "uint8")) for m in masks])
    found = removed(clip, wide)
    np.testing.assert_array_equal(found[wide == 0], clip[wide == 0])
    telea_alone = np.stack([telea(f, m) for f, m in zip(clip, wide)])
    psnr = [10 * np.log10(255**2 / ((c.astype(float) - alone)[wide > 0] ** 2).mean()) for c in (found, telea_alone)]
    assert psnr[0] > psnr[1] + 6 and psnr[0] > 25, psnr


def test_things_may_be_large():
    clip, masks = np.repeat(LARGE[None], 3, 0), np.zeros((3, 160, 240), bool)
    masks[1, 3:157, 5:235] = True  # more than 2^15 pixels
    np.testing.assert_array_equal(removed(clip, masks), clip)


def test_what_no_frame_shows_is_painted_once():
    clip = np.repeat(LARGE[None, :100, :150], 4, 0)
    mask = np.zeros((100, 150), "uint8")
    mask[30:50, 40:70] = 1
    asked = []

    def fill(image, where):
        asked.append(where.sum())
        return np.full_like(image, 77)

    found = removed(clip, mask, fill)
    assert len(asked) == 1 and (found[:, mask > 0] == 77).all() and (found[:, mask == 0] == clip[:, mask == 0]).all()
    nothing = np.zeros((4, 100, 150, 1), bool)
    np.testing.assert_array_equal(removed(clip, nothing), clip)
    np.testing.assert_array_equal(removed(clip[:1], nothing[:1]), clip[:1])
    with pytest.raises(ValueError, match="Expected `masks` of shape"):
        removed(clip, mask[:-1])
