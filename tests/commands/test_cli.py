import json
import os
import subprocess
import sys
import time
import zipfile

import numpy as np
import pytest
from typer.testing import CliRunner

from keras_imgen.cli import app
from keras_imgen.commands.common import parse_labels, parse_options
from keras_imgen.recipes import RECIPES


def command(*args, code=0):
    """Run in this process; returns stdout, or the error line."""
    result = CliRunner().invoke(app, [str(a) for a in args])
    assert result.exit_code == code, (result.output, result.exception)
    if code == 1:
        assert result.stderr.startswith("Error: ") and result.stderr.count("\n") == 1, result.stderr
        return result.stderr
    return result.stdout


@pytest.fixture(scope="module")
def run_folder(tmp_path_factory):
    """A run of two tiny epochs."""
    out = tmp_path_factory.mktemp("runs") / "digits"
    small = ("--data", "digits", "--size", 16, "--set", "widths=8,16")
    command("train", "diffusion", *small, "--out", out, "--epochs", 2, "--batch", 16, "--steps-per-epoch", 2)
    return out


# === Light ===


@pytest.mark.parametrize(
    "args", [["--help"], ["train", "--help"], ["evaluate", "--help"], ["recipes"], ["datasets"], ["metrics"]]
)
def test_help_is_fast_and_leaves_tensorflow_alone(args):
    code = (
        "import sys; from keras_imgen.cli import app; app(sys.argv[1:], standalone_mode=False);"
        "assert not {'tensorflow', 'keras', 'jax'} & set(sys.modules)"
    )
    start = time.perf_counter()
    done = subprocess.run([sys.executable, "-c", code, *args], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert time.perf_counter() - start < 5  # a fraction of a second, on a machine that does nothing else


def test_lists():
    assert all(name in command("recipes") for name in RECIPES)
    assert "fashion_mnist" in command("datasets")
    assert "precision_recall" in command("metrics") and "psnr" in command("metrics")


def test_options_are_parsed():
    given = ["size=120,320", "guidance_interval=0.1,3", "sampler=ddim", "steps=3", "eta=0.5", "name=a,1"]
    wanted = {
        "size": (120, 320),
        "guidance_interval": (0.1, 3),
        "sampler": "ddim",
        "steps": 3,
        "eta": 0.5,
        "name": "a,1",
    }
    assert parse_options(given) == wanted and all(type(v) is int for v in parse_options(given)["size"])


@pytest.mark.tensorflow
def test_new_pictures_of_another_size(tmp_path):
    """Of a model that learned from one picture; as a file and exported."""
    from PIL import Image

    from keras_imgen.models import SinDDM
    from keras_imgen.networks import sinddm

    model = SinDDM(sinddm(3, 2, width=4), (30, 40, 3), levels=2, starts=0.3, steps=2)
    model.save(tmp_path / "m.keras")
    model.export(str(tmp_path / "saved"))
    for kind in ("m.keras", "saved"):
        command("generate", tmp_path / kind, "-n", 2, "--set", "size=21,50", "--out", tmp_path / f"of_{kind}")
        assert Image.open(tmp_path / f"of_{kind}" / "image_0001.png").size == (50, 21)


def test_labels_are_parsed():
    assert parse_labels("0,1, 2") == [0, 1, 2] and parse_labels("3, a rose") == [3, "a rose"]
    assert parse_labels("none") == [] and parse_labels(None) is None


@pytest.mark.parametrize(
    "args, part",
    [
        (["train", "nonsense"], "digits-diffusion"),
        (["train", "digits-diffusion", "--epochs", "0"], "--epochs"),
        (["train", "digits-diffusion", "--resume", "--out", "missing"], "no run to resume"),
        (["train", "cifar10-diffusion", "--preset", "tpu"], "no preset 'tpu': expected cpu or gpu"),
        (["train", "flowers-gan", "--data", "digits"], "photographs of flowers"),
        (["train", "digits-diffusion", "--preset", "gpu"], "digits-diffusion has no --preset"),
        (["generate", "missing.keras"], "no model missing.keras"),
        (["generate", "missing.keras", "--steps", "0"], "--steps"),
        (["generate", "missing.keras", "-n", "-1"], "-n"),
        (["export", "missing.keras", "x"], "no model"),
        (["export", "missing.keras", "."], "exists"),
    ],
)
def test_bad_arguments_are_one_line_and_write_nothing(args, part, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert part in command(*args, code=1)
    assert os.listdir(tmp_path) == []


# === The main job ===


@pytest.mark.tensorflow
def test_train_writes_the_whole_run(run_folder):
    names = set(os.listdir(run_folder))
    wanted = {"config.json", "metrics.jsonl", "samples", "model.keras", "saved_model", "grid.png", "curves.png"}
    assert names == wanted | {"report.md"}
    assert sorted(os.listdir(run_folder / "samples")) == ["epoch_0001.png", "epoch_0002.png"]
    report = (run_folder / "report.md").read_text()
    assert "grid.png" in report and "curves.png" in report and "keras-imgen generate" in report


@pytest.mark.tensorflow
def test_generate_from_both_forms_is_equal(run_folder, tmp_path):
    from keras_imgen.data.image_io import load_image, read_metadata

    for kind in ("model.keras", "saved_model"):
        args = ("--labels", "3,7", "-n", 3, "--seed", 5, "--steps", 3, "--out", tmp_path / kind)
        command("generate", run_folder / kind, *args)
        assert sorted(os.listdir(tmp_path / kind)) == ["grid.png", *(f"image_{k:04d}.png" for k in range(3))]
    for name in os.listdir(tmp_path / "saved_model"):
        a, b = (str(tmp_path / kind / name) for kind in ("model.keras", "saved_model"))
        assert np.array_equal(load_image(a), load_image(b))
    about = read_metadata(str(tmp_path / "saved_model" / "image_0002.png"))
    assert (about["seed"], about["label"], about["model"]) == ("7", "3", "diffusion")
    command("generate", run_folder / "model.keras", "--out", tmp_path / "model.keras", code=1)  # pictures are kept


@pytest.mark.slow
def test_generate_in_bfloat16(run_folder, tmp_path):
    """All but the same pictures; a SavedModel computes as it was exported."""
    from keras_imgen.data.image_io import load_image

    how = ("-n", 4, "--steps", 2)
    for name in ("float32", "bfloat16"):
        command("generate", run_folder / "model.keras", *how, "--precision", name, "--out", tmp_path / name)
    whole, half = (load_image(str(tmp_path / name / "grid.png")).astype(int) for name in ("float32", "bfloat16"))
    assert 0 < np.abs(whole - half).mean() <= 1
    said = command("generate", "m.keras", "--precision", "half", code=1)
    assert "Expected --precision float32 or bfloat16, got half" in said
    how = ("--precision", "bfloat16", "--out", tmp_path / "no")
    assert "computes as it was exported" in command("generate", run_folder, *how, code=1)


@pytest.mark.slow
def test_a_fresh_process_generates_the_same(run_folder, tmp_path):
    from keras_imgen.data.image_io import load_image

    args = ["generate", str(run_folder / "model.keras"), "-n", "2", "--steps", "2"]
    command(*args, "--out", tmp_path / "here")
    code = "from keras_imgen.cli import main; main()"
    done = subprocess.run([sys.executable, "-c", code, *args, "--out", str(tmp_path / "there")], capture_output=True)
    assert done.returncode == 0, done.stderr[-500:]
    a, b = (load_image(str(tmp_path / folder / "grid.png")) for folder in ("here", "there"))
    assert np.array_equal(a, b)


@pytest.mark.tensorflow
def test_bad_requests_of_a_model(run_folder, tmp_path):
    out = tmp_path / "out"
    for wrong in ("10", "rose"):
        assert "0..9" in command("generate", run_folder / "saved_model", "--labels", wrong, "--out", out, code=1)
    assert "ddim" in command("generate", run_folder / "model.keras", "--sampler", "magic", "--out", out, code=1)
    whole = (run_folder / "model.keras").read_bytes()
    for share in (0.0, 0.5, 0.999):
        cut = tmp_path / "cut.keras"
        cut.write_bytes(whole[: int(share * len(whole))])
        assert "cut.keras" in command("generate", cut, "--out", out, code=1)
        command("export", cut, tmp_path / "saved", code=1)
    (tmp_path / "empty").mkdir()
    command("generate", tmp_path / "empty", "--out", out, code=1)
    assert not out.exists() and not (tmp_path / "saved").exists()


@pytest.mark.tensorflow
def test_export_and_folders_that_exist(run_folder, tmp_path):
    from keras_imgen import load_model

    file = tmp_path / "in" / "a folder" / "small.keras"
    command("export", run_folder / "model.keras", tmp_path / "saved")
    assert (tmp_path / "saved" / "saved_model.pb").is_file()
    assert "exists" in command("export", run_folder / "model.keras", tmp_path / "saved", code=1)
    command("export", run_folder / "model.keras", file)
    whole, small = (load_model(str(p)) for p in (run_folder / "model.keras", file))
    assert np.array_equal(whole.generate(labels=[1, 2], steps=2), small.generate(labels=[1, 2], steps=2))
    with zipfile.ZipFile(file) as archive:
        assert {entry.compress_type for entry in archive.infolist()} == {zipfile.ZIP_DEFLATED}
    assert file.stat().st_size < 0.4 * (run_folder / "model.keras").stat().st_size
    assert "not empty" in command("train", "digits-diffusion", "--out", run_folder, code=1)
    assert "finished" in command("train", "digits-diffusion", "--out", run_folder, "--resume", code=1)


@pytest.mark.slow
def test_ctrl_c_and_resume_is_the_uninterrupted_run(run_folder, tmp_path, monkeypatch):
    import keras

    from keras_imgen import load_model
    from keras_imgen.callbacks import MetricLog

    out = tmp_path / "run"
    begin = MetricLog.on_epoch_begin

    def interrupt(self, epoch, logs=None):
        begin(self, epoch, logs)
        if epoch == 1:
            raise KeyboardInterrupt

    small = ("--epochs", 2, "--batch", 16, "--steps-per-epoch", 2)
    monkeypatch.setattr(MetricLog, "on_epoch_begin", interrupt)
    result = CliRunner().invoke(app, [str(a) for a in ("train", "digits-diffusion", "--out", out, *small)])
    assert result.exit_code == 130 and f"--out {out} --resume" in result.stderr
    monkeypatch.undo()
    assert "batch" in command("train", "digits-diffusion", "--out", out, "--resume", "--batch", 8, code=1)
    command("train", "digits-diffusion", "--out", out, "--resume")
    assert json.loads((out / "config.json").read_text())["batch"] == 16
    keras.backend.clear_session()
    a, b = (load_model(str(folder / "model.keras")) for folder in (run_folder, out))
    for x, y in zip([*a.variables, *a.optimizer.variables], [*b.variables, *b.optimizer.variables], strict=True):
        assert np.array_equal(np.array(x), np.array(y)), x.path


# === evaluate ===


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """Two folders of 40 digits each, the second one noisy, as another tool might have written them."""
    from PIL import Image

    from keras_imgen.data import load

    root = tmp_path_factory.mktemp("pictures")
    images = np.asarray(next(iter(load("digits", "test", 16, 40, shuffle=False)))["image"])
    noise = np.random.default_rng(0).normal(0, 30, images.shape)
    for name, part in {"clean": images, "noisy": np.clip(images + noise, 0, 255).astype("uint8")}.items():
        (root / name).mkdir()
        for k, image in enumerate(part):
            Image.fromarray(image[..., 0]).save(root / name / f"{k}.png")
    return root, images, noise


@pytest.fixture(autouse=True)
def cache(tmp_path_factory, monkeypatch):
    monkeypatch.setenv("KERAS_IMGEN_CACHE", str(tmp_path_factory.getbasetemp() / "cache"))


@pytest.mark.tensorflow
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_evaluate_a_model_its_saved_model_and_a_folder(run_folder, folders, tmp_path):
    root, _, _ = folders
    models = [run_folder / "model.keras", run_folder / "saved_model", root / "clean"]
    for i, model in enumerate(models):
        out = tmp_path / str(i)
        given = ["--data", "digits", "-n", 40, "--steps", 2, "--metrics", "kernel,memorisation", "--out", out]
        told = command("evaluate", model, *given)
        assert "Kernel classifier" in told and "real images get" in told
        report, results = (out / "report.md").read_text(), json.loads((out / "results.json").read_text())
        assert results["protocol"]["samples"] == 40 and results["protocol"]["held-out images"] == 297
        assert (
            "Kernel classifier distance [digits-lenet@" in report
            and "40 samples are few" in report
            and (out / "nearest.png").exists()
        )
        assert ("curves.png" in report) == (i < 2)
    first, second = (json.loads((tmp_path / str(i) / "results.json").read_text())["results"] for i in (0, 1))
    assert first == second  # the SavedModel makes the same images


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_compare_folders(folders, tmp_path):
    root, _, _ = folders
    given = ["--data", "digits", "--metrics", "frechet,kernel", "--out", tmp_path / "both"]
    command("evaluate", "--compare", root / "clean", root / "noisy", *given)
    results = json.loads((tmp_path / "both" / "results.json").read_text())
    clean, noisy = ([r["value"] for r in results[str(root / name)]["results"]] for name in ("clean", "noisy"))
    assert all(c < n for c, n in zip(clean, noisy))
    assert "samples_1.png" in (tmp_path / "both" / "report.md").read_text()


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_gray_against_colour_is_said_aloud(folders, tmp_path):
    root, _, _ = folders
    given = [
        "--data",
        "shapes",
        "--limit",
        50,
        "--metrics",
        "kernel",
        "--extractor",
        "digits-lenet",
        "--out",
        tmp_path / "out",
    ]
    command("evaluate", root / "clean", *given)
    report = (tmp_path / "out" / "report.md").read_text()
    assert "3 channels to 1" in report.split("Warnings:")[1]


def test_paired_metrics_of_two_folders(folders, tmp_path):
    from skimage.metrics import peak_signal_noise_ratio

    root, images, noise = folders
    given = ["--data", root / "clean", "--metrics", "psnr,mae", "--out", tmp_path / "pairs"]
    command("evaluate", root / "noisy", *given)
    results = json.loads((tmp_path / "pairs" / "results.json").read_text())["results"]
    noisy = np.clip(images + noise, 0, 255).astype("uint8")
    expected = np.mean([peak_signal_noise_ratio(a, b, data_range=255) for a, b in zip(images, noisy)])
    assert abs(results[0]["value"] - expected) < 1e-3
    assert abs(results[1]["value"] - np.abs(images.astype(float) - noisy).mean()) < 1e-3


@pytest.mark.parametrize(
    "args, part",
    [
        (["{root}/none", "--data", "digits"], "no model"),
        (["{root}/clean", "{root}/noisy", "--data", "digits"], "--compare"),
        (["{root}/clean", "--data", "digits", "--metrics", "fid"], "Inception"),
        (["{root}/clean", "--data", "digits", "--metrics", "beauty"], "There is no metric 'beauty'"),
        (["{root}/clean", "--data", "digits", "--metrics", "psnr,kernel"], "alone"),
        (["{root}/clean", "--data", "digits", "--metrics", "psnr"], "two folders"),
        (["{root}/clean", "--data", "nonsense", "--extractor", "digits-lenet"], "nonsense"),
        (["{root}/clean", "--data", "digits", "--extractor", "vgg"], "extractor"),
        (["{root}/clean", "--data", "digits", "--metrics", "classifier_accuracy"], "labels"),
    ],
)
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_evaluate_says_what_is_wrong(args, part, folders, tmp_path):
    given = [a.format(root=folders[0]) for a in args]
    assert part in command("evaluate", *given, "--out", tmp_path / "out", code=1)
    assert not (tmp_path / "out").exists()


# === GANs ===


@pytest.fixture(scope="module")
def gan_folder(tmp_path_factory):
    out = tmp_path_factory.mktemp("runs") / "gan"
    command("train", "digits-dcgan", "--out", out, "--epochs", 1, "--batch", 16, "--steps-per-epoch", 2)
    return out


@pytest.mark.slow
@pytest.mark.tensorflow
def test_gan_from_both_forms_and_its_film(gan_folder, tmp_path):
    from PIL import Image

    from keras_imgen.data.image_io import load_image

    for kind in ("model.keras", "saved_model"):
        command("generate", gan_folder / kind, "-n", 3, "--seed", 5, "--truncation", 0.7, "--out", tmp_path / kind)
    a, b = (load_image(str(tmp_path / kind / "grid.png")) for kind in ("model.keras", "saved_model"))
    assert np.array_equal(a, b)
    assert "--steps" in command("generate", gan_folder / "model.keras", "--steps", 3, "--out", tmp_path / "o", code=1)
    command("walk", gan_folder / "model.keras", tmp_path / "w.gif", "--seeds", "1,2", "--frames", 3, "--scale", 2)
    with Image.open(tmp_path / "w.gif") as film:
        assert film.n_frames == 6 and film.size == (32, 32)
    assert "exists" in command("walk", gan_folder / "model.keras", tmp_path / "w.gif", code=1)
    assert ".gif or .mp4" in command("walk", gan_folder / "model.keras", tmp_path / "w.avi", code=1)
    assert "latent" in command("walk", gan_folder / "saved_model", tmp_path / "x.gif", code=1)


@pytest.mark.tensorflow
def test_translate_a_folder(folders, tmp_path):
    from PIL import Image

    from keras_imgen.models import Pix2Pix
    from keras_imgen.networks import patchgan, translation_unet

    model = Pix2Pix(translation_unet((16, 16, 1), 3, width=4, depth=2), patchgan((16, 16, 3), 1, 4, 1))
    model.save(tmp_path / "m.keras")
    command("translate", tmp_path / "m.keras", folders[0] / "clean", "--out", tmp_path / "out")
    names = sorted(os.listdir(tmp_path / "out"))
    assert len(names) == 40 and Image.open(tmp_path / "out" / names[0]).size == (16, 16)
    assert "choose another" in command(
        "translate", tmp_path / "m.keras", folders[0] / "clean", "--out", tmp_path / "out", code=1
    )
    assert "no folder" in command("translate", tmp_path / "m.keras", tmp_path / "none", code=1)
    assert "translate" in command("generate", tmp_path / "m.keras", "--out", tmp_path / "g", code=1)
    assert "translate" in command("evaluate", tmp_path / "m.keras", "--data", "digits", "--out", tmp_path / "e", code=1)


# === Autoencoders ===


@pytest.mark.slow
@pytest.mark.tensorflow
def test_autoencoders_from_both_forms(tmp_path):
    from PIL import Image

    from keras_imgen.data.image_io import load_image

    run = tmp_path / "run"
    command("train", "digits-vae", "--out", run, "--epochs", 1, "--batch", 16, "--steps-per-epoch", 2)
    assert {"kl.jsonl", "reconstructions.png", "grid.png", "saved_model", "report.md"} <= set(os.listdir(run))
    for kind in ("model.keras", "saved_model"):
        command("generate", run / kind, "-n", 3, "--seed", 5, "--labels", "3,7", "--out", tmp_path / "g" / kind)
        args = (run / kind, run / "samples", "--label", 3, "--out", tmp_path / "r" / kind)
        command("reconstruct", *args)
        assert "choose another" in command("reconstruct", *args, code=1)
    for folder, name in (("g", "grid.png"), ("r", "epoch_0001.png")):
        a, b = (load_image(str(tmp_path / folder / kind / name)) for kind in ("model.keras", "saved_model"))
        assert np.array_equal(a, b)
    assert Image.open(tmp_path / "r" / "model.keras" / "epoch_0001.png").size == (16, 16)
    assert "labels" in command("reconstruct", run / "model.keras", run / "samples", "--out", tmp_path / "x", code=1)
    assert "translate" in command("translate", run / "model.keras", run / "samples", "--out", tmp_path / "x", code=1)
    assert not (tmp_path / "x").exists()


@pytest.mark.slow
def test_a_run_of_two_stages_goes_on(tmp_path, monkeypatch):
    """Killed between the stages: the first is not trained again."""
    from keras_imgen.models import CodePrior

    monkeypatch.setattr(CodePrior, "compile", lambda self, *a, **k: (_ for _ in ()).throw(KeyboardInterrupt))
    run, how = tmp_path / "run", ("--epochs", 1, "--batch", 8, "--steps-per-epoch", 1)
    try:
        CliRunner().invoke(app, ["train", "fashion-vqvae", "--out", str(run), *map(str, how)])
    except FileNotFoundError:
        pass
    if not (run / "vqvae" / "report.md").exists():
        pytest.skip("needs Fashion-MNIST")
    first = (run / "vqvae" / "model.keras").read_bytes()
    monkeypatch.undo()
    command("train", "fashion-vqvae", "--out", run, "--resume")
    assert (run / "vqvae" / "model.keras").read_bytes() == first
    assert {"model.keras", "report.md", "grid.png", "reconstructions.png"} <= set(os.listdir(run))
    assert "finished" in command("train", "fashion-vqvae", "--out", run, "--resume", code=1)
