"""Films that come to the page and go: what is one, how much of it is taken, and that nothing else is opened on the way."""

import base64
import io
import json
import os
import subprocess
import sys
from fractions import Fraction

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("fastapi")
av = pytest.importorskip("av")

from keras_imgen.data.film import Film  # noqa: E402
from keras_imgen.data.film_writer import FilmWriter  # noqa: E402
from keras_imgen.data.image_io import apng  # noqa: E402
from keras_imgen.server import films  # noqa: E402
from keras_imgen.server.errors import Invalid, TooLarge  # noqa: E402
from keras_imgen.server.limits import Limits  # noqa: E402

LIMITS = Limits(rows=8, pixels=4096)
FRAMES = np.random.default_rng(0).integers(0, 256, (5, 32, 48, 3)).astype("uint8")


def written(path, frames=FRAMES, times=None, **how):
    with FilmWriter(path, **how) as out:
        for k, frame in enumerate(frames):
            out.write(frame, times and times[k])
    return path.read_bytes()


def gif(frames):
    buffer = io.BytesIO()
    first, *rest = [Image.fromarray(frame[..., 0]) for frame in frames]
    first.save(buffer, "GIF", save_all=True, append_images=rest, duration=100)
    return buffer.getvalue()


def test_frames_are_the_films(tmp_path):
    np.testing.assert_array_equal(films.opened(written(tmp_path / "a.mkv"), "clips", LIMITS), FRAMES)
    np.testing.assert_array_equal(films.opened(apng(FRAMES), "clips", LIMITS), FRAMES)
    np.testing.assert_array_equal(films.opened(gif(FRAMES), "clips", LIMITS)[..., 0], FRAMES[..., 0])
    for name in ("a.mp4", "a.webm"):
        file = written(tmp_path / name)
        np.testing.assert_array_equal(films.opened(file, "clips", LIMITS), [f.image for f in Film(tmp_path / name)])


@pytest.mark.parametrize("file", [
    b"", b"#EXTM3U\n#EXTINF:1,\n/etc/passwd\n", b"ffconcat version 1.0\nfile /etc/passwd\n", b"RIFF\0\0\0\0WAVE", b"a film" * 99,
    b'<?xml version="1.0"?><MPD><Period/></MPD>', b"\xff\xd8\xff\xe0" + bytes(99),
])  # fmt: skip
def test_what_is_no_film_is_not_opened(file, monkeypatch):
    monkeypatch.setattr(av, "open", lambda *given, **how: pytest.fail("FFmpeg was asked"))
    with pytest.raises(Invalid, match="`clips` as a film, MP4"):
        films.opened(file, "clips", LIMITS)
    buffer = io.BytesIO()
    Image.fromarray(FRAMES[0]).save(buffer, "PNG")
    assert films.ending_of(buffer.getvalue()) is None


def test_a_play_list_behind_a_films_first_bytes_opens_nothing(tmp_path):
    secret = tmp_path / "secret.ts"
    written(tmp_path / "secret.mkv")
    (tmp_path / "secret.mkv").rename(secret)
    for begin in (b"\0\0\0\x10ftypisom\0\0\0\0", b"\x1aE\xdf\xa3", b"GIF89a"):
        with pytest.raises((Invalid, TooLarge)):  # a GIF's size is what the text makes of it
            films.opened(begin + f"\n#EXTM3U\n#EXTINF:1,\nfile:{secret}\n".encode() * 9, "clips", LIMITS)


def test_what_is_too_long_or_large_is_refused(tmp_path):
    many = np.concatenate([FRAMES, FRAMES])
    with pytest.raises(TooLarge, match="at most 8 frames of 48x32.*keras-imgen video"):
        films.opened(apng(many), "clips", LIMITS)
    with pytest.raises(TooLarge, match="at most 5 frames of 48x32"):
        films.opened(apng(many), "clips", Limits(rows=64, pixels=2000))
    with pytest.raises(TooLarge, match="at most 100 pixels"):
        films.opened(written(tmp_path / "a.mp4"), "clips", Limits(rows=64, pixels=100))


