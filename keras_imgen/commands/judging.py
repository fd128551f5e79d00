"""What `keras-imgen evaluate` does: from names of models, folders and data sources to evaluations and their page."""

import os
import tempfile
from typing import Any

import numpy as np

from keras_imgen.commands.common import checked_options, in_parts, load_model
from keras_imgen.commands.pictures import by_name
from keras_imgen.conditions import in_turn, of
from keras_imgen.data import describe, image_io, load
from keras_imgen.metric_names import DEFAULT, PAIRED
from keras_imgen.metrics import extractors, paired_metrics
from keras_imgen.metrics.evaluation import Evaluation, Result, evaluate
from keras_imgen.metrics.report import rows, write_comparison, write_report
from keras_imgen.run_log import read_log


def judge(
    model: str,
    data: str,
    split: str = "train",
    held_out: str | None = None,
    metrics: list[str] | None = None,
    extractor: str | None = None,
    n: int = 10_000,
    size: int | None = None,
    limit: int | None = None,
    seed: int = 0,
    generate: dict[str, Any] | None = None,
) -> Evaluation:
    """Evaluate a model, or pictures, by real ones; with progress bars.

    Args:
        model: a .keras file, a SavedModel or a folder of pictures.
        data: a source of `data.load`.
        split: of the real images to compare with.
        held_out: the split that floors are taken with, see `evaluate`; None is "test", if there is one beside "train".
        metrics: their names; None is those of `metric_names.DEFAULT`.
        extractor: of features; None is the one for the source.
        n: how many images of a model are judged.
        size: to which the pictures of a folder are cropped and resized; None leaves them.
        limit: at most so many real images.
        seed: image k of a model has the seed `seed + k`.
        generate: options of the model's `generate`.
    """
    judge_by = extractors.get(extractor or extractors.FOR_SOURCE.get(data, "efficientnet-lite0"))
    with tempfile.TemporaryDirectory() as spool:
        if is_pictures(model):
            samples, shape, about = _pictures(model, size), None, {"samples from": f"folder {model}"}
        else:
            samples, about = _generated(model, n, seed, generate or {}, spool)
        shape = samples[0].shape[1:] if isinstance(samples, tuple) else next(iter(samples))["image"].shape[1:]
        how = {"size": tuple(int(v) for v in shape[:2]), "channels": int(shape[2]), "limit": limit}
        real = _real(data, split, **how)
        held = None
        if held_out or _has_test(data, split):
            held = _real(data, held_out or "test", **how)
        about = {**about, "data": data, "split": split, "held out": (held_out or "test") if held is not None else None}
        changed = _changed(data, split, shape)
        about["real images changed"] = changed
        found = evaluate(samples, real, judge_by, metrics or DEFAULT, held_out=held, seed=seed, progress=True, **about)
        if changed and "channels" in changed:
            found.warnings.append(f"The real images were changed to the form of the samples: {changed}.")
        found.samples = np.array(found.samples)
    return found


def is_pictures(path: str) -> bool:
    """A folder that is not a SavedModel."""
    return os.path.isdir(path) and not os.path.isfile(os.path.join(path, "saved_model.pb"))


def _pictures(folder, size):
    return _real(f"folder:{folder}", "all", size, None, None)


def _real(data, split, size, channels, limit):
    given = describe(data, split, size, channels=channels)
    columns = [k for k in ("image", "label") if k in given.keys]
    how = {"channels": channels, "columns": columns, "shuffle": False, "drop_remainder": False, "limit": limit}
    return load(data, split, size, 256, **how)


def _changed(data, split, shape) -> str | None:
    """In words, what `load` does to the real images to give them the samples' shape."""
    changes = []
    channels = describe(data, split, tuple(int(v) for v in shape[:2])).shape[2]
    if channels != shape[2]:
        changes.append(f"{channels} channels to {shape[2]}")
    try:
        own = describe(data, split).shape
    except ValueError:  # several sizes
        own = None
    if own is None or tuple(own[:2]) != tuple(shape[:2]):
        before = "several sizes" if own is None else f"{own[0]}x{own[1]}"
        changes.append(f"{before} to {shape[0]}x{shape[1]}, cropped to the aspect, Pillow bicubic")
    return "; ".join(changes) or None


def _has_test(data, split) -> bool:
    if split != "train":
        return False
    try:
        describe(data, "test")
        return True
    except (ValueError, FileNotFoundError):
        return False


