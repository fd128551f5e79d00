"""The page as a person uses it, in a browser without a window: models of this repository, and two toys behind keys."""

import base64
import io
import json
import re
import shutil
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

ROOT = Path(__file__).parents[2]
MODELS = (
    "digits-diffusion",
    "shapes-text",
    "photos-sr-x2",
    "photos-inpaint",
    "digits-vae",
    "clips-denoise",
    "clips-repair",
    "clips-interpolate",
)
CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
COMMAND = [sys.executable, "-c", "from keras_imgen.cli import main; main()", "serve"]
pytestmark = [
    pytest.mark.slow,
    pytest.mark.tensorflow,
    pytest.mark.timeout(1800),
    pytest.mark.skipif(
        not (CHROMIUM and DRIVER), reason="needs the programs chromium and chromedriver: apt install chromium-driver"
    ),
]
webdriver = pytest.importorskip("selenium.webdriver", reason="needs selenium: pip install selenium")
from selenium.webdriver.common.action_chains import ActionChains  # noqa: E402
from selenium.webdriver.common.keys import Keys  # noqa: E402

CONTRAST = """
const parse = (text) => { const v = text.match(/[\\d.]+/g).map(Number); return v.length < 4 ? [...v, 1] : v; };
const over = (a, b) => [0, 1, 2].map((k) => a[k] * a[3] + b[k] * (1 - a[3])).concat(1);
const light = (c) => c.slice(0, 3).map((x) => { x /= 255; return x <= .04045 ? x / 12.92 : ((x + .055) / 1.055) ** 2.4; })
  .reduce((s, x, k) => s + x * [.2126, .7152, .0722][k], 0);
const behind = (node) => { const layers = [];
  for (let n = node; n; n = n.parentElement) layers.push(parse(getComputedStyle(n).backgroundColor));
  return layers.reverse().reduce((base, one) => over(one, base), [255, 255, 255, 1]); };
return [...document.querySelectorAll("body *")].filter((node) => node.checkVisibility({ opacityProperty: true }) && !node.disabled &&
    [...node.childNodes].some((c) => c.nodeType === 3 && c.data.trim())).map((node) => {
  const back = behind(node), front = over(parse(getComputedStyle(node).color), back);
  const [a, b] = [light(back), light(front)].sort((x, y) => y - x);
  return [(a + .05) / (b + .05), node.tagName + "." + node.className + " " + node.textContent.slice(0, 30)];
}).filter(([ratio]) => ratio < 4.5);
"""
PAINTED = """
const c = document.querySelector("canvas.mask"), { data } = c.getContext("2d").getImageData(0, 0, c.width, c.height);
return data.filter((value, k) => k % 4 === 3 && value > 127).length;
"""


class Page:
    """One tab."""

    def __init__(self, url, downloads, width=1280, height=860, dark=False):
        options = webdriver.ChromeOptions()
        options.binary_location = CHROMIUM
        for one in (
            "--headless=new",
            "--no-sandbox",
            "--disable-dev-shm-usage",
            "--disable-gpu",
            f"--window-size={width},{height}",
        ):
            options.add_argument(one)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        self.tab = webdriver.Chrome(options, webdriver.ChromeService(DRIVER))
        self.url, self.downloads = url, downloads
        self.do("Browser.setDownloadBehavior", behavior="allow", downloadPath=str(downloads))
        self.do(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 500
        )
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.do("Emulation.setEmulatedMedia", features=[scheme])

    def do(self, command, **how):
        return self.tab.execute_cdp_cmd(command, how)

    def open(self, task=""):
        self.tab.get(f"{self.url}/#{task}")
        self.until(lambda: self.text("#run") or self.text("#unlock"))
        return self

    def all(self, selector):
        return self.tab.find_elements("css selector", selector)

    def one(self, selector):
        return self.until(lambda: next(iter(self.all(selector)), None))

    def text(self, selector):
        return self.one(selector).text

    def js(self, text, *args):
        return self.tab.execute_script(text, *args)

    def until(self, found, seconds=240):
        end = time.monotonic() + seconds
        while not (value := found()):
            assert time.monotonic() < end, self.js("return document.body.innerText")
            time.sleep(0.05)
        return value

    def fill(self, field, value):
        control = self.one(f"[data-field='{field}'] :is(input[type=number], textarea)")
        control.clear()
        control.send_keys(str(value))

    def run(self):
        self.one("#run").click()
        return self.done()

    def done(self):
        self.until(lambda: not self.js("return document.getElementById('cancel').disabled === false"))
        return self.text("#said")

    def sample(self, k=0):
        self.all(".picture .chip")[k].click()
        self.one(".chosen:not([hidden])")

    def downloaded(self):
        self.one(":is(#output, dialog[open]) .download").click()
        return self.until(lambda: next(self.downloads.glob("*.[pm][np][g4]"), None))

    def complaints(self):
        """What the browser says of scripts that were refused or went wrong."""
        return [
            one["message"] for one in self.tab.get_log("browser") if "Failed to load resource" not in one["message"]
        ]


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """The address of `keras-imgen serve` of some models of this repository."""
    folder = tmp_path_factory.mktemp("served")
    for name in MODELS:
        (folder / name).symlink_to(ROOT / "saved_models" / name)
    process = subprocess.Popen([*COMMAND, str(folder), "--port", "0"], stdout=subprocess.PIPE, text=True)
    try:
        lines = iter(process.stdout.readline, "")
        yield next(found[0] for line in lines if (found := re.search(r"http://127\.0\.0\.1:\d+", line)))
    finally:
        process.terminate()
        process.wait(60)


