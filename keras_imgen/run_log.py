"""The log of a run: a line of JSON for every epoch, and its curves."""

import json
import os
from typing import Any

from keras_imgen.data.files import whole


def read_log(path: str) -> list[dict[str, Any]]:
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


def plot_log(log: list[dict[str, Any]], path: str) -> None:
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
