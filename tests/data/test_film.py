"""Films: every form, exact times, sound to the byte, colours without drift, and whole or not at all."""

import os
import signal
import struct
import subprocess
import sys
import time
import warnings
from fractions import Fraction

import cv2
import numpy as np
import pytest
from PIL import Image

from keras_imgen.data import Film, FilmWriter, save_video
from keras_imgen.data.film_colour import Colours, from_rgb, to_rgb
from keras_imgen.editing.film import cut

av = pytest.importorskip("av")
NTSC = Fraction(24000, 1001)
RNG = np.random.default_rng(0)


def pictures(count, height=48, width=64, channels=3):
    """A bright square on its way over a ramp: what codecs are made for."""
    ramp = np.add.outer(np.linspace(40, 120, height), np.linspace(0, 60, width)).astype("uint8")
    found = np.repeat(ramp[None, ..., None], count, 0).repeat(channels, -1)
    for k, picture in enumerate(found):
        picture[8:24, (k * 2) % (width - 20) :][:, :16] = (200, 90, 30, 128)[:channels]
    return found


def write(path, frames, times=None, **how):
    with FilmWriter(path, **how) as out:
        for k, frame in enumerate(frames):
            out.write(frame, times and times[k])
    return out


def with_sound(path, codec="aac", container="mp4", frames=24, rotation=None, rate=NTSC, layout="stereo"):
    """A film of PyAV's own making, with a tone."""
    with av.open(str(path), "w", format=container) as out:
        video = out.add_stream("mpeg4" if container != "webm" else "libvpx-vp9", rate=rate)
        video.height, video.width, video.pix_fmt = 48, 64, "yuv420p"
        if rotation:
            video.set_display_rotation(rotation)
        audio = out.add_stream(codec, rate=48000, layout=layout)
        for k, picture in enumerate(pictures(frames)):
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            out.mux(video.encode(frame))
            tone = np.sin(np.arange(2002) * 0.05 * (1 + k % 3)) * 9000
            sound = av.AudioFrame.from_ndarray(tone.astype("int16")[None], format="s16", layout="mono")
            sound.sample_rate, sound.pts = 48000, 2002 * k
            out.mux(audio.encode(sound))
        out.mux(video.encode())
        out.mux(audio.encode())
    return str(path)


def heard(path):
    """The bytes of every sound packet and when it is heard, in seconds."""
    with av.open(str(path)) as film:
        found = [(bytes(p), p.pts * p.time_base) for p in film.demux(audio=0) if p.size]
    return [data for data, _ in found], [float(at) for _, at in found]


def samples(path):
    with av.open(str(path)) as film:
        return np.concatenate([f.to_ndarray() for f in film.decode(audio=0)], -1)


@pytest.mark.parametrize("name", ["a.mkv", "folder"])
@pytest.mark.parametrize("channels", [3, 4])
def test_what_has_no_loss_has_none(tmp_path, name, channels):
    frames = RNG.integers(0, 256, (5, 37, 51, channels), "uint8")
    write(tmp_path / name, frames, rate=NTSC)
    film = Film(tmp_path / name, alpha=channels == 4)
    assert film.rate == NTSC and film.size == (37, 51) and film.length == 5
    for _ in range(2):
        read = list(film)
        np.testing.assert_array_equal([f.image for f in read], frames)
        assert [f.time for f in read] == [k / NTSC for k in range(5)] == film.times()
        assert {f.duration for f in read} == {1 / NTSC}
    if channels == 4:  # over black
        black = np.round(frames[..., :3] * (frames[..., 3:] / 255))
        np.testing.assert_allclose([f.image for f in Film(tmp_path / name)], black, atol=1)