@pytest.fixture
def page(server, tmp_path):
    made = []

    def make(task="", url=server, **how):
        made.append(Page(url, tmp_path, **how))
        return made[-1].open(task)

    yield make
    complaints = [one.complaints() for one in made]
    for one in made:
        one.tab.quit()
    assert not any(complaints), complaints


def asked(server, task, arguments):
    request = urllib.request.Request(f"{server}/api/models/{task}", json.dumps({"arguments": arguments}).encode())
    with urllib.request.urlopen(request, timeout=300) as answer:
        last = answer.read().decode().strip().split("\n\n")[-1]
    return base64.b64decode(json.loads(last.partition("data: ")[2])["pictures"][0]["png"])


def test_generate_enlarge_and_download(page, server):
    tab = page("digits-diffusion/generate")
    for k in (3, 7):
        tab.all("[data-field=labels] button")[k].click()
    tab.fill("n", 4)
    tab.fill("seed", 11)
    tab.fill("steps", 8)
    assert tab.run().startswith("Done in")
    tiles = tab.all("#output .tile")
    assert [tile.get_attribute("aria-label").split(": ")[1] for tile in tiles] == [
        f"label {label}, seed {seed}, enlarge" for label, seed in zip((3, 7, 3, 7), range(11, 15))
    ]
    tiles[2].click()
    assert "3 of 4" in tab.text("dialog") and "digits-diffusion, version 1" in tab.text("dialog")
    tab.one("dialog").send_keys(Keys.ARROW_RIGHT)
    tab.until(lambda: "4 of 4" in tab.text("dialog"))
    path = tab.downloaded()
    assert path.name == "digits-diffusion-generate-14.png"
    told = Image.open(path).text
    arguments = json.loads(told["arguments"])
    assert arguments == {"n": 1, "seed": 14, "labels": 7, "steps": 8}
    assert (told["model"], told["version"], told["endpoint"], told["seed"]) == (
        "digits-diffusion",
        "1",
        "generate",
        "14",
    )
    assert asked(server, "digits-diffusion/generate", arguments) == path.read_bytes()
    tab.one("dialog").send_keys(Keys.ESCAPE)
    tab.until(lambda: not tab.all("dialog[open]"))


def test_a_text_and_a_word_that_is_not_known(page):
    tab = page("shapes-text/generate")
    prompt = tab.all("[data-field='conditions.caption'] .chip")[0]
    wanted = prompt.text
    prompt.click()
    tab.fill("n", 2)
    tab.fill("steps", 4)
    assert tab.run().startswith("Done in") and wanted in tab.all("#output .tile")[0].get_attribute("aria-label")
    tab.fill("conditions.caption", "a red dragon")
    tab.run()
    assert "has not learned: 'dragon'" in tab.text("#output .note")


