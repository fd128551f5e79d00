"""The metrics of every epoch as lines of JSON."""

import json
import os
import time

import keras

from keras_imgen.data.files import whole, write_text


class MetricLog(keras.callbacks.Callback):
    """Appends {"epoch": 1, "seconds": 2.5, "loss": ...} to the file `path` after every epoch; epochs count from 1.

    A run that starts again at an epoch first drops the lines of that epoch and later ones: the file is that of one run. An epoch that was
    cut off by a loss that is not finite has no line.
    """

    def __init__(self, path: str):
        super().__init__()
        self.path, self._started = path, None

    def on_train_begin(self, logs=None):
        self._started = None

    def on_epoch_begin(self, epoch, logs=None):
        if self._started is None:  # not in on_train_begin: the epoch to resume from is only known here
            lines = [line for line in read_log(self.path) if line["epoch"] <= epoch]
            os.makedirs(os.path.dirname(os.path.abspath(self.path)), exist_ok=True)
            write_text(self.path, "".join(json.dumps(line) + "\n" for line in lines))
        self._started = time.perf_counter()

    def on_epoch_end(self, epoch, logs=None):
        if getattr(self.model, "not_finite", None):
            return
        line = {"epoch": epoch + 1, "seconds": round(time.perf_counter() - self._started, 3)}
        line.update({k: float(v) for k, v in (logs or {}).items()})
        with open(self.path, "a") as f:
            f.write(json.dumps(line) + "\n")


def read_log(path: str) -> list[dict]:
    """The lines of a metric log, [] where there is none; a line torn by a kill is left out."""
    lines = []
    if os.path.isfile(path):
        with open(path) as f:
            for line in f:
                try:
                    lines.append(json.loads(line))
                except json.JSONDecodeError:
                    continue
    return lines


def plot_log(log: list[dict], path: str) -> None:
    """The curves of a metric log as a PNG: each metric by itself, with that of validation data (`val_...`) where there is one."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator

    names = dict.fromkeys(k for line in log for k in line if k not in ("epoch", "seconds"))
    shown = list(dict.fromkeys(name.removeprefix("val_") for name in names))
    columns = min(4, max(1, len(shown)))
    rows = max(1, -(-len(shown) // columns))
    figure = Figure(figsize=(2.6 * columns, 2.0 * rows), layout="constrained")
    FigureCanvasAgg(figure)
    for k, name in enumerate(shown):
        axes = figure.add_subplot(rows, columns, k + 1)
        for which in (name, f"val_{name}"):
            points = [(line["epoch"], line[which]) for line in log if which in line]
            if points:
                axes.plot(*zip(*points), marker="." if len(points) < 20 else None, label=which)
        if f"val_{name}" in names:
            axes.legend(fontsize="small")
        axes.set_title(name, fontsize="medium")
        axes.xaxis.set_major_locator(MaxNLocator(4, integer=True))
        axes.grid(alpha=0.3)
    figure.supxlabel("epoch", fontsize="medium")
    with whole(path) as beside:
        figure.savefig(beside, dpi=110, format="png")