@pytest.mark.parametrize("name", ["a.mp4", "a.mov", "a.webm"])
@pytest.mark.parametrize("size", [(48, 64), (37, 51)])
def test_what_is_compressed_looks_the_same(tmp_path, name, size):
    frames = pictures(12, *size)
    out = write(tmp_path / name, frames, rate=Fraction(30000, 1001))
    film, even = Film(tmp_path / name), not name.endswith("webm")
    height, width = ((n + n % 2) if even else n for n in size)
    assert film.size == (height, width) and len(out.notes) == (even and size[0] % 2) and film.length == 12
    read = np.array([f.image for f in film])[:, : size[0], : size[1]]
    assert np.abs(read.astype(float) - frames).mean() < 3
    np.testing.assert_allclose(read.mean((0, 1, 2)), frames.mean((0, 1, 2)), atol=0.7)  # the codec's, of flat red


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.webm", "folder"])
def test_a_variable_rate_stays_as_it_is(tmp_path, name):
    times = [Fraction(k * k, 50) for k in range(1, 12)]
    with FilmWriter(tmp_path / name, rate=Fraction(25)) as out:
        for picture, at in zip(pictures(11), times):
            out.write(picture, at, Fraction(3, 2))
    coarse = 0 if name in ("a.mp4", "folder") else 0.001  # Matroska's clock
    film = Film(tmp_path / name)
    read = list(film)  # a film begins with its first frame
    assert max(abs(f.time - read[0].time - t + times[0]) for f, t in zip(read, times)) <= coarse and len(read) == 11
    if name in ("a.mp4", "folder"):
        assert [f.duration for f in read] == [b - a for a, b in zip(times, times[1:])] + [Fraction(3, 2)]
    again = tmp_path / "again.mp4"
    with FilmWriter(again, like=film) as out:
        for frame in film:
            out.write(*frame)
    assert [f.time for f in Film(again)] == [f.time - read[0].time for f in read]


def test_twenty_minutes_at_24000_1001_do_not_drift(tmp_path):
    count, picture = 28_771, np.zeros((16, 16, 3), "uint8")
    write(tmp_path / "a.mp4", (picture for _ in range(count)), rate=NTSC)
    times = [k / NTSC for k in range(count)]
    assert Film(tmp_path / "a.mp4").times() == times and float(times[-1]) > 1199.9
    write(tmp_path / "a.mkv", [picture] * 1000, times[-1000:], rate=NTSC)  # Matroska's clock has milliseconds
    assert Film(tmp_path / "a.mkv").times() == times[:1000]


def test_reading_from_a_time_is_reading_on(tmp_path):
    write(tmp_path / "a.mp4", pictures(300), rate=NTSC)
    film = Film(tmp_path / "a.mp4")
    times, whole = film.times(), [f.image for f in film]
    for k in (1, 137, 249, 251, 299):
        rest = list(film.read(times[k]))
        assert [f.time for f in rest] == times[k:]
        np.testing.assert_array_equal(rest[0].image, whole[k])


@pytest.mark.parametrize("container", ["mpegts", "mpeg", "avi", "matroska", "flv"])
def test_reading_from_a_time_loses_no_frame_in_any_form(tmp_path, container):
    codec = {"mpegts": "mpeg2video", "mpeg": "mpeg2video", "flv": "libx264"}.get(container, "mpeg4")
    with av.open(str(tmp_path / "a"), "w", format=container) as out:
        stream = out.add_stream(codec, rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for picture in pictures(60):
            out.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        out.mux(stream.encode())
    film = Film(tmp_path / "a")
    whole = list(film)
    assert len(whole) == 60
    for k in (1, 20, 30, 59):
        rest = list(film.read(whole[k].time))
        assert [f.time for f in rest] == [f.time for f in whole[k:]]
        np.testing.assert_array_equal(rest[0].image, whole[k].image)


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "folder"])
def test_a_frame_is_seen_until_the_next(tmp_path, name):
    write(tmp_path / name, pictures(3), [Fraction(0), Fraction(1), Fraction(10)])
    film = Film(tmp_path / name)
    assert [(f.time, f.duration) for f in film.read(5)][:1] == [(1, 9)] and len(list(film.read(5))) == 2
    assert [f.duration for f in film][:2] == [1, 9] and [f.time for f in film.read(1)] == [1, 10]
    assert [(f.time, f.duration) for f in cut(film.read(5), 5, 8)] == [(0, 3)]


def test_a_long_pause_at_an_odd_rate(tmp_path):
    times = [Fraction(0), Fraction(1, 30), Fraction(60)]
    write(tmp_path / "a.mp4", pictures(3), times, rate=Fraction(89_700_001, 3_000_000))
    assert Film(tmp_path / "a.mp4").times() == times