def test_a_picture_before_and_after(page):
    tab = page("photos-sr-x2/restore")
    tab.sample()
    assert tab.run().startswith("Done in")
    slider = tab.one(".compare input")
    cut = lambda: tab.js("return document.querySelector('.compare').style.getPropertyValue('--cut')")  # noqa: E731
    before = cut()
    slider.send_keys(Keys.ARROW_RIGHT * 3)
    assert before == "50%" and float(cut().rstrip("%")) > 50
    assert Image.open(tab.downloaded()).size == (720, 540)


def test_a_film_before_and_after(page, tmp_path):
    film_writer = pytest.importorskip("keras_imgen.data.film_writer")
    pytest.importorskip("av")
    frames = np.random.default_rng(0).normal(128, 20, (6, 48, 64, 3)).clip(0, 255).astype("uint8")
    with film_writer.FilmWriter(tmp_path / "noise.mp4", rate=12) as out:
        for frame in frames:
            out.write(frame)
    tab = page("clips-denoise/restore")
    tab.one("input[type=file]").send_keys(str(tmp_path / "noise.mp4"))
    tab.until(lambda: tab.all(".waiting video"))
    assert tab.run().startswith("Done in")
    times = "return [...document.querySelectorAll('.compare video')].map((film) => [film.videoWidth, film.duration])"
    tab.until(lambda: tab.js(times) == [[64, 0.5], [64, 0.5]])
    tab.until(lambda: tab.js("return document.querySelector('.compare .before').currentTime") > 0)  # both play
    tab.one(".single .actions button").click()
    tab.until(lambda: tab.js("return [...document.querySelectorAll('.compare video')].every((film) => film.paused)"))
    tab.one(".single .actions button:last-child").click()  # enlarged it can be stopped, too
    stop = tab.one("#large .actions button")
    tab.until(lambda: stop.text == "Stop")
    stop.click()
    tab.until(lambda: tab.js("return [...document.querySelectorAll('#large video')].every((film) => film.paused)"))
    tab.one("#large .close").click()
    (tmp_path / "noise.mp4").unlink()
    found = list(film_writer.Film(tab.downloaded()))
    assert len(found) == 6 and found[1].time * 12 == 1
    assert np.std([frame.image for frame in found]) < 0.5 * np.std(frames)
    with open(tmp_path / "large.mp4", "wb") as out:  # it is told before it is read
        out.truncate(80 << 20)
    tab.one("input[type=file]").send_keys(str(tmp_path / "large.mp4"))
    tab.until(lambda: "choose a shorter film" in tab.text("#form"))


def seen(path):
    """A film of a second in which a bright square goes to the right, with a tone."""
    av = pytest.importorskip("av")
    with av.open(str(path), "w") as out:
        stream, sound = out.add_stream("libx264", rate=10), out.add_stream("aac", rate=48000, layout="mono")
        stream.width, stream.height, stream.pix_fmt = 96, 64, "yuv420p"
        for k in range(10):
            image = np.full((64, 96, 3), 60, "uint8")
            image[24:40, 8 + 6 * k : 24 + 6 * k] = 220
            out.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
            wave = 9000 * np.sin(np.arange(4800 * k, 4800 * k + 4800) * 2 * np.pi * 440 / 48000)
            tone = av.AudioFrame.from_ndarray(wave.astype("int16")[None], format="s16", layout="mono")
            tone.sample_rate, tone.pts = 48000, 4800 * k
            out.mux(sound.encode(tone))
        out.mux(stream.encode())
        out.mux(sound.encode())
    return str(path)


def test_more_frames_are_heard_too(page, tmp_path):
    film = pytest.importorskip("keras_imgen.data.film").Film
    tab = page("clips-interpolate/interpolate")
    tab.one("input[type=file]").send_keys(seen(tmp_path / "square.mov"))
    tab.until(lambda: tab.all(".waiting video"))
    tab.fill("factor", 3)
    assert tab.run().startswith("Done in")
    muted = "return [...document.querySelectorAll('#output .compare video')].map((film) => film.muted)"
    sound = next(one for one in tab.all(".single .actions button") if one.text == "Sound")
    assert tab.js(muted) == [True, True]
    sound.click()
    tab.until(lambda: tab.js(muted) == [True, False] and sound.get_attribute("aria-pressed") == "true")
    tab.one(".single .actions button:last-child").click()
    tab.until(lambda: tab.js(muted) == [True, True] and sound.get_attribute("aria-pressed") == "false")
    next(one for one in tab.all("#large .actions button") if one.text == "Sound").click()
    tab.one("#large .close").click()  # what is no longer seen is no longer heard
    tab.until(lambda: not tab.all("#large video"))
    assert tab.all("#past .tile img") and not tab.all("#past video")
    tab.open("clips-interpolate/between")
    tab.one("input[type=radio][value=interpolate]").find_element("xpath", "..").click()
    tab.until(lambda: tab.all(".compare video"))  # what was made last is shown again
    tab.one("input[type=radio][value=between]").find_element("xpath", "..").click()
    tab.one("#past .tile").click()
    tab.until(lambda: tab.all(".compare video") and "interpolate" in tab.js("return location.hash"))
    found = film(tab.downloaded())
    assert found.sound == "aac" and [round(one.time * 30) for one in found] == list(range(28))


