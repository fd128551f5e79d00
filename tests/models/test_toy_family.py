"""A new family passes through every room from its own file alone: training, resuming, guidance, export, client, grids, run and command."""

import keras
import numpy as np
import pytest
from toy_family import SHAPE, ClipPainter, Kept, Words, batches
from typer.testing import CliRunner

from keras_imgen import conditions, models, serving
from keras_imgen.callbacks import BackupAndRestore, SampleGrid
from keras_imgen.cli import app
from keras_imgen.data import load
from keras_imgen.data.image_io import load_image, make_grid

TENSORFLOW = pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="SavedModels are written by TensorFlow")


def painter():
    keras.utils.set_random_seed(0)
    model = ClipPainter(seed=1, ema=0.9)
    model.compile(keras.optimizers.Adam(0.02))
    return model


def state(model):
    return [np.array(v) for v in [*model.variables, *model.optimizer.variables]]


@pytest.fixture(scope="module")
def trained():
    model = painter()
    model.fit(batches(), batch_size=8, epochs=20, verbose=0)
    return model


def test_it_learns_its_texts_and_guidance_goes_further(trained):
    texts = {"words": ["red circle", "blue square"]}
    means = {
        scale: trained.generate(2, conditions=texts, guidance_scale=scale).mean((1, 2, 3, 4))
        for scale in (0.0, 1.0, 1.5)
    }
    np.testing.assert_allclose(means[1.0], [200, 40], atol=12)
    assert means[1.5][0] > means[1.0][0] + 5 and means[1.5][1] < means[1.0][1] - 5
    assert abs(means[0.0][0] - means[0.0][1]) < 8  # noise alone tells them apart
    assert trained.evaluate(batches(), verbose=0) < 0.1
    assert np.array_equal(trained.generate(3, seed=4)[1:], trained.generate(2, seed=5))
    with pytest.raises(ValueError, match="a text or texts"):
        trained.generate(1, conditions={"words": [3]})


def test_it_resumes_to_the_bit(tmp_path):
    whole, half = painter(), painter()
    whole.fit(batches(), batch_size=8, epochs=2, verbose=0)
    for epochs in (1, 2):
        half = painter() if epochs == 2 else half
        backup = BackupAndRestore(str(tmp_path / "backup"), delete_checkpoint=False)
        half.fit(batches(), batch_size=8, epochs=epochs, verbose=0, callbacks=[backup])
    half.save(tmp_path / "m.keras")
    again = keras.saving.load_model(tmp_path / "m.keras")
    for model in (half, again):
        for a, b in zip(state(whole), state(model), strict=True):
            np.testing.assert_array_equal(a, b)


def test_grids_show_its_clips(trained, tmp_path):
    model = painter()
    model.fit(batches(8), batch_size=8, verbose=0, callbacks=[SampleGrid(str(tmp_path), n=4, guidance_scale=1.2)])
    clips = model.generate(4, conditions={"words": ["red circle", "blue square"] * 2}, guidance_scale=1.2)
    assert clips.shape == (4, *SHAPE)
    grid = load_image(str(tmp_path / "epoch_0001.png"))
    assert np.array_equal(grid, make_grid(clips))
    scale = 48 // (SHAPE[0] * SHAPE[1])
    assert grid.shape[1] == 2 * (2 + scale * SHAPE[0] * SHAPE[1]) + 2  # two columns of strips of frames


@TENSORFLOW
def test_its_export_answers_alike(trained, tmp_path):
    trained.export(str(tmp_path / "m"))
    served = serving.load(str(tmp_path / "m"))
    assert served.conditions == (Words(),) and list(served.endpoints()) == ["generate"]
    for how in ({"n": 3}, {"conditions": {"words": ["red", "blue square circle"]}, "guidance_scale": 2.0, "seed": 7}):
        np.testing.assert_array_equal(served.generate(**how), trained.generate(**how))
    with pytest.raises(ValueError, match="a text or texts"):
        served.generate(1, conditions={"words": [3]})
    with pytest.raises(TypeError, match="steps"):
        served.generate(1, steps=3)


@TENSORFLOW
def test_the_command_answers(trained, tmp_path):
    trained.export(str(tmp_path / "m"))
    words = ["generate", str(tmp_path / "m"), "-n", "3", "--condition", "words=blue square", "--seed", "5"]
    done = CliRunner().invoke(app, [*words, "--guidance-scale", "1.5", "--out", str(tmp_path / "g")])
    assert done.exit_code == 0 and "3 clips in" in done.output, done.output
    names = ["clip_0000.gif", "clip_0001.gif", "clip_0002.gif", "grid.png"]
    assert sorted(p.name for p in (tmp_path / "g").iterdir()) == names
    clips = trained.generate(3, seed=5, conditions={"words": "blue square"}, guidance_scale=1.5)
    assert np.array_equal(load_image(str(tmp_path / "g" / "grid.png")), make_grid(clips))
    done = CliRunner().invoke(app, [*words, "--steps", "3", "--out", str(tmp_path / "h")])
    assert done.exit_code == 1 and "--steps: not for this kind of model" in done.output


