"""The command restore on a person's pictures: formats, metadata, sizes, choosing, faces, comparing, going on."""

import os
import re
import signal
import subprocess
import sys
import time

import keras
import numpy as np
import odd_pictures
import pytest
from keras import layers
from PIL import Image
from typer.testing import CliRunner

from keras_imgen.cli import app
from keras_imgen.commands import choosing, comparing, photographs, restoring
from keras_imgen.data import image_io
from keras_imgen.data.image_io import load_image, save_image
from keras_imgen.data.photo_files import origin
from keras_imgen.models import Denoiser, Enhancer, SuperResolution
from keras_imgen.networks import ffdnet

RNG = np.random.default_rng(0)


def same(channels=3):
    return keras.Sequential([keras.Input((None, None, channels), name="image"), layers.Activation("linear")])


def twice(channels=3, scale=2):
    return keras.Sequential([keras.Input((None, None, channels), name="image"), layers.UpSampling2D(scale)])


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """A folder of models that change nothing, or enlarge by nearest neighbour, a model that makes pictures, and no model."""
    folder = tmp_path_factory.mktemp("models")
    made = {
        "a_denoiser": Denoiser(same(), name="a_denoiser"),
        "a_deblocker": Denoiser(same(), name="photos_deblock"),
        "a_light": Enhancer(same(), name="a_light"),
        "a_twice": SuperResolution(twice(), 2, consistent=False, name="a_twice"),
        "a_fourfold": SuperResolution(twice(scale=4), 4, consistent=False, name="a_fourfold"),
    }
    for name, model in made.items():
        (folder / name).mkdir()
        model.save(folder / name / "model.keras")
    (folder / "broken.keras").write_bytes(b"no model")
    os.symlink(os.path.abspath("saved_models/digits-vae/model.keras"), folder / "vae.keras")
    return folder


@pytest.fixture(scope="module")
def nothing(models):
    return str(models / "a_denoiser" / "model.keras")


def run(*arguments):
    return CliRunner().invoke(app, ["restore", *map(str, arguments)])


def answers_of(good, kind):
    """The names of the answers to these pictures, by their names: no two have the same stem here."""
    endings = {"png": ".png", "jpg": ".jpg", "webp": ".webp", "tif": ".tif"}
    same = {".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff"}
    found = {}
    for name in good:
        stem, ending = os.path.splitext(name)
        own = ending.lower() if ending.lower() in same else ".png"
        found[name] = stem + (own if kind == "same" else endings[kind])
    return found


@pytest.mark.parametrize("kind", ["png", "jpg", "webp", "tif", "same"])
def test_a_folder_of_all_kinds_goes_through(nothing, tmp_path, monkeypatch, kind):
    monkeypatch.setattr(image_io, "MAX_PIXELS", 120_000)
    good, bad = odd_pictures.make(str(tmp_path / "in"), 26, seed=1)
    with pytest.warns(UserWarning) as caught:
        done = run(nothing, tmp_path / "in", "-o", tmp_path / "out", "--format", kind)
    assert done.exit_code == 1 and f"{len(good)} pictures in" in done.output and "5 could not" in done.output
    assert all(f"{tmp_path / 'in' / name}: " in done.output for name in bad)
    said = " ".join(str(w.message) for w in caught)
    for name, answer in answers_of(good, kind).items():
        before, path = load_image(tmp_path / "in" / name, keep_depth=True, own_colours=True), tmp_path / "out" / answer
        after = load_image(path, keep_depth=True, own_colours=True)
        assert after.shape[:2] == before.shape[:2] == good[name]
        lossy = str(path).endswith((".jpg", ".jpeg", ".webp"))
        if not lossy:
            transparent = before[..., 3:] == 0 if before.shape[-1] == 4 else np.zeros(1, bool)
            deep = before.dtype == np.uint16 and before.shape[-1] == 4
            assert after.dtype == before.dtype and after.shape == before.shape
            different = np.abs(np.where(transparent, 0, after.astype(int)) - np.where(transparent, 0, before))
            assert different[..., : before.shape[-1]].max() <= deep, name
        for words in ("film", "pages", "pair"):
            assert words not in name or f"{name}: the first of its 4 " in said
        if lossy and "deep" in name:
            assert f"{name}: not kept are 16 bits" in said
        if "turned" in name:
            exif = origin(str(path)).exif
            assert exif[0x0110] == "Camera 1" and 0x0112 not in exif and not exif.get_ifd(0x8825)
    if kind == "same":
        assert "answers are PNG" in said and all(part in said for part in (".bmp", ".mpo"))