def _generated(path, n, seed, generate, spool):
    """n images of the model in a file on disk that is used as an array, and their labels."""
    from rich.progress import track

    model = load_model(path)
    generate = checked_options(model, generate)
    told = in_turn(of(model), n, {})
    images = np.lib.format.open_memmap(os.path.join(spool, "samples.npy"), "w+", "uint8", (n, *model.image_shape))
    parts = in_parts(model, n, seed, told, 250, batch_size=250, **generate)
    for start, made in track(parts, f"{'Generating':<22}", -(-n // 250)):
        images[start : start + len(made)] = made
    about = {"samples from": path, "model": model.name, **generate}
    return (images, told.get("label")), about


def are_paired(metrics: list[str]) -> bool:
    """Whether these are the paired metrics.

    Raises:
        ValueError: a mixture of paired and others.
    """
    kinds = {name in PAIRED for name in metrics}
    if len(kinds) > 1:
        raise ValueError(f"The metrics {', '.join(PAIRED)} compare pairs of pictures: ask for them alone.")
    return kinds == {True}


def paired(folder: str, data: str, metrics: list[str], luma: bool = False, shave: int = 0) -> Evaluation:
    """Compare every picture of a folder with that of the same name in another; the endings may differ.

    Args:
        folder: the pictures to judge.
        data: the folder of what they should be; "folder:" may stand before it.
        metrics: names of paired ones.
        luma: compare the luma alone.
        shave: pixels that are left out on each side.

    Raises:
        ValueError: no folders of pictures; other names, sizes or channels in the one than in the other.
    """
    other = data.removeprefix("folder:")
    for path in (folder, other):
        if not is_pictures(path):
            raise ValueError(f"Paired metrics compare two folders of pictures; {path} is none.")
    ours, theirs = by_name(folder), by_name(other)
    if missing := sorted(set(ours) ^ set(theirs)):
        raise ValueError(
            f"{len(missing)} pictures are in one folder only, as {missing[0]}: pairs need the same names in {folder} and {other}."
        )
    kinds = {
        "mae": paired_metrics.MAE,
        "psnr": paired_metrics.PSNR,
        "ssim": paired_metrics.SSIM,
        "ms_ssim": paired_metrics.MSSSIM,
    }
    how = {"data_range": 255, "channels": "y" if luma else "all", "shave": shave, "quantize": True}
    objects = {name: kinds[name](**how) for name in dict.fromkeys(metrics)}
    shown = []
    for name, path in ours.items():
        image, target = image_io.load_image(path), image_io.load_image(theirs[name])
        if image.shape != target.shape:
            raise ValueError(
                f"{name} is {image.shape} in {folder} and {target.shape} in {other}: expected one size and channels."
            )
        shown.append(image_io.resize(image_io.with_channels(image, 3), (96, 96)))
        for metric in objects.values():
            metric.update_state(target[None], image[None])
    results = []
    for name, metric in objects.items():
        better = "lower" if name == "mae" else "higher"
        results.append(Result(name, PAIRED[name].split(",")[0], float(metric.result()), None, None, better))
    protocol = {
        "samples from": folder,
        "data": other,
        "pairs": len(ours),
        "protocol": next(iter(objects.values())).protocol,
    }
    return Evaluation(results, protocol, [], np.stack(shown))


def show(found: list[Evaluation], names: list[str]) -> None:
    """The table, in the terminal.

    Args:
        found: the evaluations.
        names: of what was evaluated.
    """
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    table = Table(box=None, padding=(0, 2, 0, 0))
    for head in ("metric", *(names if len(found) > 1 else ["value"]), "real images get"):
        table.add_column(head)
    for row in rows(found):
        table.add_row(*map(escape, row))
    Console().print(table)
    for text in dict.fromkeys(w for e in found for w in e.warnings):
        Console(stderr=True).print(f"Warning: {escape(text)}", style="yellow")


def write(found: list[Evaluation], names: list[str], out: str) -> str:
    """The page; with the curves of the run that the model lies in.

    Args:
        found: the evaluations; several are compared.
        names: of what was evaluated.
        out: the folder of the page.

    Returns:
        The path of the page.
    """
    if len(found) > 1:
        return write_comparison(dict(zip(names, found)), out, "Comparison")
    log = read_log(os.path.join(os.path.dirname(names[0]), "metrics.jsonl"))
    return write_report(found[0], out, f"Evaluation of {found[0].protocol.get('model', names[0])}", log)