@TENSORFLOW
def test_a_run_ends_with_it(tmp_path):
    from keras_imgen.recipes.run import Run

    run = Run("toy", str(tmp_path / "run"), False, seed=0, data="toy")
    model, data = painter(), load(_source(), batch=8, shuffle=False)
    model.fit(data, epochs=1, verbose=0, callbacks=run.callbacks(n=4))
    line = run.finish(model, data, columns=4, rows=2)
    assert line.startswith("keras-imgen generate") and "-n 64" in line
    made = {p.name for p in (tmp_path / "run").iterdir()}
    assert {"model.keras", "saved_model", "grid.png", "report.md", "curves.png", "samples"} <= made
    assert "![Sample](grid.png)" in (tmp_path / "run" / "report.md").read_text()


def _source():
    from keras_imgen.data.sources import Source

    every = batches(16)
    return Source(16, SHAPE, lambda rows: {k: v[rows] for k, v in every.items()})


def test_diffusion_learns_clips_too(tmp_path):
    """`Diffusion` itself is of any rank."""

    image, level = keras.Input(SHAPE, name="image"), keras.Input((), name="log_snr")
    words, mask = (
        keras.Input((WORDS_SHAPE), name="words"),
        keras.Input((WORDS_SHAPE[0],), dtype="bool", name="words_mask"),
    )
    told = Kept()(words, mask)
    h = keras.layers.Concatenate()([keras.layers.Flatten()(image), keras.layers.Reshape((1,))(level), told])
    network = keras.Model(
        {"image": image, "log_snr": level, "words": words, "words_mask": mask},
        keras.layers.Reshape(SHAPE)(keras.layers.Dense(int(np.prod(SHAPE)))(h)),
    )
    model = models.Diffusion(network, image_shape=SHAPE, conditions=(Words(),), steps=3)
    model.compile()
    assert np.isfinite(model.fit(batches(8), batch_size=4, verbose=0).history["loss"]).all()
    plain, guided = (model.generate(2, conditions={"words": "red circle"}, guidance_scale=s) for s in (1.0, 4.0))
    assert plain.shape == (2, *SHAPE) and not np.array_equal(plain, guided)
    if keras.backend.backend() == "tensorflow":
        model.export(str(tmp_path / "m"))
        again = serving.load(str(tmp_path / "m")).generate(2, conditions={"words": "red circle"}, guidance_scale=4.0)
        np.testing.assert_array_equal(again, guided)


WORDS_SHAPE = conditions.inputs_of((Words(),))["words"].shape


@keras.saving.register_keras_serializable("toy_family")
class Own(ClipPainter):
    """A user's model that declares nothing, and makes pictures in a way of its own."""

    def endpoints(self):
        return {}

    def generate(self, n=16, labels=None, seed=0, *, conditions=None, gray=100):
        return np.full((n, *SHAPE), gray, "uint8")


@pytest.mark.slow
def test_a_model_that_declares_nothing_is_shown_by_its_own_generate(tmp_path):
    from keras_imgen.recipes.run import Run

    model = Own()
    model.compile()
    run = Run("own", str(tmp_path / "run"), False, seed=0, data="toy")
    data = load(_source(), batch=8, shuffle=False)
    model.fit(data, verbose=0, callbacks=run.callbacks(n=4, gray=3))
    assert run.finish(model, data, columns=4, rows=2).startswith("keras-imgen generate")
    made = {p.name for p in (tmp_path / "run").iterdir()}
    assert {"model.keras", "grid.png", "report.md"} <= made and "saved_model" not in made
    words = ["generate", str(tmp_path / "run" / "model.keras"), "-n", "2", "--out", str(tmp_path / "g")]
    done = CliRunner().invoke(app, [*words, "--set", "gray=7"])
    assert done.exit_code == 0, done.output
    assert np.array_equal(load_image(str(tmp_path / "g" / "grid.png")), make_grid(model.generate(2, gray=7)))
    for more, said in (
        (["--set", "gray=7", "--set", "gray=8"], "twice"),
        (["--steps", "3"], "--steps: not for this kind of model"),
        (["--set", "style=3"], "--set style: not for this kind of model"),
    ):
        done = CliRunner().invoke(app, [*words[:-1], str(tmp_path / "h"), *more])
        assert done.exit_code == 1 and said in done.output and not (tmp_path / "h").exists()
    with pytest.raises(ValueError, match="no endpoint that answers images"):
        images = np.zeros((1, *SHAPE[1:]), "uint8")
        model.fit(data, verbose=0, callbacks=[SampleGrid(str(tmp_path / "s"), images=images)])
    with pytest.raises(ValueError, match="declares no endpoints"):
        model.export(str(tmp_path / "m"))
