"""The folder of a run: what a recipe writes before, during and after `fit`."""

import json
import os
import shlex
import shutil
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_imgen.callbacks import BackupAndRestore, CollapseMonitor, MetricLog, SampleGrid, StopOnNaN
from keras_imgen.conditions import pictures_of
from keras_imgen.cores import cores, cpu
from keras_imgen.data import set_epoch
from keras_imgen.data.captioned_grid import told_film, told_grid
from keras_imgen.data.files import whole, write_text
from keras_imgen.data.image_io import save_image
from keras_imgen.data.video_io import save_video
from keras_imgen.inference.endpoints import Endpoint, Seeds, answering
from keras_imgen.libraries import has
from keras_imgen.models import ImageModel
from keras_imgen.recipes import RECIPES, check_folder
from keras_imgen.recipes.settings import words
from keras_imgen.run_folder import finished, lock, remove, remove_leftovers, unlock
from keras_imgen.run_log import plot_log, read_log
from keras_imgen.text import text_of
from keras_imgen.training import backend
from keras_imgen.training.precision import compute_in

COMMANDS = "generate", "translate", "reconstruct", "restore", "segment", "stylize"  # of the endpoints' names
SEED = 1000  # of the pictures in a report


class Run:
    """A run folder. Making the object only checks; the first file is written when training begins.

    Contents: config.json, metrics.jsonl, samples/epoch_0001.png ..., backup/ until the run is finished,
    then model.keras, saved_model/, grid.png (of clips grid.gif, too), curves.png, report.md; of a classifier no samples and no SavedModel,
    without TensorFlow no SavedModel.

    Args:
        recipe: its name.
        out: the folder.
        resume: go on with the run in it.
        **settings: what the recipe was called with; a resumed run must have the same.

    Raises:
        FileExistsError: the folder is not empty, its run is finished, or another process works in it.
        FileNotFoundError: nothing to resume.
        ValueError: resumed with other settings.
    """

    def __init__(self, recipe: str, out: str, resume: bool, **settings: Any):
        self.out, self.resume, self.config = out, resume, {"recipe": recipe, **settings}
        self._lock = lock(out) if resume and os.path.isdir(out) else None
        before = check_folder(recipe, out, resume)
        for key, value in self.config.items():
            if key in ("pictures", "classes", "captions") and before.get(key, value) != value:
                raise ValueError(
                    f"The pictures of {self.config['data']} have changed since the run in {out} began ({key}: {before[key]}, now {value}): "
                    "put back those that it had, or start a new run."
                )
            if before.get(key, value) != value:
                raise ValueError(f"The run in {out} has {key} = {before[key]!r}, not {value!r}: resume it with that.")
        keras.utils.set_random_seed(settings["seed"])

    def stage(self, name: str) -> "Run | None":
        """The run of an earlier stage, in a folder of that name inside this one's, which goes on by itself; None if it is finished.

        The next stage starts from the same random state, whether this one was trained just now or not.

        Raises:
            RuntimeError: it ended with a loss that is not finite.
        """
        self._begin()
        folder = self.path(name)
        begun = os.path.isfile(os.path.join(folder, "config.json"))
        if begun and finished(folder):
            unlock(None, folder)  # of a process that was killed at its very end
            with open(os.path.join(folder, "config.json")) as f:
                stopped = json.load(f).get("stopped")
            if stopped:
                raise RuntimeError(
                    f"The stage {name} of the run in {self.out} was stopped: {stopped} Start a new run, with other settings."
                )
            self._next_stage()
            return None
        recipe, settings = self.config["recipe"], {k: v for k, v in self.config.items() if k != "recipe"}
        return Run(recipe, folder, begun, **settings)

    def _next_stage(self):
        """What the next stage begins with, whether this one was trained just now or not."""
        keras.utils.set_random_seed(self.config["seed"])
        set_epoch(0)

    def path(self, *names: str) -> str:
        """A place in the folder."""
        return os.path.join(self.out, *names)

    def callbacks(self, adversarial: bool = False, **samples: Any) -> list[keras.callbacks.Callback]:
        """For `fit`. The backup is last: an epoch that has one has all the rest.

        Args:
            adversarial: watch for a generator that collapses.
            **samples: passed on to `SampleGrid`; without any there is none.
        """
        return [
            keras.callbacks.LambdaCallback(on_train_begin=lambda logs: self._begin()),
            keras.callbacks.LambdaCallback(on_epoch_begin=lambda epoch, logs: set_epoch(epoch)),
            StopOnNaN(),
            MetricLog(self.path("metrics.jsonl")),
            *([CollapseMonitor()] if adversarial else []),
            *([SampleGrid(self.path("samples"), **samples)] if samples else []),
            BackupAndRestore(self.path("backup"), delete_checkpoint=False),
        ]

    def _begin(self):
        """Take the folder. A new run that finds it full by now came second."""
        if self._lock is None:
            self._lock = lock(self.out)
            check_folder(self.config["recipe"], self.out, self.resume)
        remove_leftovers(self.out)
        write_text(self.path("config.json"), json.dumps(self.config, indent=1) + "\n")

    def finish(
        self,
        model: Any,
        test: Any,
        *,
        batch: dict | None = None,
        columns: int = 10,
        rows: int = 8,
        use: str | None = None,
        judge: Callable[[], dict[str, float]] = dict,
    ) -> str:
        """Evaluate on `test`, write the model in float32, the SavedModel, its pictures and the report.

        May be cut off anywhere and done again: the backup goes last.

        Args:
            model: any that has learned; a plain Keras model is written without its optimizer, and has no pictures.
            test: batches that `model.evaluate` takes.
            batch: pictures to show beside the answers of a model that answers pictures, as `fit` takes them; None takes some of `test`.
                Of clips it has to be given.
            columns: of the grid of new pictures. Of given ones and their answers there are half as many.
            rows: of the grids.
            use: the line that uses the model; None makes one of its first endpoint.
            judge: further numbers for the report, by name, of the model as it was written.

        Returns:
            The line.

        Raises:
            RuntimeError: the training was stopped by a loss that is not finite, or weights are not.
        """
        known, precision = isinstance(model, ImageModel), _precision(model)
        if known:
            compute_in(model, "float32")
        scores = self._score_and_save(model, test)
        text = self._export(model) if known and model.endpoints() else []
        if known and model.generates():
            n = columns * rows
            if pictures_of(model.conditions):  # which stand beside what is made of them
                n, columns = n // 2, columns // 2
            told = first_batch(test, n) if pictures_of(model.conditions) else None
            shown = model.show(told, n=n, seed=SEED)
            text += self._picture("grid", model, shown, told or {}, columns, seed=str(SEED))
        if known and (batch is not None or answering(model) is not None):
            batch = first_batch(test, columns // 2 * rows) if batch is None else batch
            shown = model.show(batch)
            name = f"{list(shown)[-1]}s" if model.generates() else "grid"
            text += self._picture(name, model, shown, batch, columns // 2)
        use, scores = use or self._use(model), {**scores, **judge()}
        self._report(_count(model), precision, scores, text, "Use it:", use)
        return use

    def _picture(self, name, model, shown, told, columns, **about):
        """Writes it; the lines of the report that show it."""
        grid = told_grid(shown, model.conditions, told, columns)
        save_image(self.path(f"{name}.png"), grid, {"model": model.name, **about})
        lines, film = (
            [f"![{', '.join(shown).capitalize()}]({name}.png)", ""],
            told_film(shown, model.conditions, told, columns),
        )
        if film is not None:
            save_video(self.path(f"{name}.gif"), film)
            lines += [f"[They play]({name}.gif).", ""]
        return lines

    def _use(self, model):
        if isinstance(model, ImageModel) and pictures_of(model.conditions) and text_of(model.conditions):
            words = "PICTURES", "--make", "WHAT TO DO"
            return command("edit", self.path("model.keras"), *words, "--out", self.path("more"))
        name, endpoint = next(iter(model.endpoints().items()), ("generate", Endpoint((Seeds(),))))
        if name not in COMMANDS:
            arguments = ", ".join(k for k, v in endpoint.parameters().parameters.items() if v.default is v.empty)
            return f"keras_imgen.load_model({self.path('model.keras')!r}).{name}({arguments})"
        given = ["PICTURES"] if endpoint.answers_pictures else ["-n", "64", "--seed", "1"]
        if name == "stylize":
            given += ["STYLE"] * bool(endpoint.needs())
        else:
            given += [word for k in endpoint.needs() for word in (f"--{k}", k.upper())]
        return command(name, self.path("model.keras"), *given, "--out", self.path("more"))

    def _export(self, model):
        """The lines of the report that tell of a SavedModel that could not be written."""
        shutil.rmtree(self.path("saved_model"), ignore_errors=True)
        if has("tensorflow"):
            try:
                model.export(self.path("saved_model"))
                return []
            except (RuntimeError, OSError, ImportError) as error:
                if keras.backend.backend() == "tensorflow":
                    raise
                # The process with TensorFlow failed; what was trained is here.
                return [f"There is no SavedModel: {error}", ""]
        return ["There is no SavedModel: that needs TensorFlow, which is not installed (pip install tensorflow).", ""]

    def _score_and_save(self, model, test):
        """Nothing is written of a model that has learned nothing, or whose weights are no numbers."""
        self._stopped = getattr(model, "not_finite", None)
        bad = [v.path for v in model.variables if "float" in v.dtype and not np.isfinite(ops.convert_to_numpy(v)).all()]
        if bad or (self._stopped and not read_log(self.path("metrics.jsonl"))):
            raise RuntimeError(self._stopped or f"The model has weights that are not finite: {', '.join(bad[:5])}.")
        scores = {f"test {k}": v for k, v in model.evaluate(test, verbose=0, return_dict=True).items()}
        saved = model
        if not isinstance(model, ImageModel):
            saved = keras.models.clone_model(model)
            saved.set_weights(model.get_weights())
        with whole(self.path("model.keras")) as beside_it:
            saved.save(beside_it)
        return scores

    def _made_by(self):
        recipe = self.config["recipe"]
        return ["Made by:", "", f"    {command(*words(recipe, self.config))}", ""] if recipe in RECIPES else []

    def _report(self, weights, precision, scores, pictures, invitation, line):
        """The backup goes after it: without one, and with a report, a run is finished."""
        log = read_log(self.path("metrics.jsonl"))
        plot_log(log, self.path("curves.png"))
        seconds = sum(line["seconds"] for line in log)
        numbers = {**{k: v for k, v in log[-1].items() if k not in ("epoch", "seconds")}, **scores} if log else scores
        lines = [
            f"# {self.config['recipe']}",
            "",
            f"{len(log)} epochs in {seconds / 60:.1f} minutes on {machine()}, in {precision}; {weights:,} weights; "
            f"Keras {keras.__version__} on {keras.backend.backend()}.",
            "",
            *self._made_by(),
            "| | |",
            "|---|---|",
            *(f"| {k} | {v} |" for k, v in self.config.items() if k != "recipe"),
            *(f"| {k} | {v:.4f} |" for k, v in numbers.items()),
            "",
            *([f"**{self._stopped}**", ""] if self._stopped else []),
            *pictures,
            "![Curves](curves.png)",
            "",
            invitation,
            "",
            f"    {line}",
            "",
        ]
        if self._stopped:
            write_text(self.path("config.json"), json.dumps({**self.config, "stopped": self._stopped}, indent=1) + "\n")
        write_text(self.path("report.md"), "\n".join(lines))
        remove(self.path("backup"))
        self._lock = unlock(self._lock, self.out)
        self._next_stage()
        if self._stopped:
            raise RuntimeError(f"{self._stopped} See {self.path('report.md')}.")


def _precision(model):
    players = model.players.values() if isinstance(model, ImageModel) else [model]
    kinds = {layer.dtype_policy.compute_dtype for network in players for layer in network._flatten_layers()}
    return next((kind for kind in ("bfloat16", "float16") if kind in kinds), "float32")


def machine() -> str:
    """Where this computes: the GPU, or the CPU and how many of its cores."""
    gpu = backend.accelerator()
    return gpu[0] if gpu else f"{cpu()}, {cores()} core{'s' if cores() > 1 else ''}"


def _count(model):
    players = model.players.values() if isinstance(model, ImageModel) else [model]
    return sum(network.count_params() for network in players)


def command(*words: str) -> str:
    """A line for a shell."""
    return shlex.join(["keras-imgen", *words])


def judging(path: str, source: str, size: int) -> str:
    """The line that judges models of a source's pictures by a classifier.

    Args:
        path: of the classifier.
        source: a name that `data.load` takes.
        size: of its pictures, in pixels.
    """
    return command("evaluate", "MODEL", "--data", source, "--size", str(size), "--extractor", path)


def first_batch(data: Any, n: int = 16) -> dict:
    """The first n rows, as NumPy arrays.

    Args:
        data: batches, dicts, as `data.load` gives them.
        n: how many.
    """
    found: dict = {}
    for batch in data:
        for k, v in batch.items():
            found.setdefault(k, []).append(np.asarray(v))
        if sum(map(len, next(iter(found.values())))) >= n:
            break
    return {k: np.concatenate(parts)[:n] for k, parts in found.items()}


def as_pairs(data: Any) -> Any:
    """Batches as dicts -> (image, label), which `fit` of a plain Keras model takes."""
    return data.map(lambda batch: (batch["image"], batch["label"]))


def warmup_cosine(rate: float, steps: int) -> keras.optimizers.schedules.LearningRateSchedule:
    """Up to a rate in a tenth of the steps, at most 200, then down to zero along a cosine.

    Args:
        rate: the largest.
        steps: in all.
    """
    warmup = max(1, min(200, steps // 10))
    return keras.optimizers.schedules.CosineDecay(0.0, max(1, steps - warmup), warmup_target=rate, warmup_steps=warmup)
