"""An evaluation as a page: report.md, results.json and its pictures."""

import json
import os

import numpy as np

from keras_imgen.data.files import whole, write_text
from keras_imgen.data.image_io import make_grid, save_image
from keras_imgen.metrics.evaluation import Evaluation

SHOWN = 64


def write_report(evaluation: Evaluation, folder: str, title: str, log: list[dict] | None = None) -> str:
    """Writes the page of one evaluation into the folder; returns the path of report.md.

    Args:
        evaluation: what `evaluate` gave.
        folder: made if it is not there.
        title: of the page.
        log: the metric log of the training run, whose curves are shown.
    """
    os.makedirs(folder, exist_ok=True)
    save_image(os.path.join(folder, "samples.png"), make_grid(evaluation.samples[:SHOWN]))
    lines = [f"# {title}", "", *_table([evaluation], ["value"]), "", "![Samples](samples.png)", ""]
    if evaluation.memorised is not None:
        save_image(os.path.join(folder, "nearest.png"), _nearest_grid(evaluation))
        _distance_plot(evaluation, os.path.join(folder, "distances.png"))
        lines += [
            "The samples nearest to a training image for their surroundings: sample above, training image below it.",
            "",
            "![Samples above their nearest training images](nearest.png)",
            "",
            "![Distances to the nearest training image](distances.png)",
            "",
        ]
    if log:
        from keras_imgen.run_log import plot_log

        plot_log(log, os.path.join(folder, "curves.png"))
        lines += ["![Curves of the training run](curves.png)", ""]
    lines += [*_protocol([evaluation]), ""]
    write_text(os.path.join(folder, "results.json"), json.dumps(evaluation.to_dict(), indent=1) + "\n")
    path = os.path.join(folder, "report.md")
    write_text(path, "\n".join(lines))
    return path


def write_comparison(evaluations: dict[str, Evaluation], folder: str, title: str) -> str:
    """Writes one page for several evaluations, side by side; returns the path of report.md.

    Args:
        evaluations: what `evaluate` gave, by the names that the page shows.
        folder: made if it is not there.
        title: of the page.
    """
    os.makedirs(folder, exist_ok=True)
    names, parts = list(evaluations), list(evaluations.values())
    pictures = []
    for i, evaluation in enumerate(parts):
        save_image(os.path.join(folder, f"samples_{i}.png"), make_grid(evaluation.samples[:36]))
        pictures.append(f"![Samples of {names[i]}](samples_{i}.png)")
    lines = [f"# {title}", "", *_table(parts, names), ""]
    lines += [f"| {' | '.join(names)} |", f"|{'---|' * len(names)}", f"| {' | '.join(pictures)} |", ""]
    lines += [*_protocol(parts, names), ""]
    text = json.dumps({name: evaluation.to_dict() for name, evaluation in evaluations.items()}, indent=1)
    write_text(os.path.join(folder, "results.json"), text + "\n")
    path = os.path.join(folder, "report.md")
    write_text(path, "\n".join(lines))
    return path


def rows(parts: list[Evaluation]) -> list[list[str]]:
    """For a table: the better direction and the metric's name, a value for each evaluation, the floor."""
    lines = []
    for i, result in enumerate(parts[0].results):
        values = [number(e.results[i].value, e.results[i].deviation) for e in parts]
        arrow = "↓" if result.better == "lower" else "↑"
        floor = "" if result.floor is None else number(result.floor)
        lines.append([f"{arrow} {result.name}", *values, floor])
    return lines


def number(value: float, deviation: float | None = None) -> str:
    """An int in full, a float in four digits; with its deviation where there is one."""
    text = f"{value:d}" if isinstance(value, int) else f"{value:.4g}"
    return f"{text} ± {deviation:.2g}" if deviation else text


def _table(parts, names):
    lines = [f"| metric | {' | '.join(names)} | real images get |", f"|---|{'---|' * (len(names) + 1)}"]
    return [*lines, *(f"| {' | '.join(row)} |" for row in rows(parts))]


def _protocol(parts, names=("",)):
    lines = ["## Protocol", "", f"| | {' | '.join(names)} |", f"|---|{'---|' * len(names)}"]
    for key in dict.fromkeys(k for e in parts for k in e.protocol):
        values = [e.protocol.get(key) for e in parts]
        if any(v is not None for v in values):
            lines.append(f"| {key} | {' | '.join('' if v is None else str(v) for v in values)} |")
    told = list(dict.fromkeys(w for e in parts for w in e.warnings))
    return [*lines, *(["", "Warnings:", ""] if told else []), *(f"- {w}" for w in told)]


def _nearest_grid(evaluation: Evaluation, n: int = 12) -> np.ndarray:
    worst = np.argsort(evaluation.memorised.ratio, kind="stable")[:n]
    pairs = np.concatenate([evaluation.samples[worst], evaluation.nearest_images[worst]])
    return make_grid(pairs, columns=len(worst))


def _distance_plot(evaluation: Evaluation, path: str) -> None:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6, 3), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    shown = {"samples": evaluation.memorised, "held-out real images": evaluation.floor_memorised}
    bins = np.linspace(0, 1, 41)
    for name, part in shown.items():
        if part is not None:
            axes.hist(part.ratio, bins=bins, histtype="step", density=True, label=name)
    axes.axvline(1 / 3, color="gray", linestyle=":", label="copies lie left of this")
    axes.set_xlabel("distance to the nearest training image / mean of the next 50")
    axes.set_ylabel("density")
    axes.legend()
    with whole(path) as beside:
        figure.savefig(beside, dpi=110, format="png")