def test_what_is_damaged_is_said_without_the_servers_paths(tmp_path):
    file = written(tmp_path / "a.mp4")
    for bad in (file[:80], file[:60] + bytes(len(file) - 60)):
        with pytest.raises(Invalid, match="`clips` as a film") as found:
            films.opened(bad, "clips", LIMITS)
        assert "keras-imgen-" not in str(found.value) and "/tmp" not in str(found.value)


def test_the_answer_has_the_times_and_the_sound(tmp_path):
    times = [Fraction(k * (k + 3), 25) for k in range(5)]
    file = written(tmp_path / "a.mp4", times=times)
    made, _, notes = films.mp4(np.full((5, 64, 96, 3), 128, "uint8"), file, LIMITS)
    (tmp_path / "out.mp4").write_bytes(made)
    found = list(Film(tmp_path / "out.mp4"))
    assert [frame.time for frame in found] == times and found[0].image.shape == (64, 96, 3) and not notes
    _, _, notes = films.mp4(np.zeros((5, 31, 33, 1), "uint8"), file, LIMITS)
    assert "even sizes" in notes[0]

    made, heard, notes = films.mp4(FRAMES, with_sound(tmp_path / "heard.mp4"), LIMITS)
    (tmp_path / "out.mp4").write_bytes(made)
    assert Film(tmp_path / "out.mp4").sound == "aac" and heard and not notes
    assert not films.mp4(FRAMES, file, LIMITS).sound


def with_sound(path):
    with av.open(str(path), "w") as out:
        stream, sound = out.add_stream("mpeg4", rate=25), out.add_stream("aac", rate=48000, layout="mono")
        stream.width, stream.height, stream.pix_fmt = 48, 32, "yuv420p"
        for k, frame in enumerate(FRAMES):
            out.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
            tone = av.AudioFrame.from_ndarray(np.full((1, 1920), 99, "int16"), format="s16", layout="mono")
            tone.sample_rate, tone.pts = 48000, 1920 * k
            out.mux(sound.encode(tone))
        out.mux(stream.encode())
        out.mux(sound.encode())
    return path.read_bytes()


def test_frames_between_have_times_between(tmp_path):
    times = [Fraction(k * (k + 3), 25) for k in range(5)]
    file = written(tmp_path / "a.mp4", times=times)
    made = films.mp4(np.repeat(FRAMES, 3, 0)[:13], file, LIMITS).file
    (tmp_path / "out.mp4").write_bytes(made)
    found = list(Film(tmp_path / "out.mp4"))
    wanted = [a + (b - a) * k / 3 for a, b in zip(times, times[1:]) for k in range(3)] + times[-1:]
    assert len(found) == 13
    assert [frame.time for frame in found] == pytest.approx(wanted, abs=1e-5) and found[-1].time == times[-1]
    one = written(tmp_path / "b.mp4", FRAMES[:1])
    assert films.opened(films.mp4(FRAMES[:1], one, LIMITS).file, "clip", LIMITS).shape == (1, 32, 48, 3)
    with pytest.raises(TooLarge, match="at most 4 frames of 48x32"):  # of which 7 become
        films.opened(file, "clip", LIMITS, times=2)


def test_nothing_stays_behind(tmp_path):
    code = (
        "import sys, numpy as np; from keras_imgen.server import films; from keras_imgen.server.limits import Limits\n"
        "from keras_imgen.data.image_io import apng\n"
        "file = apng(np.zeros((2, 8, 8, 3), 'uint8')); films.mp4(films.opened(file, 'clips', Limits()), file, Limits())\n"
    )
    env = {**os.environ, "TMPDIR": str(tmp_path)}
    subprocess.run([sys.executable, "-c", code], check=True, env=env)
    assert list(tmp_path.iterdir()) == []


