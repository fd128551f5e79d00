"""`keras-imgen video`: number of frames, rate, sound and cuts, with models whose answers are known."""

import os
from fractions import Fraction

import keras
import numpy as np
import pytest
from keras import layers
from PIL import Image
from typer.testing import CliRunner

from keras_imgen.cli import app
from keras_imgen.commands import filming
from keras_imgen.data import Film, FilmWriter
from keras_imgen.data.film_frame import Frame
from keras_imgen.inference.clips import ClipEndpoint, ClipForm, stream
from keras_imgen.inference.endpoints import Endpoint
from keras_imgen.layers import Windows
from keras_imgen.models import FrameInterpolator, SuperResolution, VideoRestorer
from keras_imgen.networks import flow_interpolator

av = pytest.importorskip("av")
pytestmark = pytest.mark.one_backend
NTSC = Fraction(24000, 1001)
RNG = np.random.default_rng(0)
TEXTURES = RNG.integers(60, 250, (3, 6, 8, 3)).astype("uint8").repeat(8, 1).repeat(8, 2)


def pictures(count, shot=0):
    """A texture whose first pixels tell the number of the frame."""
    found = np.repeat(TEXTURES[shot][None], count, 0)
    found[:, :8, :8] = np.arange(count, dtype="uint8")[:, None, None, None] * 4
    return found


def write(path, images, times=None, rate=NTSC):
    with FilmWriter(path, rate=rate) as out:
        for k, image in enumerate(images):
            out.write(image, times and times[k])
    return str(path)


def frames(images, times=None, rate=Fraction(25)):
    times = times or [k / rate for k in range(len(images))]
    ends = [*times[1:], times[-1] + 1 / rate]
    return [Frame(image, t, end - t) for image, t, end in zip(images, times, ends)]


class Timed(list):
    rate, length = NTSC, None


def blend(first, second, times):
    """A model: what frames between are is known. It counts what it was asked for."""
    blend.asked += len(times)
    assert times.dtype == np.float32 and (times > 0).all() and (times < 1).all()
    return np.stack([np.round(first + (second.astype(float) - first) * t).astype("uint8") for t in times])


@pytest.fixture(autouse=True)
def unasked():
    blend.asked = 0


@pytest.fixture(scope="module")
def enlarger(tmp_path_factory):
    """Enlarges by 2, by nearest neighbour."""
    network = keras.Sequential([keras.Input((None, None, 3)), layers.UpSampling2D(2, dtype="float32")])
    path = tmp_path_factory.mktemp("model") / "enlarger.keras"
    SuperResolution(network, 2, consistent=False).save(path)
    return str(path)


def run(*words):
    return CliRunner().invoke(app, ["video", *map(str, words)])


# === restore ===


def test_restore_keeps_count_rate_and_sound(enlarger, tmp_path):
    source = tmp_path / "a.mkv"
    with av.open(str(source), "w") as out:
        video, audio = out.add_stream("ffv1", rate=NTSC), out.add_stream("flac", rate=48000)
        video.width, video.height, video.pix_fmt = 64, 48, "bgr0"
        for k, picture in enumerate(pictures(12)):
            out.mux(video.encode(av.VideoFrame.from_ndarray(picture, format="rgb24").reformat(format="bgr0")))
            sound = av.AudioFrame.from_ndarray(RNG.integers(-999, 999, (1, 4004)).astype("int16"), layout="stereo")
            sound.sample_rate, sound.pts = 48000, 2002 * k
            out.mux(audio.encode(sound))
        out.mux([*video.encode(), *audio.encode()])
    found = run("restore", enlarger, source, "-o", tmp_path / "b.mkv")
    assert found.exit_code == 0 and "12 frames in" in found.output, found.output
    film = Film(tmp_path / "b.mkv")
    assert film.rate == NTSC and film.times() == [k / NTSC for k in range(12)]
    np.testing.assert_array_equal([f.image for f in film], pictures(12).repeat(2, 1).repeat(2, 2))
    packets = []
    for path in (source, tmp_path / "b.mkv"):
        with av.open(str(path)) as one:
            packets.append([bytes(p) for p in one.demux(audio=0) if p.size])
    assert packets[0] == packets[1] and len(packets[0]) > 3
    again = run("restore", enlarger, source, "-o", tmp_path / "b.mkv")
    assert again.exit_code == 1 and "exists already" in again.output
    folder = run("restore", enlarger, tmp_path / "b.mkv", "-o", tmp_path / "frames", "--smooth", "0.5")
    assert folder.exit_code == 0 and "has no sound" in folder.output
    assert Film(tmp_path / "frames").size == (192, 256) and Film(tmp_path / "frames").rate == NTSC