@pytest.mark.parametrize(
    "codec, container",
    [("aac", "mp4"), ("libmp3lame", "avi"), ("libopus", "webm"), ("flac", "matroska"), ("pcm_s16le", "avi")],
)
@pytest.mark.parametrize("name", ["b.mp4", "b.mkv"])
def test_sound_is_the_same_to_the_byte(tmp_path, codec, container, name):
    film = Film(with_sound(tmp_path / "a", codec, container))
    out = tmp_path / name
    with FilmWriter(out, like=film) as writer:
        for frame in film:
            writer.write(*frame)
    (before, began), (after, now) = heard(film.path), heard(out)
    assert before == after and len(before) > 10 and not writer.notes
    seen = Film(out).times()  # Matroska has no times below 0, where AAC begins: all is moved by that
    np.testing.assert_allclose(np.subtract(now, float(seen[0])), np.array(began), atol=0.0011)
    assert [t - seen[0] for t in seen] == film.times()


def test_sound_that_does_not_fit(tmp_path):
    film = Film(with_sound(tmp_path / "a.mp4"))
    for sound, wanted in (("transcode", "opus"), ("drop", None), (None, None)):
        with FilmWriter(tmp_path / "b.webm", like=film, sound=sound) as out:
            for frame in film:
                out.write(*frame)
        assert Film(tmp_path / "b.webm").sound == wanted
        assert [note.split(":")[0] for note in out.notes] == ["webm cannot hold sound in aac"] * (sound is not None)
        if wanted:
            level, same = (samples(path) for path in (tmp_path / "b.webm", film.path))
            assert abs(level.shape[-1] - same.shape[-1]) < 3000 and abs(level.std() / same.std() - 1) < 0.05
    with FilmWriter(tmp_path / "b.gif", like=film) as out:
        out.write(pictures(1)[0])
    assert "no sound" in out.notes[0]


@pytest.mark.parametrize("codec, layout, name", [("flac", "stereo", "b.mov"), ("pcm_s16le", "2.1", "b.mp4")])
def test_sound_that_is_refused_at_the_end_is_coded_anew(tmp_path, codec, layout, name):
    film = Film(with_sound(tmp_path / "a", codec, "matroska", layout=layout))
    out = write(tmp_path / name, (f.image for f in film), like=film)
    assert Film(tmp_path / name).sound == "aac" and "coded anew" in out.notes[0]
    assert samples(tmp_path / name).std() > 0.01


def unread(path, kind, codec, file):
    """A film whose track has a codec that nobody knows."""
    data = file.read_bytes()
    place = data.index(codec, data.index(kind))
    data = data[:place] + b"zzzz" + data[place + 4 :]
    place = data.index(b"esds", place)
    path.write_bytes(data[:place] + b"free" + data[place + 4 :])
    return path