def lying(side, codec="libvpx", kind="matroska"):
    """A film whose header says 16x16 and whose frames are of another size."""
    coder = av.CodecContext.create(codec, "w")
    coder.width = coder.height = side
    coder.pix_fmt, coder.time_base = "yuv420p", Fraction(1, 25)
    made = [p for k in range(3) for p in coder.encode(picture(side, k))] + coder.encode(None)
    buffer = io.BytesIO()
    with av.open(buffer, "w", format=kind) as out:
        stream = out.add_stream(codec, rate=25)
        stream.width, stream.height, stream.pix_fmt = 16, 16, "yuv420p"
        for k, packet in enumerate(made):
            packet.stream, packet.pts, packet.dts, packet.time_base = stream, k, k, Fraction(1, 25)
            out.mux(packet)
    return buffer.getvalue()


def picture(side, k):
    frame = av.VideoFrame.from_ndarray(np.zeros((side, side, 3), "uint8"), format="rgb24").reformat(format="yuv420p")
    frame.pts = k
    return frame


@pytest.mark.parametrize(("side", "error"), [(128, TooLarge), (1536, Invalid)])
def test_the_size_counts_that_frames_have_and_not_what_the_header_says(side, error):
    """Far too large ones are not even decoded."""
    for kind in ("matroska", "avi"):
        file = lying(side, kind=kind)
        with av.open(io.BytesIO(file)) as found:
            assert found.streams.video[0].width == 16
        with pytest.raises(error, match=r"at most 4096 pixels, got 128 x 128|no frame of it can be read"):
            films.opened(file, "clips", LIMITS)
    assert films.opened(lying(64), "clips", LIMITS).shape == (3, 64, 64, 3)


def test_a_play_list_that_looks_like_mp4_is_read_as_mp4_alone(monkeypatch):
    """Valid XML, and `free` where an MP4 may have it: who reads DASH may take it for that."""
    asked, real = [], av.open
    monkeypatch.setattr(av, "open", lambda *given, **how: asked.append(how) or real(*given, **how))
    with pytest.raises(Invalid):
        films.opened(
            b'<!--free-->\n<MPD profiles="urn:mpeg:dash:profile:isoff-on-demand:2011"></MPD>' * 9, "clips", LIMITS
        )
    with pytest.raises(Invalid):  # a GIF that calls itself MP4, which FFmpeg would know
        films.opened(b"\0\0\0\x10ftyp" + gif(FRAMES), "clips", LIMITS)
    assert {how["options"]["format_whitelist"] for how in asked} == {"mov"}


def test_words_in_a_picture_make_no_film_of_it_or_none():
    from keras_imgen.data.image_io import png

    assert films.ending_of(png(FRAMES[0], {"caption": "acTL"})) is None
    assert films.ending_of(apng(FRAMES, {"caption": "IDAT"})) == ".png"
    assert films.ending_of(apng(FRAMES)[:20]) is None