def test_strength_nothing_is_the_pictures_bits(models, nothing, tmp_path):
    picture = RNG.integers(0, 256, (20, 30, 3)).astype("uint8")
    save_image(str(tmp_path / "x.png"), picture)
    for model in (nothing, models / "a_light" / "model.keras"):
        assert run(model, tmp_path / "x.png", "-o", tmp_path / "o", "--strength", 0, "--overwrite").exit_code == 0
        np.testing.assert_array_equal(load_image(tmp_path / "o" / "x.png"), picture)
    assert "`strength`" in run(nothing, tmp_path / "x.png", "-o", tmp_path / "o", "--strength", 2).output.replace(
        "--strength", "`strength`"
    )


def test_profiles_and_places(nothing, tmp_path):
    from PIL import ImageCms

    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    exif = Image.Exif()
    exif[0x8825] = {1: "N", 2: (47.0, 30.0, 0.0)}
    Image.new("RGB", (9, 7), (200, 90, 30)).save(tmp_path / "x.jpg", exif=exif.tobytes(), icc_profile=profile)
    for more, kept, placed in (((), True, False), (("--gps", "--srgb"), False, True)):
        assert (
            run(nothing, tmp_path / "x.jpg", "-o", tmp_path / "o", "--format", "same", "--overwrite", *more).exit_code
            == 0
        )
        found = origin(str(tmp_path / "o" / "x.jpg"))
        assert (found.profile == profile) == kept and (found.profile is None) != kept
        assert bool(found.exif.get_ifd(0x8825)) == placed


@pytest.mark.parametrize(
    ("x", "size", "name"), [(2, (40, 60), "a_twice"), (1.5, (30, 45), "a_twice"), (3, (60, 90), "a_fourfold")]
)
def test_any_factor_by_the_next_model(models, tmp_path, x, size, name):
    smooth = np.linspace(0, 255, 30).astype("uint8")
    for channels in (1, 3, 4):
        save_image(str(tmp_path / f"{channels}.png"), np.tile(smooth[None, :, None], (20, 1, channels)) | np.uint8(1))
    deep = np.tile(np.linspace(0, 65535, 30)[None, :, None], (20, 1, 3)).astype("uint16")
    save_image(str(tmp_path / "deep.png"), deep)
    done = run("--x", x, "--models", models, *sorted(tmp_path.glob("*.png")), "-o", tmp_path / "o")
    assert done.exit_code == 0 and f"By {x}: {name}." in done.output
    for file in tmp_path.glob("*.png"):
        before, after = load_image(file, keep_depth=True), load_image(tmp_path / "o" / file.name, keep_depth=True)
        assert after.shape == (*size, before.shape[-1]) and after.dtype == before.dtype
        assert after.mean() == pytest.approx(before.mean(), rel=0.01)


def test_factors_that_cannot_be(models, nothing, tmp_path):
    save_image(str(tmp_path / "x.png"), np.zeros((4, 4, 3), "uint8"))
    given = (tmp_path / "x.png", "-o", tmp_path / "o", "--models", models)
    for words, said in {
        ("--x", 5): "enlarge up to 4",
        ("--x", 0.5): "above 1",
        (nothing, "--x", 2): "does not enlarge",
        (models / "a_twice" / "model.keras", "--x", 3): "enlarges by 2",
        (nothing, "--auto"): "leave",
        ("--auto", "--condition", "a=1"): "one model",
        (nothing, "--format", "gif"): "png, jpg",
        (nothing, "--exposure", 1): "told none",
        (nothing, "--watch"): "one folder",
        (nothing, "--resume", "--overwrite"): "both",
    }.items():
        done = run(*words, *given)
        assert done.exit_code == 1 and said in done.output.replace("\n", " "), done.output


# === Choosing ===


def blocky(picture):
    import io

    file = io.BytesIO()
    Image.fromarray(picture).save(file, "JPEG", quality=20)
    return load_image(file.getvalue())