def test_tracks_that_cannot_be_read(tmp_path):
    with_sound(tmp_path / "a.mp4")
    film = Film(unread(tmp_path / "b.mp4", b"soun", b"mp4a", tmp_path / "a.mp4"))
    assert film.sound == "unknown"
    with av.open(str(tmp_path / "empty.ts"), "w", format="mpegts") as out:  # a track without a packet
        video, _ = out.add_stream("mpeg2video", rate=25), out.add_stream("aac", rate=48000)
        video.width, video.height, video.pix_fmt = 64, 48, "yuv420p"
        for picture in pictures(24):
            out.mux(video.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        out.mux(video.encode())
    for one in (film, Film(tmp_path / "empty.ts")):
        out = write(tmp_path / "c.mp4", (f.image for f in one), like=one)
        assert out.notes == ["A track of sound cannot be read: it is left out."] and out.count == 24
    with pytest.raises(ValueError, match="d.mp4 has pictures in a form that cannot be read"):
        Film(unread(tmp_path / "d.mp4", b"vide", b"mp4v", tmp_path / "a.mp4"))


@pytest.mark.parametrize("name", ["b.mp4", "b.mkv"])
def test_what_an_edit_list_cuts_out_stays_out(tmp_path, name):
    data = bytearray((tmp_path / with_sound(tmp_path / "a.mp4", frames=96)).read_bytes())
    for kind, later in ((b"vide", 24_024), (b"soun", 48_048)):  # the first 1.001 s, in either's clock
        place = data.rindex(b"elst", 0, data.index(kind)) + 12
        length, begin = struct.unpack(">Ii", data[place : place + 8])
        data[place : place + 8] = struct.pack(">Ii", length - 1001, begin + later)
    (tmp_path / "a.mp4").write_bytes(data)
    film = Film(tmp_path / "a.mp4")
    write(tmp_path / name, (f.image for f in film), like=film)
    seen, (_, at) = Film(tmp_path / name).times(), heard(tmp_path / name)
    assert len(seen) == 72 and -0.1 <= at[0] - seen[0] < 0.05 and seen[0] < 0.1


@pytest.mark.parametrize("rotation, turned", [(90, 1), (-90, -1), (180, 2)])
def test_frames_are_upright(tmp_path, rotation, turned):
    film = Film(with_sound(tmp_path / "a.mp4", rotation=rotation, frames=3))
    flat = Film(with_sound(tmp_path / "b.mp4", frames=3))
    upright = [np.rot90(f.image, turned) for f in flat]
    np.testing.assert_array_equal([f.image for f in film], upright)
    assert film.size == upright[0].shape[:2]
    write(tmp_path / "c.mp4", (f.image for f in film), like=film)
    assert Film(tmp_path / "c.mp4").size == film.size  # seen as it was seen


def test_a_quarter_turn_is_counter_clockwise_as_ffmpeg_says(tmp_path):
    path = with_sound(tmp_path / "a.mp4", rotation=90, frames=1)
    with av.open(path) as film:
        matrix = np.frombuffer(next(film.decode(video=0)).side_data.get("DISPLAYMATRIX"), "int32").reshape(3, 3)
    right = np.array([1, 0]) @ matrix[:2, :2] / 65536  # (p, q, 1) goes to (ap + cq + x, bp + dq + y)
    np.testing.assert_array_equal(right, [0, -1])  # what points to the right points up: y goes down


@pytest.mark.parametrize("full", [False, True])
@pytest.mark.parametrize("matrix", [1, 6, 9])
def test_an_untouched_film_keeps_its_colours(full, matrix):
    """Means of ten times there and back, to 0.2 gray levels; beside the formula of BT.709."""
    there = cv2.resize(RNG.integers(40, 200, (5, 7, 3)).astype("uint8"), (61, 43), interpolation=cv2.INTER_CUBIC)
    colours, now = Colours(1, 1, matrix, full), there
    for _ in range(10):
        frame = from_rgb(now, colours, "yuv420p")
        now = to_rgb(frame, colours)
    np.testing.assert_allclose(now.mean((0, 1)), there.mean((0, 1)), atol=0.2)
    if matrix == 1:
        luma = np.frombuffer(frame.planes[0], "uint8").reshape(frame.planes[0].height, -1)[:, :61]
        wanted = now @ [0.2126, 0.7152, 0.0722]
        assert abs((luma - (wanted if full else 16 + wanted * 219 / 255)).mean()) < 0.2


@pytest.mark.parametrize("name", ["b.mp4", "b.webm"])
@pytest.mark.parametrize("tags", [(1, 1, 1, 1), (5, 6, 5, 1), (1, 13, 1, 2), (9, 16, 9, 1)])
def test_colour_tags_are_kept(tmp_path, name, tags):
    smooth = np.repeat(np.linspace(30, 220, 48).astype("uint8")[:, None, None], 64, 1) + np.array([0, 9, 30], "uint8")
    frames = np.repeat(smooth[None], 3, 0)
    colours = Colours(*tags[:3], tags[3] == 2)
    with av.open(str(tmp_path / "a.mp4"), "w") as out:
        stream = out.add_stream("libx264", rate=25, options={"crf": "1"})
        stream.width, stream.height, stream.pix_fmt, context = 64, 48, "yuv420p", stream.codec_context
        context.color_primaries, context.color_trc, context.colorspace, context.color_range = tags
        for frame in frames:
            out.mux(stream.encode(from_rgb(frame, colours, "yuv420p")))
        out.mux(stream.encode())
    film = Film(tmp_path / "a.mp4")
    write(tmp_path / name, (f.image for f in film), like=film)
    again = Film(tmp_path / name)
    assert film.colours == colours
    assert again.colours[2:] == colours[2:] and (name == "b.webm" or again.colours == colours)
    means = [np.mean([f.image for f in one], (0, 1, 2)) for one in (film, again)]
    np.testing.assert_allclose(*means, atol=0.2)


def test_gif_and_apng(tmp_path):
    frames = [Image.fromarray(p) for p in pictures(5)]
    shown = [40, 50, 60, 70, 330]
    for name in ("a.gif", "a.png"):
        frames[0].save(tmp_path / name, save_all=True, append_images=frames[1:], duration=shown, loop=0)
        read = list(Film(tmp_path / name))
        assert [f.duration * 1000 for f in read] == shown
        assert [f.time * 1000 for f in read] == [0, 40, 90, 150, 220]
        assert np.abs(read[3].image.astype(int) - pictures(5)[3]).mean() < (0.01 if name == "a.png" else 4)
    still = np.repeat(pictures(1), 4, 0)
    save_video(tmp_path / "b.gif", still, fps=15)
    with Image.open(tmp_path / "b.gif") as film:  # frames that are alike stay frames, and the pace does not drift
        assert film.n_frames == 4
        assert [film.seek(k) or film.info["duration"] for k in range(4)] == [70, 60, 70, 70]
    assert write(tmp_path / "c.gif", still, rate=60).notes == ["A GIF shows at most 50 frames a second: it is slower."]


def test_a_folder_goes_by_numbers_and_names_what_is_damaged(tmp_path):
    for k, picture in enumerate(pictures(11)):
        Image.fromarray(picture).save(tmp_path / f"frame{k}.png")
    film = Film(tmp_path)
    np.testing.assert_array_equal([f.image for f in film], pictures(11))
    assert film.rate == 25 and film.count == 11 and film.duration == Fraction(11, 25)
    (tmp_path / "._frame0.png").write_bytes(b"no")  # macOS puts one beside each file on a stick
    assert Film(tmp_path).count == 11
    (tmp_path / "frame4.png").write_bytes(b"no")
    with pytest.warns(UserWarning, match="10 of 11 frames could be read whole"):
        assert len(list(film)) == 10
    Image.fromarray(pictures(1, 30, 30)[0]).save(tmp_path / "frame5.png")
    with pytest.raises(ValueError, match="frame5.png is 30x30, the first frame 64x48"):
        list(film)


def test_one_frame_and_two(tmp_path):
    for count in (1, 2):
        for name in ("a.mp4", "a.mkv", "a.webm", "a.gif"):
            write(tmp_path / name, pictures(count), rate=NTSC)
            assert len(list(Film(tmp_path / name))) == count


@pytest.mark.parametrize("name", ["a.avi", "a.mkv", "a.mp4"])
def test_what_is_cut_off_is_read_as_far_as_it_goes(tmp_path, name):
    path = tmp_path / name
    with_sound(path, "libmp3lame", {"avi": "avi", "mkv": "matroska", "mp4": "mp4"}[name[2:]], frames=100)
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])
    if name == "a.mp4":  # its index lies at the end
        with pytest.raises(ValueError, match="a.mp4 cannot be read as a film: "):
            Film(path)
        return
    film = Film(path)
    with pytest.warns(UserWarning, match=r"damaged or cut off: \d\d( of 100)? frames could be read whole"):
        assert 20 < len(list(film)) < 80