def test_a_mask_on_a_film(page, tmp_path):
    film = pytest.importorskip("keras_imgen.data.film").Film
    tab = page("clips-repair/restore")
    assert "Choose a film first" in tab.text(".painter")
    tab.one("input[type=file]").send_keys(seen(tmp_path / "square.mov"))
    canvas = tab.until(lambda: next((one for one in tab.all("canvas.mask") if one.is_displayed()), None))
    half = canvas.size["width"] // 4
    hand = ActionChains(tab.tab, duration=50).move_to_element_with_offset(canvas, -half, 0).click_and_hold()
    hand.move_by_offset(half // 2, 0).release().perform()
    assert tab.run().startswith("Done in")
    found, given = (
        np.stack([one.image for one in film(path)]).astype(int) for path in (tab.downloaded(), tmp_path / "square.mov")
    )
    changed = np.abs(found - given).max(-1) > 30
    assert changed[:, 24:40, :40].any() and not changed[:, :, 60:].any() and not changed[:, :16].any()
    tab.all(".tools button")[-1].click()
    assert tab.run().startswith("Done in") and tab.js(PAINTED) == 0  # nothing is painted: the model looks for itself


def test_any_picture_by_drop_and_paste(page):
    tab = page("photos-sr-x2/restore")
    drop = """const bytes = Uint8Array.from(atob(arguments[0]), (c) => c.charCodeAt(0)), given = new DataTransfer();
      given.items.add(new File([bytes], "mine.png", { type: "image/png" }));
      const how = { bubbles: true, cancelable: true };
      document.body.dispatchEvent(arguments[1] === "drop" ? new DragEvent("drop", { ...how, dataTransfer: given })
        : new ClipboardEvent("paste", { ...how, clipboardData: given }));"""
    for kind, shape in (("drop", (9, 14)), ("paste", (11, 6, 4))):
        buffer = io.BytesIO()
        Image.fromarray(np.random.default_rng(0).integers(0, 255, shape).astype("uint8")).save(buffer, "PNG")
        tab.js(drop, base64.b64encode(buffer.getvalue()).decode(), kind)
        tab.until(lambda: f"mine.png, {shape[1]} × {shape[0]}" in tab.text(".chosen"))
        tab.run()
        path = tab.downloaded()
        found = np.asarray(Image.open(path))
        assert found.shape == (2 * shape[0], 2 * shape[1], *shape[2:])
        path.unlink()


def test_a_mask_is_painted_and_what_is_outside_stays(page):
    tab = page("photos-inpaint/restore")
    tab.sample()
    tab.run()
    assert "paint over" in tab.text("[data-field=masks] .error")
    canvas = tab.one("canvas.mask")
    side = canvas.size

    def stroke(x):
        at = [(round((x - 0.5) * side["width"]), round((y - 0.5) * side["height"])) for y in (0.4, 0.8)]
        hand = ActionChains(tab.tab, duration=50).move_to_element_with_offset(canvas, *at[0]).click_and_hold()
        hand.move_to_element_with_offset(canvas, *at[1]).release().perform()

    for x in (0.25, 0.31, 0.37, 0.43):
        stroke(x)
    assert tab.run().startswith("Done in")
    found = np.asarray(Image.open(tab.downloaded())).astype(int)
    lake = np.asarray(Image.open(ROOT / "keras_imgen" / "server" / "page" / "lake.jpg")).astype(int)
    changed = (found != lake).any(-1)
    assert changed[120:200, 90:140].mean() > 0.9 and not changed[:80].any() and not changed[:, 200:].any()
    before = tab.js(PAINTED)
    tab.one(".tools button[aria-pressed]").click()
    for x in (0.25, 0.31, 0.37, 0.43):
        stroke(x)
    assert tab.js(PAINTED) < before / 20
    tab.all(".tools button")[-1].click()
    tab.run()
    assert tab.js(PAINTED) == 0 and "paint over" in tab.text("[data-field=masks] .error")


def test_latents_go_from_a_picture_to_sliders_and_back(page):
    tab = page("digits-vae/encode")
    tab.sample()
    tab.all("[data-field=labels] button")[3].click()
    assert tab.run().startswith("Done in") and "16 numbers" in tab.text("#output h2")
    tab.one("#output .use").click()
    values = [float(one.get_attribute("value")) for one in tab.all("[data-field=latents] input[type=number]")]
    assert len(values) == 16 and any(values)
    tab.all("[data-field=labels] button")[3].click()
    assert tab.run().startswith("Done in") and tab.one("#output .tile")


def test_what_is_used_takes_the_place_of_what_was_filled_in(page):
    tab = page("digits-vae/decode")
    fields = lambda: [float(one.get_attribute("value")) for one in tab.all("[data-field=latents] input[type=number]")]  # noqa: E731
    next(one for one in tab.all("[data-field=latents] .chip") if one.text == "Draw at random").click()
    tab.all("[data-field=labels] button")[3].click()
    assert tab.run().startswith("Done in")
    drawn = fields()
    next(one for one in tab.all("#tasks input") if one.get_attribute("value") == "encode").find_element(
        "xpath", ".."
    ).click()
    tab.sample()
    tab.all("[data-field=labels] button")[3].click()
    assert tab.run().startswith("Done in")
    found = [float(one) for one in tab.text("#output .code").split()]
    tab.one("#output .use").click()
    tab.until(lambda: fields() != drawn)
    assert np.abs(np.array(fields()) - found).max() < 0.01


def test_the_history_brings_settings_back(page):
    tab = page("digits-diffusion/generate")
    for seed in (5, 9):
        tab.fill("n", 1)
        tab.fill("seed", seed)
        tab.run()
    assert len(tab.all("#past li")) == 2
    tab.all("#past .tile")[1].click()
    assert "seed 5" in tab.one("#output .tile").get_attribute("aria-label")
    tab.all("#past .again")[1].click()
    tab.until(lambda: tab.one("[data-field=seed] input").get_attribute("value") == "5")


def test_with_keys_alone(page):
    """Nothing is touched but the keyboard; every control can be reached, and the one with the focus is seen."""
    tab = page("digits-diffusion/generate")
    press = lambda *keys: ActionChains(tab.tab).send_keys(*keys).perform()  # noqa: E731
    active = "const n = document.activeElement; return [n.id, n.closest('[data-field]')?.dataset.field, n.textContent.trim(), n.tagName]"
    style = "const s = getComputedStyle(document.activeElement); return s.outlineStyle + ' ' + s.outlineWidth"
    met, seen = [], []
    for _ in range(40):
        press(Keys.TAB)
        found = tab.js(active)
        met.append(found)
        if found[3] != "BODY" and found[3] != "INPUT" or found[1]:
            seen.append(tab.js(style))
        if found[1] == "labels" and found[2] == "4":
            press(Keys.SPACE)
        if found[1] == "n":
            press(Keys.HOME)
        if found[0] == "run":
            break
    assert {one[1] for one in met} >= {"labels", "n", "seed", "steps", "sampler", "guidance_scale"} and met[-1][
        0
    ] == "run"
    assert all(one.startswith(("solid 3px", "auto")) for one in seen), seen
    ActionChains(tab.tab).key_down(Keys.CONTROL).send_keys(Keys.ENTER).key_up(Keys.CONTROL).perform()
    tab.until(lambda: tab.text("#said").startswith("Done"))
    assert "label 4" in tab.one("#output .tile").get_attribute("aria-label")
    tab.js("document.querySelector('#output .tile').focus()")
    press(Keys.ENTER)
    tab.one("dialog[open]")
    press(Keys.ESCAPE)
    tab.until(lambda: not tab.all("dialog[open]"))
    assert tab.js("return document.activeElement.className") == "tile"


def test_a_mask_with_keys(page):
    tab = page("photos-inpaint/restore")
    tab.sample()
    tab.js("document.querySelector('canvas.mask').focus()")
    hand = ActionChains(tab.tab).send_keys(Keys.SPACE, Keys.ARROW_LEFT)
    hand.key_down(Keys.SHIFT).send_keys(*[Keys.ARROW_LEFT] * 4).key_up(Keys.SHIFT).perform()
    assert tab.js(PAINTED) > 500
    assert tab.run().startswith("Done in")


def test_escape_cancels(page):
    tab = page("shapes-text/generate")
    tab.fill("n", 16)
    tab.fill("steps", 200)
    tab.one("#run").click()
    tab.until(lambda: tab.text("#said").startswith(("Making", "Waiting")))
    assert not tab.one("#run").is_enabled() and tab.one("#bar").is_displayed()
    ActionChains(tab.tab).send_keys(Keys.ESCAPE).perform()
    tab.until(lambda: tab.text("#said") == "Cancelled.")
    assert tab.one("#run").is_enabled() and not tab.all("#output .tile")


@pytest.mark.parametrize("field, value", [("n", 0), ("steps", 0), ("steps", 1.5), ("seed", 0.5)])
def test_what_is_wrong_is_said_beside_it(page, field, value):
    tab = page("digits-diffusion/generate")
    tab.fill(field, value)
    tab.run()
    error = tab.one(f"[data-field={field}] .error")
    assert error.is_displayed() and f"Expected “{'How many' if field == 'n' else field.capitalize()}”" in error.text
    control = tab.one(f"[data-field={field}] [aria-invalid=true]")
    assert error.get_attribute("id") in control.get_attribute("aria-describedby")
    assert tab.js("return document.activeElement === arguments[0]", control)


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("width", [360, 1280])
def test_every_task_fits_and_can_be_read(page, width, dark):
    tab = page("digits-diffusion/generate", width=width, height=780, dark=dark)
    if width == 360:
        tab.run()
    found = tab.js("return fetch('api/models').then((answer) => answer.json())")["models"]
    for model in found:
        for endpoint in filter(lambda one: one["by_hand"], model["endpoints"]):
            tab.open(f"{model['name']}/{endpoint['name']}")
            tab.until(lambda: tab.js("return document.title").startswith(endpoint["name"].capitalize()))
            tab.js("document.querySelector('details')?.setAttribute('open', '')")
            if tab.all(".picture .chip"):
                tab.sample()
            assert tab.js("return document.documentElement.scrollWidth") <= width, (model["name"], endpoint["name"])
            assert tab.js(CONTRAST) == []
            unnamed = """return [...document.querySelectorAll('input, select, textarea, button, canvas')].filter((node) =>
              node.checkVisibility() && !node.labels?.length && !node.textContent.trim() && !node.ariaLabel
              && !node.getAttribute('aria-labelledby')).map((node) => node.outerHTML)"""
            assert tab.js(unnamed) == []


def test_behind_keys(service, loop, page, tmp_path):
    import socket

    import uvicorn

    from keras_imgen.server import keys
    from keras_imgen.server.app import application

    key = keys.new_key(str(tmp_path / "keys"), "ada")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    app = application(service, keys.Keys(str(tmp_path / "keys")))
    served = uvicorn.Server(uvicorn.Config(app, "127.0.0.1", port, log_config=None, lifespan="off"))
    served.capture_signals = lambda: __import__("contextlib").nullcontext()
    running = loop.begin(served.serve())
    try:
        while not served.started:
            time.sleep(0.05)
        tab = page(url=f"http://127.0.0.1:{port}")
        assert "asks for a key" in tab.text("#unlock") and not tab.one("#form").is_displayed()
        tab.one("#key").send_keys("wrong", Keys.ENTER)
        tab.until(lambda: "API key that is known" in tab.text("#key-error"))
        tab.one("#key").send_keys(key, Keys.ENTER)
        tab.until(lambda: tab.one("#form").is_displayed())
        assert tab.run().startswith("Done in") and len(tab.all("#output .tile")) == 4
        assert tab.js("return [sessionStorage.length, localStorage.length, document.cookie]") == [1, 0, ""]
        assert key not in tab.js("return document.documentElement.outerHTML + location.href")
    finally:
        served.should_exit = True
        running.result(60)