@pytest.mark.tensorflow
def test_models_of_clips_look_at_the_frames_around(tmp_path):
    clip = keras.Input((None, None, None, 3), name="clip")
    mean = layers.Dense(3, use_bias=False, dtype="float32")
    network = keras.Model({"clip": clip}, mean(Windows(3)(clip)))
    mean.set_weights([np.tile(np.eye(3) / 3, (3, 1))])
    model = VideoRestorer(network, sigma=9.0)
    model.save(tmp_path / "mean.keras")
    model.export(tmp_path / "mean")
    source = write(tmp_path / "a.mkv", pictures(11))
    wide = np.pad(pictures(11).astype(float), ((1, 1), (0, 0), (0, 0), (0, 0)), "reflect")
    for name in ("mean.keras", "mean"):
        found = run("restore", tmp_path / name, source, "-o", tmp_path / "b.mkv", "--overwrite")
        assert found.exit_code == 0 and "11 frames" in found.output, found.output
        read = np.array([f.image for f in Film(tmp_path / "b.mkv")])
        np.testing.assert_allclose(read, (wide[:-2] + wide[1:-1] + wide[2:]) / 3, atol=0.51)
    found = run("restore", tmp_path / "mean.keras", source, "-o", tmp_path / "c.mkv", "--smooth", "0.5")
    assert found.exit_code == 1 and "leave --smooth out" in found.output


@pytest.mark.slow  # half a minute of compilation
def test_an_interpolator_keeps_what_is_given(tmp_path):
    FrameInterpolator(flow_interpolator(width=4, levels=2)).save(tmp_path / "m.keras")
    source = write(tmp_path / "a.mkv", np.concatenate([pictures(3), pictures(2, 1)]))
    found = run("interpolate", tmp_path / "m.keras", source, "-o", tmp_path / "b.mkv", "--factor", "3")
    assert found.exit_code == 0 and "15 frames" in found.output, found.output
    made = np.array([f.image for f in Film(tmp_path / "b.mkv")])
    np.testing.assert_array_equal(made[::3], [f.image for f in Film(source)])
    np.testing.assert_array_equal(made[6:9], made[[6, 6, 9]])  # a cut


class Painter:
    """A model that paints white where masks say so, of clips or of pictures."""

    def __init__(self, of_clips):
        self.form = ClipForm(channels=3, radius=1, mask=True)
        self.endpoint = ClipEndpoint(inputs=(), form=self.form) if of_clips else Endpoint(inputs=())

    def endpoints(self):
        return {"restore": self.endpoint}

    def restore(self, image, masks):
        return np.where(masks[..., None] > 0, np.uint8(255), image)

    def stream(self, frames, masks):
        run = lambda given: np.concatenate([0 * given["clip"] + 1, given["mask"]], -1)[:, 1:-1]  # noqa: E731
        return stream(run, self.form, frames, masks=masks)


@pytest.mark.parametrize("of_clips", [True, False])
def test_masks_are_a_picture_or_move(tmp_path, monkeypatch, of_clips):
    monkeypatch.setattr(filming, "load_model", lambda path: Painter(of_clips))
    film, moving = Film(write(tmp_path / "a.mkv", pictures(4))), np.zeros((4, 48, 64, 3), "uint8")
    for k in range(4):
        moving[k, 10 + k : 20, 30:50] = 255
    shown = [Image.fromarray(one) for one in moving]
    shown[0].save(tmp_path / "one.png")
    for name in ("m.gif", "m.png"):  # of one of these endings, and films
        shown[0].save(tmp_path / name, save_all=True, append_images=shown[1:])
    write(tmp_path / "m.mkv", moving), write(tmp_path / "folder", moving), write(tmp_path / "short.mkv", moving[:2])
    for name in ("one.png", "m.gif", "m.png", "m.mkv", "folder"):
        made = [f.image for f in filming.each(film, filming.restorer("m", str(tmp_path / name)))]
        np.testing.assert_array_equal(made, np.maximum(pictures(4), moving[[0] * 4 if name == "one.png" else range(4)]))
    with pytest.raises(ValueError, match="fewer masks"):
        list(filming.each(film, filming.restorer("m", str(tmp_path / "short.mkv"))))


def test_a_change_may_look_ahead_but_not_lose_frames(tmp_path):
    film = Film(write(tmp_path / "a.mkv", pictures(9)))
    ahead = lambda images: iter(list(images))  # noqa: E731
    assert [f.time for f in filming.each(film, ahead)] == film.times()
    for wrong in (lambda images: list(images)[1:], lambda images: [*images, TEXTURES[0]]):
        with pytest.raises(ValueError, match="Expected one frame for each, got"):
            list(filming.each(film, wrong))


