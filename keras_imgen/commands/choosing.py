"""What `keras-imgen restore --auto` does: models found in a folder by what they are, and chosen for a picture by what is seen of it."""

import json
import os
import zipfile
from typing import Any, NamedTuple

import numpy as np

from keras_imgen.data.files import below, one_line
from keras_imgen.inference.measures import blocking, grain, light, noise_level

TASKS = {
    "SuperResolution": "size",
    "Denoiser": "noise",
    "Enhancer": "light",
    "ZeroDCE": "light",
    "Deblurrer": "blur",
    "Inpainter": "holes",
    "Colorizer": "colours",
}
CHOSEN = ("noise", "blocks", "any", "light", "size")  # by what is seen of a picture; of the others a person knows
NOISE, GRAIN, BLOCKS = 3.0, 5.0, 1.4  # from which on something is done: see `measures`
DARK, BRIGHT, LAMPS = 50.0, 128.0, 200.0
SMALL = {4: 320, 2: 800}  # pixels of the longer side, up to which it is enlarged by so much


class Found(NamedTuple):
    """A restoring model.

    Args:
        path: of its file or folder.
        name: its own.
        task: what it is for: a value of `TASKS`, or "blocks" of JPEG, or "any" of what cameras and JPEG do.
        channels: that its network takes.
        scale: by which it enlarges.
        rough: whether it enlarges pictures as they come, noisy and out of JPEG files.
    """

    path: str
    name: str
    task: str
    channels: int
    scale: int = 1
    rough: bool = False


def look(folder: str) -> tuple[list[Found], list[str]]:
    """The restoring models in a folder and below, `.keras` files and SavedModels; of two of one name the first.

    What one is for, its class tells, and of denoisers its name: one for JPEG's blocks is called ...deblock, one for all that cameras and
    JPEG do ...restore, as their recipes are; so is one that enlarges such pictures.

    Args:
        folder: where they lie.

    Returns:
        (them, in words what else there is, each with why it is passed over).

    Raises:
        FileNotFoundError: no such folder.
    """
    if not os.path.isdir(folder):
        raise FileNotFoundError(f"There is no folder of models {folder}: name one by --models.")
    found, passed = {}, []
    for file in below(folder):
        path = os.path.join(folder, file)
        if file.endswith(".keras"):
            read = _of_file
        elif os.path.basename(file) == "saved_model.pb":
            path, read = os.path.dirname(path), _of_export
        else:
            continue
        try:
            kind, name, channels, scale = read(path)
        except Exception as error:  # what a damaged one leads to depends on where it is damaged
            passed.append(f"{path} (cannot be read: {one_line(error)})")
            continue
        if kind not in TASKS:
            passed.append(f"{path} ({kind}, restores no pictures)")
        elif name in found:
            passed.append(f"{path} (as {found[name].path})")
        else:
            words = name.replace("-", "_").lower()
            task, rough = TASKS[kind], "restore" in words
            if task == "noise":
                task = "any" if rough else "blocks" if "deblock" in words else "noise"
            found[name] = Found(path, name, task, channels, scale, rough)
    return list(found.values()), passed


def _of_file(path):
    with zipfile.ZipFile(path) as archive:
        about = json.loads(archive.read("config.json"))
    config = about["config"]
    if about["class_name"] not in TASKS:
        return about["class_name"], "", 0, 1
    return about["class_name"], config["name"], _channels(config["network"]), config.get("scale", 1)


def _of_export(path):
    from keras_imgen.serving.client import DESCRIPTION

    with open(os.path.join(path, DESCRIPTION), encoding="utf-8") as f:
        about = json.load(f)
    form = about.get("endpoints", {}).get("restore", {}).get("form", {})
    return about.get("model", "a model"), about["name"], form.get("channels", 0), form.get("scale", 1)


def _channels(network: Any) -> int:
    """Of the input of a network's configuration that is called image, or of the only one."""
    layers = [one for one in network["config"]["layers"] if one["class_name"] == "InputLayer"]
    named = [one for one in layers if one["config"]["name"] == "image"] or layers
    return named[0]["config"]["batch_shape"][-1]