def scene(size=(240, 1000)):
    rows, columns = np.mgrid[: size[0], : size[1]]
    levels = 120 + 60 * np.sin(rows / 90) + 50 * np.cos(columns / 70)
    return np.clip(np.stack([levels, levels * 0.9, levels * 0.7], -1), 0, 255).astype("uint8")


def noisy(picture, sigma=12):
    return np.clip(picture + RNG.normal(0, sigma, picture.shape), 0, 255).astype("uint8")


def test_models_are_known_by_what_they_are(models):
    found, passed = choosing.look(str(models))
    assert {one.name: (one.task, one.channels, one.scale) for one in found} == {
        "a_denoiser": ("noise", 3, 1),
        "photos_deblock": ("blocks", 3, 1),
        "a_light": ("light", 3, 1),
        "a_twice": ("size", 3, 2),
        "a_fourfold": ("size", 3, 4),
    }
    assert len(passed) == 2 and "broken.keras (cannot be read" in passed[0] and "vae.keras (VAE" in passed[1]
    shipped, _ = choosing.look("saved_models")
    assert {"photos_denoise", "photos_denoise_gray", "photos_lowlight", "photos_sr_x2", "photos_srgan_x4"} <= {
        one.name for one in shipped
    }
    with pytest.raises(FileNotFoundError, match="--models"):
        choosing.look("nowhere")