def test_what_is_refused(enlarger, tmp_path):
    film = write(tmp_path / "a.gif", pictures(2))
    for words, why in (
        (("restore", enlarger, tmp_path / "no.mp4", "-o", "x.mp4"), "There is no"),
        (("restore", enlarger, film, "-o", tmp_path / "x.txt"), "ends in .mp4"),
        (("restore", "gone.keras", film, "-o", "x.mp4"), "There is no model gone.keras"),
        (("interpolate", enlarger, film, "-o", "x.mp4"), "makes no frames between others"),
        (("interpolate", enlarger, film, "-o", "x.mp4", "--fps", "0"), "Expected a rate as 25 or 24000/1001, got '0'"),
        (("generate", enlarger, "-o", "x.mp4"), "makes images from images"),
        (("generate", enlarger, film, "-o", "x.mp4"), "does not go on with films"),
    ):
        found = run(*words)
        assert found.exit_code == 1 and why in found.output and found.output.count("\n") == 1, found.output


# === interpolate ===


def test_rates_are_fractions():
    for text, wanted in (("25", 25), ("24000/1001", NTSC), ("23.976", NTSC), ("29.97", Fraction(30000, 1001))):
        assert filming.rate(text) == wanted
    assert filming.rate("12.5") == Fraction(25, 2) and filming.rate("59.94") == Fraction(60000, 1001)
    for wrong in ("", "x", "0", "-5", "1/0", "inf", "1e9"):
        with pytest.raises(ValueError, match="Expected a rate"):
            filming.rate(wrong)


@pytest.mark.parametrize("count", [1, 2, 7])
@pytest.mark.parametrize("factor", [2, 3, 8])
def test_a_whole_factor(tmp_path, count, factor):
    film = Film(write(tmp_path / "a.mkv", pictures(count)))
    made, new, total = filming.interpolated(film, blend, Fraction(factor), None)
    made = list(made)
    assert len(made) == count * factor and new == NTSC * factor and total in (None, len(made))
    assert [f.time for f in made] == [k / new for k in range(len(made))]
    np.testing.assert_array_equal([f.image for f in made[::factor]], pictures(count))  # the given ones to the bit
    assert blend.asked == (count - 1) * (factor - 1)
    assert sum(f.duration for f in made) == count / NTSC  # no shorter
    if count > 1:
        np.testing.assert_allclose(made[1].image[0, 0, 0], 4 / factor, atol=0.5)


