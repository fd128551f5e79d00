"""The metrics of every epoch as lines of JSON."""

import json
import os
import time

import keras

from keras_imgen.data.files import whole, write_text


class MetricLog(keras.callbacks.Callback):
    """Appends {"epoch": 1, "seconds": 2.5, "loss": ...} to the file `path` after every epoch; epochs count from 1.

    A run that starts again at an epoch first drops the lines of that epoch and later ones: the file is that of one run.
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
    """The curves of a metric log as a PNG."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7.5, 3.5), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    for name in dict.fromkeys(k for line in log for k in line if k not in ("epoch", "seconds")):
        points = [(line["epoch"], line[name]) for line in log if name in line]
        axes.plot(*zip(*points, strict=True), marker="." if len(points) < 20 else None, label=name)
    if log:
        axes.legend(loc="center left", bbox_to_anchor=(1, 0.5))
        if all(v > 0 for line in log for v in line.values()):  # Wasserstein losses are not
            axes.set_yscale("log")
    axes.set_xlabel("epoch")
    axes.grid(alpha=0.3)
    with whole(path) as beside:
        figure.savefig(beside, dpi=110, format="png")