@pytest.mark.parametrize(
    ("picture", "steps", "said"),
    [
        (scene(), [], "clean"),
        (noisy(scene()), ["a_denoiser"], "noise (1"),
        (blocky(scene()), ["photos_deblock"], "blocks of JPEG"),
        (noisy(scene() // 6, 4), ["a_denoiser", "a_light"], "dark (mean luma"),
        (scene((200, 300)), ["a_fourfold"], "300x200, by 4: a_fourfold"),
        (scene((500, 700))[..., :1], ["a_twice"], "by 2"),
    ],
    ids=["clean", "noisy", "blocky", "dark", "tiny", "small and gray"],
)
def test_what_is_seen_is_done(models, picture, steps, said):
    chosen, why = choosing.choose(picture, choosing.look(str(models))[0])
    assert [one.name for one in chosen] == steps and said in why
    assert choosing.choose(picture, [])[0] == []


def test_a_night_with_lamps_is_left_dark(models):
    night = scene() // 8
    night[100:180, 100:200] = 250
    chosen, why = choosing.choose(night, choosing.look(str(models))[0])
    assert chosen == [] and "left so" in why


def test_what_transparent_pixels_hide_is_not_looked_at(models):
    found, _ = choosing.look(str(models))
    logo = np.zeros((900, 1000, 4), "uint8")
    logo[300:600, 300:600] = (200, 160, 120, 255)
    for hidden in (0, RNG.integers(0, 256, (900, 1000, 3))):
        logo[..., :3] = np.where(logo[..., 3:] == 0, hidden, logo[..., :3])
        chosen, why = choosing.choose(logo, found)
        assert chosen == [] and "bright enough" in why and "clean" in why
    logo[logo[..., 3] > 0] = (20, 20, 20, 255)
    chosen, _ = choosing.choose(logo, [choosing.Found("a", "gray", "light", 1), choosing.Found("b", "rgb", "light", 3)])
    assert [one.name for one in chosen] == ["gray"]


def test_models_for_pictures_as_they_come_take_everything_at_once():
    one = choosing.Found
    every = [one("a", "photos_denoise", "noise", 3), one("b", "photos_restore", "any", 3)]
    large = [one("c", "photos_sr_x2", "size", 1, 2), one("d", "photos_restore_x2", "size", 3, 2, True)]
    names = lambda picture, models: [m.name for m in choosing.choose(picture, models)[0]]  # noqa: E731
    assert names(noisy(scene()), every) == ["photos_restore"]
    assert names(noisy(scene((500, 700))), every + large) == ["photos_restore_x2"]
    assert names(scene((500, 700)), every + large) == ["photos_sr_x2"]
    larger = [large[0], one("e", "photos_restore_x4", "size", 3, 4, True)]  # enlarges by more than is wanted
    assert names(noisy(scene((500, 700))), every + larger) == ["photos_restore", "photos_sr_x2"]
    assert names(noisy(scene((200, 300))), every + larger) == ["photos_restore_x4"]
    blocks = one("f", "photos_deblock", "blocks", 3)
    assert names(blocky(scene()), [*every, blocks]) == ["photos_deblock"]
    assert names(noisy(blocky(scene())), [*every, blocks]) == ["photos_restore"]
    assert names(noisy(scene()), [blocks]) == []


def test_auto_says_why(models, tmp_path):
    for name, picture in {"clean": scene(), "noisy": noisy(scene()), "small": scene((200, 300))}.items():
        save_image(
            str(tmp_path / "in" / f"{name}.png") if (tmp_path / "in").mkdir(exist_ok=True) is None else "", picture
        )
    done = run("--auto", "--models", models, tmp_path / "in", "-o", tmp_path / "o")
    assert done.exit_code == 0, done.output
    words = done.output.replace("\n", " ")
    assert "a_denoiser (noise)" in words and "Passed over" in words and "vae.keras" in words
    for name, said in {"clean": "clean (", "noisy": "a_denoiser", "small": "a_fourfold"}.items():
        (line,) = [line for line in done.output.splitlines() if f"{name}.png: " in line]
        assert said in line
    assert load_image(tmp_path / "o" / "small.png").shape == (800, 1200, 3)
    np.testing.assert_array_equal(load_image(tmp_path / "o" / "noisy.png"), load_image(tmp_path / "in" / "noisy.png"))


def test_a_level_that_is_not_given_is_estimated_and_said(tmp_path):
    keras.utils.set_random_seed(0)
    Denoiser(ffdnet(3, width=8, depth=3)).save(tmp_path / "told.keras")
    save_image(str(tmp_path / "x.png"), noisy(scene((200, 300)), 20))
    done = run(tmp_path / "told.keras", tmp_path / "x.png", "-o", tmp_path / "o")
    assert 18 < float(re.search(r"x\.png: noise of ([\d.]+) gray levels", done.output)[1]) < 21


# === Faces ===


def test_faces_are_spared(tmp_path):
    skimage = pytest.importorskip("skimage")
    from keras_imgen.commands.faces import LEFT, spared

    with Image.open(os.path.join(os.path.dirname(skimage.__file__), "data", "astronaut.png")) as image:
        astronaut = np.asarray(image.convert("RGB"))
    share, count = spared(astronaut)
    assert count >= 1 and share.shape == (512, 512)
    assert (
        share[110, 225] == pytest.approx(LEFT) and share[400, 100] == share[0, 500] == 1
    )  # the nose, the suit, the flag
    assert np.abs(np.diff(share, axis=0)).max() < 0.1  # smooth
    large = np.repeat(np.repeat(astronaut, 2, 0), 2, 1)
    assert np.abs(spared(large)[0][::2, ::2] - share).mean() < 0.03
    far = np.full((2560, 2560, 3), 128, "uint8")
    far[:512, :512] = astronaut
    share, count = spared(far)
    assert count >= 1 and share[110, 225] < 0.5
    for nobody in (scene((300, 300)), scene((10, 500)), np.zeros((40, 40, 1), "uint16")):
        assert spared(nobody) == (None, 0)
    bright = keras.Sequential([keras.Input((None, None, 3), name="image"), layers.Rescaling(0.0, 1.0)])
    Denoiser(bright).save(tmp_path / "white.keras")
    Image.fromarray(astronaut).save(tmp_path / "a.png")
    done = run(tmp_path / "white.keras", tmp_path / "a.png", "-o", tmp_path / "o", "--face-safe")
    assert "weaker there." in done.output
    found = load_image(tmp_path / "o" / "a.png")
    assert (found[400, 100] == 255).all() and (found[110, 225] < 250).any()


# === Before and after ===


def test_the_page_is_one_file_that_asks_no_network(models, tmp_path):
    for name in ("a.png", "b <i>.png"):
        save_image(
            str(tmp_path / "in" / name) if (tmp_path / "in").mkdir(exist_ok=True) is None else "", scene((40, 60))
        )
    done = run(models / "a_twice" / "model.keras", tmp_path / "in", "-o", tmp_path / "o", "--compare")
    assert done.exit_code == 0, done.output
    assert "2 before and after" in done.output.replace("\n", "")
    page = (tmp_path / "o" / "compare" / "index.html").read_text()
    assert page.count('type="range"') == 2 and page.count("data:image/jpeg;base64,") == 4
    assert not re.search(r"https?://|//[a-z]", page.replace("base64,/", "")) or not re.search(
        r"(src|href)=\"(?!data:)", page
    )
    assert "b &lt;i&gt;.png" in page and "60x40 to 120x80" in page and "default-src 'none'" in page
    assert sorted(os.listdir(tmp_path / "o" / "compare")) == ["a.png", "b <i>.png", "index.html"]
    assert load_image(tmp_path / "o" / "compare" / "a.png").shape == (80, 240, 3)


def test_pages_of_many_show_them_smaller(tmp_path):
    save_image(str(tmp_path / "a.png"), scene((40, 1700)))
    sizes = []
    for count in (1, 100, 1000):
        path = str(tmp_path / f"{count}.html")
        assert comparing.page(path, [(str(tmp_path / "a.png"),) * 2, (str(tmp_path / "gone.png"),) * 2][:1], count) == 1
        sizes.append(os.path.getsize(path))
    assert sizes[0] > sizes[1] > sizes[2]


def test_the_page_in_a_browser(tmp_path):
    """Keys and the mouse move the line; the page comes from a file."""
    webdriver = pytest.importorskip("selenium.webdriver")
    import shutil

    chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if chromium is None:
        pytest.skip("no Chromium here")
    save_image(str(tmp_path / "a.png"), scene((400, 600)))
    comparing.page(str(tmp_path / "p.html"), [(str(tmp_path / "a.png"),) * 2] * 3, 3)
    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    for word in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"):
        options.add_argument(word)
    driver = webdriver.Chrome(options=options)
    try:
        from selenium.webdriver.common.keys import Keys

        driver.get(f"file://{tmp_path / 'p.html'}")
        at = lambda k: driver.execute_script(  # noqa: E731
            f"return getComputedStyle(document.querySelectorAll('.pair')[{k}]).getPropertyValue('--at').trim()"
        )
        loaded = "return [...document.images].every((image) => image.complete && image.naturalWidth === 600)"
        assert driver.execute_script(loaded) and at(0) == "50%"
        body = driver.find_element("tag name", "body")
        body.send_keys("n")
        driver.switch_to.active_element.send_keys(Keys.ARROW_RIGHT)
        assert at(0) == "51%"
        driver.switch_to.active_element.send_keys("n")
        driver.switch_to.active_element.send_keys(Keys.END)
        assert (at(0), at(1)) == ("51%", "100%")
        driver.switch_to.active_element.send_keys(" ")
        assert at(1) == "0%"
        driver.switch_to.active_element.send_keys("p")
        driver.switch_to.active_element.send_keys(Keys.HOME)
        assert (at(0), at(1), at(2)) == ("0%", "0%", "50%")
    finally:
        driver.quit()


# === Going on ===


def pictures(folder, count):
    folder.mkdir(exist_ok=True)
    for k in range(count):
        save_image(str(folder / f"{k}.png"), RNG.integers(0, 256, (12, 14, 3)).astype("uint8"))


def test_interrupted_and_resumed(nothing, tmp_path, monkeypatch):
    pictures(tmp_path / "in", 5)
    out, asked, opened = tmp_path / "out", [], photographs._opened

    class Stopping:
        name, conditions = "stopping", ()

        def restore(self, image, **how):
            asked.append(1)
            if len(asked) == 4:
                raise KeyboardInterrupt
            return image

    monkeypatch.setattr(photographs, "_opened", lambda path: (Stopping(), *opened(path)[1:]))
    monkeypatch.setattr(sys, "argv", ["keras-imgen", "restore", "MODEL", "in dir", "--overwrite"])
    done = run(nothing, tmp_path / "in", "-o", out)
    assert done.exit_code == 130 and "keras-imgen restore MODEL 'in dir' --resume" in done.output
    assert sorted(p.name for p in out.iterdir()) == ["0.png", "1.png", "2.png"]
    refused = run(nothing, tmp_path / "in", "-o", out)
    assert refused.exit_code == 1 and "--resume" in refused.output
    (out / "0.png").write_bytes((out / "0.png").read_bytes()[:-40])
    os.utime(out / "1.png", (1, 1))  # older than its picture, which has changed
    with pytest.warns(UserWarning, match="0.png cannot be read.*made again"):
        done = run(nothing, tmp_path / "in", "-o", out, "--resume")
    assert done.exit_code == 0 and "1 of 5 are there and whole" in done.output and "4 pictures in" in done.output
    for k in range(5):
        np.testing.assert_array_equal(load_image(out / f"{k}.png"), load_image(tmp_path / "in" / f"{k}.png"))
    done = run(nothing, tmp_path / "in", "-o", out, "--resume")
    assert done.exit_code == 0 and "5 of 5" in done.output and "0 pictures" in done.output


def test_a_folder_is_watched(tmp_path, monkeypatch):
    """What has just come waits until it is whole; what failed is not tried again until it changes."""
    pictures(tmp_path / "in", 2)
    monkeypatch.setattr(photographs, "POLL", 0.0)
    out, writing = tmp_path / "out", restoring.Writing()
    out.mkdir()
    batches, came = photographs.watched(str(tmp_path / "in"), str(out), writing), []

    def sleep(seconds):
        came.append(1)
        if len(came) == 4:
            pictures(tmp_path / "in", 3)
        if len(came) > 30:
            raise KeyboardInterrupt

    monkeypatch.setattr(time, "sleep", sleep)
    assert sorted(next(batches)) == ["0.png", "1.png"]
    save_image(str(out / "0.png"), np.zeros((2, 2, 3), "uint8"))  # of 1 there is no answer: it failed
    assert "2.png" in next(batches) and len(came) >= 5
    with pytest.raises(KeyboardInterrupt):
        next(batches)


def test_watching_looks_at_nothing_twice(tmp_path, monkeypatch):
    """Finished answers are read once, and what is passed over is said once."""
    pictures(tmp_path / "in", 2)
    pictures(tmp_path / "out", 2)
    (tmp_path / "empty").mkdir()
    for folder in ("in", "empty"):
        (tmp_path / folder / "notes.txt").write_text("no picture")
    monkeypatch.setattr(photographs, "POLL", 0.0)
    for folder, looked in (("in", 2), ("empty", 0)):
        came, read = [], []

        def sleep(seconds, came=came):
            came.append(1)
            if len(came) == 6:
                raise KeyboardInterrupt

        def load(path, *args, read=read, **how):
            read.append(path)
            return load_image(path, *args, **how)

        monkeypatch.setattr(time, "sleep", sleep)
        monkeypatch.setattr(image_io, "load_image", load)
        with pytest.warns(UserWarning) as said, pytest.raises(KeyboardInterrupt):
            next(photographs.watched(str(tmp_path / folder), str(tmp_path / "out"), restoring.Writing()))
        assert len(read) == looked and len(said) == 1 and "notes.txt" in str(said[0].message)


@pytest.mark.slow
def test_a_thousand_pictures_unattended(nothing, tmp_path):
    """A fresh process, stopped by Ctrl-C on its way, resumed: in the end every answer is there, every problem was named."""
    good, bad = odd_pictures.make(str(tmp_path / "in"), 1000, seed=2)
    program = (
        "from keras_imgen.data import image_io; image_io.MAX_PIXELS = 120_000; from keras_imgen.cli import main; main()"
    )
    words = [sys.executable, "-c", program]
    words += [
        "restore",
        nothing,
        str(tmp_path / "in"),
        "-o",
        str(tmp_path / "out"),
        "--format",
        "same",
        "--resume",
        "--compare",
    ]
    first = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    count = lambda: sum(len(names) for _, _, names in os.walk(tmp_path / "out"))  # noqa: E731
    while count() < 300 and first.poll() is None:
        time.sleep(0.2)
    first.send_signal(signal.SIGINT)
    said, _ = first.communicate(timeout=300)
    assert first.returncode == 130 and "--resume" in said and not list((tmp_path / "out").rglob("*.partial*"))
    second = subprocess.run(words, capture_output=True, text=True, timeout=3000)
    assert second.returncode == 1 and f"{len(bad)} could not be restored" in second.stdout
    assert "are there and whole" in second.stdout
    for name in bad:
        assert f"{tmp_path / 'in' / name}: " in second.stderr
    for name, answer in answers_of(good, "same").items():
        assert load_image(tmp_path / "out" / answer, keep_depth=True).shape[:2] == good[name]
    page = (tmp_path / "out" / "compare" / "index.html").read_text()
    assert page.count('type="range"') == len(good)