def test_what_is_lost_is_said(tmp_path):
    file = written(tmp_path / "a.mkv", np.concatenate([FRAMES] * 8))
    cut = file[: len(file) * 6 // 10]
    with pytest.warns(match="damaged or cut off"):
        frames = films.opened(cut, "clips", Limits())
    with pytest.warns(match="damaged or cut off"):
        _, _, notes = films.mp4(frames, cut, Limits())
    assert len(frames) < 40 and notes == [f"The film is damaged or cut off: {len(frames)} frames could be read whole."]


def test_sound_that_does_not_end_is_cut(tmp_path, monkeypatch):
    """Of silence in a hundred bytes a second there is much in a small file."""
    monkeypatch.setattr(films, "LONGEST", 2)
    with av.open(str(tmp_path / "a.mkv"), "w") as out:
        stream, sound = out.add_stream("ffv1", rate=25), out.add_stream("wavpack", rate=8000, layout="mono")
        stream.width, stream.height, stream.pix_fmt = 48, 32, "yuv420p"
        for k in range(2):
            out.mux(stream.encode(av.VideoFrame.from_ndarray(FRAMES[k], format="rgb24")))
        for k in range(120):
            tone = av.AudioFrame.from_ndarray(np.zeros((1, 8000), "int16"), format="s16p", layout="mono")
            tone.sample_rate, tone.pts = 8000, 8000 * k
            out.mux(sound.encode(tone))
        out.mux(stream.encode())
        out.mux(sound.encode())
    made, _, notes = films.mp4(FRAMES[:2], (tmp_path / "a.mkv").read_bytes(), LIMITS)
    with av.open(io.BytesIO(made)) as found:
        seconds = sum(frame.samples for frame in found.decode(audio=0)) / 8000
    assert seconds < 20 and any("too long to be coded anew" in note for note in notes)


def test_times_that_mp4_does_not_hold_are_refused(tmp_path):
    far = [Fraction(0), Fraction(1, 25), Fraction(100_000)]
    with pytest.raises(TooLarge, match="at most 3600 seconds"):
        films.opened(written(tmp_path / "a.mkv", FRAMES[:3], far), "clips", LIMITS)
    with pytest.raises(TooLarge, match="cannot be written as MP4"):
        films.mp4(np.zeros((2, 2, 20_000, 3), "uint8"), written(tmp_path / "b.mkv", FRAMES[:2]), LIMITS)
    with pytest.raises(TooLarge, match="sides of at most 16384"):
        films.opened(apng(np.zeros((2, 1, 20_000, 3), "uint8")), "clips", Limits())


def test_a_film_goes_in_and_out_by_the_form_of_the_page():
    """What is decoded of a request, and what is answered: an MP4 for a film, a picture that moves for a clip."""
    from keras_imgen.inference.clips import ClipEndpoint, ClipForm
    from keras_imgen.inference.continued import Ahead
    from keras_imgen.inference.endpoints import Endpoint, Pictures
    from keras_imgen.server import browser
    from keras_imgen.server.fields import fields_of
    from keras_imgen.server.filled import arguments_of

    file = apng(FRAMES)
    sent = base64.b64encode(file).decode()
    endpoint = ClipEndpoint(inputs=(), form=ClipForm(channels=1, radius=2), output="clips", signature="windows")
    fields = fields_of(endpoint, LIMITS)
    given = arguments_of(fields, {"clips": sent}, LIMITS)["clips"]
    assert given.dtype == np.uint8 and given.shape == (5, 32, 48, 1)
    answer = browser._answer(endpoint, {}, fields, {"clips": sent}, FRAMES, LIMITS)
    (one,) = answer["pictures"]
    assert (one["width"], one["height"], one["frames"], answer["notes"]) == (48, 32, 5, [])
    assert films.opened(base64.b64decode(one["mp4"]), "clips", LIMITS).shape == FRAMES.shape

    endpoint = Endpoint((Pictures((3, 32, 48, 3), "clip", "clip"), Ahead()), (), "images")
    fields = fields_of(endpoint, LIMITS)
    given = arguments_of(fields, {"clip": sent}, LIMITS)["clip"]
    np.testing.assert_array_equal(given, FRAMES[None, -3:])
    (one,) = browser._answer(endpoint, {"model": "m"}, fields, {"clip": sent}, FRAMES[None], LIMITS)["pictures"]
    np.testing.assert_array_equal(films.opened(base64.b64decode(one["png"]), "clips", LIMITS), FRAMES)
    with pytest.raises(Invalid, match="of 3 frames or more, got 2"):
        arguments_of(fields, {"clip": base64.b64encode(apng(FRAMES[:2])).decode()}, LIMITS)


@pytest.fixture(scope="module")
def filmed(tmp_path_factory, loop):
    """A service of a small model that repairs films, and of one that makes frames between frames; and the models."""
    pytest.importorskip("tensorflow")
    from keras_imgen.models import FilmRepairer, FrameInterpolator
    from keras_imgen.networks import film_repairer, flow_interpolator
    from keras_imgen.server.service import Service

    folder = tmp_path_factory.mktemp("films")
    models = {
        "repair": FilmRepairer(film_repairer(3, width=4, blocks=(1,))),
        "between": FrameInterpolator(flow_interpolator(width=4, levels=2)),
    }
    for name, model in models.items():
        model.export(str(folder / name))

    async def made():
        return Service([str(folder)], limits=Limits(rows=12, pixels=4096, body=1 << 20))

    service = loop(made())
    loop(service.start())
    yield service, models
    loop(service.stop())


@pytest.mark.tensorflow
@pytest.mark.long
def test_films_through_models_of_this_package(filmed, make_asker, tmp_path):
    from keras_imgen.data.image_io import png
    from keras_imgen.server.app import application

    service, models = filmed
    ask = make_asker(application(service))
    k, rows, columns, _ = np.indices((4, 32, 48, 3))
    calm = (2 * rows + 3 * columns + 8 * k).astype("uint8")
    file = written(tmp_path / "a.mkv", calm)
    sent = base64.b64encode(file).decode()

    def answer(path, **given):
        found = ask("POST", f"/api/models/{path}", json={"arguments": given})
        assert found.status_code == 200, found.text
        kind, _, data = found.text.strip().split("\n\n")[-1].partition("\ndata: ")
        return kind.removeprefix("event: "), json.loads(data)

    def frames(result):
        (tmp_path / "out.mp4").write_bytes(base64.b64decode(result["pictures"][0]["mp4"]))
        return list(Film(tmp_path / "out.mp4"))

    wanted = models["between"].interpolate(calm, 3)
    kind, result = answer("between/interpolate", clip=sent, factor=3)
    found = frames(result)
    assert kind == "result" and [round(f.time * 75) for f in found] == list(range(10))
    assert (result["pictures"][0]["frames"], result["pictures"][0]["sound"]) == (10, False)
    with av.open(str(tmp_path / "out.mp4")) as made:
        told = json.loads(made.metadata["comment"])
    assert (told["model"], told["endpoint"], told["arguments"]["factor"]) == ("between", "interpolate", 3)
    assert np.abs(np.stack([f.image for f in found]).astype(int) - wanted).mean() < 4  # H.264
    assert len(frames(answer("between/interpolate", clip=sent)[1])) == 7
    for given, words in (
        ({"factor": 4}, "at most 3 frames"),
        ({"factor": 1}, "from 2 to 16"),
        ({"factor": "x"}, "whole"),
    ):
        refused = ask("POST", "/api/models/between/interpolate", json={"arguments": {"clip": sent, **given}})
        assert refused.status_code in (400, 413) and words in refused.json()["error"]

    mask = np.zeros((16, 24, 1), "uint8")  # a player shows films of oblong pixels in another size
    mask[4:8, 6:12] = 255
    kind, result = answer("repair/restore", clips=sent, masks=base64.b64encode(png(mask)).decode())
    found = np.stack([f.image for f in frames(result)]).astype(int)
    told = np.zeros((32, 48), bool)
    told[8:16, 12:24] = True
    wanted = models["repair"].restore(calm, masks=told)
    assert kind == "result" and (wanted[:, ~told] == calm[:, ~told]).all() and (wanted[:, told] != calm[:, told]).any()
    assert np.abs(found - wanted).mean() < 4
    assert answer("repair/restore", clips=sent)[0] == "result"
    fields = {one["name"]: one for one in ask("GET", "/api/models").json()["models"][1]["endpoints"][0]["fields"]}
    assert fields["masks"]["control"] == "mask" and "required" not in fields["masks"]