def choose(picture: np.ndarray, models: list[Found], x: float | None = None) -> tuple[list[Found], str]:
    """The models that a picture goes through, in turn, and why: what is seen of it, with numbers.

    Args:
        picture: uint8 or uint16 (H, W, 1 | 3 | 4).
        models: that there are.
        x: by what it is to be enlarged; None by its size.

    Returns:
        (models, in words what was seen and what is done).
    """
    colours = 1 if _is_gray(picture) else 3
    best = lambda *tasks: _best(models, tasks, colours)  # noqa: E731
    noise, rough, blocks, seen = noise_level(picture), grain(picture), blocking(picture), light(picture)
    noisy, blocky = noise >= NOISE or rough >= GRAIN, blocks >= BLOCKS
    steps, said = [], []
    longer = max(picture.shape[:2])
    wanted = x or next((k for k, side in SMALL.items() if longer <= side), 1)
    sizes = [one for one in models if one.task == "size" and one.scale >= wanted] if wanted > 1 else []
    sizes = sorted(sizes, key=lambda one: (one.scale, one.rough != (noisy or blocky), "gan" in one.name))
    at_once = sizes[0] if sizes and sizes[0].rough else None
    if noisy or blocky:
        first = None
        if at_once:
            does = f"{at_once.name}, which enlarges, too"
        else:
            first = best("any", "noise", *["blocks"] * blocky) if noisy else best("blocks", "any")
            does = first and first.name
        steps += [first] if first else []
        what = " and ".join(["noise"] * noisy + ["blocks of JPEG"] * blocky)
        said.append(f"{what} ({_levels(noise, rough, blocks)}): {does or 'no model for it here'}")
    else:
        said.append(f"clean ({_levels(noise, rough, blocks)})")
    if seen.mean < DARK and seen.bright < BRIGHT:
        first, level = best("light"), f"dark (mean luma {seen.mean:.0f} of 255)"
        if seen.lamps >= LAMPS:
            said.append(f"{level}, but with lights of {seen.lamps:.0f}: left so")
        else:
            steps += [first] if first else []
            said.append(f"{level}: {first.name if first else 'no model for it here'}")
    else:
        said.append(f"bright enough (mean luma {seen.mean:.0f} of 255)")
    size = f"{picture.shape[1]}x{picture.shape[0]}"
    if sizes:
        steps.append(sizes[0])
        said.append(f"{size}, by {x or sizes[0].scale:g}: {sizes[0].name}")
    else:
        said.append(f"{size}, by {wanted:g}: no model for it here" if wanted > 1 else f"{size}: large enough")
    return steps, "; ".join(said)


def enlarger(models: list[Found], x: float) -> Found:
    """The model that enlarges by `x` or by the next larger factor.

    Args:
        models: that there are.
        x: the factor wanted.

    Raises:
        ValueError: there is none.
    """
    able = [one for one in models if one.task == "size" and one.scale >= x]
    if not able:
        known = sorted({one.scale for one in models if one.task == "size"})
        there = f"up to {known[-1]}" if known else "not at all"
        raise ValueError(f"--x {x:g}: the models here enlarge {there}; name another folder by --models.")
    return min(able, key=lambda one: (one.scale, one.rough, "gan" in one.name))


def _levels(noise, rough, blocks):
    return f"{noise:.1f} gray levels, grain {rough:.1f}, blocks {blocks:.2f}"


def _is_gray(picture):
    if picture.shape[-1] == 1:
        return True
    alike = (picture[..., :1] == picture[..., 1:3]).all(-1)
    return bool((alike | (picture[..., 3] == 0)).all() if picture.shape[-1] == 4 else alike.all())


def _best(models, tasks, colours):
    """The first of the tasks that there is a model for: rather one of as many channels as the picture."""
    able = [one for one in models if one.task in tasks]
    return min(able, key=lambda one: (tasks.index(one.task), one.channels != colours, one.name), default=None)