@pytest.mark.parametrize("fps", ["60", "60000/1001", "24000/1001", "10", "5/2"])
def test_another_rate(tmp_path, fps):
    film = Film(write(tmp_path / "a.mkv", pictures(30)))
    fps = filming.rate(fps)
    made, new, _ = filming.interpolated(film, blend, None, fps)
    made = list(made)
    assert new == fps and [f.time for f in made] == [k / fps for k in range(len(made))]
    assert len(made) == -(-30 * fps // NTSC)
    for frame in made:
        place = min(frame.time * NTSC, 29)
        assert abs(int(frame.image[0, 0, 0]) - 4 * float(place)) <= 0.51
        if place.denominator == 1:
            np.testing.assert_array_equal(frame.image, pictures(30)[int(place)])


def test_no_drift_after_twenty_minutes():
    last = 28_771
    times = [Fraction(0), *(k / NTSC for k in range(last - 49, last))]
    film = Timed(frames(pictures(50), times, NTSC))
    made = [f.time for f in filming.interpolated(film, lambda first, second, times: [first] * len(times), None, 60)[0]]
    assert made == [Fraction(k, 60) for k in range(-(-last * 60 // NTSC))]


def test_given_frames_stay_wherever_the_film_begins():
    begin = Fraction(21, 1000)
    film = frames(pictures(5), [begin + Fraction(k, 25) for k in range(5)])
    for slow in (1, 2):
        made = list(filming.interpolated(Timed(film), blend, None, Fraction(50), Fraction(slow))[0])
        assert [f.time for f in made] == [begin * slow + Fraction(k, 50) for k in range(10 * slow)]
        np.testing.assert_array_equal([f.image for f in made[:: 2 * slow]], pictures(5))


def test_a_variable_rate_is_divided_where_it_is():
    times = [Fraction(0), Fraction(1, 10), Fraction(1, 2), Fraction(9, 10)]

    class Varying:
        rate, length = Fraction(4), 4

        def __iter__(self):
            return iter(frames(pictures(4), times, Fraction(10)))

    made = list(filming.interpolated(Varying(), blend, Fraction(2), None)[0])
    assert [f.time for f in made] == [Fraction(k, 100) for k in (0, 5, 10, 30, 50, 70, 90, 95)]
    slow = list(filming.interpolated(Varying(), blend, None, None, Fraction(2))[0])
    assert [f.time for f in slow] == [Fraction(k, 50) for k in (0, 5, 10, 30, 50, 70, 90, 95)]


def test_slow_motion_keeps_the_rate(tmp_path):
    film = Film(write(tmp_path / "a.mkv", pictures(5)))
    made, new, total = filming.interpolated(film, blend, None, None, Fraction(4))
    assert new == NTSC and [f.time for f in made] == [k / NTSC for k in range(20)] and total in (None, 20)
    made, new, _ = filming.interpolated(film, blend, None, Fraction(60), Fraction(3, 2))
    made = list(made)
    assert [f.time for f in made] == [Fraction(k, 60) for k in range(len(made))]
    assert len(made) == -(-5 * Fraction(3, 2) * 60 // NTSC)


def test_nothing_is_blended_over_a_cut():
    film = frames(np.concatenate([pictures(3, shot) for shot in range(3)]))
    made = list(filming.faster(film, blend, lambda a, b: [a + (b - a) * k / 4 for k in range(4)]))
    assert len(made) == 36 and blend.asked == 3 * 2 * 3
    for k in (2, 5):
        part = [f.image for f in made[4 * k : 4 * k + 5]]
        for image, same in zip(part, (0, 0, 4, 4, 4)):
            np.testing.assert_array_equal(image, part[same])


def test_lost_frames_are_made_anew_and_stillness_stays():
    moving = pictures(8)
    lost = moving.copy()
    lost[2], lost[5], lost[6] = moving[1], moving[4], moving[4]
    made = list(filming.refilled(frames(lost), blend))
    np.testing.assert_array_equal([f.image for f in made], moving)  # linear motion comes back
    assert [f.time for f in made] == [f.time for f in frames(moving)]
    still = np.concatenate([moving[:2], np.repeat(moving[1:2], 5, 0), moving[2:4], np.repeat(moving[3:4], 2, 0)])
    blend.asked = 0
    np.testing.assert_array_equal([f.image for f in filming.refilled(frames(still), blend)], still)
    assert blend.asked == 0
    cut = np.concatenate([pictures(2), pictures(2)[1:], pictures(3, 1)])  # the last one is held at a cut
    np.testing.assert_array_equal([f.image for f in filming.refilled(frames(cut), blend)], cut)


# === stylize, generate ===


def test_stylize_without_a_model(tmp_path):
    film = write(tmp_path / "a.mp4", pictures(5))
    found = run("stylize", film, "--classical", "pencil-sketch", "-o", tmp_path / "b.webm")
    assert found.exit_code == 0 and "5 frames in" in found.output, found.output
    made = Film(tmp_path / "b.webm")
    assert made.times() == Film(film).times() and made.size == (48, 64)


class Clips:
    """A model of clips, as the command sees it."""

    name, image_shape, conditions = "clips", (6, 8, 8, 3), ()

    def generates(self):
        return True

    def generate(self, n, *, seed=0):
        return np.stack([np.full((6, 8, 8, 3), seed + k, "uint8") for k in range(n)])


def test_generate_puts_clips_side_by_side(tmp_path, monkeypatch):
    monkeypatch.setattr(filming, "load_model", lambda path: Clips())
    found = run("generate", "m.keras", "-o", tmp_path / "a.mkv", "--seed", "7", "--fps", "24000/1001", "--scale", "2")
    assert found.exit_code == 0, found.output
    film = Film(tmp_path / "a.mkv")
    assert film.rate == NTSC and film.size == (16, 16) and {int(f.image.mean()) for f in film} == {7}
    assert run("generate", "m.keras", "-o", tmp_path / "b.gif", "-n", "4").exit_code == 0
    assert Film(tmp_path / "b.gif").size == (22, 22)


# === interrupted ===


def test_ctrl_c_leaves_nothing(tmp_path, monkeypatch):
    class Interrupted:
        def between(self, first, second, times):
            if first[0, 0, 0] > 100:
                raise KeyboardInterrupt
            return np.stack([first] * len(times))

    monkeypatch.setattr(filming, "load_model", lambda path: Interrupted())
    film = write(tmp_path / "a.mkv", pictures(60))
    for name in ("b.mp4", "b.gif", "frames"):
        assert run("interpolate", "m", film, "-o", tmp_path / name).exit_code != 0
    assert os.listdir(tmp_path) == ["a.mkv"]