@pytest.mark.parametrize("name", ["a.mkv", "a.webm"])
def test_a_film_that_begins_late_is_whole(tmp_path, name):
    with FilmWriter(tmp_path / name, rate=25) as out:
        for k, picture in enumerate(pictures(5)):
            out.write(picture, 2 + Fraction(k, 25))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        film = Film(tmp_path / name)
        assert len(list(film)) == 5 and film.lost is None and film.duration == pytest.approx(0.2, abs=0.002)


@pytest.mark.parametrize("sound", [True, False])
def test_a_cut_off_avi_is_known_by_its_header(tmp_path, sound):
    path = tmp_path / "a.avi"
    if sound:
        with_sound(path, "pcm_s16le", "avi", frames=100)
    else:
        writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"MJPG"), 25, (64, 48))
        for picture in pictures(100):
            writer.write(picture)
        writer.release()
    data = path.read_bytes()
    path.write_bytes(data[: len(data) * 7 // 10])
    with pytest.warns(UserWarning, match=r"damaged or cut off: \d\d frames could be read whole"):
        assert 50 < len(list(Film(path))) < 90


def test_what_is_damaged_in_the_middle(tmp_path):
    path = tmp_path / "a.mp4"
    write(path, RNG.integers(0, 256, (60, 32, 32, 3), "uint8"), rate=25)
    data = bytearray(path.read_bytes())
    data[len(data) // 3 : len(data) // 3 + 2000] = RNG.bytes(2000)
    path.write_bytes(data)
    with pytest.warns(UserWarning, match=r"damaged or cut off: \d\d of 60 frames could be read whole"):
        assert 40 < len(list(Film(path))) <= 60


def test_what_is_no_film(tmp_path):
    (tmp_path / "a.txt").write_text("hello\n" * 100)
    (tmp_path / "a.mp4").write_bytes(RNG.bytes(5000))
    (tmp_path / "empty.mkv").write_bytes(b"")
    (tmp_path / "nothing").mkdir()
    for name in ("a.txt", "a.mp4", "empty.mkv", "nothing"):
        with pytest.raises(ValueError, match=name):
            Film(tmp_path / name)
    with pytest.raises(FileNotFoundError, match="There is no .*gone.mp4"):
        Film(tmp_path / "gone.mp4")


def test_what_is_wrong_is_said(tmp_path):
    with pytest.raises(ValueError, match="ends in .mp4"):
        FilmWriter(tmp_path / "a.txt")
    with pytest.raises(FileExistsError, match="choose another folder"):
        FilmWriter(tmp_path)
    with pytest.raises(ValueError, match="No frame was written"), FilmWriter(tmp_path / "a.mp4"):
        pass
    for name in ("a.mp4", "b.gif", "folder"):
        with pytest.raises(ValueError, match="one shape"), FilmWriter(tmp_path / name) as out:
            out.write(pictures(1)[0])
            out.write(pictures(1, 20)[0])
        with pytest.raises(ValueError, match="a time after 1 s"), FilmWriter(tmp_path / name) as out:
            out.write(pictures(1)[0], Fraction(1))
            out.write(pictures(1)[0], Fraction(1))
        with pytest.raises(KeyboardInterrupt), FilmWriter(tmp_path / name) as out:
            for picture in pictures(3):
                out.write(picture)
            raise KeyboardInterrupt
    with pytest.raises(ValueError, match=".mp4 has no alpha"), FilmWriter(tmp_path / "a.mp4") as out:
        out.write(pictures(1, channels=4)[0])
    assert not list(tmp_path.iterdir())


def test_places_that_cannot_be_written_are_named(tmp_path):
    import resource

    for name in ("a.mp4", "a.gif", "a.mkv", "folder"):
        with pytest.raises(FileNotFoundError) as error, FilmWriter(tmp_path / "gone" / name) as out:
            out.write(pictures(1)[0])
        assert error.value.filename.startswith(str(tmp_path / "gone" / name)), name
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, limits[1]))  # as of a full disk
    try:
        for name in ("a.mp4", "a.mkv", "a.gif"):
            with pytest.raises(OSError, match="too large|Invalid|space"), FilmWriter(tmp_path / name) as out:
                for picture in RNG.integers(0, 256, (30, 64, 64, 3), "uint8"):
                    out.write(picture)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert not list(tmp_path.iterdir())


def test_killed_half_way_leaves_nothing_under_its_name(tmp_path):
    program = f"""
import numpy as np
from keras_imgen.data.film_writer import FilmWriter
with FilmWriter({str(tmp_path / "a.mp4")!r}) as film, FilmWriter({str(tmp_path / "folder")!r}) as folder:
    for k in range(10**9):
        for out in (film, folder):
            out.write(np.full((64, 64, 3), k % 256, "uint8"))
        if k == 100: print("begun", flush=True)
"""
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "begun\n"
        time.sleep(0.2)
        process.send_signal(signal.SIGKILL)
    left = os.listdir(tmp_path)
    assert len(left) == 2 and all(".partial" in name for name in left)


def test_a_whole_film_is_read_without_a_word(tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for name in ("a.mp4", "a.mkv", "a.webm", "a.gif", "folder"):
            write(tmp_path / name, pictures(30), rate=NTSC)
            assert len(list(Film(tmp_path / name))) == 30
        for codec, container in (("aac", "mp4"), ("libmp3lame", "avi"), ("libopus", "webm")):
            assert len(list(Film(with_sound(tmp_path / "b", codec, container)))) == 24
